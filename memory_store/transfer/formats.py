"""The record in the formats of other programs. Only an archive holds everything and can be restored."""

from __future__ import annotations

import csv
import hashlib
import io
import os
import sqlite3
import uuid
from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import IO, Final

from memory_store.clock import now, to_text
from memory_store.database import tombstones
from memory_store.database.connection import Database
from memory_store.transfer.notes import note_files
from memory_store.transfer.pam import pam_files
from memory_store.transfer.record import Record
from memory_store.writing import whole_file, whole_folder

COLUMNS: Final = (
    "id",
    "kind",
    "text",
    "author_kind",
    "author_name",
    "pinned",
    "private",
    "recorded_at",
    "valid_from",
    "valid_to",
    "superseded_by",
    "sources",
)
# A spreadsheet takes a cell that begins like this for a formula, which may read files or call servers.
_LIKE_FORMULAS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def memory_lines(record: Record) -> Iterator[str]:
    """Yield a line for each memory that holds today; one superseded, over or yet to come would be taken for true."""
    moment = now()
    for memory in record.memories():
        over = memory.valid_to is not None and memory.valid_to <= moment
        to_come = memory.valid_from is not None and memory.valid_from > moment
        if memory.superseded_by is None and not over and not to_come:
            yield f"[{memory.recorded_at.astimezone():%Y-%m-%d}] - {' '.join(memory.text.split())}\n"


def csv_lines(record: Record) -> Iterator[str]:
    """Yield the table line by line, a memory each; a byte order mark lets spreadsheets see that it is UTF-8."""
    yield "\ufeff" + _line(COLUMNS)
    for memory in record.memories():
        yield _line(
            (
                memory.id,
                memory.kind.value,
                memory.text,
                memory.author.kind.value,
                memory.author.name or "",
                "yes" if memory.pinned else "no",
                "yes" if memory.private else "no",
                to_text(memory.recorded_at),
                to_text(memory.valid_from) if memory.valid_from else "",
                to_text(memory.valid_to) if memory.valid_to else "",
                memory.superseded_by if memory.superseded_by and record.shows(memory.superseded_by) else "",
                " ".join(filter(record.shows, memory.sources)),
            )
        )


def _line(cells: tuple[str, ...]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer).writerow(f"'{cell}" if cell.startswith(_LIKE_FORMULAS) else cell for cell in cells)
    return buffer.getvalue()


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
