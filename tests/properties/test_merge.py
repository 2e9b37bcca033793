"""Merges: whatever became of a store since, its older archive brings back what is missing and nothing forgotten."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from memory_store import NewConversation, NewMemory, NewMessage, Selection, Store
from memory_store.errors import StoreError
from memory_store.models import USER, Role
from memory_store.transfer.restore import RestoreOptions
from tests.memory_store.support import add_document
from tests.memory_store.test_archive import rows_of
from tests.support.embedder import HashEmbedder

START = datetime(2024, 1, 1, tzinfo=UTC)
WORDS = [
    "boiler",
    "harbour",
    "walnut",
    "train",
    "ticket",
    "Ana",
    "锅炉",
    "丽江",
    "阀门",
    "quarrel",
    "compass",
    "bread",
    "river",
]


def sentence(chosen: random.Random) -> str:
    return " ".join(chosen.choices(WORDS, k=6)) + f" {chosen.getrandbits(40):x}"


def add_something(store: Store, chosen: random.Random) -> None:
    private = chosen.random() < 0.2
    messages = [one.id for chat in store.conversations.all() for one in store.conversations.messages(chat.id)]
    match chosen.randrange(5):
        case 0:
            number = chosen.randrange(6)
            texts = [sentence(chosen) for _ in range(chosen.randint(1, 3))]
            if not store.documents.is_forgotten(f"/notes/{number}.md", f"hash of {tuple(texts)!r}"):
                add_document(store, f"/notes/{number}.md", *texts, private=private)
        case 1:
            sources = tuple(chosen.sample(messages, min(len(messages), chosen.randrange(3))))
            store.remember(NewMemory(sentence(chosen), private=private, sources=sources))
        case 2:
            memories = store.memories.all()
            if memories:
                store.memories.supersede(chosen.choice(memories).id, NewMemory(sentence(chosen)))
        case 3:
            chats = [one for one in store.conversations.all() if one.origin is None]
            chat = chosen.choice(chats) if chats else store.conversations.start(sentence(chosen))
            before = [one.id for one in store.conversations.messages(chat.id)]
            parent = chosen.choice(before) if before else None
            store.conversations.append(chat.id, Role.USER, sentence(chosen), USER, parent_id=parent, private=private)
        case _:
            number, length = chosen.randrange(3), chosen.randint(1, 4)
            said = [
                NewMessage(
                    str(at),
                    str(at - 1) if at else None,
                    Role.USER,
                    f"{number} {at} of an export",
                    USER,
                    START + timedelta(minutes=at),
                )
                for at in range(length)
            ]
            store.conversations.merge(
                NewConversation(f"elsewhere:{number}", "A talk", START, START, said, str(length - 1))
            )


def ids_in(store: Store) -> list[str]:
    return [
        *(one.id for one in store.documents.all()),
        *(one.id for one in store.conversations.all()),
        *(one.id for chat in store.conversations.all() for one in store.conversations.messages(chat.id)),
        *(one.id for one in store.memories.all(include_superseded=True)),
    ]


def forget_something(store: Store, chosen: random.Random) -> None:
    known = ids_in(store)
    if known:
        store.forget(Selection(tuple(chosen.sample(known, min(len(known), chosen.randint(1, 3))))))


def assert_sound(store: Store) -> None:
    assert store.verify() == []
    for chat in store.conversations.all():
        messages = store.conversations.messages(chat.id)
        known = {one.id for one in messages}
        assert chat.current_message_id is None or chat.current_message_id in known
        assert all(one.parent_id is None or one.parent_id in known for one in messages)


@pytest.mark.parametrize("seed", range(12))
def test_older_archive_is_merged_into_what_the_store_has_become(tmp_path: Path, seed: int) -> None:
    chosen = random.Random(seed)
    with Store.open(tmp_path / "one", HashEmbedder()) as store:
        for _ in range(20):
            add_something(store, chosen)
        store.embed_pending()
        had = set(ids_in(store))
        texts = {one.id: one.text for one in store.memories.all(include_superseded=True)}
        store.export(tmp_path / "then.zip", "1")
        for _ in range(12):
            (forget_something if chosen.random() < 0.4 else add_something)(store, chosen)
        now = rows_of(store)
        alive = set(ids_in(store))
        told = store.restore(tmp_path / "then.zip", RestoreOptions(dry_run=True))
        assert rows_of(store) == now
        done = store.restore(tmp_path / "then.zip")
        assert (told.counts, told.known, told.conflicts, told.away) == (
            done.counts,
            done.known,
            done.conflicts,
            done.away,
        )
        assert set(ids_in(store)) == alive, "what is missing was forgotten"
        assert_sound(store)
        after = rows_of(store)
        store.restore(tmp_path / "then.zip")
        assert rows_of(store) == after
        for gone in had - alive:
            if gone in texts:
                assert all(hit.text != texts[gone] for hit in store.recall(texts[gone], 3))
        # Asked for, everything comes back that was there then, and can be forgotten again, verified.
        store.restore(tmp_path / "then.zip", RestoreOptions(bring_back=True))
        missing = had - set(ids_in(store))
        assert all(one.startswith("doc_") for one in missing), "only a file known by its path stays as it is now"
        assert_sound(store)
        store.embed_pending()
        store.forget(Selection(everything=True))
        assert ids_in(store) == []


@pytest.mark.parametrize("seed", range(6))
def test_two_stores_become_one_whichever_comes_first(tmp_path: Path, seed: int) -> None:
    chosen = random.Random(100 + seed)
    for name in ("one", "two"):
        with Store.open(tmp_path / name, HashEmbedder()) as store:
            for _ in range(15):
                add_something(store, chosen)
            store.embed_pending()
            forget_something(store, chosen)
            store.export(tmp_path / f"{name}.zip", "1")
    texts = []
    for first, second in (("one", "two"), ("two", "one")):
        with Store.open(tmp_path / f"{first} then {second}", HashEmbedder()) as store:
            store.restore(tmp_path / f"{first}.zip")
            own = set(ids_in(store))
            store.restore(tmp_path / f"{second}.zip")
            assert own <= set(ids_in(store))
            assert_sound(store)
            store.embed_pending()
            assert store.update_index()
            texts.append(sorted(one.text for one in store.memories.all()))
            for memory in store.memories.all():
                assert memory.text in [hit.text for hit in store.recall(memory.text, 3)]
            with pytest.raises(StoreError):
                store.resolve("doc_nothing")
    assert texts[0] == texts[1]
