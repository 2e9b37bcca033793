"""Restore: an archive into an empty store, checked before a row is written, all of it or nothing."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from memory_store.database import passages
from memory_store.database.connection import Database
from memory_store.embedding.base import EmbedderIdentity
from memory_store.errors import ArchiveError, StoreError
from memory_store.transfer import archive
from memory_store.transfer.upgrades import upgraded

_MAX_LINE_BYTES: Final = 512 * 1024 * 1024
_MAX_MANIFEST_BYTES: Final = 256 * 1024 * 1024
_EXPORT_AGAIN: Final = "Export again from the store it came from, or use another copy of the archive."


@dataclass(frozen=True, slots=True)
class RestoreSummary:
    """What a restore brought: rows a table, and whether the vectors came along or have to be made again."""

    counts: Mapping[str, int]
    vectors_kept: bool


def restore(database: Database, path: Path, identity: EmbedderIdentity | None) -> RestoreSummary:
    """Bring an archive into an empty store. Vectors are kept if the store's embedder made them, or it has none.

    Raises ArchiveError for a damaged or foreign file or a store that holds something; then nothing has changed.
    """
    try:
        with zipfile.ZipFile(path) as source:
            manifest = _manifest(source, path)
            _verify(source, manifest)
            return _insert(database, source, manifest, identity)
    except FileNotFoundError as error:
        raise ArchiveError(f"There is no file {path}.") from error
    except OSError as error:
        raise ArchiveError(f"{path} can't be read: {error.strerror or error}.") from error
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise ArchiveError(f"{path} is damaged: {error}.", _EXPORT_AGAIN) from error


def _manifest(source: zipfile.ZipFile, path: Path) -> dict[str, Any]:
    try:
        if source.getinfo(archive.MANIFEST).file_size > _MAX_MANIFEST_BYTES:
            raise ArchiveError(f"{path} has a manifest of impossible size.", _EXPORT_AGAIN)
        manifest = json.loads(source.read(archive.MANIFEST))
    except (KeyError, ValueError) as error:
        raise ArchiveError(f"{path} is not a Keepsake archive: it has no readable manifest.") from error
    if not isinstance(manifest, dict) or manifest.get("format") != archive.FORMAT:
        raise ArchiveError(f"{path} is not a Keepsake archive.")
    version = manifest.get("format_version")
    if not isinstance(version, int) or not 1 <= version <= archive.FORMAT_VERSION:
        raise ArchiveError(
            f"{path} has format version {version}; this version reads up to {archive.FORMAT_VERSION}.",
            "Install a newer Keepsake.",
        )
    if not isinstance(manifest.get("sha256"), dict) or not isinstance(manifest.get("counts"), dict):
        raise ArchiveError(f"{path} has a manifest without sums.", _EXPORT_AGAIN)
    return manifest


def _verify(source: zipfile.ZipFile, manifest: dict[str, Any]) -> None:
    """Compare every file that the manifest names with its SHA-256, reading a block at a time."""
    present = set(source.namelist())
    required = {table.file for table in archive.TABLES if table.since <= manifest["format_version"]}
    missing = (required | set(manifest["sha256"])) - (present & (set(manifest["sha256"])))
    if missing:
        raise ArchiveError(f"The archive lacks {sorted(missing)[0]}.", _EXPORT_AGAIN)
    for name, expected in manifest["sha256"].items():
        digest = hashlib.sha256()
        with source.open(name) as member:
            while block := member.read(1 << 20):
                digest.update(block)
        if digest.hexdigest() != expected:
            raise ArchiveError(f"In the archive, {name} was changed after it was written.", _EXPORT_AGAIN)


def _insert(
    database: Database, source: zipfile.ZipFile, manifest: dict[str, Any], identity: EmbedderIdentity | None
) -> RestoreSummary:
    counts: dict[str, int] = {}
    try:
        with database.write() as connection:
            _require_empty(connection)
            connection.execute("PRAGMA defer_foreign_keys=ON")
            connection.execute("DELETE FROM tombstones")
            version = int(manifest["format_version"])
            connection.execute("DELETE FROM embedders")
            keep = _keeps_vectors(source, identity)
            for table in archive.TABLES:
                if table.since <= version and (keep or table.name not in archive.VECTOR_TABLES):
                    counts[table.name] = _insert_table(connection, source, table, version)
                    if counts[table.name] != manifest["counts"].get(table.name):
                        raise ArchiveError(
                            f"{table.file} has {counts[table.name]} rows, not as many as the manifest says."
                        )
            key = bytes.fromhex(str(manifest.get("tombstone_key"))).hex()
            connection.execute("UPDATE meta SET value = ? WHERE key = 'tombstone_key'", (key,))
            connection.execute(
                "INSERT INTO outbox (operation, passage_row) SELECT 'index', passage_row FROM embeddings ORDER BY seq"
            )
            connection.execute(
                "DELETE FROM outbox WHERE operation = 'embed' AND passage_row IN (SELECT passage_row FROM embeddings)"
            )
            passages.date_in_words(connection)
            connection.execute("UPDATE meta SET value = CAST(value AS INTEGER) + 1 WHERE key = 'vectors_epoch'")
    except ArchiveError:
        raise
    except (StoreError, ValueError, sqlite3.Error) as error:
        raise ArchiveError(f"The archive does not fit: {error}.", "Nothing was changed. " + _EXPORT_AGAIN) from error
    return RestoreSummary(counts, keep)


def _require_empty(connection: sqlite3.Connection) -> None:
    for table in ("documents", "conversations", "memories"):
        if connection.execute(f"SELECT EXISTS (SELECT 1 FROM {table})").fetchone()[0]:
            raise ArchiveError(
                f"The store already holds {table}; an archive is restored into an empty one.",
                "Choose another folder with --data-dir, or export and `keepsake forget --all` first.",
            )


def _keeps_vectors(source: zipfile.ZipFile, identity: EmbedderIdentity | None) -> bool:
    if identity is None:
        return True
    table = next(one for one in archive.TABLES if one.name == "embedders")
    made_by = [
        EmbedderIdentity(record["name"], record["version"], record["dimension"], bool(record["normalized"]))
        for record in _records(source, table)
    ]
    return all(one == identity for one in made_by)


def _insert_table(connection: sqlite3.Connection, source: zipfile.ZipFile, table: archive.Table, version: int) -> int:
    count = 0
    for count, record in enumerate(_records(source, table), start=1):
        try:
            for name, current in upgraded(version, table.name, record):
                into = archive.TABLES_BY_NAME[name]
                row = archive.decode(into, current)
                marks = ", ".join("?" for _ in row)
                connection.execute(f"INSERT INTO {name} ({', '.join(into.columns)}) VALUES ({marks})", row)
        except (KeyError, ValueError, TypeError) as error:
            raise ArchiveError(f"{table.file}, line {count}: unexpected field {error}.", _EXPORT_AGAIN) from error
    return count


def _records(source: zipfile.ZipFile, table: archive.Table) -> Iterator[dict[str, Any]]:
    with source.open(table.file) as member:
        number = 0
        while line := member.readline(_MAX_LINE_BYTES):
            number += 1
            try:
                record = json.loads(line)
            except ValueError as error:
                raise ArchiveError(f"{table.file}, line {number}, is not JSON.", _EXPORT_AGAIN) from error
            if not isinstance(record, dict):
                raise ArchiveError(f"{table.file}, line {number}, is not an object.", _EXPORT_AGAIN)
            yield record
