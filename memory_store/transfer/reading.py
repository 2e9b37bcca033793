"""Reading an archive: opened, checked against its own sums, and given out record by record in the present format."""

from __future__ import annotations

import hashlib
import io
import json
import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from memory_store.database import tables
from memory_store.database.files import OWN_DATA, OWN_DATA_HINT, is_own_file
from memory_store.embedding.base import EmbedderIdentity
from memory_store.errors import ArchiveError
from memory_store.transfer import archive
from memory_store.transfer.checking import check_record
from memory_store.transfer.encryption import decrypted, is_encrypted
from memory_store.transfer.upgrades import upgraded

EXPORT_AGAIN: Final = "Export again from the store it came from, or use another copy of the archive."
# A line is one row: a text of any length, and a few fields beside it. So what stands outside of the texts is short,
# and a long line can't unfold to more than it is.
_MAX_LINE_BYTES: Final = 64 * 1024 * 1024
_LONG_LINE_BYTES: Final = 256 * 1024
_MAX_FIELDS_BYTES: Final = 16 * 1024
_TEXT: Final = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
_MAX_MANIFEST_BYTES: Final = 32 * 1024 * 1024
_MAX_SETTINGS_BYTES: Final = 1024 * 1024


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
                for target, current in upgraded(self.version, file.name, record):
                    if target == name:
                        check_record(target, current)
                        yield dict(zip(into.columns, archive.decode(into, current), strict=True))
            except (KeyError, ValueError, TypeError, AttributeError) as error:
                raise ArchiveError(f"{file.file}, line {count}: unexpected value: {error}.", EXPORT_AGAIN) from error
        if count != self.manifest["counts"].get(file.name):
            raise ArchiveError(f"{file.file} has {count} rows, not as many as the manifest says.", EXPORT_AGAIN)

    def embedders(self) -> dict[int, EmbedderIdentity]:
        """Return who made its vectors, by their number in the archive."""
        return {
            int(record["id"]): EmbedderIdentity(
                record["name"], record["version"], record["dimension"], bool(record["normalized"])
            )
            for record in self.records("embedders")
        }

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
def opened(path: Path, passphrase: str | None = None) -> Iterator[Archive]:
    """Open and check an archive; a passphrase opens an encrypted one.

    Raises ArchiveError for a damaged or foreign file, here and while it is read.
    """
    if is_own_file(path):
        raise ArchiveError(f"{path} is not a Keepsake archive: {OWN_DATA}.", *OWN_DATA_HINT)
    try:
        readable = io.BytesIO(decrypted(path, passphrase)) if is_encrypted(path) else path
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
