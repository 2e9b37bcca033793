"""The record: private on disk, migrated, refusing what it does not know."""

from __future__ import annotations

import sqlite3
import stat
import threading
from pathlib import Path

import pytest

from memory_store import NewMemory, Store
from memory_store.errors import (
    AmbiguousIdError,
    CorruptStoreError,
    KeepsakeError,
    NewerSchemaError,
    NotFoundError,
    StoreError,
)
from memory_store.models import USER, Author, AuthorKind, MessageStatus, RecallFilters, Role
from tests.memory_store.support import add_document

MODEL = Author(AuthorKind.MODEL, "a-model")


def test_database_and_folder_are_private_to_the_user(tmp_path: Path) -> None:
    with Store.open(tmp_path / "memory") as store:
        store.remember("something")
        assert stat.S_IMODE((tmp_path / "memory").stat().st_mode) == 0o700
        for path in (tmp_path / "memory").iterdir():
            assert stat.S_IMODE(path.stat().st_mode) == 0o600, path


def test_every_connection_has_the_pragmas_that_the_promises_rest_on(store: Store) -> None:
    expected = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "secure_delete": 1, "temp_store": 2}
    with store._database.read() as reader:
        assert {name: reader.execute(f"PRAGMA {name}").fetchone()[0] for name in expected} == expected
    with store._database.write() as writer:
        assert {name: writer.execute(f"PRAGMA {name}").fetchone()[0] for name in expected} == expected


def test_store_from_a_newer_version_is_refused_and_untouched(tmp_path: Path) -> None:
    with Store.open(tmp_path) as store:
        store.remember("kept")
    raw = sqlite3.connect(tmp_path / "keepsake.db")
    raw.execute("PRAGMA user_version=99")
    raw.close()
    before = (tmp_path / "keepsake.db").read_bytes()
    with pytest.raises(NewerSchemaError, match="newer"):
        Store.open(tmp_path)
    assert (tmp_path / "keepsake.db").read_bytes() == before


def test_database_of_another_program_is_refused(tmp_path: Path) -> None:
    raw = sqlite3.connect(tmp_path / "keepsake.db")
    raw.execute("CREATE TABLE theirs (x)")
    raw.close()
    with pytest.raises(StoreError, match="another program"):
        Store.open(tmp_path)


def test_file_that_is_no_database_is_reported_as_damaged(tmp_path: Path) -> None:
    (tmp_path / "keepsake.db").write_bytes(b"not a database, but long enough to be one" * 100)
    with pytest.raises(CorruptStoreError):
        Store.open(tmp_path)


def test_opening_from_several_threads_at_once_migrates_once(tmp_path: Path) -> None:
    errors: list[KeepsakeError] = []

    def work(number: int) -> None:
        try:
            with Store.open(tmp_path) as store:
                store.remember(f"thread {number}")
        except KeepsakeError as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    with Store.open(tmp_path) as store:
        assert len(store.memories.all()) == 4


def test_shortened_id_is_resolved_and_an_ambiguous_one_refused(store: Store) -> None:
    first = store.remember("first")
    store.remember("second")
    assert store.resolve(first.id[:12]) == first.id
    with pytest.raises(AmbiguousIdError):
        store.resolve("mem_")
    with pytest.raises(NotFoundError):
        store.resolve("mem_nothing")
    with pytest.raises(NotFoundError):
        store.resolve("x' OR 1=1 --")


def test_newer_memory_supersedes_and_nothing_is_overwritten(store: Store) -> None:
    old = store.remember(NewMemory("Lives in Porto", pinned=True, private=True))
    new = store.memories.supersede(old.id, NewMemory("Lives in Lyon", pinned=True, private=True))
    assert [memory.text for memory in store.memories.all()] == ["Lives in Lyon"]
    kept = store.memories.get(old.id)
    assert (kept.text, kept.superseded_by, kept.valid_to) == ("Lives in Porto", new.id, new.recorded_at)
    assert [memory.id for memory in store.memories.get_earlier(new.id)] == [old.id]
    assert [memory.id for memory in store.memories.get_pinned(include_private=True)] == [new.id]
    assert store.memories.get_pinned(include_private=False) == []
    with pytest.raises(StoreError, match="superseded"):
        store.memories.supersede(old.id, NewMemory("Lives in Rome"))


def test_importing_a_changed_file_replaces_its_passages_and_keeps_it_private(store: Store) -> None:
    add_document(store, "/notes/a.md", "the old words", private=True)
    changed = add_document(store, "/notes/a.md", "the new words")
    assert [document.id for document in store.documents.all()] == [changed.id]
    assert [passage.text for passage in store.documents.passages(changed.id)] == ["the new words"]
    assert changed.private


def test_answer_cut_by_a_crash_becomes_partial_and_recallable(store: Store) -> None:
    conversation = store.conversations.start("Boiler")
    question = store.conversations.append(
        conversation.id, Role.USER, "What now?", Author(AuthorKind.USER), parent_id=None
    )
    for text in ("", "Open the filling valve"):
        answer = store.conversations.append(
            conversation.id, Role.ASSISTANT, "", MODEL, parent_id=question.id, status=MessageStatus.PENDING
        )
        store.conversations.save_partial(answer.id, text)
    store.conversations.recover()
    messages = store.conversations.messages(conversation.id)
    assert [(one.text, one.status) for one in messages] == [
        ("What now?", MessageStatus.COMPLETE),
        ("Open the filling valve", MessageStatus.PARTIAL),
    ]
    assert store.recall("What did you say about the filling valve?")[0].message_id == messages[1].id


def test_memory_without_words_is_refused(store: Store) -> None:
    with pytest.raises(StoreError, match="needs some text"):
        store.remember("  \n")


def test_a_private_conversation_keeps_all_that_was_said_here_and_answers_stay_so(store: Store) -> None:
    talk = store.conversations.start("Rome")
    question = store.conversations.append(talk.id, Role.USER, "My sister lives in Rome.", USER, parent_id=None)
    model = Author(AuthorKind.MODEL, "llama3.2")
    answer = store.conversations.append(talk.id, Role.ASSISTANT, "Noted: Rome.", model, parent_id=question.id)
    public = RecallFilters(include_private=False)
    assert store.recall("Rome", 5, public)

    assert store.conversations.mark(talk.id, private=True).private
    assert store.recall("Rome", 5, public) == []
    assert store.recall("Rome", 5)

    assert not store.conversations.mark(talk.id, private=False).private
    assert [hit.message_id for hit in store.recall("Rome", 5, public)] == [question.id]
    assert store.conversations.message(answer.id).private
    with pytest.raises(NotFoundError):
        store.conversations.mark("con_nothing", archived=True)


def test_a_newer_version_of_what_is_private_is_private(store: Store) -> None:
    old = store.remember(NewMemory("The safe opens with 4711.", private=True))
    newer = store.memories.supersede(old.id, NewMemory("The safe opens with 4712."))
    assert newer.private
    assert store.recall("safe", 5, RecallFilters(include_private=False)) == []


def test_a_write_that_waits_long_for_another_program_says_so_and_is_done_then(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("memory_store.database.connection._SILENT_SECONDS", 0.01)
    with Store.open(store.folder) as other:
        held = other._database._connect()
        held.execute("BEGIN IMMEDIATE")
        told: list[str] = []

        def tell() -> None:
            told.append("waiting")
            held.execute("ROLLBACK")

        store.on_waiting(tell)
        store.remember("The key is with Ines.")
        held.close()
    assert told == ["waiting"]
    assert [one.text for one in store.memories.all()] == ["The key is with Ines."]
