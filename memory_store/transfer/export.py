"""Export: the whole record as one zip that a person and a program can read, written as a stream."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import sqlite3
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from memory_store.clock import now, to_text
from memory_store.database.connection import Database
from memory_store.errors import ArchiveError
from memory_store.transfer import archive, markdown

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class ExportSummary:
    """What an export wrote: rows a table, and the size of the file in bytes."""

    path: Path
    counts: Mapping[str, int]
    size_bytes: int


def export(
    database: Database, path: Path, version: str, settings: str | None = None, progress: Progress | None = None
) -> ExportSummary:
    """Write the archive to `path` (0600), whole or not at all, with the text of `settings` as it is.

    Raises ArchiveError if it can't be written there.

    One snapshot of the record is read to the end, so the archive is consistent while others go on writing.
    """
    if path.exists() and path.is_dir():
        raise ArchiveError(f"{path} is a folder.", "Name a file, such as keepsake.zip.")
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        handle = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
    except OSError as error:
        raise ArchiveError(f"{path} can't be written: {error.strerror}.", "Choose another place.") from error
    try:
        with os.fdopen(handle, "w+b") as file:
            with database.read() as connection, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as target:
                counts = _write(connection, target, version, settings, progress)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        raise ArchiveError(f"{path} can't be written: {error.strerror}.", "Choose another place.") from error
    finally:
        temporary.unlink(missing_ok=True)
    return ExportSummary(path, counts, path.stat().st_size)


def _write(
    connection: sqlite3.Connection,
    target: zipfile.ZipFile,
    version: str,
    settings: str | None,
    progress: Progress | None,
) -> dict[str, int]:
    counts: dict[str, int] = {}
    files: dict[str, str] = {}
    totals = {
        table.name: int(connection.execute(f"SELECT count(*) FROM {table.name} WHERE {table.where}").fetchone()[0])
        for table in archive.TABLES
    }
    done, total = 0, sum(totals.values())
    for table in archive.TABLES:
        files[table.file] = _member(target, table.file, _lines(connection, table))
        counts[table.name] = totals[table.name]
        done += totals[table.name]
        if progress:
            progress(done, total)
    for name, pieces in markdown.readable_files(connection):
        files[name] = _member(target, name, pieces)
    if settings is not None:
        files[archive.SETTINGS] = _member(target, archive.SETTINGS, [settings])
    key = connection.execute("SELECT value FROM meta WHERE key = 'tombstone_key'").fetchone()[0]
    manifest: dict[str, Any] = {
        "format": archive.FORMAT,
        "format_version": archive.FORMAT_VERSION,
        "made_by": f"keepsake {version}",
        "exported_at": to_text(now()),
        "counts": counts,
        "tombstone_key": key,
        "sha256": files,
    }
    _member(target, archive.MANIFEST, [json.dumps(manifest, indent=2, ensure_ascii=False) + "\n"])
    return counts


def _lines(connection: sqlite3.Connection, table: archive.Table) -> Iterator[str]:
    columns = ", ".join(table.columns)
    for row in connection.execute(f"SELECT {columns} FROM {table.name} WHERE {table.where} ORDER BY {table.order}"):
        yield json.dumps(archive.encode(table, tuple(row)), ensure_ascii=False) + "\n"


def _member(target: zipfile.ZipFile, name: str, pieces: Iterable[str]) -> str:
    """Write one member as a stream and return its SHA-256."""
    digest = hashlib.sha256()
    info = zipfile.ZipInfo(name)  # a fixed date: equal stores give equal files
    info.compress_type = zipfile.ZIP_DEFLATED
    info.external_attr = 0o600 << 16
    with target.open(info, "w", force_zip64=True) as member:
        for piece in pieces:
            data = piece.encode("utf-8")
            digest.update(data)
            member.write(data)
    return digest.hexdigest()
