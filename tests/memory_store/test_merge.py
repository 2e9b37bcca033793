"""Restores into a living store: what is missing comes, what differs is told, and the forgotten stays away."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from memory_store import NewConversation, NewMemory, NewMessage, Selection, Store
from memory_store.errors import ArchiveError
from memory_store.models import USER, Author, AuthorKind, Citation, Memory, MessageStatus, Role
from memory_store.transfer.restore import RestoreOptions
from tests.memory_store.support import add_document, bytes_of, indexed
from tests.memory_store.test_archive import fill, rewritten, rows_of
from tests.support.embedder import HashEmbedder

SPRING = datetime(2024, 4, 1, 9, tzinfo=UTC)


def archive_of(store: Store, path: Path) -> Path:
    store.export(path, "1")
    return path


@pytest.fixture
def other(tmp_path: Path) -> Path:
    """An archive of another store, with a document, a conversation, memories and their vectors."""
    with Store.open(tmp_path / "other", HashEmbedder()) as store:
        fill(store)
        indexed(store)
        return archive_of(store, tmp_path / "other.zip")


def test_own_archive_changes_nothing(store: Store, tmp_path: Path) -> None:
    fill(store)
    indexed(store)
    before = rows_of(store)
    summary = store.restore(archive_of(store, tmp_path / "own.zip"))
    assert rows_of(store) == before
    assert not any(summary.counts.values())
    assert not any(summary.conflicts.values())
    assert not summary.differing
    assert summary.known["messages"] == 2
    assert summary.known["passages"] == len(before["passages"])


def test_stores_become_one_with_their_vectors(tmp_path: Path, other: Path) -> None:
    embedder = HashEmbedder()
    with Store.open(tmp_path / "here", embedder) as store:
        add_document(store, "/bread.md", "Flour, salt, water, patience")
        store.remember("Allergic to walnuts")
        indexed(store)
        asked = len(embedder.passages)
        summary = store.restore(other)
        indexed(store)
        assert len(embedder.passages) == asked
        assert summary.vectors_kept
        assert summary.counts["documents"] == 1
        assert summary.counts["embeddings"] > 0
        assert store.recall("train to 丽江")[0].text == "动车 D8724 去丽江"
        assert store.recall("flour, water")[0].text == "Flour, salt, water, patience"
        assert store.verify() == []
        once = rows_of(store)
        again = store.restore(other)
        assert rows_of(store) == once
        assert not any(again.counts.values())


def test_vectors_of_another_embedder_are_made_anew(tmp_path: Path, other: Path) -> None:
    with Store.open(tmp_path / "here", HashEmbedder(name="another")) as store:
        store.remember("Allergic to walnuts")
        indexed(store)
        assert not store.restore(other).vectors_kept
        indexed(store)
        assert store.stats().embedded == store.stats().passages


def test_dry_run_tells_the_same_and_changes_nothing(tmp_path: Path, store: Store, other: Path) -> None:
    store.remember("Allergic to walnuts")
    before = rows_of(store)
    told = store.restore(other, RestoreOptions(dry_run=True))
    assert rows_of(store) == before
    assert told.dry_run
    done = store.restore(other)
    assert (told.counts, told.known, told.conflicts, told.away) == (
        done.counts,
        done.known,
        done.conflicts,
        done.away,
    )


def changed_memory(store: Store, tmp_path: Path) -> tuple[Memory, Path]:
    """Return a memory that was private and unpinned when the archive was made, and is pinned now."""
    memory = store.remember(NewMemory("Lives in Porto", private=True))
    indexed(store)
    path = archive_of(store, tmp_path / "before.zip")
    return store.memories.mark(memory.id, pinned=True), path


def test_where_both_differ_the_store_keeps_its_own(store: Store, tmp_path: Path) -> None:
    memory, path = changed_memory(store, tmp_path)
    summary = store.restore(path)
    assert summary.conflicts == {"memories": 1}
    assert summary.differing == (("memories", memory.id),)
    assert store.memories.get(memory.id) == memory


def test_where_both_differ_the_archive_is_taken_when_preferred(store: Store, tmp_path: Path) -> None:
    memory, path = changed_memory(store, tmp_path)
    summary = store.restore(path, RestoreOptions(prefer_archive=True))
    assert summary.differing == (("memories", memory.id),)
    assert not store.memories.get(memory.id).pinned


def test_private_here_stays_private_whichever_is_preferred(store: Store, tmp_path: Path) -> None:
    memory = store.remember("Owes Ana forty crowns")
    path = archive_of(store, tmp_path / "before.zip")
    store.memories.mark(memory.id, private=True)
    store.restore(path, RestoreOptions(prefer_archive=True))
    assert store.memories.get(memory.id).private
    assert [hit.private for hit in store.recall("forty crowns")] == [True]


# -- what was forgotten ----------------------------------------------------------------------------------------


def living_with_everything(store: Store) -> dict[str, str]:
    """Fill a store with one of each kind; return their ids by name."""
    document = add_document(store, "/diary.md", "The quarrel at the harbour")
    talk = store.conversations.start("The quarrel")
    first = store.conversations.append(talk.id, Role.USER, "The quarrel with Ana", USER, parent_id=None)
    middle = store.conversations.append(talk.id, Role.USER, "She threw the compass", USER, parent_id=first.id)
    last = store.conversations.append(talk.id, Role.USER, "We made up again", USER, parent_id=middle.id)
    derived = store.remember(NewMemory("Ana throws things", sources=(middle.id,)))
    kept = store.remember("Ana sails")
    return {
        "document": document.id,
        "talk": talk.id,
        "first": first.id,
        "middle": middle.id,
        "last": last.id,
        "derived": derived.id,
        "kept": kept.id,
    }


@pytest.mark.parametrize("chosen", ["document", "talk", "middle", "derived", "kept"])
def test_forgotten_is_not_brought_back_by_an_older_archive(store: Store, tmp_path: Path, chosen: str) -> None:
    made = living_with_everything(store)
    indexed(store)
    path = archive_of(store, tmp_path / "before.zip")
    store.forget(Selection((made[chosen],)))
    before, size = rows_of(store), bytes_of(tmp_path / "memory")
    summary = store.restore(path)
    assert any(summary.away.values())
    assert not any(summary.counts.values())
    assert rows_of(store) == before
    words = {"document": b"harbour", "talk": b"with Ana", "middle": b"compass", "derived": b"throws", "kept": b"sails"}
    assert words[chosen] not in size
    assert words[chosen] not in bytes_of(tmp_path / "memory")


def test_answers_to_a_forgotten_message_hang_on_what_is_left(store: Store, tmp_path: Path) -> None:
    made = living_with_everything(store)
    path = archive_of(store, tmp_path / "before.zip")
    store.forget(Selection((made["middle"], made["last"])))
    store.forget(Selection((made["kept"],)))
    with Store.open(tmp_path / "new", HashEmbedder()) as new:
        new.restore(archive_of(store, tmp_path / "after.zip"))
        new.restore(path)
        texts = [one.text for one in new.conversations.messages(made["talk"])]
        assert texts == ["The quarrel with Ana"]
        assert [one.text for one in new.memories.all()] == []


def test_asked_for_the_forgotten_comes_back_and_its_receipt_stays(store: Store, tmp_path: Path) -> None:
    made = living_with_everything(store)
    path = archive_of(store, tmp_path / "before.zip")
    erased = store.forget(Selection((made["talk"],)))
    summary = store.restore(path, RestoreOptions(bring_back=True))
    assert summary.counts["messages"] == 3
    assert not any(summary.away.values())
    assert [one.id for one in store.conversations.messages(made["talk"])] == [
        made["first"],
        made["middle"],
        made["last"],
    ]
    assert store.memories.get(made["derived"]).sources == (made["middle"],)
    assert store.erasure(erased.id).receipt
    assert store.was_erased(made["talk"])
    # What came back is there as if it had never gone: the archive changes nothing a second time.
    assert not any(store.restore(path).away.values())


def test_tombstones_of_another_store_hold_back_what_it_forgot(store: Store, tmp_path: Path) -> None:
    store.remember("Something of my own")
    with Store.open(tmp_path / "there", HashEmbedder()) as there:
        made = living_with_everything(there)
        before = archive_of(there, tmp_path / "before.zip")
        there.forget(Selection((made["document"],)))
        after = archive_of(there, tmp_path / "after.zip")
    store.restore(after)
    assert store.restore(before).away["documents"] == 1
    assert store.documents.is_forgotten("/diary.md", "")
    with Store.open(tmp_path / "third", HashEmbedder()) as third:
        third.remember("A third one")
        third.restore(archive_of(store, tmp_path / "merged.zip"))
        assert third.restore(before).away["documents"] == 1


def test_forgetting_without_trace_forgets_the_tombstones_of_others_too(store: Store, tmp_path: Path) -> None:
    store.remember("Something of my own")
    with Store.open(tmp_path / "there", HashEmbedder()) as there:
        made = living_with_everything(there)
        before = archive_of(there, tmp_path / "before.zip")
        there.forget(Selection((made["document"],)))
        store.restore(archive_of(there, tmp_path / "after.zip"))
    store.forget(Selection(everything=True), no_trace=True)
    assert store.restore(before).counts["documents"] == 1


# -- the same thing under two ids ------------------------------------------------------------------------------


def test_file_known_by_its_path_comes_once(store: Store, tmp_path: Path) -> None:
    ours = add_document(store, "/bread.md", "Flour, salt, water, patience")
    with Store.open(tmp_path / "there", HashEmbedder()) as there:
        theirs = add_document(there, "/bread.md", "Flour, salt, water, patience")
        talk = there.conversations.start("Bread")
        question = there.conversations.append(talk.id, Role.USER, "How?", USER, parent_id=None)
        author = Author(AuthorKind.MODEL, "a-model")
        answer = there.conversations.append(
            talk.id, Role.ASSISTANT, "", author, parent_id=question.id, status=MessageStatus.PENDING
        )
        passage = there.documents.passages(theirs.id)[0].id
        there.conversations.finish(
            answer.id, "With patience [1]", author, MessageStatus.COMPLETE, citations=[Citation(1, passage, True)]
        )
        path = archive_of(there, tmp_path / "there.zip")
    store.restore(path)
    assert [one.id for one in store.documents.all()] == [ours.id]
    assert store.conversations.messages(talk.id)[1].text == "With patience [1]"
    assert store.verify() == []


def test_changed_file_is_told_as_different(store: Store, tmp_path: Path) -> None:
    ours = add_document(store, "/bread.md", "Flour, salt, water, patience")
    with Store.open(tmp_path / "there", HashEmbedder()) as there:
        add_document(there, "/bread.md", "Rye this time")
        path = archive_of(there, tmp_path / "there.zip")
    summary = store.restore(path)
    assert summary.differing == (("documents", ours.id),)
    assert summary.conflicts == {"documents": 1}


def exported_talk(*texts: str) -> NewConversation:
    messages = [
        NewMessage(str(at), str(at - 1) if at else None, Role.USER, text, USER, SPRING) for at, text in enumerate(texts)
    ]
    return NewConversation("elsewhere:7", "A talk", SPRING, SPRING, messages, str(len(texts) - 1))


def test_export_imported_in_both_stores_comes_once(store: Store, tmp_path: Path) -> None:
    here = store.conversations.merge(exported_talk("Hello", "Are you there?"))
    with Store.open(tmp_path / "there", HashEmbedder()) as there:
        there.conversations.merge(exported_talk("Hello", "Are you there?"))
        path = archive_of(there, tmp_path / "there.zip")
    summary = store.restore(path)
    assert not any(summary.counts.values())
    assert summary.known["messages"] == 2
    assert here.conversation_id
    assert [one.text for one in store.conversations.messages(here.conversation_id)] == ["Hello", "Are you there?"]


def test_newer_export_imported_elsewhere_brings_the_messages_that_are_missing_here(
    store: Store, tmp_path: Path
) -> None:
    here = store.conversations.merge(exported_talk("Hello"))
    with Store.open(tmp_path / "there", HashEmbedder()) as there:
        there.conversations.merge(exported_talk("Hello", "Are you there?"))
        talk = there.conversations.all()[0]
        last = there.conversations.messages(talk.id)[-1]
        there.conversations.append(talk.id, Role.USER, "And I went on here", USER, parent_id=last.id)
        path = archive_of(there, tmp_path / "there.zip")
    store.restore(path)
    assert here.conversation_id
    messages = store.conversations.messages(here.conversation_id)
    assert [one.text for one in messages] == ["Hello", "Are you there?", "And I went on here"]
    assert [one.parent_id for one in messages] == [None, messages[0].id, messages[1].id]
    assert store.recall("went on here", 1)[0].text == "And I went on here"
    again = store.restore(path)
    assert not any(again.counts.values())
    assert len(store.conversations.all()) == 1


# -- all or nothing --------------------------------------------------------------------------------------------


def with_orphan(name: str, data: bytes) -> bytes:
    """Give a message a conversation that doesn't exist, and make the sums fit."""
    if name == "data/messages.jsonl":
        lines = [json.loads(line) for line in data.splitlines()]
        lines[-1]["conversation_id"] = "con_nowhere"
        return b"".join(json.dumps(line).encode() + b"\n" for line in lines)
    return data


def without_sums(change: Callable[[str, bytes], bytes]) -> Callable[[str, bytes], bytes]:
    """Return a change that lets the manifest's sum of the messages fit what the change makes of them."""
    import hashlib

    sums: dict[str, str] = {}

    def changed(name: str, data: bytes) -> bytes:
        if name == "manifest.json":
            manifest = json.loads(data)
            manifest["sha256"].update(sums)
            return json.dumps(manifest).encode()
        result = change(name, data)
        sums[name] = hashlib.sha256(result).hexdigest()
        return result

    return changed


def test_archive_that_does_not_fit_changes_nothing(store: Store, other: Path) -> None:
    store.remember("Allergic to walnuts")
    before = rows_of(store)
    rewritten(other, without_sums(with_orphan))
    with pytest.raises(ArchiveError, match="does not fit"):
        store.restore(other)
    assert rows_of(store) == before
