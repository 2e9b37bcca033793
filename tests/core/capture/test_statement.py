"""The unit of capture is the user's sentence, word for word, where it stands."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from assistant.core.capture.statement import join_sentences, split_sentences


def test_sentences_end_at_marks_and_lines_and_hold_words() -> None:
    message = "Hi Dr. Haas! I live in Porto.\n\n- two dogs\n…\n我叫小安。住在成都！"
    texts = [sentence.text for sentence in split_sentences(message)]
    assert texts == ["Hi Dr. Haas!", "I live in Porto.", "- two dogs", "我叫小安。", "住在成都！"]


def test_quoted_lines_and_a_pasted_mail_are_not_the_users_own() -> None:
    message = "What now?\n> I live in Rome.\nFrom: Paul <paul@example.org>\nSubject: News\n\nI moved to Hull."
    assert [sentence.text for sentence in split_sentences(message)] == ["What now?"]


def test_a_pasted_text_has_none_and_an_endless_sentence_is_none() -> None:
    assert split_sentences("I live in Porto. " * 300) == []
    assert [found.text for found in split_sentences(f"I live in Porto. {'And on ' * 100}")] == ["I live in Porto."]


@given(st.text(max_size=300))
def test_every_sentence_stands_in_its_message_where_it_says(message: str) -> None:
    sentences = split_sentences(message)
    for first, last in itertools.pairwise(sentences):
        assert first.end <= last.begin
        assert join_sentences(message, [first, last]) in message
    assert all(message[found.begin : found.end] == found.text for found in sentences)
