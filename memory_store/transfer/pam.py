"""Portable AI Memory 1.0: memories in one JSON file, each conversation in one (portable-ai-memory.org/spec/v1.0)."""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
import uuid
from collections.abc import Iterable, Iterator
from typing import Any, Final

from memory_store.clock import now, to_text
from memory_store.models import AuthorKind, Conversation, Memory, MemoryKind, Message
from memory_store.transfer.markdown import safe_id
from memory_store.transfer.record import Record
from memory_store.version import version

_VERSION: Final = "1.0"
_PLATFORM: Final = "keepsake"
_MAIN: Final = "memory-store.json"
_TYPES: Final = {
    MemoryKind.FACT: "fact",
    MemoryKind.PREFERENCE: "preference",
    MemoryKind.GOAL: "goal",
    MemoryKind.NOTE: "context",
}


def pam_files(record: Record, owner: str) -> Iterator[tuple[str, Iterator[str]]]:
    """Yield (file name, pieces of text). `owner` is an id that stays the same from export to export.

    Documents have no place in this format.
    """
    for conversation in record.conversations():
        yield _file_of(conversation), _conversation(record, conversation)
    yield _MAIN, _memory_store(record, owner)


def _file_of(conversation: Conversation) -> str:
    return f"conversations/{safe_id(conversation.id)}.json"


def content_hash(text: str) -> str:
    """Return the hash by which the format knows the same content again (section 9.4 of its specification)."""
    normal = re.sub(r"\s+", " ", unicodedata.normalize("NFC", text.strip().lower()))
    return "sha256:" + hashlib.sha256(normal.encode("utf-8", "surrogatepass")).hexdigest()


def _memory_store(record: Record, owner: str) -> Iterator[str]:
    told_in = record.homes()
    shown = {memory.id for memory in record.memories()}
    head = {
        "schema": "portable-ai-memory",
        "schema_version": _VERSION,
        "export_id": str(uuid.uuid4()),
        "exported_by": f"{_PLATFORM}/{version()}",
        "export_date": to_text(now()),
        "owner": {"id": owner},
    }
    yield json.dumps(head, ensure_ascii=False, indent=1).removesuffix("\n}")
    yield ',\n "memories": ['
    yield from _join(_memory(memory, shown, told_in) for memory in record.memories())
    yield '\n ],\n "relations": ['
    yield from _join(_supersedes(memory) for memory in record.memories() if memory.superseded_by in shown)
    yield '\n ],\n "conversations_index": ['
    derived: dict[str, list[str]] = {}
    for memory in record.memories():
        if conversation_id := _conversation_of(memory, told_in):
            derived.setdefault(conversation_id, []).append(memory.id)
    yield from _join(_entry(conversation, derived.get(conversation.id, [])) for conversation in record.conversations())
    yield "\n ]\n}\n"


def _join(records: Iterable[dict[str, Any]]) -> Iterator[str]:
    for number, entry in enumerate(records):
        yield (",\n  " if number else "\n  ") + json.dumps(entry, ensure_ascii=False)


def _conversation_of(memory: Memory, told_in: dict[str, str]) -> str | None:
    return next((told_in[source] for source in memory.sources if source in told_in), None)


def _memory(memory: Memory, shown: set[str], told_in: dict[str, str]) -> dict[str, Any]:
    kind = _TYPES.get(memory.kind, "custom")
    superseded = memory.superseded_by is not None
    by_hand = memory.author.kind is AuthorKind.USER and not memory.sources
    return {
        "id": memory.id,
        "type": kind,
        "custom_type": memory.kind.value if kind == "custom" else None,
        "status": ("superseded" if memory.superseded_by in shown else "archived") if superseded else "active",
        "content": memory.text,
        "content_hash": content_hash(memory.text),
        "tags": ["pinned"] if memory.pinned else [],
        "temporal": {
            "created_at": to_text(memory.recorded_at),
            "valid_from": to_text(memory.valid_from) if memory.valid_from else None,
            "valid_until": to_text(memory.valid_to) if memory.valid_to else None,
            "superseded_by": memory.superseded_by if memory.superseded_by in shown else None,
        },
        "provenance": {
            "platform": _PLATFORM,
            "conversation_ref": _conversation_of(memory, told_in),
            "message_ref": next((source for source in memory.sources if source in told_in), None),
            "extraction_method": "explicit_user_input" if by_hand else None,
        },
        "access": {"visibility": "private"},
        "metadata": {
            "author_kind": memory.author.kind.value,
            "author_name": memory.author.name,
            "private": memory.private,
        },
    }


def _supersedes(memory: Memory) -> dict[str, Any]:
    assert memory.superseded_by is not None
    return {
        "id": f"rel_{memory.id}",
        "from": memory.superseded_by,
        "to": memory.id,
        "type": "supersedes",
        "created_at": to_text(memory.valid_to or memory.recorded_at),
    }


def _entry(conversation: Conversation, derived: list[str]) -> dict[str, Any]:
    return {
        "id": conversation.id,
        "platform": _PLATFORM,
        "title": conversation.title,
        "temporal": _times(conversation),
        "derived_memories": derived,
        "storage": {"type": "file", "ref": _file_of(conversation)},
    }


def _conversation(record: Record, conversation: Conversation) -> Iterator[str]:
    parents = {message.id: message.parent_id for message in record.messages(conversation.id)}
    current = conversation.current_message_id
    head = {
        "schema": "portable-ai-memory-conversation",
        "schema_version": _VERSION,
        "id": conversation.id,
        "provider": {"name": _PLATFORM, "conversation_id": conversation.origin},
        "title": conversation.title,
        "temporal": _times(conversation),
        "raw_metadata": {
            "private": conversation.private,
            "current_message_id": current if current in parents else None,
        },
    }
    children: dict[str, list[str]] = {}
    for child in parents:
        parent = _shown_parent(child, parents)
        if parent is not None:
            children.setdefault(parent, []).append(child)
    yield json.dumps(head, ensure_ascii=False, indent=1).removesuffix("\n}")
    yield ',\n "messages": ['
    yield from _join(
        _message(message, _shown_parent(message.id, parents), children.get(message.id, []))
        for message in record.messages(conversation.id)
    )
    yield "\n ]\n}\n"


def _shown_parent(message_id: str, parents: dict[str, str | None]) -> str | None:
    """Return the parent if it leaves too."""
    parent = parents[message_id]
    return parent if parent in parents else None


def _message(message: Message, parent: str | None, children: list[str]) -> dict[str, Any]:
    return {
        "id": message.id,
        "role": message.role.value,
        "content": {"type": "text", "text": message.text},
        "created_at": to_text(message.created_at),
        "parent_id": parent,
        "children_ids": children,
        "model": message.author.name if message.author.kind is AuthorKind.MODEL else None,
        "token_count": message.output_tokens,
        "raw_metadata": {"status": message.status.value, "private": message.private},
    }


def _times(conversation: Conversation) -> dict[str, str]:
    return {"created_at": to_text(conversation.created_at), "updated_at": to_text(conversation.updated_at)}
