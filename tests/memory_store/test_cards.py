"""Cards in the record: they rest on passages, go with them, and stay where a newer document says the same."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from memory_store import Card, CardReview, Grade, NewCard, NewMemory, Selection, Store, stands_in
from memory_store.errors import NotFoundError, StoreError
from memory_store.models import USER, Document, Role
from memory_store.salvage import salvage
from memory_store.transfer.restore import RestoreOptions
from tests.memory_store.support import add_document, bytes_of, indexed
from tests.support.embedder import HashEmbedder

MOMENT = datetime(2026, 3, 2, 9, tzinfo=UTC)
VALVE = "Open the valve under the boiler when the pressure falls."


def add_card(store: Store, document: Document, question: str, answer: str, quote: str, passage: int = 0) -> Card:
    passage_id = store.documents.passages(document.id)[passage].id
    [card] = store.cards.add([NewCard(passage_id, question, answer, quote, USER)])
    return card


def test_a_card_has_to_quote_the_passage_it_rests_on(store: Store) -> None:
    document = add_document(store, "/boiler.md", VALVE)
    assert add_card(store, document, "What falls?", "The pressure", "WHEN  the pressure\nfalls").quote
    with pytest.raises(StoreError, match="does not stand in the passage"):
        add_card(store, document, "What rises?", "The water", "when the water rises")
    with pytest.raises(NotFoundError):
        store.cards.add([NewCard("pas_gone", "What?", "That", "that", USER)])
    assert [card.question for card in store.cards.all()] == ["What falls?"]


@pytest.mark.parametrize(
    ("quote", "text", "stands"),
    [
        ("the pressure falls", "When the\n  Pressure falls", True),
        ("热泵从空气中取热", "热泵从空\n气中取热。", True),
        ('the pump\'s "off" - today', "the pump’s “off” – today", True),
        ("first floor", "\ufb01rst \xadfloor", True),
        ("the pressure falls", "the pressure rises", False),
        ("  ", "the pressure", False),
    ],
)
def test_a_quote_stands_in_a_text_however_it_is_set(quote: str, text: str, stands: bool) -> None:
    assert stands_in(quote, text) is stands


def test_what_is_due_comes_in_the_order_in_which_it_fell_due(store: Store) -> None:
    document = add_document(store, "/boiler.md", VALVE)
    early, late, never = (add_card(store, document, text, "It", VALVE) for text in ("Early?", "Late?", "Never?"))
    for card, days in ((late, 2), (early, 1), (never, 9)):
        store.cards.review(CardReview(card.id, MOMENT, Grade.GOOD), MOMENT + timedelta(days=days))
    assert [card.id for card in store.cards.find_due(MOMENT + timedelta(days=3))] == [early.id, late.id]
    assert store.cards.count_due(MOMENT + timedelta(days=1)) == 1
    assert store.cards.reviews(late.id) == [CardReview(late.id, MOMENT, Grade.GOOD)]


def test_erasing_a_source_erases_its_cards_from_the_disk(tmp_path: Path) -> None:
    with Store.open(tmp_path, HashEmbedder()) as store:
        doomed = add_document(store, "/a.md", "the xylophone is in the attic")
        stays = add_document(store, "/b.md", "the drum is in the cellar")
        card = add_card(store, doomed, "Whither the quartzite?", "Zanzibarwards", "xylophone is in the attic")
        store.cards.review(CardReview(card.id, MOMENT, Grade.EASY), MOMENT)
        add_card(store, stays, "Where is the drum?", "In the cellar", "drum is in the cellar")
        indexed(store)
        words = [b"quartzite", b"Zanzibarwards", b"xylophone", card.id.encode()]
        assert all(word in bytes_of(tmp_path) for word in words)
        erased = store.forget(Selection((doomed.id,)))
        assert erased.counts["cards"] == 1
        assert [word for word in words if word in bytes_of(tmp_path)] == []
        assert [other.question for other in store.cards.all()] == ["Where is the drum?"]
        assert store.verify() == []


def test_a_card_is_erased_by_itself_and_its_source_stays(tmp_path: Path) -> None:
    with Store.open(tmp_path, HashEmbedder()) as store:
        document = add_document(store, "/a.md", "the drum is in the cellar")
        card = add_card(store, document, "Whither the quartzite?", "Downstairs", "in the cellar")
        plan = store.plan_forget(Selection((card.id,)))
        assert (dict(plan.counts), plan.titles) == ({"cards": 1}, ("Whither the quartzite?",))
        store.forget(Selection((card.id,)))
        assert b"quartzite" not in bytes_of(tmp_path)
        assert store.cards.all() == []
        assert [hit.text for hit in store.recall("drum", 1)] == ["the drum is in the cellar"]
        assert store.is_forgotten(card.id)


def test_a_card_is_found_by_its_own_words_where_its_source_has_not(store: Store) -> None:
    document = add_document(store, "/a.md", "the drum is in the cellar")
    card = add_card(store, document, "Whither the quartzite drums?", "Downstairs", "in the cellar")
    add_card(store, document, "Where is the other one?", "In the cellar", "in the cellar")
    assert store.find_holding("quartzite drum") == []
    assert [found.id for found in store.find_cards_holding("quartzite drum")] == [card.id]
    assert len(store.find_cards_holding("cellar")) == 2


def test_a_plan_without_the_private_tells_nothing_of_private_cards(store: Store) -> None:
    document = add_document(store, "/a.md", "the drum is in the cellar", private=True)
    card = add_card(store, document, "Where is the drum?", "In the cellar", "in the cellar")
    assert card.private
    assert store.cards.all()[0].private
    plan = store.plan_forget(Selection((card.id, document.id)), include_private=False)
    assert (dict(plan.counts), plan.titles) == ({}, ())


def test_a_card_of_a_memory_goes_when_the_memory_loses_these_words(store: Store) -> None:
    document = add_document(store, "/a.md", "Ines keeps the key")
    talk = store.conversations.start("Keys")
    said = store.conversations.append(talk.id, Role.USER, "The key is at number 12", USER, parent_id=None)
    memory = store.remember(NewMemory("Ines keeps the key", sources=(document.id,)))
    store.memories.rest_on(memory.id, said.id, "The key is at number 12")
    found = next(hit for hit in store.recall("Ines keeps the key", 9) if hit.source.id == memory.id)
    store.cards.add([NewCard(found.id, "Who keeps the key?", "Ines", "Ines keeps", USER)])
    store.forget(Selection((document.id,)))
    assert store.cards.all() == []


def test_a_newer_version_of_a_document_keeps_the_cards_whose_words_it_still_has(tmp_path: Path) -> None:
    with Store.open(tmp_path, HashEmbedder()) as store:
        old = add_document(store, "/a.md", "the drum is in the cellar", "the xylophone is in the attic")
        kept = add_card(store, old, "Where is the drum?", "In the cellar", "drum is in the cellar")
        add_card(store, old, "Whither the quartzite?", "Up", "xylophone is in the attic", 1)
        store.cards.review(CardReview(kept.id, MOMENT, Grade.GOOD), MOMENT + timedelta(days=4))
        newer = add_document(store, "/a.md", "a new beginning", "today the drum is in the  cellar")
        store.complete_erasures()
        [card] = store.cards.all()
        assert (card.id, card.due_at) == (kept.id, MOMENT + timedelta(days=4))
        assert card.passage_id == store.documents.passages(newer.id)[1].id
        assert len(store.cards.reviews(card.id)) == 1
        assert b"quartzite" not in bytes_of(tmp_path)


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """An archive of a store with two cards, one of them reviewed."""
    with Store.open(tmp_path / "other", HashEmbedder()) as other:
        document = add_document(other, "/boiler.md", VALVE)
        card = add_card(other, document, "What falls?", "The pressure", "the pressure falls")
        other.cards.review(CardReview(card.id, MOMENT, Grade.HARD), MOMENT)
        add_card(other, document, "What is opened?", "The valve", "Open the valve")
        other.export(tmp_path / "other.zip", "1")
    return tmp_path / "other.zip"


def test_cards_come_along_and_a_second_time_are_known(store: Store, archive: Path) -> None:
    store.remember("This store is used already.")
    assert store.restore(archive).counts["cards"] == 2
    card = store.cards.all()[0]
    assert [review.grade for review in store.cards.reviews(card.id)] == [Grade.HARD]
    again = store.restore(archive)
    assert (again.known["cards"], again.known["card_reviews"], again.counts.get("cards", 0)) == (2, 1, 0)


def test_cards_come_to_the_stores_own_version_of_their_document(store: Store, archive: Path) -> None:
    own = add_document(store, "/boiler.md", "Mind the pressure: when the pressure falls, act.")
    summary = store.restore(archive)
    assert (summary.counts["cards"], summary.away["cards"]) == (1, 1)
    [card] = store.cards.all()
    assert (card.question, card.passage_id) == ("What falls?", store.documents.passages(own.id)[0].id)


def test_a_forgotten_card_stays_away_unless_it_is_brought_back(store: Store, archive: Path) -> None:
    store.restore(archive)
    card = store.cards.all()[0]
    store.forget(Selection((card.id,)))
    assert store.restore(archive).away["cards"] == 1
    assert len(store.cards.all()) == 1
    store.restore(archive, RestoreOptions(bring_back=True))
    assert len(store.cards.all()) == 2


def test_a_card_that_differs_stays_as_the_store_has_it_unless_the_archives_is_preferred(
    store: Store, archive: Path
) -> None:
    store.restore(archive)
    card = store.cards.all()[0]
    store.cards.review(CardReview(card.id, MOMENT + timedelta(days=1), Grade.GOOD), MOMENT + timedelta(days=5))
    assert store.restore(archive).conflicts["cards"] == 1
    assert store.cards.get(card.id).due_at == MOMENT + timedelta(days=5)
    store.restore(archive, RestoreOptions(prefer_archive=True))
    assert store.cards.get(card.id).due_at == MOMENT
    assert len(store.cards.reviews(card.id)) == 2


def test_cards_are_salvaged_with_their_reviews(tmp_path: Path) -> None:
    with Store.open(tmp_path / "memory", HashEmbedder()) as store:
        document = add_document(store, "/boiler.md", VALVE)
        card = add_card(store, document, "What falls?", "The pressure", "the pressure falls")
        store.cards.review(CardReview(card.id, MOMENT, Grade.HARD), MOMENT)
    salvaged = salvage(tmp_path / "memory", tmp_path / "saved")
    assert (salvaged.saved["cards"], salvaged.saved["card_reviews"]) == (1, 1)
    with Store.open(tmp_path / "saved", HashEmbedder()) as store:
        assert store.cards.get(card.id).answer == "The pressure"
        assert len(store.cards.reviews(card.id)) == 1
