"""The files of the store that is open are opened by SQLite alone, whatever is asked to be read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from assistant.ingestion.pipeline import FileOutcome, FileStatus, ImportOptions, import_paths
from memory_store import Store
from memory_store.errors import ArchiveError
from memory_store.transfer.encryption import is_encrypted
from tests.support import record_guard

DATABASE = "keepsake.db"
OWN = (FileStatus.FAILED, "it is Keepsake's own data")


def imported(store: Store, *paths: Path) -> list[FileOutcome]:
    outcomes = list(import_paths(store, paths, ImportOptions()))
    assert record_guard.seen() == []
    return outcomes


def link_to(target: Path, kind: str, link: Path) -> Path:
    link.parent.mkdir(exist_ok=True)
    os.link(target, link) if kind == "hard" else link.symlink_to(target)
    return link


@pytest.mark.parametrize("name", ["", DATABASE, f"{DATABASE}-wal", f"{DATABASE}-shm", "backups"])
def test_what_is_keepsakes_own_is_refused_by_name_and_the_next_step_is_said(tmp_path: Path, name: str) -> None:
    with Store.open(tmp_path / "data") as store:
        store.remember("A note")
        (tmp_path / "data" / "backups").mkdir(exist_ok=True)
        (outcome,) = imported(store, tmp_path / "data" / name)
        assert (outcome.status, outcome.reason) == OWN
        assert "keepsake export" in outcome.hint


@pytest.mark.parametrize("kind", ["hard", "symbolic"])
@pytest.mark.parametrize("side", ["", "-wal", "-shm"])
@pytest.mark.parametrize("called", ["notes.txt", "logs.db", "conversations.json", "export.zip"])
def test_a_link_to_the_record_is_refused_whatever_it_is_called(
    tmp_path: Path, kind: str, side: str, called: str
) -> None:
    with Store.open(tmp_path / "data") as store:
        store.remember("A note")
        link = link_to(tmp_path / "data" / f"{DATABASE}{side}", kind, tmp_path / "links" / called)
        (outcome,) = imported(store, link)
        assert (outcome.status, outcome.reason) == OWN


@pytest.mark.parametrize("called", ["notes.txt", "logs.db", "conversations.json", "export.zip"])
def test_a_folder_around_the_record_is_imported_without_it(tmp_path: Path, called: str) -> None:
    with Store.open(tmp_path / "data") as store:
        store.remember("A note")
        link_to(tmp_path / "data" / DATABASE, "hard", tmp_path / "papers" / called)
        (tmp_path / "papers" / "real.txt").write_text("The key is with Ines.", "utf-8")
        (tmp_path / "data" / "stray.txt").write_text("Not of the user's making.", "utf-8")
        outcomes = imported(store, tmp_path)
        assert [Path(one.path).name for one in outcomes] == ["real.txt"]
        assert outcomes[0].status is FileStatus.IMPORTED


@pytest.mark.parametrize("side", ["", "-wal", "-shm"])
def test_the_record_is_not_opened_as_an_archive(tmp_path: Path, side: str) -> None:
    with Store.open(tmp_path / "data") as store:
        store.remember("A note")
        path = link_to(tmp_path / "data" / f"{DATABASE}{side}", "hard", tmp_path / "archive.zip")
        assert not is_encrypted(path)
        with pytest.raises(ArchiveError, match="Keepsake's own data"):
            store.restore(path)
        store.remember("Another note")  # which the log still takes
    with Store.open(tmp_path / "data") as store:
        assert len(store.memories.all()) == 2
