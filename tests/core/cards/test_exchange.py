"""Cards go to Anki and come from it as text."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.core.cards.exchange import Note, bring, read_notes, write_notes
from assistant.errors import ReadError
from memory_store import Card, CardReview, Grade, NewCard, Selection, Store
from memory_store.clock import now
from memory_store.models import USER
from tests.memory_store.support import add_document
from tests.support.rich_store import WRITTEN

MOST = 1_000_000


def pairs(notes: list[Note]) -> list[tuple[str, str]]:
    return [(note.question, note.answer) for note in notes]


def test_what_is_written_is_read_as_it_was_whatever_signs_are_in_it(store: Store) -> None:
    document = add_document(store, "/a.md", "the drum is in the cellar")
    passage_id = store.documents.passages(document.id)[0].id
    texts = [("#1?", 'He said "no"\tand\nleft'), ("What is <b>?", "a; b, c"), ("=2+2", "'4")]
    cards = store.cards.add([NewCard(passage_id, question, answer, "drum", USER) for question, answer in texts])
    written = "".join(write_notes(cards, ["a › line 1"] * 3))
    first = f'"{cards[0].id}"\t"#1?"\t"He said ""no""\tand\nleft"\t"a › line 1"\t"keepsake"\n'
    assert written.startswith(f"#separator:tab\n#html:false\n#guid column:1\n#tags column:5\n{first}")
    notes, empty = read_notes(written)
    assert empty == 0
    assert [note.known_as for note in notes] == [card.id for card in cards]
    assert pairs(notes) == [("#1?", 'He said "no"\tand\nleft'), texts[1], texts[2]]


def test_a_file_of_ankis_is_read_with_its_columns_and_its_html() -> None:
    text = (
        "#separator:tab\n#html:true\n#guid column:1\n#deck column:2\n#tags column:5\n"
        'x1\tPhysics\tWhat is <i>c</i>?<br>In &quot;vacuum&quot;\t"299 792 km/s[sound:a.mp3]"\tlight\n'
        "x2\tPhysics\tNo answer\t\tlight\n"
    )
    notes, empty = read_notes(text)
    assert notes == [Note('What is c?\nIn "vacuum"', "299 792 km/s", 6, "x1")]
    assert empty == 1


def test_a_text_with_gaps_is_a_card_a_gap() -> None:
    notes, _ = read_notes("{{c1::Porto}} lies on the {{c2::Douro::river}}\tExtra\n")
    assert pairs(notes) == [("[…] lies on the Douro", "Porto"), ("Porto lies on the [river]", "Douro")]


@pytest.mark.parametrize(
    "text", ["Who?;Ines\nWhere?;At 12\n", "Who?,Ines\nWhere?,At 12\n", "Who?\tInes\nWhere?\tAt 12"]
)
def test_a_table_without_a_head_is_read_by_the_sign_that_parts_it(text: str) -> None:
    assert pairs(read_notes(text)[0]) == [("Who?", "Ines"), ("Where?", "At 12")]


def test_the_headings_of_a_table_are_no_card() -> None:
    assert pairs(read_notes("Question,Answer\nWho?,Ines\n")[0]) == [("Who?", "Ines")]
    assert pairs(read_notes("Who?,Ines\nQuestion,Answer\n")[0]) == [("Who?", "Ines"), ("Question", "Answer")]


WORDS = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1).filter(str.strip)


@given(st.lists(st.tuples(WORDS, WORDS), min_size=1, max_size=6))
def test_whatever_a_card_says_comes_back(texts: list[tuple[str, str]]) -> None:
    def fold(text: str) -> str:
        return "\n".join(line.strip() for line in text.splitlines() if line.strip())

    cards = [
        Card(f"crd_{number}", "pas_a", question, answer, "quote", USER, WRITTEN, WRITTEN, private=False)
        for number, (question, answer) in enumerate(texts)
    ]
    notes, empty = read_notes("".join(write_notes(cards, ["source"] * len(cards))))
    assert empty == 0
    assert [(note.question, note.answer) for note in notes] == [(fold(a), fold(b)) for a, b in texts]


def test_a_file_becomes_a_document_with_a_card_on_each_line_and_is_known_the_second_time(
    store: Store, tmp_path: Path
) -> None:
    file = tmp_path / "deck.txt"
    file.write_text("Who has the key?\tInes\nWhere is it?\tAt 12\n", "utf-8")
    brought = bring(store, file, MOST)
    assert [card.question for card in brought.cards] == ["Who has the key?", "Where is it?"]
    assert store.passage(brought.cards[1].passage_id).locator.label() == "line 2"
    store.cards.review(CardReview(brought.cards[0].id, now(), Grade.GOOD), now())
    assert (bring(store, file, MOST).cards, bring(store, file, MOST).known) == ([], 2)
    file.write_text("Who has the key?\tInes\nWhere is it?\tIn the shed\n", "utf-8")
    newer = bring(store, file, MOST)
    assert ([card.answer for card in newer.cards], newer.known) == (["In the shed"], 1)
    assert len(store.cards.reviews(brought.cards[0].id)) == 1
    [document] = store.documents.all()
    store.forget(Selection((document.id,)))
    assert store.cards.all() == []
    with pytest.raises(ReadError, match="was forgotten"):
        bring(store, file, MOST)


def test_what_was_written_here_is_known_again(store: Store, tmp_path: Path) -> None:
    document = add_document(store, "/a.md", "the drum is in the cellar")
    card = NewCard(store.documents.passages(document.id)[0].id, "Where is the drum?", "In the cellar", "drum", USER)
    cards = store.cards.add([card])
    file = tmp_path / "cards.txt"
    file.write_text("".join(write_notes(cards, ["a"])), "utf-8")
    assert bring(store, file, MOST).known == 1
    assert len(store.documents.all()) == 1


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"PK\x03\x04\xff\xfe", "not text in UTF-8"),
        (b"#separator:tab\n", "no note in"),
        (b"#separator:wool\nWho?\tInes\n", "wool is no separator"),
        (b"Who?\tInes\n" * 200_000, "larger than"),
    ],
)
def test_what_is_no_file_of_notes_is_refused_by_its_reason(
    store: Store, tmp_path: Path, data: bytes, reason: str
) -> None:
    file = tmp_path / "deck"
    file.write_bytes(data)
    with pytest.raises(ReadError, match=reason):
        bring(store, file, MOST)
    assert store.documents.all() == []
