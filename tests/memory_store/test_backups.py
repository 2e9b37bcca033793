"""Backups: faithful when they are made, rotated, restored elsewhere, and within reach of erasures."""

from __future__ import annotations

import gzip
import os
import subprocess
from pathlib import Path

import pytest

from memory_store import Selection, Store, receipts
from memory_store.database import tombstones
from memory_store.errors import BackupError, NotFoundError
from memory_store.store import DATABASE_NAME
from tests.memory_store.support import add_document, bytes_of, indexed
from tests.memory_store.test_archive import fill, rows_of
from tests.support.embedder import HashEmbedder

FIXTURE = Path(__file__).parent.parent / "fixtures" / "store-schema-2.db.gz"


def test_backup_holds_everything_and_becomes_a_store(store: Store, tmp_path: Path) -> None:
    fill(store)
    indexed(store)
    made = store.backups.make()
    assert (store.backups.all(), store.backups.check(made.name)) == ([made], [])
    assert os.stat(store.backups.folder / made.name).st_mode & 0o777 == 0o600  # noqa: PTH116
    store.remember("said after the backup")
    store.backups.restore(made.name, tmp_path / "new")
    before = rows_of(store)
    with Store.open(tmp_path / "new", HashEmbedder()) as copy:
        after = rows_of(copy)
        assert after["messages"] == before["messages"]
        assert after["embeddings"] == before["embeddings"]
        assert len(after["memories"]) == len(before["memories"]) - 1
        assert copy.recall("D8724", 1)[0].text == store.recall("D8724", 1)[0].text
        assert copy.update_index()
        assert copy.verify() == []
    with pytest.raises(BackupError, match="holds a store already"):
        store.backups.restore(made.name, tmp_path / "new")


def test_oldest_backups_go(store: Store) -> None:
    names = [store.backups.make(keep=3).name for _ in range(5)]
    assert [one.name for one in store.backups.all()] == names[:1:-1]


