"""A Chinese name in Latin letters is found by its signs, and no other word is taken for one."""

from __future__ import annotations

import pytest

from memory_store import Store
from memory_store.retrieval.romanised import signs_of
from tests.memory_store.support import add_document

TRIP = "十月三日:从上海虹桥机场飞昆明,东航 MU5804。"
KEY = "小兰把备用钥匙放在钢琴旁边。"
HARBIN = "冬天我们去哈尔滨看冰灯。"


@pytest.fixture
def filled(store: Store) -> Store:
    for at, text in enumerate(
        (TRIP, KEY, HARBIN, "The garden gate was painted green in May.", "我们很好。", "我们走。")
    ):
        add_document(store, f"/{at}.md", text)
    return store


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("Which flight goes to Kunming?", TRIP),
        ("Where does Xiaolan keep it?", KEY),
        ("When do we travel to Haerbin?", HARBIN),
    ],
)
def test_a_name_in_latin_letters_finds_its_signs(filled: Store, query: str, text: str) -> None:
    found = filled.recall(query, 3)
    assert found[0].text == text


def test_a_spelling_that_the_store_holds_itself_is_no_other_word(filled: Store) -> None:
    add_document(filled, "/latin.md", "Kunming has spring all year.")
    query, _ = filled.candidates("Which flight goes to Kunming?")
    assert "昆明" not in query.terms


@pytest.mark.parametrize(
    "query", ["flights to kunming", "Women in the choir", "Where is Morag?", "What did Leila say?"]
)
def test_other_words_stay_as_they_are(filled: Store, query: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("memory_store.retrieval.romanised._ALWAYS", 1)  # in a small store 我们 is rare
    asked, _ = filled.candidates(query)
    assert all(term.isascii() for term in asked.terms)


def test_syllables_are_those_of_pinyin() -> None:
    assert "昆" in signs_of("kun")
    assert "绿" in signs_of("lv")
    assert "绿" in signs_of("lu")
    assert signs_of("kunming") == ""
