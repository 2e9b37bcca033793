"""Memories in the record: notes and facts, each with its author; a newer version supersedes, nothing is overwritten."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from memory_store import ids
from memory_store.clock import now, optional_text, to_text
from memory_store.database import passages, tombstones
from memory_store.database.connection import Database
from memory_store.database.filters import TRUE_AT
from memory_store.database.rows import memory_of
from memory_store.database.tombstones import Name, NameKind
from memory_store.errors import NotFoundError, StoreError
from memory_store.models import USER, Author, Memory, MemoryKind, PassageDraft

SELECT: Final = (
    "SELECT y.*, (SELECT group_concat(source) FROM (SELECT coalesce(message_id, document_id) AS source "
    "FROM memory_sources WHERE memory_id = y.id ORDER BY source)) AS sources FROM memories AS y"
)


@dataclass(frozen=True, slots=True)
class NewMemory:
    """A memory about to be stored. `sources` are ids of the messages and documents that it was made from."""

    text: str
    kind: MemoryKind = MemoryKind.NOTE
    author: Author = USER
    pinned: bool = False
    private: bool = False
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    sources: tuple[str, ...] = ()
    origin: str | None = None


class Memories:
    """What can be asked of and done to memories."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, new: NewMemory) -> Memory:
        """Store a memory and its passage in one transaction."""
        with self._database.write() as connection:
            return _insert(connection, new)

    def add_once(self, new: NewMemory, *, again: bool = False) -> Memory | None:
        """Store an imported memory unless its origin is known or was forgotten; `again` brings back the forgotten."""
        if new.origin is None:
            raise ValueError("only a memory with an origin can be known again")
        name = Name(NameKind.ORIGIN, new.origin)
        with self._database.write() as connection:
            if again:
                tombstones.lift(connection, [name])
            known = connection.execute("SELECT 1 FROM memories WHERE origin = ?", (new.origin,)).fetchone()
            return None if known or tombstones.stands(connection, [name]) else _insert(connection, new)

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
            newer = _insert(connection, replace(new, private=new.private or old.private))
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

    def newest(self, memory_id: str) -> Memory:
        """Return the latest version of a memory: the memory itself where none took its place."""
        with self._database.read() as connection:
            memory = _get(connection, memory_id)
            while memory.superseded_by is not None:
                memory = _get(connection, memory.superseded_by)
        return memory

    def all(self, *, include_superseded: bool = False, as_of: datetime | None = None) -> list[Memory]:
        """Return the memories, the latest first; with a moment, those that were true then, by what is known today."""
        condition = "" if include_superseded else "WHERE y.superseded_by IS NULL"
        moments: tuple[str, ...] = ()
        if as_of is not None:
            condition, moments = f"WHERE {TRUE_AT}", (to_text(as_of),) * 2
        with self._database.read() as connection:
            rows = connection.execute(f"{SELECT} {condition} ORDER BY y.recorded_at DESC, y.id", moments)
            return [memory_of(row) for row in rows]

    def pinned(self, *, include_private: bool) -> list[Memory]:
        """Return the living pinned memories, oldest first."""
        condition = "" if include_private else "AND private = 0"
        with self._database.read() as connection:
            rows = connection.execute(
                f"{SELECT} WHERE y.pinned = 1 AND y.superseded_by IS NULL {condition} ORDER BY y.recorded_at, y.id"
            )
            return [memory_of(row) for row in rows]

    def earlier(self, memory_id: str) -> list[Memory]:
        """Return the versions that this memory superseded, the latest first."""
        with self._database.read() as connection:
            rows = connection.execute(
                "WITH RECURSIVE earlier (id) AS (SELECT id FROM memories WHERE superseded_by = ? "
                "UNION SELECT m.id FROM memories AS m JOIN earlier ON m.superseded_by = earlier.id) "
                f"{SELECT} WHERE y.id IN (SELECT id FROM earlier) ORDER BY y.recorded_at DESC",
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
        tuple(sorted(new.sources)),
        new.origin,
    )
    connection.execute(
        "INSERT INTO memories (id, kind, text, author_kind, author_name, pinned, private, recorded_at, valid_from, "
        "valid_to, origin) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
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
            memory.origin,
        ),
    )
    connection.executemany(
        "INSERT INTO memory_sources (memory_id, message_id, document_id) VALUES (?, ?, ?)",
        [
            (memory.id, None, one) if ids.prefix_of(one) == ids.DOCUMENT else (memory.id, one, None)
            for one in memory.sources
        ],
    )
    owner = passages.Owner(memory.author, memory.recorded_at, memory.private, memory_id=memory.id)
    passages.insert(connection, owner, [PassageDraft(memory.text)])
    return memory


def _get(connection: sqlite3.Connection, memory_id: str) -> Memory:
    row = connection.execute(f"{SELECT} WHERE y.id = ?", (memory_id,)).fetchone()
    if row is None:
        raise NotFoundError(f"There is no memory {memory_id}.", "See `keepsake memory list`.")
    return memory_of(row)
