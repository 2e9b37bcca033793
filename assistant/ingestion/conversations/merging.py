"""Brings exports of other assistants into the store: found among what was named, merged, and counted for the report."""

from __future__ import annotations

import os
import stat
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from assistant.errors import ReadError
from assistant.ingestion.base import ReadLimits, SourceFile
from assistant.ingestion.chunking import passages_of_message
from assistant.ingestion.conversations.base import (
    ConversationFormat,
    ImportedConversation,
    ImportedDocument,
    ImportedMemory,
    Skipped,
    Torn,
)
from assistant.ingestion.conversations.exports import Export, belongs, opened_export
from assistant.ingestion.conversations.json_export import conversation_members
from assistant.ingestion.conversations.keepsake import KeepsakeFormat
from assistant.ingestion.conversations.registry import recognise
from assistant.ingestion.discovery import Claim, Identity, display, is_passed_over
from memory_store import NewConversation, NewMemory, NewMessage, Store

_SUFFIXES = (".zip", ".json", ".db", ".sqlite", ".sqlite3")
_OWN = "keepsake:"
_COUNTED = (
    *("new", "updated", "known", "forgotten", "messages_added", "messages_known", "messages_forgotten"),
    *("memories_added", "memories_known"),
)


@dataclass(frozen=True, slots=True)
class FoundExport:
    """An export among the paths that were named, what it is on the disk, and which names inside of it are its own.

    Without `claim` all of it is.
    """

    path: Path
    identity: Identity
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
        for name in _COUNTED:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.skipped += other.skipped
        self.torn += other.torn

    def summary(self) -> str:
        """Return the report in one line."""
        conversations = _counted(
            ("new", self.new), ("with news", self.updated), ("known", self.known), ("forgotten", self.forgotten)
        )
        messages = _counted(
            ("new", self.messages_added),
            ("known", self.messages_known),
            ("forgotten", self.messages_forgotten),
        )
        pieces = [f"conversations: {conversations or 'none'}", f"messages: {messages or 'none'}"]
        if self.memories_added or self.memories_known:
            pieces.append("memories: " + _counted(("new", self.memories_added), ("known", self.memories_known)))
        if self.skipped:
            pieces.append("left out: " + _counted(*((one.value, count) for one, count in self.skipped.most_common())))
        if self.torn:
            pieces.append(f"not read: {len(self.torn):,}")
        return "; ".join(pieces)


def _counted(*pairs: tuple[str, int]) -> str:
    return ", ".join(f"{count:,} {words}" for words, count in pairs if count)


def find_exports(paths: Sequence[Path], limits: ReadLimits) -> Iterator[FoundExport]:
    """Yield the exports among files and folders, each once. What can't be opened is left to the import of files."""
    seen: set[Identity] = set()
    for path in paths:
        absolute = Path(os.path.abspath(path.expanduser()))  # noqa: PTH100 - resolve() would rename a link
        try:
            status = absolute.stat()
        except (OSError, ValueError):
            continue  # The import of files says why.
        yield from _search(absolute, status, limits, seen)


def _search(path: Path, status: os.stat_result, limits: ReadLimits, seen: set[Identity]) -> Iterator[FoundExport]:
    identity = (status.st_dev, status.st_ino)
    if identity in seen:
        return
    seen.add(identity)
    is_folder = stat.S_ISDIR(status.st_mode)
    if not is_folder and (path.suffix.lower() not in _SUFFIXES or not stat.S_ISREG(status.st_mode)):
        return
    found = _found(path, identity, limits)
    if found is not None:
        yield found
    if is_folder:
        try:
            entries = sorted(os.scandir(path), key=lambda entry: entry.name)
        except OSError:
            return
        for entry in entries:
            if is_passed_over(entry.name) or entry.is_symlink() or (found is not None and belongs(entry.name)):
                continue
            try:
                inner = entry.stat(follow_symlinks=False)
            except OSError:
                continue
            yield from _search(Path(entry.path), inner, limits, seen)


def _found(path: Path, identity: Identity, limits: ReadLimits) -> FoundExport | None:
    try:
        with opened_export(path, limits) as export:
            chosen = recognise(export) if export is not None else None
            if export is None or chosen is None:
                return None
            whole = path.suffix.lower() != ".zip" and not path.is_dir()
            if whole or chosen.key == KeepsakeFormat.key:
                return FoundExport(path, identity, None)
            read = {member.name for member in conversation_members(export)}
            return FoundExport(path, identity, lambda name: name in read or belongs(name))
    except ReadError:
        return None  # The import of its files says why.


def merge_export(
    store: Store,
    path: Path,
    limits: ReadLimits,
    *,
    private: bool,
    again: bool,
    progress: Callable[[str, int, int], None] | None,
    stop: threading.Event | None,
) -> ExportReport:
    """Bring an export into the store, a conversation at a time, each in one transaction.

    `progress` gets (path, messages so far, 0): how many there are is known only at the end. Raises `ReadError`.
    """
    with opened_export(path, limits) as export:
        chosen = recognise(export) if export is not None else None
        if export is None or chosen is None:
            raise ReadError("it is no longer an export", "It was changed since it was found.")
        report = ExportReport(chosen.name)
        for _ in _merged(store, export, chosen, limits, report, private=private, again=again):
            if progress:
                progress(display(path), report.messages_added + report.messages_known, 0)
            if stop is not None and stop.is_set():
                break
    return report


def _merged(
    store: Store,
    export: Export,
    chosen: ConversationFormat,
    limits: ReadLimits,
    report: ExportReport,
    *,
    private: bool,
    again: bool,
) -> Iterator[None]:
    for item in chosen.read(export, limits):
        match item:
            case ImportedConversation():
                _conversation(store, item, report, private=private, again=again)
            case ImportedMemory():
                _memory(store, item, report, private=private, again=again)
            case ImportedDocument():
                report.documents.append(item.file)
            case Torn():
                report.torn.append(item)
        yield


def _conversation(
    store: Store, item: ImportedConversation, report: ExportReport, *, private: bool, again: bool
) -> None:
    report.skipped.update(item.skipped)
    if item.origin.startswith(_OWN) and _is_own(store, item.origin, again=again):
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
                one.origin,
                one.parent_origin,
                one.role,
                one.text,
                one.author,
                one.created_at,
                passages_of_message(one.text),
            )
            for one in item.messages
        ],
        item.current,
        private or item.private,
    )
    outcome = store.conversations.merge(new, again=again)
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


def _memory(store: Store, item: ImportedMemory, report: ExportReport, *, private: bool, again: bool) -> None:
    if item.origin.startswith(_OWN) and _is_own(store, item.origin, again=again):
        report.memories_known += 1
        return
    new = NewMemory(item.text, item.kind, item.author, private=private or item.private, origin=item.origin)
    if store.memories.add_once(new, again=again) is None:
        report.memories_known += 1
    else:
        report.memories_added += 1


def _is_own(store: Store, origin: str, *, again: bool) -> bool:
    """Return whether what an archive of this very store names is here, or was forgotten here."""
    own_id = origin.removeprefix(_OWN)
    return store.holds(own_id) or (not again and store.is_forgotten(own_id))
