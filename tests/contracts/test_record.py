"""Only SQLite opens the record: held in every test by a hook, and seen here to notice who does not keep to it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from memory_store import Selection, Store
from tests.support import record_guard

WAYS: dict[str, Callable[[Path], object]] = {
    "read": lambda path: path.read_bytes(),
    "copied": lambda path: shutil.copyfile(path, path.with_name("copy")),
    "opened for writing": lambda path: path.open("ab"),
}


@pytest.mark.parametrize("name", ["keepsake.db", "keepsake.db-wal", "keepsake.db-shm"])
@pytest.mark.parametrize("way", WAYS)
def test_any_other_way_to_open_the_record_is_noticed(store: Store, name: str, way: str) -> None:
    with pytest.raises(record_guard.OpenedRecordError):
        WAYS[way](store.folder / name)
    assert record_guard.seen() == [str(store.folder / name)]


def test_record_that_nobody_has_open_may_be_read(tmp_path: Path) -> None:
    Store.open(tmp_path).close()
    assert (tmp_path / "keepsake.db").read_bytes()
    assert record_guard.seen() == []


def test_work_on_the_whole_record_opens_it_by_sqlite_alone(store: Store, tmp_path: Path) -> None:
    """Checks, copies, erasures, an export and a second opening in one process, which the hook would not let pass."""
    doomed = store.remember("The combination is seven xylophones and a quartzite ornithopter.")
    kept = store.remember("The spare key is with Ines.")
    store.embed_pending()
    store.update_index()
    backup = store.backups.make()
    store.forget(Selection((doomed.id,)), in_backups=True)
    store.backups.restore(backup.name, tmp_path / "restored")
    store.merge_backup(backup.name)
    store.export(tmp_path / "all.zip", "1")
    store.embed_pending()
    store.update_index()
    assert store.verify() == []
    with Store.open(store.folder) as second:
        assert second.memories.get(kept.id) == kept
    assert record_guard.seen() == []
