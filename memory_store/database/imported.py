"""Conversations from another assistant's export, merged by origin: a newer export adds only what is new."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from memory_store import ids
from memory_store.clock import to_text
from memory_store.database import passages, tombstones
from memory_store.database.private_rule import any_private, is_private_text
from memory_store.database.titles import note_title
from memory_store.database.tombstones import Name, NameKind
from memory_store.models import Author, PassageDraft, Role


@dataclass(frozen=True, slots=True)
class NewMessage:
    """A message of an export. `origin` is unique in its conversation; `parent_origin` is None for the first.

    `drafts` are its passages; None makes one of the whole text.
    """

    origin: str
    parent_origin: str | None
    role: Role
    text: str
    author: Author
    created_at: datetime
    drafts: Sequence[PassageDraft] | None = None


@dataclass(frozen=True, slots=True)
class NewConversation:
    """A conversation of an export, parents before their children. `current_origin` ends the path that was in view."""

    origin: str
    title: str
    created_at: datetime
    updated_at: datetime
    messages: Sequence[NewMessage]
    current_origin: str | None = None
    private: bool = False


@dataclass(frozen=True, slots=True)
class MergeOutcome:
    """What a merge did: messages added, known already, and left out because they were forgotten.

    `conversation_id` is None where the whole conversation was forgotten, or each of its messages.
    """

    conversation_id: str | None
    is_new: bool
    added: int
    known: int
    forgotten: int


def merge(connection: sqlite3.Connection, new: NewConversation, *, again: bool = False) -> MergeOutcome:
    """Store what of a conversation is not stored yet. `again` brings back what was forgotten.

    A message that changed in the export is a new message there, with an origin of its own; what is stored never
    changes. Children of a left-out message hang on its nearest ancestor that is stored.
    """
    conversation_name = Name(NameKind.ORIGIN, new.origin)
    names = {message.origin: Name(NameKind.ORIGIN, f"{new.origin}/{message.origin}") for message in new.messages}
    if again:
        tombstones.lift(connection, [conversation_name, *names.values()])
    gone = tombstones.standing(connection, [conversation_name, *names.values()])
    if conversation_name in gone:
        return MergeOutcome(None, False, 0, 0, len(new.messages))
    conversation_id, is_new, private = _conversation(connection, new)
    if private and not is_new:
        make_private(connection, conversation_id)
    known = dict(
        connection.execute(
            "SELECT origin, id FROM messages WHERE conversation_id = ? AND origin IS NOT NULL", (conversation_id,)
        ).fetchall()
    )
    stored: dict[str, str | None] = dict(known)
    added = forgotten = 0
    for message in new.messages:
        if message.origin in known:
            continue
        parent_id = stored.get(message.parent_origin) if message.parent_origin is not None else None
        if names[message.origin] in gone:
            stored[message.origin] = parent_id
            forgotten += 1
            continue
        stored[message.origin] = _message(connection, conversation_id, parent_id, message, private)
        added += 1
    if is_new and forgotten == len(new.messages) > 0:
        connection.execute("DELETE FROM conversations WHERE id = ?", (conversation_id,))
        return MergeOutcome(None, False, 0, 0, forgotten)
    if added:
        _finish(connection, conversation_id, new, stored.get(new.current_origin or ""))
    return MergeOutcome(conversation_id, is_new, added, len(known.keys() & names.keys()), forgotten)


def _conversation(connection: sqlite3.Connection, new: NewConversation) -> tuple[str, bool, bool]:
    """Return the id, whether it was made now, and whether what comes into it is private."""
    row = connection.execute("SELECT id, private FROM conversations WHERE origin = ?", (new.origin,)).fetchone()
    if row is not None:
        return row["id"], False, new.private or bool(row["private"])
    conversation_id = ids.new_id(ids.CONVERSATION)
    connection.execute(
        "INSERT INTO conversations (id, title, created_at, updated_at, private, origin) VALUES (?, ?, ?, ?, ?, ?)",
        (conversation_id, new.title, to_text(new.created_at), to_text(new.updated_at), new.private, new.origin),
    )
    return conversation_id, True, new.private


def make_private(connection: sqlite3.Connection, conversation_id: str) -> None:
    """Mark a conversation that was stored as public with all its messages, and what was answered from them."""
    connection.execute("UPDATE conversations SET private = 1 WHERE id = ?", (conversation_id,))
    open_ones = connection.execute(
        "SELECT id FROM messages WHERE conversation_id = ? AND private = 0", (conversation_id,)
    ).fetchall()
    for row in open_ones:
        connection.execute("UPDATE messages SET private = 1 WHERE id = ?", (row["id"],))
        passages.set_private(connection, "message_id", row["id"], True)


def is_private_message(connection: sqlite3.Connection, role: Role, text: str, parent_id: str | None) -> bool:
    """Say whether a message is private by the rule: by its own words or, of an answer, by those of its question."""
    return any_private(connection, [parent_id]) if role is Role.ASSISTANT else is_private_text(connection, text)


def _message(
    connection: sqlite3.Connection, conversation_id: str, parent_id: str | None, new: NewMessage, private: bool
) -> str:
    message_id = ids.new_id(ids.MESSAGE)
    private = private or is_private_message(connection, new.role, new.text, parent_id)
    connection.execute(
        "INSERT INTO messages (id, conversation_id, parent_id, role, text, author_kind, author_name, status, "
        "created_at, private, origin) VALUES (?, ?, ?, ?, ?, ?, ?, 'complete', ?, ?, ?)",
        (
            message_id,
            conversation_id,
            parent_id,
            new.role,
            new.text,
            new.author.kind,
            new.author.name,
            to_text(new.created_at),
            private,
            new.origin,
        ),
    )
    if new.text.strip():
        owner = passages.Owner(new.author, new.created_at, private, message_id=message_id)
        passages.insert(connection, owner, [PassageDraft(new.text)] if new.drafts is None else new.drafts)
    if parent_id is None:
        note_title(connection, conversation_id, message_id, new.text)
    return message_id


def _finish(connection: sqlite3.Connection, conversation_id: str, new: NewConversation, current_id: str | None) -> None:
    """Note the latest time, and the path in view unless the conversation was gone on with here."""
    went_on_here = connection.execute(
        "SELECT 1 FROM messages WHERE conversation_id = ? AND origin IS NULL LIMIT 1", (conversation_id,)
    ).fetchone()
    connection.execute(
        "UPDATE conversations SET updated_at = max(updated_at, ?), "
        "current_message_id = CASE WHEN ? THEN current_message_id ELSE ? END WHERE id = ?",
        (to_text(new.updated_at), went_on_here is not None, current_id, conversation_id),
    )
