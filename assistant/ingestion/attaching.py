"""Files that are attached to a message: imported first if they are not stored yet, so that they can be cited."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from assistant.ingestion.discovery import display
from assistant.ingestion.pipeline import FileStatus, ImportOptions, import_paths
from memory_store import Store
from memory_store.models import Source, SourceKind


@dataclass(frozen=True, slots=True)
class AttachedFile:
    """A file as it is stored; None where it could not be read, for the reason. `is_new` says that it was imported."""

    source: Source | None
    is_new: bool = False
    reason: str = ""


def attached_file(store: Store, path: Path, options: ImportOptions) -> AttachedFile:
    """Return a file of the disk as it is stored, after reading what of it is new."""
    (outcome, *_rest) = import_paths(store, [path], options)
    document = store.documents.by_path(outcome.path) or store.documents.by_path(display(path.absolute()))
    if document is None:
        return AttachedFile(None, reason=f"{outcome.reason}. {outcome.hint}".strip())
    source = Source(document.id, SourceKind.DOCUMENT, document.title, document.path)
    return AttachedFile(source, outcome.status in (FileStatus.IMPORTED, FileStatus.UPDATED))
