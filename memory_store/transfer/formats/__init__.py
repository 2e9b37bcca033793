"""The record in the formats of other programs. Only an archive holds everything and can be restored."""

from __future__ import annotations

import hashlib
import os
import sqlite3
import uuid
from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import IO, Final

from memory_store.database import tombstones
from memory_store.database.connection import Database
from memory_store.transfer.formats.claude import memory_lines
from memory_store.transfer.formats.notes import note_files
from memory_store.transfer.formats.pam import pam_files
from memory_store.transfer.formats.tables import csv_lines
from memory_store.transfer.record import Record
from memory_store.transfer.writing import whole_file, whole_folder


class Format(StrEnum):
    """A format of another program."""

    MARKDOWN = "markdown"
    CSV = "csv"
    CLAUDE = "claude"
    PAM = "pam"


FOLDERS: Final = frozenset({Format.MARKDOWN, Format.PAM})


def export_as(database: Database, wanted: Format, path: Path, *, with_private: bool) -> int:
    """Write the record in a format to `path`, whole or not at all: a folder for those of FOLDERS, else a file.

    Returns how many files were written. Raises ArchiveError if they can't be.
    """
    with database.read() as connection:
        record = Record(connection, with_private)
        if wanted in FOLDERS:
            files = note_files(record) if wanted is Format.MARKDOWN else pam_files(record, _owner(connection))
            return _write_folder(path, files)
        with whole_file(path) as file:
            _write(file, _LINES[wanted](record))
        return 1


_LINES: Final[dict[Format, Callable[[Record], Iterator[str]]]] = {
    Format.CSV: csv_lines,
    Format.CLAUDE: memory_lines,
}


def _write_folder(path: Path, files: Iterator[tuple[str, Iterator[str]]]) -> int:
    count = 0
    with whole_folder(path) as folder:
        for name, pieces in files:
            target = folder / name
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with os.fdopen(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
                _write(file, pieces)
            count += 1
    return count


def _write(file: IO[bytes], pieces: Iterable[str]) -> None:
    for piece in pieces:
        file.write(piece.encode("utf-8", "replace"))


def _owner(connection: sqlite3.Connection) -> str:
    """Return an id of the store's owner that is the same in every export and says nothing else."""
    key = tombstones.secret(connection)
    return str(uuid.UUID(bytes=hashlib.blake2b(key, digest_size=16, person=b"keepsake-owner").digest()))
