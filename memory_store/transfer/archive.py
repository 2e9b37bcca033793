"""The archive: the whole record as one zip that a person and a program can read, written as a stream."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import sqlite3
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

from memory_store.clock import now, to_text
from memory_store.database import tables, tombstones
from memory_store.database.connection import Database
from memory_store.transfer import markdown
from memory_store.transfer.encryption import encrypt
from memory_store.writing import whole_file

FORMAT: Final = "keepsake-archive"
FORMAT_VERSION: Final = 7
MANIFEST: Final = "manifest.json"
SETTINGS: Final = "config.toml"  # there if the exporting program gave its settings
ORDERS: Final = frozenset({"capture_queue"})  # what waits there for a model: work, not something remembered
VECTOR_TABLES: Final = frozenset({"embedders", "embeddings"})


@dataclass(frozen=True, slots=True)
class ExportSummary:
    """What an export wrote: rows a table, and the size of the file in bytes."""

    path: Path
    counts: Mapping[str, int]
    size_bytes: int


def export(
    database: Database,
    path: Path,
    version: str,
    settings: str | None = None,
    passphrase: str | None = None,
) -> ExportSummary:
    """Write the archive to `path` (0600), whole or not at all, with the text of `settings` as it is.

    With a passphrase it is encrypted, and held in memory until it is. Raises ArchiveError if it can't be written there.
    One snapshot of the record is read to the end, so the archive is consistent while others go on writing.
    """
    with whole_file(path) as file:
        # The library encrypts a whole file in memory; so nothing of it ever lies open on the disk either.
        plain: IO[bytes] = io.BytesIO() if passphrase else file
        with database.read() as connection, zipfile.ZipFile(plain, "w", zipfile.ZIP_DEFLATED) as target:
            counts = _write(connection, target, version, settings)
        if isinstance(plain, io.BytesIO) and passphrase:
            file.write(encrypt(plain.getvalue(), passphrase))
    return ExportSummary(path, counts, path.stat().st_size)


def _write(
    connection: sqlite3.Connection,
    target: zipfile.ZipFile,
    version: str,
    settings: str | None,
) -> dict[str, int]:
    files: dict[str, str] = {}
    counts = {
        table.name: int(connection.execute(f"SELECT count(*) FROM {table.name} WHERE {table.where}").fetchone()[0])
        for table in tables.ARCHIVED
    }
    for table in tables.ARCHIVED:
        files[table.file] = _member(target, table.file, _lines(connection, table))
    for name, pieces in markdown.readable_files(connection):
        files[name] = _member(target, name, pieces)
    if settings is not None:
        files[SETTINGS] = _member(target, SETTINGS, [settings])
    manifest: dict[str, Any] = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "made_by": f"keepsake {version}",
        "exported_at": to_text(now()),
        "counts": counts,
        "tombstone_key": tombstones.secret(connection).hex(),
        "sha256": files,
    }
    _member(target, MANIFEST, [json.dumps(manifest, indent=2, ensure_ascii=False) + "\n"])
    return counts


def _lines(connection: sqlite3.Connection, table: tables.Table) -> Iterator[str]:
    """Yield each row as a JSON object; bytes become base64."""
    columns, order = ", ".join(table.columns), ", ".join(table.order)
    for row in connection.execute(f"SELECT {columns} FROM {table.name} WHERE {table.where} ORDER BY {order}"):
        fields = {
            name: base64.b64encode(value).decode("ascii") if table.schema[name].kind is bytes else value
            for name, value in zip(table.columns, row, strict=True)
        }
        yield json.dumps(fields, ensure_ascii=False) + "\n"


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
