"""Whatever the umask, only the owner can read what a store writes."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from memory_store import Store
from tests.memory_store.support import IN_CHROMA
from tests.support.embedder import HashEmbedder


@pytest.fixture
def open_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.mark.usefixtures("open_umask")
def test_folders_files_and_locks_are_the_owners_alone_under_an_open_umask(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with Store.open(data, HashEmbedder(), IN_CHROMA) as store:
        for number in range(3):
            store.remember(f"Note {number}")
        store.embed_pending()
        assert store.update_index()
        store.backups.make()
        modes = {path.relative_to(data): stat.S_IMODE(path.stat().st_mode) for path in (data, *data.rglob("*"))}
    modes |= {path.relative_to(data): stat.S_IMODE(path.stat().st_mode) for path in data.rglob("*")}
    assert any(path.name == "chroma.sqlite3" for path in modes)
    assert any(path.name == "index.lock" for path in modes)
    wrong = {str(path): oct(mode) for path, mode in modes.items() if mode & 0o077}
    assert wrong == {}
