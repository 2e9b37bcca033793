"""Opens the SQLite record with the pragmas that the promises rest on, and hands out short reads and writes."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Concatenate, Final, ParamSpec, TypeAlias, TypeVar

from memory_store.database import private_rule
from memory_store.database.files import Files, add_opened, copy_beside, make_private, never_close, remove_opened
from memory_store.errors import (
    Action,
    ClosedError,
    CorruptStoreError,
    LostRecordError,
    RefusedRowError,
    Step,
    StoreError,
)

# secure_delete overwrites what is deleted; temp_store keeps sorts out of the system's temporary folder.
_LOG: Final = "PRAGMA journal_mode=WAL"
_NO_LOG: Final = "PRAGMA journal_mode=DELETE"  # a copy is one file at any moment
_PRAGMAS: Final = (
    "PRAGMA synchronous=FULL",
    "PRAGMA foreign_keys=ON",
    "PRAGMA secure_delete=ON",
    "PRAGMA temp_store=MEMORY",
    "PRAGMA cache_size=-16000",
)
BUSY_TIMEOUT_SECONDS: Final = 30.0
# A write that waits so long for another program says so, and waits on.
_SILENT_SECONDS: Final = 2.0
_Arguments = ParamSpec("_Arguments")
_Result = TypeVar("_Result")
Parameters: TypeAlias = Sequence[object] | Mapping[str, object]


class Database:
    """One SQLite file, safe to use from many threads and many processes.

    Nothing but SQLite opens its files in a process that has one of these open. If they are no longer those in the
    folder (a program removed or replaced them), nothing more is written there: all that this process knows is copied
    beside, what is being written goes into the copy, and every write from then on says so by LostRecordError.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._write_lock = threading.RLock()
        self._pool_lock = threading.Lock()
        self._idle: list[sqlite3.Connection] = []
        self._writer: sqlite3.Connection | None = None
        self._source: sqlite3.Connection | None = None  # to the files that were lost, for as long as they aren't copied
        self._copy: Path | None = None
        self._lost: LostRecordError | None = None
        self.private_rule = private_rule.NOTHING
        self.tell_waiting: Callable[[], None] = lambda: None
        make_private(path)
        # Open for as long as this is: its lock keeps the write-ahead log in its place.
        self._closed = True  # until it is open
        self._anchor: sqlite3.Connection | None = self._connect()
        self._closed = False
        add_opened(path)
        self._files = Files.in_place(path)

    def _connect(self) -> sqlite3.Connection:
        """Open a connection to the record, or to the copy beside it once that is what is left."""
        path = self._copy or self.path
        connection = None
        try:
            connection = sqlite3.connect(
                path, timeout=BUSY_TIMEOUT_SECONDS, isolation_level=None, check_same_thread=False
            )
            connection.row_factory = sqlite3.Row
            private_rule.register(connection, lambda: self.private_rule)
            for pragma in (_LOG if path is self.path else _NO_LOG, *_PRAGMAS):
                connection.execute(pragma).fetchall()
            # The first reading opens the write-ahead log, and takes the lock that keeps it where it is.
            connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchall()
        except sqlite3.DatabaseError as error:
            if connection is not None:
                connection.close()
            raise _translate(error, path) from error
        return connection

    @property
    def _connections(self) -> list[sqlite3.Connection]:
        """All that no thread is reading with at the moment."""
        return [connection for connection in (*self._idle, self._writer, self._anchor) if connection is not None]

    @property
    def lost(self) -> LostRecordError | None:
        """Why nothing is written any more, or None while the record is where it was."""
        if self._lost is None and not self._closed and Files.in_place(self.path) != self._files:
            with self._write_lock, self._pool_lock:
                # A transaction of this thread's own comes to its end first, and then looks again.
                if self._lost is None and not (self._writer is not None and self._writer.in_transaction):
                    self._save_beside()
        return self._lost

    def _save_beside(self) -> None:
        """Leave the files that are open as they are, for ever, and go on in a copy of all that they hold."""
        for connection in self._connections:
            never_close(connection)
        self._source = self._source or self._anchor
        self._idle, self._writer, self._anchor = [], None, None
        hint, steps = "The data folder is gone: close this window.", tuple[Step, ...]()
        if self._source is not None and self.path.parent.is_dir():
            try:
                self._copy, sound = copy_beside(self._source, self.path)
                self._files.remove_log_of_another(self.path)
                self._anchor = self._connect()
                steps = (Step(Action.MERGE_BACKUP if sound else Action.SALVAGE_BACKUP, self._copy.name),)
                hint = (
                    f"All that was known here is in the backup {self._copy.name}. Close this window, open it again, "
                    "and bring that in."
                    if sound
                    else f"What was known here is in the backup {self._copy.name}, which is damaged: pages were "
                    "written over. Close this window, and save what can be read of it."
                )
            except (OSError, sqlite3.Error, StoreError) as error:
                self._copy = None
                hint = (
                    f"What was known here could not be copied beside it: {error}. Leave this window open, free some "
                    "space or check the folder, and write again: it is copied then, with what you write."
                )
        self._lost = LostRecordError(
            f"The database in {self.path.parent} is no longer the one that is open here: another program removed or "
            "replaced it. Nothing more is written to it.",
            hint,
            *steps,
        )

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """Give a connection inside one read snapshot. Keep it short: an open snapshot delays every erasure.

        Raises LostRecordError if the record is not where it was and could not be copied beside.
        """
        lost = self.lost
        if lost and not self._copy:
            raise lost  # opening the path would make an empty database there, or read a stranger's
        with self._pool_lock:
            if self._closed:
                raise ClosedError
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
                if self._closed or lost is not self._lost:
                    connection.close()
                else:
                    self._idle.append(connection)

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """Give the writing connection inside one transaction: committed and on disk when the block ends, or undone.

        Raises LostRecordError if the record is not where it was; what the block wrote is in the copy beside it then.
        """
        with self._write_lock:
            if self._closed:
                raise ClosedError
            if (lost := self.lost) and not self._copy:
                with self._pool_lock:
                    self._save_beside()  # there may be room by now
                if not self._copy:
                    raise self._lost or lost
            self._writer = self._writer or self._connect()
            connection = self._writer
            if connection.in_transaction:
                raise StoreError("A write was started inside another write.")
            try:
                self._begin(connection)
                yield connection
                connection.execute("COMMIT")
            except sqlite3.DatabaseError as error:
                raise _translate(error, self.path) from error
            finally:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
            if lost := self.lost:
                raise lost

    def fetch(
        self,
        read: Callable[Concatenate[sqlite3.Connection, _Arguments], _Result],
        *args: _Arguments.args,
        **kwargs: _Arguments.kwargs,
    ) -> _Result:
        """Return what a function reads, in a snapshot of its own."""
        with self.read() as connection:
            return read(connection, *args, **kwargs)

    def fetch_all(self, query: str, parameters: Parameters = ()) -> list[sqlite3.Row]:
        """Return all rows of a query, read in a snapshot of its own."""
        with self.read() as connection:
            return connection.execute(query, parameters).fetchall()

    def fetch_one(self, query: str, parameters: Parameters = ()) -> sqlite3.Row | None:
        """Return the first row of a query, or None."""
        with self.read() as connection:
            row: sqlite3.Row | None = connection.execute(query, parameters).fetchone()
        return row

    def execute(self, statement: str, parameters: Parameters = ()) -> int:
        """Run one statement in a transaction of its own; return how many rows it changed."""
        with self.write() as connection:
            return connection.execute(statement, parameters).rowcount

    def _begin(self, connection: sqlite3.Connection) -> None:
        """Begin a write, waiting for other programs; it is told if that takes long."""
        for waits in (_SILENT_SECONDS, BUSY_TIMEOUT_SECONDS - _SILENT_SECONDS):
            connection.execute(f"PRAGMA busy_timeout={int(1000 * waits)}")
            try:
                connection.execute("BEGIN IMMEDIATE")
                return
            except sqlite3.OperationalError as error:
                if waits != _SILENT_SECONDS or "locked" not in str(error):
                    raise
                self.tell_waiting()

    def changes(self) -> tuple[int, int]:
        """Return numbers that are others once anything was committed since, here or by another process."""
        with self._pool_lock:
            if self._anchor is None:
                return 0, 0
            # It never writes: so each commit of any other connection counts. In the copy, counting begins anew.
            return id(self._anchor), int(self._anchor.execute("PRAGMA data_version").fetchone()[0])

    def truncate_log(self, patience_seconds: float) -> bool:
        """Move the whole write-ahead log into the database and cut it to nothing, retrying while readers hold it.

        Returns False if a reader's snapshot was still in the way when patience ran out. Raises LostRecordError.
        """
        deadline = time.monotonic() + patience_seconds
        with self._write_lock, self._connect_in_place() as connection:
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
        """Write every page anew: secure_delete clears deleted cells, not the copies that page splits left.

        Raises LostRecordError.
        """
        with self._write_lock, self._connect_in_place() as connection:
            try:
                connection.execute("VACUUM")
            except sqlite3.DatabaseError as error:
                raise _translate(error, self.path) from error

    def _connect_in_place(self) -> closing[sqlite3.Connection]:
        """Open a connection for what concerns the files and not the rows: never to another database in their place."""
        if lost := self.lost:
            raise lost
        return closing(self._connect())

    def quick_check(self) -> list[str]:
        """Return what SQLite finds wrong with the file; an empty list is a sound one."""
        with self.read() as connection:
            rows = connection.execute("PRAGMA quick_check").fetchall()
        return [str(row[0]) for row in rows if row[0] != "ok"]

    def close(self) -> None:
        """Close every connection. Closing twice is harmless.

        The last to close moves its log into the database: into one that others have changed since, if the log is no
        longer theirs. So this looks first, as a write does.
        """
        with self._write_lock, self._pool_lock:
            if not self._closed:
                try:
                    if self._copy is None and Files.in_place(self.path) != self._files:
                        self._save_beside()
                except StoreError:  # whose log it would move where can't be told: the next opening does it
                    for connection in self._connections:
                        never_close(connection)
                    self._idle, self._writer, self._anchor = [], None, None
                remove_opened(self.path)
            self._closed = True
            for connection in self._connections:
                connection.close()
            self._idle, self._writer, self._anchor = [], None, None


def _translate(error: sqlite3.DatabaseError, path: Path) -> StoreError:
    text = str(error)
    if "malformed" in text or "not a database" in text or "corrupt" in text:
        return CorruptStoreError(
            f"The database {path} is damaged: {text}.",
            "What can still be read can be saved into a new folder; backups are in the folder `backups`.",
            Step(Action.SALVAGE),
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
