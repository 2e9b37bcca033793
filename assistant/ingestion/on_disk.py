"""Says how the file behind a document stands now: as it was imported, changed since, or gone."""

from __future__ import annotations

import hashlib
from enum import StrEnum
from pathlib import Path
from typing import Final

from memory_store import is_own
from memory_store.models import Document

_MEMBER: Final = "!/"  # parts the path of a zip from that of a member


class OnDisk(StrEnum):
    """How a file stands against what was imported of it."""

    SAME = "unchanged on disk"
    CHANGED = "changed on disk"
    MISSING = "missing on disk"
    UNKNOWN = "not compared"


def importable(document: Document) -> Path:
    """Return the file that has to be imported for a document to be read again: for a member of a zip, the zip."""
    return Path(document.path.partition(_MEMBER)[0])


def on_disk(document: Document, *, thorough: bool = True) -> OnDisk:
    """Compare size and content with the file; members of a zip are only looked for.

    Without `thorough` a file of the same size that was last written before the import counts as unchanged unread.
    """
    file = importable(document)
    try:
        found = file.stat()
        if _MEMBER in document.path or is_own(found):
            return OnDisk.UNKNOWN
        if found.st_size != document.size_bytes:
            return OnDisk.CHANGED
        if not thorough and found.st_mtime < document.imported_at.timestamp():
            return OnDisk.SAME
        with file.open("rb") as stream:
            same = hashlib.file_digest(stream, "sha256").hexdigest() == document.content_hash
    except (FileNotFoundError, NotADirectoryError):
        return OnDisk.MISSING
    except OSError:
        return OnDisk.UNKNOWN  # there, but not ours to read; an import says why
    return OnDisk.SAME if same else OnDisk.CHANGED
