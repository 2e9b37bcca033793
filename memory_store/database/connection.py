"""Opens the SQLite record with the pragmas that the promises rest on, and hands out short reads and writes."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from memory_store.database import private_rule
from memory_store.errors import CorruptStoreError, RefusedRowError, StoreError

# secure_delete overwrites what is deleted; temp_store keeps sorts out of the system's temporary folder.
_PRAGMAS: Final = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
    "PRAGMA foreign_keys=ON",
    "PRAGMA secure_delete=ON",
    "PRAGMA temp_store=MEMORY",
    "PRAGMA cache_size=-16000",
)
BUSY_TIMEOUT_SECONDS: Final = 30.0


class Database:
    """One SQLite file, safe to use from many threads and many processes."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._write_lock = threading.RLock()
        self._pool_lock = threading.Lock()
        self._idle: list[sqlite3.Connection] = []
        self._writer: sqlite3.Connection | None = None
        self._closed = False
        self.private_rule = private_rule.NOTHING
        _create_private(path)

    def _connect(self) -> sqlite3.Connection:
        try:
            connection = sqlite3.connect(
                self.path, timeout=BUSY_TIMEOUT_SECONDS, isolation_level=None, check_same_thread=False
            )
            connection.row_factory = sqlite3.Row
            private_rule.register(connection, lambda: self.private_rule)
            for pragma in _PRAGMAS:
                connection.execute(pragma).fetchall()
        except sqlite3.DatabaseError as error:
            raise _translate(error, self.path) from error
        return connection

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """Give a connection inside one read snapshot. Keep it short: an open snapshot delays every erasure."""
        with self._pool_lock:
            if self._closed:
                raise StoreError("The store is closed.")
            connection = self._idle.pop() if self._idle else None
        connection = connection or self._connect()
        try:
            connection.execute("BEGIN")
            yield connection
        except sqlite3.DatabaseError as error:
            raise _translate(error, self.path) from error
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            with self._pool_lock:
                if self._closed:
                    connection.close()
                else:
                    self._idle.append(connection)

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """Give the writing connection inside one transaction: committed and on disk when the block ends, or undone."""
        with self._write_lock:
            if self._closed:
                raise StoreError("The store is closed.")
            self._writer = self._writer or self._connect()
            connection = self._writer
            if connection.in_transaction:
                raise StoreError("A write was started inside another write.")
            try:
                connection.execute("BEGIN IMMEDIATE")
                yield connection
                connection.execute("COMMIT")
            except sqlite3.DatabaseError as error:
                raise _translate(error, self.path) from error
            finally:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")

    def truncate_log(self, patience_seconds: float) -> bool:
        """Move the whole write-ahead log into the database and cut it to nothing, retrying while readers hold it.

        Returns False if a reader's snapshot was still in the way when patience ran out.
        """
        deadline = time.monotonic() + patience_seconds
        with self._write_lock, closing(self._connect()) as connection:
            # Short waits inside SQLite, so that the deadline is kept.
            connection.execute("PRAGMA busy_timeout=200")
            while True:
                try:
                    busy = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
                except sqlite3.OperationalError as error:
                    if "locked" not in str(error) and "busy" not in str(error):
                        raise _translate(error, self.path) from error
                    busy = 1
                if not busy:
                    return True
                if time.monotonic() >= deadline:
                    return False

    def vacuum(self) -> None:
        """Write every page anew: secure_delete clears deleted cells, not the copies that page splits left."""
        with self._write_lock, closing(self._connect()) as connection:
            try:
                connection.execute("VACUUM")
            except sqlite3.DatabaseError as error:
                raise _translate(error, self.path) from error

    def quick_check(self) -> list[str]:
        """Return what SQLite finds wrong with the file; an empty list is a sound one."""
        with self.read() as connection:
            rows = connection.execute("PRAGMA quick_check").fetchall()
        return [str(row[0]) for row in rows if row[0] != "ok"]

    def close(self) -> None:
        """Close every connection. Closing twice is harmless."""
        with self._write_lock, self._pool_lock:
            self._closed = True
            connections = [*self._idle, *([self._writer] if self._writer else [])]
            self._idle, self._writer = [], None
            for connection in connections:
                connection.close()


def _create_private(path: Path) -> None:
    """Make the folder 0700 and the file 0600 before SQLite writes a byte; SQLite gives its side files the same mode."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.parent.chmod(0o700)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        path.chmod(0o600)
    except OSError as error:
        raise StoreError(
            f"The data folder {path.parent} can't be used: {error.strerror or error}.",
            "Choose another with --data-dir, or make this one writable for you.",
        ) from error


def _translate(error: sqlite3.DatabaseError, path: Path) -> StoreError:
    text = str(error)
    if "malformed" in text or "not a database" in text or "corrupt" in text:
        return CorruptStoreError(
            f"The database {path} is damaged: {text}.",
            "`keepsake doctor --salvage NEW_FOLDER` saves what can still be read; backups are in the folder `backups`.",
        )
    if "locked" in text or "busy" in text:
        return StoreError("The database is busy with another program.", "Try again when the other program is done.")
    if "full" in text:
        return StoreError("The disk is full; nothing was changed.", "Free some space and try again.")
    if "readonly" in text or "unable to open" in text:
        return StoreError(f"The database {path} can't be written: {text}.", "Check the folder's permissions.")
    if isinstance(error, sqlite3.IntegrityError):
        return RefusedRowError(f"The database refused: {text}.")
    return StoreError(f"The database refused: {text}.")
