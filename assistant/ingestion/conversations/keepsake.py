"""Reads the conversations and memories of Keepsake's own archives, to merge them into another store."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import Any

from assistant.errors import ReadError
from assistant.ingestion.base import ReadLimits
from assistant.ingestion.conversations.base import (
    Imported,
    ImportedConversation,
    ImportedMemory,
    Node,
    Said,
    Thread,
    Torn,
)
from assistant.ingestion.conversations.exports import Export
from assistant.ingestion.conversations.values import mapping, moment, one_line, text
from assistant.ingestion.readers.failures import translate_failures
from memory_store.models import SHELL_ORIGIN, Author, AuthorKind, MemoryKind, Role

_MANIFEST = "manifest.json"
_FORMAT = "keepsake-archive"
_LINE_BYTES = 200_000_000


class KeepsakeFormat:
    """An archive that `keepsake export` wrote. Its documents come back with `keepsake restore`, which takes all of it.

    The messages are held in memory while they are sorted into their conversations.
    """

    key = "keepsake"
    name = "Keepsake"

    def recognises(self, export: Export) -> bool:
        for member in export.named(_MANIFEST):
            if member.size < 1_000_000:
                with translate_failures(), member.open() as stream, suppress(ValueError, RecursionError):
                    return mapping(json.loads(stream.read())).get("format") == _FORMAT
        return False

    def read(self, export: Export, limits: ReadLimits) -> Iterator[Imported]:
        """Yield the conversations, then the memories that are in force."""
        by_conversation: dict[str, list[dict[str, Any]]] = {}
        total = 0
        try:
            for record in _records(export, "messages"):
                total += len(text(record.get("text")))
                if total > limits.max_text_chars:
                    raise ReadError("it holds more text than may be read", "Restore it with `keepsake restore`.")
                by_conversation.setdefault(text(record.get("conversation_id")), []).append(record)
            for number, record in enumerate(_records(export, "conversations"), start=1):
                try:
                    yield _conversation(record, by_conversation.pop(text(record.get("id")), []), export.modified_at)
                except ReadError as error:
                    yield Torn(number, text(record.get("title"))[:80], error.message, error.hint)
            for record in _records(export, "memories"):
                if text(record.get("text")).strip() and not record.get("superseded_by"):
                    yield _memory(record)
        except ReadError as error:
            yield Torn(0, "", error.message, error.hint)


def _records(export: Export, table: str) -> Iterator[dict[str, Any]]:
    for member in export.named(f"{table}.jsonl"):
        with translate_failures(), member.open() as stream:
            for number, line in enumerate(iter(partial(stream.readline, _LINE_BYTES), b""), start=1):
                try:
                    yield mapping(json.loads(line))
                except (ValueError, RecursionError) as error:
                    where = f"{member.name}, line {number}"
                    raise ReadError(f"{where}: malformed JSON", "Export the archive again.") from error


def _conversation(record: dict[str, Any], entries: list[dict[str, Any]], otherwise: datetime) -> ImportedConversation:
    started = moment(record.get("created_at")) or otherwise
    # What came from another assistant keeps the names that its export gave it.
    names = {text(entry.get("id")): text(entry.get("origin")) or text(entry.get("id")) for entry in entries}
    thread = Thread(
        [
            Node(names[text(entry.get("id"))], names.get(text(entry.get("parent_id"))), _read_message(entry))
            for entry in entries
        ]
    )
    messages = thread.messages(started, otherwise)
    origin = text(record.get("origin"))
    return thread.conversation(
        f"keepsake:{text(record.get('id'))}" if not origin or origin.startswith(SHELL_ORIGIN) else origin,
        record.get("title"),
        messages,
        created_at=started,
        updated_at=moment(record.get("updated_at")),
        current=names.get(text(record.get("current_message_id"))),
        # What is private in part goes in as private: an import never makes anything less so.
        private=any(bool(entry.get("private")) for entry in (record, *entries)),
    )


def _read_message(record: dict[str, Any]) -> Said | None:
    words = text(record.get("text"))
    if not words.strip():
        return None
    role = Role.USER if record.get("role") == "user" else Role.ASSISTANT
    return Said(role, words, _author(record), moment(record.get("created_at")))


def _author(record: dict[str, Any]) -> Author:
    kind = text(record.get("author_kind"))
    known = AuthorKind(kind) if kind in tuple(AuthorKind) else AuthorKind.MODEL
    return Author(known, one_line(record.get("author_name")) or None)


def _memory(record: dict[str, Any]) -> ImportedMemory:
    kind = text(record.get("kind"))
    origin = text(record.get("origin")) or f"keepsake:{text(record.get('id'))}"
    known = MemoryKind(kind) if kind in tuple(MemoryKind) else MemoryKind.NOTE
    return ImportedMemory(origin, text(record.get("text")), _author(record), known, bool(record.get("private")))
