"""An answer is taken apart into sentences with what each cites; words lead to the sentence that is meant."""

from __future__ import annotations

from assistant.core.explaining import Sentence, sentence_meant, sentences_of

ANSWER = """\
**The spare key** is with Ines at no. 12 [1]. She waters the plants.

1. Open the valve [2, 3]
2. Close it at 1.5 bar. [2]

备用钥匙在伊内斯那里 [1]。她住在十二号。
"""


def test_sentences_have_the_numbers_that_they_cite() -> None:
    found = sentences_of(ANSWER)
    assert [sorted(one.numbers) for one in found] == [[1], [], [2, 3], [2], [1], []]
    assert found[1].text == "She waters the plants."
    assert found[3].text.startswith("Close it at 1.5 bar")


def test_numbers_beyond_the_sources_are_no_citations() -> None:
    assert sentences_of("It is blue [7].") == [Sentence("It is blue [7].", frozenset({7}))]


def test_words_lead_to_the_sentence_that_is_meant() -> None:
    found = sentences_of(ANSWER)
    assert sentence_meant(found, "plants") == found[1]
    assert sentence_meant(found, "why close it?") == found[3]
    assert sentence_meant(found, "她住哪里") == found[5]
    assert sentence_meant(found, "zebra") is None
    assert sentence_meant([], "plants") is None
