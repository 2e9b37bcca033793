"""Memories in the record: notes and facts, each with its author; a newer version supersedes, nothing is overwritten."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import datetime

from memory_store import ids
from memory_store.clock import now, optional_text, to_text
from memory_store.database import passages
from memory_store.database.connection import Database
from memory_store.database.rows import memory_of
from memory_store.errors import NotFoundError, StoreError
from memory_store.models import USER, Author, Memory, MemoryKind, PassageDraft


@dataclass(frozen=True, slots=True)
class NewMemory:
    """A memory about to be stored."""

    text: str
    kind: MemoryKind = MemoryKind.NOTE
    author: Author = USER
    pinned: bool = False
    private: bool = False
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    source_message_id: str | None = None


class Memories:
    """What can be asked of and done to memories."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, new: NewMemory) -> Memory:
        """Store a memory and its passage in one transaction."""
        with self._database.write() as connection:
            return _insert(connection, new)

    def supersede(self, memory_id: str, new: NewMemory) -> Memory:
        """Store a newer version of a memory; the older one stays as history and is no longer recalled.

        The newer version is private if the older one was. Raises StoreError if the memory was superseded already.
        """
        with self._database.write() as connection:
            old = _get(connection, memory_id)
            if old.superseded_by is not None:
                raise StoreError(
                    f"{memory_id} was superseded by {old.superseded_by}.", "Edit the newest version instead."
                )
            newer = _insert(connection, new)
            connection.execute(
                "UPDATE memories SET superseded_by = ?, pinned = 0, valid_to = coalesce(valid_to, ?) WHERE id = ?",
                (newer.id, to_text(newer.valid_from or newer.recorded_at), memory_id),
            )
            return newer

    def mark(self, memory_id: str, *, pinned: bool | None = None, private: bool | None = None) -> Memory:
        """Pin or unpin a memory, make it private or not."""
        with self._database.write() as connection:
            _get(connection, memory_id)
            if pinned is not None:
                connection.execute("UPDATE memories SET pinned = ? WHERE id = ?", (pinned, memory_id))
            if private is not None:
                connection.execute("UPDATE memories SET private = ? WHERE id = ?", (private, memory_id))
                passages.set_private(connection, "memory_id", memory_id, private)
            return _get(connection, memory_id)

    def get(self, memory_id: str) -> Memory:
        """Return one memory. Raises NotFoundError."""
        with self._database.read() as connection:
            return _get(connection, memory_id)

    def all(self, *, include_superseded: bool = False) -> list[Memory]:
        """Return the memories, the latest first."""
        condition = "" if include_superseded else "WHERE superseded_by IS NULL"
        with self._database.read() as connection:
            rows = connection.execute(f"SELECT * FROM memories {condition} ORDER BY recorded_at DESC, id")
            return [memory_of(row) for row in rows]

    def pinned(self, *, include_private: bool) -> list[Memory]:
        """Return the living pinned memories, oldest first."""
        condition = "" if include_private else "AND private = 0"
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT * FROM memories WHERE pinned = 1 AND superseded_by IS NULL "
                f"{condition} ORDER BY recorded_at, id"
            )
            return [memory_of(row) for row in rows]

    def earlier(self, memory_id: str) -> list[Memory]:
        """Return the versions that this memory superseded, the latest first."""
        with self._database.read() as connection:
            rows = connection.execute(
                "WITH RECURSIVE earlier (id) AS (SELECT id FROM memories WHERE superseded_by = ? "
                "UNION SELECT m.id FROM memories AS m JOIN earlier ON m.superseded_by = earlier.id) "
                "SELECT * FROM memories WHERE id IN (SELECT id FROM earlier) ORDER BY recorded_at DESC",
                (memory_id,),
            )
            return [memory_of(row) for row in rows]


def _insert(connection: sqlite3.Connection, new: NewMemory) -> Memory:
    if not new.text.strip():
        raise StoreError("A memory needs some text.", 'Say what to remember, as in `keepsake memory add "…"`.')
    memory = Memory(
        ids.new_id(ids.MEMORY),
        new.kind,
        new.text,
        new.author,
        new.pinned,
        new.private,
        now(),
        new.valid_from,
        new.valid_to,
        None,
        new.source_message_id,
    )
    connection.execute(
        "INSERT INTO memories VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL, ?)",
        (
            memory.id,
            memory.kind,
            memory.text,
            memory.author.kind,
            memory.author.name,
            memory.pinned,
            memory.private,
            to_text(memory.recorded_at),
            optional_text(memory.valid_from),
            optional_text(memory.valid_to),
            memory.source_message_id,
        ),
    )
    owner = passages.Owner(memory.author, memory.recorded_at, memory.private, memory_id=memory.id)
    passages.insert(connection, owner, [PassageDraft(memory.text)])
    return memory


def _get(connection: sqlite3.Connection, memory_id: str) -> Memory:
    row = connection.execute("SELECT * FROM memories WHERE id = ?", (memory_id,)).fetchone()
    if row is None:
        raise NotFoundError(f"There is no memory {memory_id}.", "See `keepsake memory list`.")
    return memory_of(row)
