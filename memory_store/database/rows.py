"""Turns rows into the frozen types of `models`, and locators into JSON and back."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable

from memory_store.clock import from_text, optional_time
from memory_store.models import (
    Author,
    AuthorKind,
    Conversation,
    Document,
    LeftOut,
    Locator,
    Memory,
    MemoryKind,
    Message,
    MessageStatus,
    Role,
)


def locator_to_json(locator: Locator) -> str:
    """Return the known fields of a locator as JSON."""
    fields = {
        "page": locator.page,
        "headings": list(locator.headings) or None,
        "line_start": locator.line_start,
        "line_end": locator.line_end,
        "part": locator.part,
    }
    return json.dumps({name: value for name, value in fields.items() if value is not None}, ensure_ascii=False)


def locator_from_json(text: str) -> Locator:
    """Return the locator that `locator_to_json` wrote."""
    fields = json.loads(text)
    return Locator(
        page=fields.get("page"),
        headings=tuple(fields.get("headings", ())),
        line_start=fields.get("line_start"),
        line_end=fields.get("line_end"),
        part=fields.get("part"),
    )


def author_of(row: sqlite3.Row) -> Author:
    """Return who made what the row holds."""
    return Author(AuthorKind(row["author_kind"]), row["author_name"])


def document_of(row: sqlite3.Row) -> Document:
    """Return a document; the row carries `passage_count` beside its columns."""
    return Document(
        id=row["id"],
        path=row["path"],
        title=row["title"],
        media_type=row["media_type"],
        content_hash=row["content_hash"],
        size_bytes=row["size_bytes"],
        author=author_of(row),
        created_at=from_text(row["created_at"]),
        imported_at=from_text(row["imported_at"]),
        private=bool(row["private"]),
        passage_count=row["passage_count"],
        left_out=left_out_from_json(row["left_out"]),
    )


def left_out_to_json(parts: Iterable[LeftOut]) -> str | None:
    """Return what could not be read of a document as it is stored."""
    found = [[part.part, part.reason, part.hint] for part in parts]
    # A name of a part may hold bytes that are no text.
    return json.dumps(found, ensure_ascii=False).encode("utf-8", "replace").decode() if found else None


def left_out_from_json(text: str | None) -> tuple[LeftOut, ...]:
    """Return what `left_out_to_json` wrote."""
    return tuple(LeftOut(*fields) for fields in json.loads(text)) if text else ()


def conversation_of(row: sqlite3.Row) -> Conversation:
    """Return a conversation; the row carries `message_count` beside its columns."""
    return Conversation(
        id=row["id"],
        title=row["title"],
        created_at=from_text(row["created_at"]),
        updated_at=from_text(row["updated_at"]),
        private=bool(row["private"]),
        message_count=row["message_count"],
        current_message_id=row["current_message_id"],
        origin=row["origin"],
        archived=bool(row["archived"]),
    )


def message_of(row: sqlite3.Row) -> Message:
    """Return a message."""
    return Message(
        id=row["id"],
        conversation_id=row["conversation_id"],
        parent_id=row["parent_id"],
        role=Role(row["role"]),
        text=row["text"],
        author=author_of(row),
        status=MessageStatus(row["status"]),
        created_at=from_text(row["created_at"]),
        private=bool(row["private"]),
        input_tokens=row["input_tokens"],
        output_tokens=row["output_tokens"],
        origin=row["origin"],
    )


def memory_of(row: sqlite3.Row) -> Memory:
    """Return a memory; the row carries `sources`, ids with commas between, beside its columns."""
    return Memory(
        id=row["id"],
        kind=MemoryKind(row["kind"]),
        text=row["text"],
        author=author_of(row),
        pinned=bool(row["pinned"]),
        private=bool(row["private"]),
        recorded_at=from_text(row["recorded_at"]),
        valid_from=optional_time(row["valid_from"]),
        valid_to=optional_time(row["valid_to"]),
        superseded_by=row["superseded_by"],
        about=row["about"] or "",
        retired_at=optional_time(row["retired_at"]),
        why=row["why"],
        horizon=row["horizon"],
        sources=tuple(row["sources"].split(",")) if row["sources"] else (),
        origin=row["origin"],
    )
