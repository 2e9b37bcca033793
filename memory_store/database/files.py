"""The files of the database as the file system knows them: made private, and told from others by device and inode.

Which databases this process has open is known here, so that nothing else opens their files, by whatever name or link:
closing any descriptor of a file drops every POSIX lock that the process holds on it, whoever took them.
"""

from __future__ import annotations

import contextlib
import os
import re
import sqlite3
import stat
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from memory_store.clock import now
from memory_store.errors import Action, Step, StoreError

BACKUPS: Final = "backups"
BACKUP_TIME: Final = "%Y%m%dT%H%M%S%fZ"
RESCUED: Final = "-rescued"
# What SQLite calls the files beside a database: its write-ahead log, the shared memory of its readers, a journal.
LOG, SHARED_MEMORY, JOURNAL = "-wal", "-shm", "-journal"
OWN_DATA: Final = "it is Keepsake's own data"
OWN_DATA_HINT: Final = (
    "An export writes all of it into a file; a backup copies it, and can be merged.",
    Step(Action.EXPORT),
    Step(Action.BACK_UP),
)
_open: Final[list[Path]] = []
Place = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Files:
    """Which files a connection has open: device and inode of the database and of its write-ahead log."""

    database: Place | None
    log: Place | None

    @classmethod
    def in_place(cls, database: Path) -> Files:
        """Return what stands in the folder now; None for a file that is not there.

        Raises StoreError where that can't be told: the files may be there, or others.
        """
        try:
            return cls(_place_in(database), _place_in(beside(database, LOG)))
        except OSError as error:
            raise StoreError(
                f"The data folder {database.parent} can't be looked at: {error.strerror or error}.",
                "Nothing was lost by that. Check the folder's permissions and its disk, and try again.",
            ) from error

    def remove_log_of_another(self, database: Path) -> None:
        """Remove the log that is left of this database where another one stands in its place.

        SQLite would take it for the other's and write its pages into that.
        """
        there = Files.in_place(database)
        if there.database != self.database and there.log == self.log:
            for side in (LOG, SHARED_MEMORY):
                beside(database, side).unlink(missing_ok=True)


