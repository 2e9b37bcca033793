"""The import: files found, compared with what is stored, read, cut into passages, and stored one by one."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from assistant.errors import ReadError
from assistant.ingestion.base import FileProgress, LeftOut, ReadLimits, SourceFile, check_size
from assistant.ingestion.base import ImportOptions as ImportOptions
from assistant.ingestion.conversations.merging import ExportReport, FoundExport, find_exports, merge_export
from assistant.ingestion.discovery import MEMBER, DiscoveryFailure, discover, discover_attached, display
from assistant.ingestion.isolation import ReadingProcess
from assistant.ingestion.readers.failures import translate_failures
from memory_store import NewDocument, Store
from memory_store.models import Source, SourceKind


class FileStatus(StrEnum):
    """What became of one file."""

    IMPORTED = "imported"
    UNCHANGED = "unchanged"
    UPDATED = "updated"
    FORGOTTEN = "forgotten"
    FAILED = "failed"
    MISSING = "missing"
    """Of a part that could not be read of a file that was."""


@dataclass(frozen=True, slots=True)
class FileOutcome:
    """One line of an import's report. `reason` and `hint` are empty unless there is something to say.

    `report` is there for an export of another assistant, which holds conversations rather than passages of its own.
    """

    path: str
    status: FileStatus
    passages: int = 0
    reason: str = ""
    hint: str = ""
    report: ExportReport | None = None


def import_paths(
    store: Store,
    paths: Sequence[Path],
    options: ImportOptions,
    progress: FileProgress | None = None,
    stop: threading.Event | None = None,
) -> Iterator[FileOutcome]:
    """Import files, folders and zips; yield an outcome a file as soon as its text is stored and found by its words.

    Exports of other assistants come first: their conversations are merged into what is known of them.
    `progress` gets (path, number, total) before each file, and (path, messages so far, 0) in an export. Setting
    `stop` ends the import between two files or conversations. The vectors are made afterwards
    (`Store.embed_pending`).
    """
    changed = False
    reader = ReadingProcess()
    try:
        exports = list(find_exports(paths, reader, options.limits))
        claims = {entry.identity: entry.claim for entry in exports}
        # Counted first, so that progress has a total; then walked, because a zip is open only while its members pass.
        total = sum(1 for _ in discover(paths, options.limits, claims))
        for export in exports:
            if stop is not None and stop.is_set():
                return
            yield from _import_export(store, reader, export, options, progress, stop)
        for number, item in enumerate(discover(paths, options.limits, claims), start=1):
            if stop is not None and stop.is_set():
                return
            if isinstance(item, DiscoveryFailure):
                yield FileOutcome(item.path, FileStatus.FAILED, 0, item.reason, item.hint)
                continue
            if progress:
                progress(item.path, number, max(number, total))
            for outcome in _import_file(store, reader, item, options):
                changed = changed or outcome.status is FileStatus.UPDATED
                yield outcome
    finally:
        reader.close()
        if changed:
            store.complete_erasures()  # the old passages of all changed files at once
        store.wake()


def _import_export(
    store: Store,
    reader: ReadingProcess,
    export: FoundExport,
    options: ImportOptions,
    progress: FileProgress | None,
    stop: threading.Event | None,
) -> Iterator[FileOutcome]:
    """Yield an outcome for an export, one for each conversation of it that is torn, and one for each document in it."""
    shown = display(export.path)
    report = merge_export(store, reader, export, options, progress, stop)
    for torn in report.torn:
        name = f"{shown}: conversation {torn.number}" if torn.number else shown
        reason = f"“{torn.title}”: {torn.reason}" if torn.title else torn.reason
        yield FileOutcome(name, FileStatus.FAILED, 0, reason, torn.hint)
    for document in report.documents:
        yield from _import_file(store, reader, document, options)
    yield FileOutcome(shown, _status_of(report), report=report)


def _status_of(report: ExportReport) -> FileStatus:
    if report.new or report.memories_added:
        return FileStatus.IMPORTED
    if report.messages_added:
        return FileStatus.UPDATED
    if report.known or report.memories_known:
        return FileStatus.UNCHANGED
    return FileStatus.FORGOTTEN if report.forgotten else FileStatus.FAILED


def _import_file(
    store: Store, reader: ReadingProcess, file: SourceFile, options: ImportOptions
) -> Iterator[FileOutcome]:
    """Yield an outcome for a file, one for each part of it that can't be read while the rest can, and those of the
    files that came with it.

    The whole file is read before anything is written: one that breaks half-way leaves nothing behind. What came with
    it is stored first, so that an import that ends in between begins it anew, and so that what of that can't be read
    is told of the file too.
    """
    try:
        content_hash = _hash(file, options.limits)
        known = store.documents.find_by_path(file.path)
        if not options.again:
            if known is not None and known.content_hash == content_hash:
                if options.private and not known.private:
                    store.documents.set_private(known.id, True)
                yield FileOutcome(file.path, FileStatus.UNCHANGED, known.passage_count)
                return
            if known is None and store.documents.is_forgotten(file.path, content_hash):
                yield FileOutcome(file.path, FileStatus.FORGOTTEN, 0, "it was forgotten", "`--again` brings it back.")
                return
        read = reader.read(file, options.limits, options.cutting)
    except ReadError as error:
        yield FileOutcome(file.path, FileStatus.FAILED, 0, error.message, error.hint)
        return
    unread, outcomes = _import_attached(store, reader, read.attached, options)
    within = f"{file.path}{MEMBER}"
    missing = tuple(LeftOut(outcome.path.removeprefix(within), outcome.reason, outcome.hint) for outcome in unread)
    new = NewDocument(
        path=file.path,
        title=read.title,
        media_type=read.media_type,
        content_hash=content_hash,
        size_bytes=file.size,
        created_at=read.created_at or file.modified_at,
        author_name=read.author,
        private=options.private,
        left_out=(*read.left_out, *missing),
    )
    stored = store.documents.add(new, read.passages, again=options.again)
    status = FileStatus.IMPORTED if known is None else FileStatus.UPDATED
    yield FileOutcome(file.path, status, stored.passage_count)
    for part in read.left_out:
        yield FileOutcome(f"{file.path}: {part.part}", FileStatus.MISSING, 0, part.reason, part.hint)
    yield from outcomes


def _import_attached(
    store: Store, reader: ReadingProcess, files: Sequence[SourceFile], options: ImportOptions
) -> tuple[list[FileOutcome], list[FileOutcome]]:
    """Import files that came with another one; return the outcomes of those that can't be read, and of all."""
    unread: list[FileOutcome] = []
    outcomes: list[FileOutcome] = []
    for attached in files:
        for item in discover_attached(attached, options.limits):
            if isinstance(item, DiscoveryFailure):
                made = [FileOutcome(item.path, FileStatus.FAILED, 0, item.reason, item.hint)]
            else:
                made = list(_import_file(store, reader, item, options))
            unread += (outcome for outcome in made[:1] if outcome.status is FileStatus.FAILED)
            outcomes += made
    return unread, outcomes


def _hash(file: SourceFile, limits: ReadLimits) -> str:
    check_size(file, limits)
    digest = hashlib.sha256()
    with translate_failures(), file.open() as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


@dataclass(frozen=True, slots=True)
class AttachedFile:
    """A file as it is stored; None where it could not be read, for the reason. `is_new` says that it was imported."""

    source: Source | None
    is_new: bool = False
    reason: str = ""


def attached_file(store: Store, path: Path, options: ImportOptions) -> AttachedFile:
    """Return a file of the disk as it is stored, after reading what of it is new."""
    (outcome, *_rest) = import_paths(store, [path], options)
    document = store.documents.find_by_path(outcome.path) or store.documents.find_by_path(display(path.absolute()))
    if document is None:
        return AttachedFile(None, reason=f"{outcome.reason}. {outcome.hint}".strip())
    source = Source(document.id, SourceKind.DOCUMENT, document.title, document.path)
    return AttachedFile(source, outcome.status in (FileStatus.IMPORTED, FileStatus.UPDATED))
