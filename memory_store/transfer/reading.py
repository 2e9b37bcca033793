"""Reading an archive: opened, checked against its own sums, and given out record by record in the present format."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
import sqlite3
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import numpy as np

from memory_store import ids, receipts
from memory_store.clock import from_text
from memory_store.database import tables
from memory_store.database.files import OWN_DATA, OWN_DATA_HINT, is_own_file
from memory_store.database.rows import left_out_from_json, locator_from_json, read_row
from memory_store.embedding.base import EmbedderIdentity
from memory_store.errors import ArchiveError
from memory_store.transfer import archive
from memory_store.transfer.encryption import decrypt, is_encrypted

EXPORT_AGAIN: Final = "Export again from the store it came from, or use another copy of the archive."
# A line is one row: a text of any length, and a few fields beside it. So what stands outside of the texts is short,
# and a long line can't unfold to more than it is.
_MAX_LINE_BYTES: Final = 64 * 1024 * 1024
_LONG_LINE_BYTES: Final = 256 * 1024
_MAX_FIELDS_BYTES: Final = 16 * 1024
_TEXT: Final = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
_MAX_MANIFEST_BYTES: Final = 32 * 1024 * 1024
_MAX_SETTINGS_BYTES: Final = 1024 * 1024
_TIMES: Final = frozenset({"valid_from", "valid_to", "not_before"})
_MOST: Final = 1 << 63
_MOST_DIMENSIONS: Final = 65_536
_LENGTH_TOLERANCE: Final = 0.05
_ID: Final = re.compile(rf"(?:{'|'.join(ids.PREFIXES)})_[0-9a-z]{{1,64}}")
# What records lack that were written before a version, by that version and table.
_ADDED_IN: Final[dict[int, dict[str, dict[str, Any]]]] = {
    2: {
        "conversations": {"origin": None, "current_message_id": None, "title_message_id": None},
        "messages": {"origin": None},
        "memories": {"origin": None},
        "tombstones": {"erasure_id": None, "lifted": 0},
    },
    4: {"conversations": {"archived": 0}, "citations": {"dismissed": 0}},
    5: {
        "memories": {"about": None, "retired_at": None, "why": None, "horizon": None},
        "memory_sources": {"quote": None},
    },
    6: {"documents": {"left_out": None}},
    7: {"conversations": {"effort": None}},
}


@dataclass(frozen=True, slots=True)
class Archive:
    """An archive that was checked: every file is as it was written."""

    source: zipfile.ZipFile
    manifest: dict[str, Any]

    @property
    def version(self) -> int:
        """The format version it was written in."""
        return int(self.manifest["format_version"])

    @property
    def key(self) -> bytes:
        """The key of its tombstones. Raises ArchiveError if it has none."""
        try:
            return bytes.fromhex(str(self.manifest["tombstone_key"]))
        except (KeyError, ValueError) as error:
            raise ArchiveError("The archive has no readable key for its tombstones.", EXPORT_AGAIN) from error

    @property
    def settings(self) -> str | None:
        """The text of the settings that came along, if any did. Raises ArchiveError if it is no text."""
        if archive.SETTINGS not in self.manifest["sha256"]:
            return None
        if self.source.getinfo(archive.SETTINGS).file_size > _MAX_SETTINGS_BYTES:
            raise ArchiveError(f"{archive.SETTINGS} in the archive is of impossible size.", EXPORT_AGAIN)
        try:
            return self.source.read(archive.SETTINGS).decode("utf-8")
        except UnicodeDecodeError as error:
            raise ArchiveError(f"{archive.SETTINGS} in the archive is not text.", EXPORT_AGAIN) from error

    def records(self, name: str) -> Iterator[dict[str, Any]]:
        """Yield the records of a table in the present format. Raises ArchiveError for another shape or number."""
        into = tables.BY_NAME[name]
        # Version 1 kept the one source of a memory in the memory itself.
        file = tables.BY_NAME["memories"] if into.since > self.version and name == "memory_sources" else into
        if file.since > self.version:
            return
        count = 0
        for count, record in enumerate(self._lines(file), start=1):
            try:
                for target, current in upgrade(self.version, file.name, record):
                    if target == name:
                        check_record(target, current)
                        yield dict(zip(into.columns, _decode(into, current), strict=True))
            except (KeyError, ValueError, TypeError, AttributeError) as error:
                raise ArchiveError(f"{file.file}, line {count}: unexpected value: {error}.", EXPORT_AGAIN) from error
        if count != self.manifest["counts"].get(file.name):
            raise ArchiveError(f"{file.file} has {count} rows, not as many as the manifest says.", EXPORT_AGAIN)

    def embedders(self) -> dict[int, EmbedderIdentity]:
        """Return who made its vectors, by their number in the archive."""
        return {int(record["id"]): read_row(EmbedderIdentity, record) for record in self.records("embedders")}

    def _lines(self, table: tables.Table) -> Iterator[dict[str, Any]]:
        name = table.file
        with self.source.open(name) as member:
            number = 0
            while line := member.readline(_MAX_LINE_BYTES + 1):
                number += 1
                if len(line) > _MAX_LINE_BYTES or (
                    len(line) > _LONG_LINE_BYTES and len(_TEXT.sub(b"", line)) > _MAX_FIELDS_BYTES
                ):
                    raise ArchiveError(f"{name}, line {number}, is no row: it is too long.", EXPORT_AGAIN)
                try:
                    record = json.loads(line)
                except (ValueError, RecursionError) as error:
                    raise ArchiveError(f"{name}, line {number}, is not JSON.", EXPORT_AGAIN) from error
                if not isinstance(record, dict):
                    raise ArchiveError(f"{name}, line {number}, is not an object.", EXPORT_AGAIN)
                yield record


@contextmanager
def open_archive(path: Path, passphrase: str | None = None) -> Iterator[Archive]:
    """Open and check an archive; a passphrase opens an encrypted one.

    Raises ArchiveError for a damaged or foreign file, here and while it is read.
    """
    if is_own_file(path):
        raise ArchiveError(f"{path} is not a Keepsake archive: {OWN_DATA}.", *OWN_DATA_HINT)
    try:
        readable = io.BytesIO(decrypt(path, passphrase)) if is_encrypted(path) else path
        with zipfile.ZipFile(readable) as source:
            manifest = _manifest(source, path)
            _verify(source, manifest)
            yield Archive(source, manifest)
    except FileNotFoundError as error:
        raise ArchiveError(f"There is no file {path}.") from error
    except OSError as error:
        raise ArchiveError(f"{path} can't be read: {error.strerror or error}.") from error
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise ArchiveError(f"{path} is damaged: {error}.", EXPORT_AGAIN) from error


def _manifest(source: zipfile.ZipFile, path: Path) -> dict[str, Any]:
    try:
        if source.getinfo(archive.MANIFEST).file_size > _MAX_MANIFEST_BYTES:
            raise ArchiveError(f"{path} has a manifest of impossible size.", EXPORT_AGAIN)
        manifest = json.loads(source.read(archive.MANIFEST))
    except (KeyError, ValueError, RecursionError) as error:
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
        raise ArchiveError(f"{path} has a manifest without sums.", EXPORT_AGAIN)
    return manifest


def _verify(source: zipfile.ZipFile, manifest: dict[str, Any]) -> None:
    """Compare every file that the manifest names with its SHA-256, reading a block at a time."""
    present = set(source.namelist())
    required = {table.file for table in tables.ARCHIVED if table.since <= manifest["format_version"]}
    missing = (required | set(manifest["sha256"])) - (present & (set(manifest["sha256"])))
    if missing:
        raise ArchiveError(f"The archive lacks {sorted(missing)[0]}.", EXPORT_AGAIN)
    for name, expected in manifest["sha256"].items():
        digest = hashlib.sha256()
        with source.open(name) as member:
            while block := member.read(1 << 20):
                digest.update(block)
        if digest.hexdigest() != expected:
            raise ArchiveError(f"In the archive, {name} was changed after it was written.", EXPORT_AGAIN)


def _decode(table: tables.Table, record: dict[str, Any]) -> tuple[Any, ...]:
    """Return the row that an export wrote. Raises KeyError or ValueError for another shape."""
    if set(record) != set(table.columns):
        raise KeyError(", ".join(sorted(set(record) ^ set(table.columns))))
    return tuple(
        base64.b64decode(record[name], validate=True) if table.schema[name].kind is bytes else record[name]
        for name in table.columns
    )


def check_record(table: str, record: dict[str, Any]) -> None:
    """Raise ValueError, TypeError or KeyError for a value that could be stored but not be read again.

    SQLite would make a text of a number, and the other way round.
    """
    columns = tables.BY_NAME[table].schema
    for name, value in record.items():
        if value is None:
            continue
        if (column := columns.get(name)) is not None and column.kind is int:
            if type(value) is not int or not -_MOST < value < _MOST:
                raise ValueError(f"{name} is no whole number")
        elif not isinstance(value, str):
            raise TypeError(f"{name} is no text")
        else:
            value.encode("utf-8")  # half of a surrogate pair can't be stored
            if name == "id" or name.endswith("_id"):
                check_id(value)
            if name.endswith("_at") or name in _TIMES:
                from_text(value)
            elif name in _PARSED:
                _PARSED[name](value)
    _check_sense(table, record)


def _check_sense(table: str, record: dict[str, Any]) -> None:
    """Raise ValueError for a row that no store of ours would have written."""
    if table == "embedders" and not 1 <= record["dimension"] <= _MOST_DIMENSIONS:
        raise ValueError("dimension is not one that an embedder has")
    if table == "embeddings":
        _check_vector(record["vector"])
    if table == "erasures" and record["completed_at"] is None:
        raise ValueError("an erasure that is not complete would be carried out here")
    if table == "late_requests" and record["message_id"] is None:
        raise ValueError("a batch without an answer would be taken back here")
    for name in _OBJECTS.get(table, ()):
        if record[name] is not None and not isinstance(json.loads(record[name]), dict):
            raise ValueError(f"{name} is no JSON object")
    if table == "recipes" and not all(isinstance(text, str) for text in json.loads(record["files"]).values()):
        raise ValueError("a file of a recipe is no text")
    if table == "schedules" and record["untold"] < 0:
        raise ValueError("untold is counted from zero")
    if table == "capture_queue" and record["attempts"] < 0:
        raise ValueError("attempts are counted from zero")


def _check_vector(encoded: str) -> None:
    """Raise ValueError for a vector that is no direction: not finite, or so long that it would outweigh all others."""
    raw = base64.b64decode(encoded, validate=True)
    if len(raw) % 4 or len(raw) > 4 * _MOST_DIMENSIONS:
        raise ValueError("a vector is none of float32")
    length = float(np.linalg.norm(np.frombuffer(raw, dtype="<f4").astype(np.float64)))
    if not np.isfinite(length) or (length != 0 and abs(length - 1) > _LENGTH_TOLERANCE):
        raise ValueError("a vector is not finite, or not of unit length")


def check_id(value: str) -> None:
    """Raise ValueError for what can't be an id of ours: ids become parts of file names and of links."""
    if not _ID.fullmatch(value):
        raise ValueError("an id is none of ours")


