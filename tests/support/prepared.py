"""New stores begin as copies of one that was migrated: the migrations would be most of a small test's time."""

from __future__ import annotations

import secrets
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from memory_store import store
from memory_store.database.connection import Database
from memory_store.database.migrations import migrate


@contextmanager
def copies(folder: Path) -> Iterator[None]:
    """Let `Store.open` fill an empty database with what the migrations make, which they do once, in this folder."""
    made, lock = sqlite3.connect(":memory:", check_same_thread=False), threading.Lock()
    database = Database(folder / store.DATABASE_NAME)
    migrate(database)
    with database.read() as connection:
        connection.backup(made)
    database.close()

    def fill(database: Database, before: Callable[[int, int], object] | None = None) -> int:
        with lock:
            with database.read() as connection:
                is_empty = connection.execute("PRAGMA schema_version").fetchone()[0] == 0
            if is_empty:
                with closing(sqlite3.connect(database.path)) as target:
                    made.backup(target)
                with database.write() as connection:
                    key = secrets.token_hex(32)  # every store has its own
                    connection.execute("UPDATE meta SET value = ? WHERE key = 'tombstone_key'", (key,))
        return migrate(database, before)

    with closing(made), pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "migrate", fill)
        yield
