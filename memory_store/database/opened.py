"""Knows which databases this process has open, so that nothing else opens their files, by whatever name or link.

It is one list for the whole process because the harm is: closing any descriptor of a file drops every POSIX lock that
the process holds on it, whoever took them.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Final

from memory_store.database.files import JOURNAL, LOG, SHARED_MEMORY, beside, place_of
from memory_store.errors import Action, Step

OWN_DATA: Final = "it is Keepsake's own data"
OWN_DATA_HINT: Final = (
    "An export writes all of it into a file; a backup copies it, and can be merged.",
    Step(Action.EXPORT),
    Step(Action.BACK_UP),
)
_open: Final[list[Path]] = []


def add(database: Path) -> None:
    """Remember that a database was opened in this process; each call takes one `remove`."""
    _open.append(database.absolute())


def remove(database: Path) -> None:
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