def _check_counts(text: str) -> None:
    if not all(isinstance(count, int) for count in json.loads(text).values()):
        raise ValueError("counts are no numbers")


def _check_left_out(text: str) -> None:
    if not all(isinstance(item, str) for part in left_out_from_json(text) for item in astuple(part)):
        raise ValueError("what was left out is no text")


_OBJECTS: Final = {"task_items": ("details", "result"), "task_steps": ("request",), "recipes": ("files",)}
_PARSED: Final[dict[str, Callable[[str], object]]] = {
    "locator": locator_from_json,
    "receipt": receipts.parse_receipt,
    "counts": _check_counts,
    "left_out": _check_left_out,
    "begins": lambda text: datetime.strptime(text, "%Y-%m-%dT%H:%M:%S"),
}


def check_chains(connection: sqlite3.Connection) -> None:
    """Raise ArchiveError if messages answer, or memories supersede, each other in a circle."""
    chains = [
        (table.name, name) for table in tables.ARCHIVED for name, to in table.references().items() if to == table.name
    ]
    for table, column in chains:
        reached, total = connection.execute(
            f"WITH RECURSIVE reached (id) AS (SELECT id FROM {table} WHERE {column} IS NULL UNION "
            f"SELECT later.id FROM {table} AS later JOIN reached ON later.{column} = reached.id) "
            f"SELECT (SELECT count(*) FROM reached), (SELECT count(*) FROM {table})"
        ).fetchone()
        if reached != total:
            raise ArchiveError(f"Some {table} of the archive lead to each other in a circle.", "Nothing was changed.")


def upgrade(version: int, table: str, record: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield (table, record) in the present format for one record of an archive of this version."""
    current = _complete(version, table, record)
    source = current.pop("source_message_id", None) if table == "memories" else None  # only in version 1
    if table == "memories" and version < 5 and record["superseded_by"] is not None:
        current["retired_at"] = record["valid_to"] or record["recorded_at"]
    yield table, current
    if source is not None:
        sources = {"memory_id": record["id"], "message_id": source, "document_id": None}
        yield "memory_sources", _complete(version, "memory_sources", sources)


def _complete(version: int, table: str, record: dict[str, Any]) -> dict[str, Any]:
    """Return a record with what it lacks."""
    current = dict(record)
    for since, added in _ADDED_IN.items():
        if version < since:
            current |= added.get(table, {})
    return current
