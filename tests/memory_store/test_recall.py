"""Recall: by words and by meaning, filtered, explained, and right while anything is missing."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from memory_store import NewMemory, Store
from memory_store.clock import now
from memory_store.database.fulltext import match_expression, query_terms, to_searchable
from memory_store.errors import Action, EmbedderMismatchError, Step
from memory_store.models import (
    USER,
    Author,
    AuthorKind,
    Citation,
    MessageStatus,
    RecallFilters,
    Role,
    SourceKind,
)
from memory_store.retrieval.diversity import grouped
from tests.memory_store.support import add_document, indexed
from tests.support.embedder import HashEmbedder


def texts(store: Store, query: str, **filters: object) -> list[str]:
    return [hit.text for hit in store.recall(query, 10, RecallFilters(**filters))]  # type: ignore[arg-type]


def test_what_is_private_is_set_apart_in_one_look(store: Store) -> None:
    add_document(store, "/pie.md", "apple pie recipe of Ines")
    add_document(store, "/secret-pie.md", "apple pie recipe of Ines", private=True)
    add_document(store, "/tree.md", "an apple tree in the garden")
    store.remember(NewMemory("apple allergy", private=True))
    indexed(store)
    found, private = store.recall_apart("apple recipe", 10)
    assert {hit.text for hit in found} == {"apple pie recipe of Ines", "an apple tree in the garden"}
    assert [hit.text for hit in found] == texts(store, "apple recipe", include_private=False)
    assert not any(hit.private or hit.also_in for hit in found)  # nor is the private twin named
    assert "apple allergy" in [hit.text for hit in private]
    assert all(hit.private for hit in private)


def test_what_becomes_private_while_it_is_looked_for_is_left_out(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = store.remember("The apple pie is in the tin.")
    store.remember("The apple tree is in the garden.")
    indexed(store)

    def grouped_late(*given: Any) -> list[Any]:
        store.memories.mark(kept.id, private=True)
        return grouped(*given)

    monkeypatch.setattr("memory_store.retrieval.recall.grouped", grouped_late)
    found, _ = store.recall_apart("apple", 10)
    assert [hit.text for hit in found] == ["The apple tree is in the garden."]


def test_what_is_not_private_is_found_among_much_that_is(store: Store) -> None:
    for number in range(150):
        store.remember(NewMemory(f"apple juice, glass {number}", private=True))
    store.remember("An apple pie is made of apples, butter and flour in an old tin.")
    indexed(store)
    found, private = store.recall_apart("apple juice glass", 10)
    assert [hit.text for hit in found] == ["An apple pie is made of apples, butter and flour in an old tin."]
    assert len(private) == 10


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("who has the key?", "The spare key is with Ines."),
        ("keys", "The spare key is with Ines."),
        ("CAFE", "Meet at the Café Central."),
        ("我把书借给谁了?", "我把《枪炮》借给了小陈。"),
        ("陈", "我把《枪炮》借给了小陈。"),
        ("茶", "他每天喝茶"),
        ("東京タワー", "東京タワーの近くに住んでいる。"),
        ("서울에서", "서울에서 만나자"),
        ("ＭＵ5804", "Flight MU5804 飞往昆明 at nine."),
        ("昆明", "Flight MU5804 飞往昆明 at nine."),
    ],
)
def test_words_of_every_script_are_found_before_any_vector_exists(store: Store, query: str, expected: str) -> None:
    for text in (
        "The spare key is with Ines.",
        "Meet at the Café Central.",
        "我把《枪炮》借给了小陈。",
        "他每天喝茶",
        "東京タワーの近くに住んでいる。",
        "서울에서 만나자",
        "Flight MU5804 飞往昆明 at nine.",
    ):
        store.remember(text)
    assert texts(store, query)[0] == expected


@pytest.mark.parametrize(
    "query",
    ['"', "NEAR(", "a AND", "col:x", "*", "😀", "' OR 1=1", "the of and", "的了吗", "", "  ", "\0", "-", "x" * 10_000],
)
def test_query_of_any_shape_gives_a_sane_answer(store: Store, query: str) -> None:
    store.remember("The spare key is with Ines.")
    store.embed_pending()
    assert len(store.recall(query)) <= 1


def test_query_terms_leave_out_stop_words_unless_there_is_nothing_else() -> None:
    assert query_terms("When does the timing belt have to be replaced?") == ["timing", "belt", "replaced"]
    assert query_terms("who is it") == ["who", "is", "it"]
    assert query_terms("家长会是什么时候?") == ["家长", "长会"]
    assert match_expression(query_terms('a1"b1 陈')) == '"a1" OR "b1" OR "陈" *'


def test_searchable_form_is_only_kept_where_it_differs() -> None:
    assert to_searchable("plain English") is None
    assert (to_searchable("喝茶 now") or "").split() == ["喝茶", "茶", "now"]


def test_hit_says_where_it_is_from_and_why_it_was_found(store: Store) -> None:
    document = add_document(store, "/notes/home.md", "The spare key is with Ines.", headings=("House", "Keys"))
    add_document(store, "/notes/else.md", "Nothing of the sort.")
    indexed(store)
    hit = store.recall("spare key")[0]
    assert (hit.source.id, hit.source.kind, hit.source.path) == (document.id, SourceKind.DOCUMENT, "/notes/home.md")
    assert hit.locator.label() == "House › Keys › line 1"
    assert hit.matched == ("spare", "key", "keys")
    said = {reason.signal: reason for reason in hit.reasons}
    assert 0 < said["meaning"].value <= 1.0001
    assert said["coverage with the two before"].value == pytest.approx(1)
    assert hit.score == pytest.approx(sum(reason.contribution for reason in hit.reasons))


def test_title_and_headings_are_searched_but_not_shown(store: Store) -> None:
    add_document(store, "/notes/lisbon-trip.md", "Tram 28 leaves at nine.", headings=("Transport",))
    assert texts(store, "transport lisbon") == ["Tram 28 leaves at nine."]


def test_filters_hold_for_words_and_for_vectors(store: Store) -> None:
    document = add_document(store, "/a.md", "apple pie recipe")
    store.remember(NewMemory("apple allergy", private=True))
    conversation = store.conversations.start("Fruit")
    store.conversations.append(conversation.id, Role.USER, "apple trees", USER, parent_id=None)
    for _ in range(2):  # by words alone, then with vectors
        assert set(texts(store, "apple")) == {"apple pie recipe", "apple allergy", "apple trees"}
        assert texts(store, "apple", kinds=frozenset({SourceKind.MEMORY})) == ["apple allergy"]
        assert texts(store, "apple", source_ids=frozenset({document.id})) == ["apple pie recipe"]
        assert texts(store, "apple", source_ids=frozenset({conversation.id})) == ["apple trees"]
        assert set(texts(store, "apple", include_private=False)) == {"apple pie recipe", "apple trees"}
        assert texts(store, "apple", since=now() + timedelta(hours=1)) == []
        assert texts(store, "apple", until=now() - timedelta(hours=1)) == []
        assert len(texts(store, "apple", since=now() - timedelta(hours=1), until=now() + timedelta(hours=1))) == 3
        indexed(store)


def test_superseded_memories_and_messages_in_view_are_not_recalled(store: Store) -> None:
    old = store.remember("I live in Porto")
    store.memories.supersede(old.id, NewMemory("I live in Lyon"))
    conversation = store.conversations.start("Where")
    message = store.conversations.append(conversation.id, Role.USER, "where do I live", USER, parent_id=None)
    indexed(store)
    assert texts(store, "live", exclude_message_ids=frozenset({message.id})) == ["I live in Lyon"]


def test_what_becomes_private_later_is_out_of_public_recall_at_once_with_the_answers_made_from_it(store: Store) -> None:
    memory = store.remember("cholesterol is 3.9")
    conversation = store.conversations.start("Health")
    answer = store.conversations.append(
        conversation.id, Role.ASSISTANT, "", Author(AuthorKind.MODEL, "m"), parent_id=None, status=MessageStatus.PENDING
    )
    passage = store.recall("cholesterol")[0].id
    store.conversations.finish(
        answer.id,
        "Your cholesterol is 3.9 [1]",
        answer.author,
        MessageStatus.COMPLETE,
        citations=[Citation(1, passage, True)],
    )
    indexed(store)
    assert len(texts(store, "cholesterol", include_private=False, echoes=True)) == 2
    store.memories.mark(memory.id, private=True)
    assert texts(store, "cholesterol", include_private=False, echoes=True) == []
    assert store.conversations.message(answer.id).private


def test_privacy_reaches_the_answers_that_were_made_from_answers(store: Store) -> None:
    memory = store.remember("cholesterol is 3.9")
    conversation = store.conversations.start("Health")
    model = Author(AuthorKind.MODEL, "m")

    def answered(text: str, *sources: str) -> str:
        pending = store.conversations.append(
            conversation.id, Role.ASSISTANT, "", model, parent_id=None, status=MessageStatus.PENDING
        )
        cited = [Citation(number, one, True) for number, one in enumerate(sources, start=1)]
        store.conversations.finish(pending.id, text, model, MessageStatus.COMPLETE, citations=cited)
        return pending.id

    first = answered("Your cholesterol is 3.9", store.recall("cholesterol")[0].id)
    echoes = RecallFilters(echoes=True)
    passage = next(hit.id for hit in store.recall("cholesterol", 9, echoes) if hit.message_id == first)
    second = answered("As I said: 3.9", passage)
    other = answered("Unrelated", store.remember("herons").id)
    store.memories.mark(memory.id, private=True)
    assert [store.conversations.message(one).private for one in (first, second, other)] == [True, True, False]


def test_vectors_of_another_embedder_are_not_mixed_and_words_still_answer(tmp_path: Path) -> None:
    with Store.open(tmp_path, HashEmbedder()) as store:
        store.remember("The spare key is with Ines.")
        store.embed_pending()
    with Store.open(tmp_path, HashEmbedder(name="another")) as store:
        with pytest.raises(EmbedderMismatchError, match="hash") as caught:
            store.check_embedder()
        assert caught.value.steps == (Step(Action.REINDEX),)
        store.remember("The car key hangs in the hall.")
        store.embed_pending()
        assert store.stats().embedded == 1
        hits = store.recall("spare key")
        assert hits[0].text == "The spare key is with Ines."
        assert "meaning" not in {reason.signal for hit in hits for reason in hit.reasons}
        store.reindex()
        store.check_embedder()
        assert store.stats().embedded == 2
        assert {"coverage with the two before", "meaning"} <= {
            reason.signal for reason in store.recall("spare key")[0].reasons
        }


def test_store_without_an_embedder_recalls_by_words(tmp_path: Path) -> None:
    with Store.open(tmp_path) as store:
        store.remember("The spare key is with Ines.")
        assert [hit.text for hit in store.recall("key")] == ["The spare key is with Ines."]
        assert store.recall("unrelated") == []