def test_backup_that_does_not_hold_the_same_is_not_kept(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    store.remember("one")
    counted = iter([[(1,)], [(2,)]])
    monkeypatch.setattr("memory_store.backups._sums", lambda _connection: next(counted))
    with pytest.raises(BackupError, match="does not hold the same"):
        store.backups.make()
    assert list(store.backups.folder.iterdir()) == []


def test_damaged_backup_is_told_and_not_restored(store: Store, tmp_path: Path) -> None:
    for number in range(200):
        store.remember(f"note number {number}")
    made = store.backups.make()
    path = store.backups.folder / made.name
    data = bytearray(path.read_bytes())
    data[8192:16384] = b"\x5a" * 8192
    path.write_bytes(data)
    assert store.backups.check(made.name)
    with pytest.raises(BackupError, match="damaged"):
        store.backups.restore(made.name, tmp_path / "new")
    with pytest.raises(NotFoundError, match="There is no backup"):
        store.backups.check("../keepsake.db")


def test_older_store_is_backed_up_before_it_changes(tmp_path: Path) -> None:
    older = gzip.decompress(FIXTURE.read_bytes())
    (tmp_path / DATABASE_NAME).write_bytes(older)
    with Store.open(tmp_path, HashEmbedder()) as store:
        [backup] = store.backups.all()
        assert (backup.schema, "-before-schema-" in backup.name) == (2, True)
    with Store.open(tmp_path, HashEmbedder()) as store:
        assert len(store.backups.all()) == 1


def test_erasure_reaches_backups_when_asked_and_lists_them_when_not(tmp_path: Path) -> None:
    with Store.open(tmp_path, HashEmbedder()) as store:
        doomed = add_document(store, "/secret.md", "the xylophone is in the attic of the old house")
        kept = store.remember("the drum is in the cellar of the new house")
        indexed(store)
        first = store.backups.make()
        plan = store.plan_forget(Selection((doomed.id,)))
        assert plan.backups == (first.name,)
        erased = store.forget(Selection((doomed.id,)))
        assert receipts.parse_receipt(erased.receipt or "").backups_that_hold_it == (f"backups/{first.name}",)
        assert b"xylophon" in bytes_of(store.backups.folder)
        later = store.forget(Selection((store.remember("the lute is nowhere at all").id,)), in_backups=True)
        assert receipts.parse_receipt(later.receipt or "").backups_that_hold_it == ()

        second = store.backups.make()
        erased = store.forget(Selection((kept.id,)), in_backups=True)
        assert receipts.parse_receipt(erased.receipt or "").backups_that_hold_it == ()
        assert b"the drum" not in bytes_of(tmp_path)
        assert [one.name for one in store.backups.all()] == [second.name, first.name]
        assert (store.backups.check(first.name), store.backups.check(second.name)) == ([], [])
        assert b"xylophon" in bytes_of(store.backups.folder)
        store.forget(Selection(everything=True), in_backups=True)
        assert b"xylophon" not in bytes_of(tmp_path)


def test_half_made_copy_is_removed_at_the_next_opening(tmp_path: Path) -> None:
    with Store.open(tmp_path) as store:
        store.backups.make()
        ended = subprocess.Popen(["true"])
        ended.wait()
        for process in (ended.pid, os.getpid()):
            (store.backups.folder / f".20260101T000000000000Z.db.{process}-ab12.part").write_bytes(b"half")
    with Store.open(tmp_path) as store:
        left = [path.name for path in store.backups.folder.iterdir() if path.name.startswith(".")]
        # What a living process is making is not taken from under its hands.
        assert left == [f".20260101T000000000000Z.db.{os.getpid()}-ab12.part"]


def test_what_was_forgotten_is_erased_from_backups_later(store: Store, tmp_path: Path) -> None:
    gone, back, kept = (store.remember(f"the {thing} is in the attic") for thing in ("xylophone", "quartzite", "drum"))
    document = add_document(store, "/secret.md", "where the ornithopter stands")
    made = store.backups.make()
    store.forget(Selection((gone.id, back.id, document.id)))
    with store._database.write() as connection:
        tombstones.lift(connection, [tombstones.Name(tombstones.NameKind.ID, back.id)])
    assert [one.name for one in store.backups.purge()[0]] == [made.name]
    left = bytes_of(store.backups.folder)
    assert b"xylophon" not in left
    assert b"ornithopter" not in left
    assert b"quartzite" in left
    assert store.backups.check(made.name) == []
    assert store.backups.purge() == ([], [])
    store.backups.restore(made.name, tmp_path / "new")
    with Store.open(tmp_path / "new") as restored:
        assert restored.memories.get(kept.id).text == "the drum is in the attic"


def test_backup_that_cannot_be_rewritten_is_named(store: Store) -> None:
    store.forget(Selection((store.remember("the xylophone is in the attic").id,)))
    torn = store.backups.make()
    (store.backups.folder / torn.name).write_bytes(b"not a database")
    assert [one.name for one in store.backups.purge()[1]] == [torn.name]


def test_merged_backup_brings_what_is_missing_and_not_what_was_forgotten(store: Store) -> None:
    kept, gone, lost = (store.remember(f"note about {thing}") for thing in ("boats", "bells", "books"))
    made = store.backups.make()
    with store._database.write() as connection:
        connection.execute("DELETE FROM memories WHERE id = ?", (lost.id,))
    store.forget(Selection((gone.id,)))
    summary = store.merge_backup(made.name)
    assert dict(summary.counts)["memories"] == 1
    assert {one.id for one in store.memories.all()} == {kept.id, lost.id}
    assert [one.name for one in store.backups.all()] == [made.name]
    assert [path.name for path in store.backups.folder.iterdir()] == [made.name]


def test_backup_that_is_made_while_an_erasure_waits_holds_nothing_of_it(store: Store) -> None:
    """The rows are gone by then; the words in the pages of the full text are not, until the erasure is completed."""
    for number in range(50):
        store.remember(f"an ordinary note about boats, number {number}")
    gone = store.remember("the xylophone of zq31 is in the attic")
    store.forget(Selection((gone.id,)), later=True)
    assert b"zq31" in bytes_of(store.folder)
    store.backups.make()
    store.complete_erasures(again=True)
    assert b"zq31" not in bytes_of(store.folder)


def test_backup_that_was_copied_in_the_middle_of_an_erasure_is_purged(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = store.remember("the xylophone of zq31 is in the attic")
    store.remember("an ordinary note about boats")
    store.forget(Selection((gone.id,)), later=True)
    with monkeypatch.context() as patched:
        patched.setattr("memory_store.backups._finish_erasures", lambda _copy: None)
        made = store.backups.make()
    store.complete_erasures(again=True)
    assert b"xylophon" in bytes_of(store.backups.folder)
    assert [one.name for one in store.backups.purge()[0]] == [made.name]
    assert b"xylophon" not in bytes_of(store.folder)
    assert store.backups.purge() == ([], [])