def make_private(path: Path) -> None:
    """Make the folder 0700 and the file 0600 before SQLite writes a byte; SQLite gives its side files the same mode.

    The file is made under another name and linked: a descriptor of the database itself, opened and closed here, would
    drop the locks of a connection that this process has to it already. Raises StoreError.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.parent.chmod(0o700)
        if not path.exists():
            fresh = path.with_name(f"{path.name}.{os.urandom(4).hex()}")
            os.close(os.open(fresh, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
            try:
                # Without links on this file system SQLite makes the file; and another process may have been faster.
                with contextlib.suppress(OSError):
                    os.link(fresh, path)
            finally:
                fresh.unlink()
        if path.exists():
            path.chmod(0o600)
    except OSError as error:
        raise StoreError(
            f"The data folder {path.parent} can't be used: {error.strerror or error}.",
            "Choose another, or make this one writable for you.",
            Step(Action.CHOOSE_FOLDER),
        ) from error


def copy_beside(connection: sqlite3.Connection, database: Path) -> tuple[Path, bool]:
    """Copy all that a connection sees into the folder of backups; return the copy, and whether it is sound.

    Who replaced the files may have written over pages that the connection still counts on. Raises OSError or
    sqlite3.Error.
    """
    target = database.parent / BACKUPS / f"{now():{BACKUP_TIME}}{RESCUED}.db"
    copy_whole(connection, target)
    with closing(sqlite3.connect(f"file:{target}?mode=ro&immutable=1", uri=True)) as copy:
        try:
            sound = copy.execute("PRAGMA quick_check(1)").fetchone()[0] == "ok"
        except sqlite3.DatabaseError:
            sound = False
    return target, sound


def copy_whole(
    source: sqlite3.Connection, target: Path, look: Callable[[sqlite3.Connection], None] = lambda _copy: None
) -> None:
    """Copy all that a connection sees into one new file, whole and on the disk, or not at all.

    `look` has the copy before it gets its name, and may refuse it. Raises OSError, and sqlite3.Error.
    """
    target.parent.mkdir(mode=0o700, exist_ok=True)
    with private_part(target) as part:
        with closing(sqlite3.connect(part, isolation_level=None)) as copy:
            source.backup(copy)
            copy.execute("PRAGMA journal_mode=DELETE")
            look(copy)
        with part.open("rb") as written:
            os.fsync(written.fileno())
        part.replace(target)


@contextlib.contextmanager
def private_part(target: Path) -> Iterator[Path]:
    """Give an empty file beside the target, for its owner alone; it and its log are removed if they are still there."""
    part = target.with_name(f".{target.name}.{os.getpid()}-{os.urandom(4).hex()}.part")
    try:
        os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        yield part
    finally:
        for side in ("", LOG, SHARED_MEMORY, JOURNAL):
            beside(part, side).unlink(missing_ok=True)


def remove_left_parts(folder: Path) -> None:
    """Remove what a kill left of a file in the making; what another process is making stays."""
    for left in folder.glob(".*.part*") if folder.is_dir() else ():
        maker = re.search(r"\.(\d+)-[0-9a-f]+\.part", left.name)
        if maker is None or not _is_running(int(maker[1])):
            left.unlink(missing_ok=True)


def _is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # somebody else's
    return True


def never_close(connection: sqlite3.Connection) -> None:
    """Keep a connection to files that are not in their place open until the process ends, and past its tidying up.

    The last one to close would move what is in its write-ahead log into a database that others have changed since.
    """
    import ctypes

    ctypes.pythonapi.Py_IncRef(ctypes.py_object(connection))


def processes_with_others(database: Path) -> list[int]:
    """Return the ids of this user's processes that have a file of this name open which is not the one in its place.

    Where the system doesn't tell (it does in Linux's /proc) none are returned.
    """
    names = {str(beside(database, side)) for side in ("", LOG, SHARED_MEMORY)}
    found = set()
    for opened in Path("/proc").glob("[0-9]*/fd/*"):
        try:
            name = str(opened.readlink()).removesuffix(" (deleted)")
            if name in names and place_of(opened) != place_of(Path(name)):
                found.add(int(opened.parts[2]))
        except OSError:
            continue  # closed meanwhile, or somebody else's
    return sorted(found)


def beside(database: Path, side: str) -> Path:
    """Return the file that SQLite keeps beside a database for this purpose."""
    return database.with_name(database.name + side)


def place_of(path: Path) -> Place | None:
    """Return device and inode; None for what is not there, or can't be looked at: no file that was opened there."""
    try:
        return _place_in(path)
    except (OSError, ValueError):
        return None


def _place_in(path: Path) -> Place | None:
    """Return device and inode; None for what is not there. Raises OSError for what can't be looked at."""
    try:
        found = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return found.st_dev, found.st_ino


def add_opened(database: Path) -> None:
    """Remember that a database was opened in this process; each call takes one `remove`."""
    _open.append(database.absolute())


def remove_opened(database: Path) -> None:
    """Forget a database that was closed. One that was never opened is no error."""
    if database.absolute() in _open:
        _open.remove(database.absolute())


def is_own(status: os.stat_result) -> bool:
    """Say whether this is a file of a database that is open here, or the folder of one, whatever it is called."""
    identity = (status.st_dev, status.st_ino)
    if stat.S_ISDIR(status.st_mode):
        return any(place_of(database.parent) == identity for database in set(_open))
    names = (beside(database, side) for database in set(_open) for side in ("", LOG, SHARED_MEMORY, JOURNAL))
    return any(place_of(name) == identity for name in names)


def is_own_place(path: Path) -> bool:
    """Say whether a path leads to a file of an open database, or to or into the folder of one. It need not exist."""
    found = {place_of(item) for item in (path, *Path(os.path.realpath(path)).parents)} - {None}
    if any(place_of(database.parent) in found for database in set(_open)):
        return True
    return is_own_file(path)


def is_own_file(path: Path) -> bool:
    """Say whether a path leads to a file of an open database."""
    try:
        return is_own(path.stat())
    except (OSError, ValueError):
        return False  # not there, or not to be looked at: whoever opens it says why
