"""Watches, in every test, that nothing but SQLite opens the files of a database that this process has open."""

from __future__ import annotations

import os
import sys
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from memory_store.database.connection import Database

_databases: weakref.WeakSet[Database] = weakref.WeakSet()
_seen: list[str] = []
_paused: list[bool] = []


class OpenedRecordError(Exception):
    """A file of an open database was opened by something else: closing it would drop the locks of this process."""


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if event != "open" or _paused or not isinstance(arguments[0], str | bytes):
        return
    path = Path(os.fsdecode(arguments[0]))
    if ".db" not in path.name:
        return
    for database in list(_databases):
        ours = (database.path.name, f"{database.path.name}-wal", f"{database.path.name}-shm")
        if not database._closed and path.name in ours and path.parent.absolute() == database.path.parent.absolute():
            _seen.append(str(path))
            raise OpenedRecordError(f"{path} was opened while a connection to it is alive")


def install() -> None:
    """Watch from now on. A hook can't be taken away again, and is one for the whole process."""
    original = Database.__init__

    def remembered(self: Database, path: Path) -> None:
        _databases.add(self)
        self._closed = True  # until it is open
        original(self, path)

    Database.__init__ = remembered  # type: ignore[method-assign]
    sys.addaudithook(_hook)


@contextmanager
def watching() -> Iterator[None]:
    """Fail if anything was opened so meanwhile, whoever swallowed the error."""
    _seen.clear()
    yield
    assert _seen == [], f"opened beside SQLite: {_seen}"


@contextmanager
def pausing() -> Iterator[None]:
    """Let the record be opened by others meanwhile, as the test of what that does must."""
    _paused.append(True)
    yield
    _paused.clear()


def seen() -> list[str]:
    """Return what was opened so in this test, and forget it."""
    found = list(_seen)
    _seen.clear()
    return found
