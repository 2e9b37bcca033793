"""Brings exports of other assistants into the store: found among what was named, merged, and counted for the report."""

from __future__ import annotations

import stat
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, fields
from pathlib import Path

from assistant.errors import ReadError
from assistant.ingestion.base import FileProgress, ImportOptions, ReadLimits, SourceFile
from assistant.ingestion.chunking import passages_of_message
from assistant.ingestion.conversations.base import ImportedConversation, ImportedDocument, ImportedMemory, Skipped, Torn
from assistant.ingestion.conversations.exports import belongs, folder_members
from assistant.ingestion.discovery import Claim, DiscoveryFailure, Identity, display, identity_of, walk
from assistant.ingestion.isolation import ReadingProcess
from memory_store import NewConversation, NewMemory, NewMessage, Store

_SUFFIXES = (".zip", ".json", ".jsonl", ".csv", ".html", ".db", ".sqlite", ".sqlite3")
_OWN = "keepsake:"


@dataclass(frozen=True, slots=True)
class FoundExport:
    """An export among the paths that were named: what it is on the disk, of which assistant, which names are its own.

    Without `claim` all of it is.
    """

    path: Path
    identity: Identity
    format: str
    claim: Claim | None


@dataclass(slots=True)
class ExportReport:
    """What became of one export: conversations and messages by number, what was left out and why."""

    format: str
    new: int = 0
    updated: int = 0
    known: int = 0
    forgotten: int = 0
    messages_added: int = 0
    messages_known: int = 0
    messages_forgotten: int = 0
    memories_added: int = 0
    memories_known: int = 0
    skipped: Counter[Skipped] = field(default_factory=Counter)
    torn: list[Torn] = field(default_factory=list)
    documents: list[SourceFile] = field(default_factory=list)
    """Documents inside of the export, still to be imported as such."""

    def add(self, other: ExportReport) -> None:
        """Count another export in."""
        for counted in (item.name for item in fields(self) if item.default == 0):
            setattr(self, counted, getattr(self, counted) + getattr(other, counted))
        self.skipped += other.skipped
        self.torn += other.torn

    def summary(self) -> str:
        """Return the report in one line."""
        conversations = _format_counts(
            ("new", self.new), ("with news", self.updated), ("known", self.known), ("forgotten", self.forgotten)
        )
        messages = _format_counts(
            ("new", self.messages_added), ("known", self.messages_known), ("forgotten", self.messages_forgotten)
        )
        pieces = [f"conversations: {conversations or 'none'}", f"messages: {messages or 'none'}"]
        if self.memories_added or self.memories_known:
            pieces.append("memories: " + _format_counts(("new", self.memories_added), ("known", self.memories_known)))
        if self.skipped:
            pieces.append(
                "left out: " + _format_counts(*((item.value, count) for item, count in self.skipped.most_common()))
            )
        if self.torn:
            pieces.append(f"not read: {len(self.torn):,}")
        return "; ".join(pieces)


def _format_counts(*pairs: tuple[str, int]) -> str:
    return ", ".join(f"{count:,} {words}" for words, count in pairs if count)


def find_exports(paths: Sequence[Path], reader: ReadingProcess, limits: ReadLimits) -> Iterator[FoundExport]:
    """Yield the exports among files and folders, each once, the outer before the inner.

    What can't be opened is left to the import of files, which says why.
    """
    folders: set[Path] = set()
    for entry in walk(paths, lambda path: path.parent in folders and belongs(path.name)):
        if isinstance(entry, DiscoveryFailure):
            continue
        path, status, _ = entry
        is_folder = stat.S_ISDIR(status.st_mode)
        if not is_folder and (path.suffix.lower() not in _SUFFIXES or not stat.S_ISREG(status.st_mode)):
            continue
        found = _recognise(path, identity_of(status), reader, limits, is_folder=is_folder)
        if found is not None:
            folders.add(path)
            yield found


def _recognise(
    path: Path, identity: Identity, reader: ReadingProcess, limits: ReadLimits, *, is_folder: bool
) -> FoundExport | None:
    try:
        if is_folder and not any(folder_members(path)):
            return None
        found = reader.recognise(path, limits)
    except (ReadError, OSError):
        return None  # The import of its files says why.
    if found is None:
        return None
    claim = None if found.whole else lambda name: name in found.members or belongs(name)
    return FoundExport(path, identity, found.name, claim)


def merge_export(
    store: Store,
    reader: ReadingProcess,
    export: FoundExport,
    options: ImportOptions,
    progress: FileProgress | None,
    stop: threading.Event | None,
) -> ExportReport:
    """Bring an export into the store, a conversation at a time, each in one transaction.

    `progress` gets (path, messages so far, 0): how many there are is known only at the end.
    """
    report = ExportReport(export.format)
    with closing(reader.export(export.path, options.limits)) as items:
        for item in items:
            match item:
                case ImportedConversation():
                    _conversation(store, item, report, options)
                case ImportedMemory():
                    _memory(store, item, report, options)
                case ImportedDocument():
                    report.documents.append(item.file)
                case Torn():
                    report.torn.append(item)
            if progress:
                progress(display(export.path), report.messages_added + report.messages_known, 0)
            if stop is not None and stop.is_set():
                break
    return report


def _conversation(store: Store, item: ImportedConversation, report: ExportReport, options: ImportOptions) -> None:
    report.skipped.update(item.skipped)
    if item.origin.startswith(_OWN) and _is_own(store, item.origin, again=options.again):
        report.known += 1
        report.messages_known += len(item.messages)
        return
    new = NewConversation(
        item.origin,
        item.title,
        item.created_at,
        item.updated_at,
        [
            NewMessage(
                message.origin,
                message.parent_origin,
                message.role,
                message.text,
                message.author,
                message.created_at,
                passages_of_message(message.text),
            )
            for message in item.messages
        ],
        item.current,
        options.private or item.private,
    )
    outcome = store.conversations.merge(new, again=options.again)
    report.messages_added += outcome.added
    report.messages_known += outcome.known
    report.messages_forgotten += outcome.forgotten
    if outcome.conversation_id is None:
        report.forgotten += 1
    elif outcome.is_new:
        report.new += 1
    elif outcome.added:
        report.updated += 1
    else:
        report.known += 1


def _memory(store: Store, item: ImportedMemory, report: ExportReport, options: ImportOptions) -> None:
    if item.origin.startswith(_OWN) and _is_own(store, item.origin, again=options.again):
        report.memories_known += 1
        return
    new = NewMemory(item.text, item.kind, item.author, private=options.private or item.private, origin=item.origin)
    if store.memories.add_once(new, again=options.again) is None:
        report.memories_known += 1
    else:
        report.memories_added += 1


def _is_own(store: Store, origin: str, *, again: bool) -> bool:
    """Return whether what an archive of this very store names is here, or was forgotten here."""
    own_id = origin.removeprefix(_OWN)
    return store.holds(own_id) or (not again and store.is_forgotten(own_id))
