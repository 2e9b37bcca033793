"""Memories in the record: notes and facts, each with its author; a newer version supersedes, nothing is overwritten."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from memory_store import ids
from memory_store.clock import from_text, now, to_text
from memory_store.database import passages, tombstones
from memory_store.database.connection import Database
from memory_store.database.filters import TRUE_AT
from memory_store.database.private_rule import any_private, is_private_text
from memory_store.database.rows import insert_row, read_row
from memory_store.database.tombstones import Name, NameKind
from memory_store.errors import NotFoundError, StoreError
from memory_store.models import USER, Author, Ground, Hit, Memory, MemoryKind, PassageDraft, Review

SELECT: Final = (
    "SELECT y.*, (SELECT group_concat(source) FROM (SELECT coalesce(message_id, document_id) AS source "
    "FROM memory_sources WHERE memory_id = y.id ORDER BY source)) AS sources FROM memories AS y"
)


# In so many days without use, what a memory matters falls to a half.
HALF_LIFE_DAYS: Final = 180.0
# Of memories that were never cited and rest on one source or none, only the latest of each sort can matter most.
_LATEST: Final = 64
_USES: Final = """
WITH grounds AS (SELECT memory_id, count(*) AS sources FROM memory_sources GROUP BY memory_id),
cited AS (
    SELECT p.memory_id, count(m.id) AS uses, max(m.created_at) AS used_at
    FROM citations AS k JOIN passages AS p ON p.id = k.passage_id JOIN messages AS m ON m.id = k.message_id
    WHERE k.cited = 1 AND p.memory_id IS NOT NULL GROUP BY p.memory_id
),
sorted AS (
    SELECT y.id, y.recorded_at, coalesce(g.sources, 0) AS sources, coalesce(c.uses, 0) AS uses, c.used_at,
           row_number() OVER (
               PARTITION BY y.kind, coalesce(y.about, ''), g.sources IS NULL ORDER BY y.recorded_at DESC, y.id
           ) AS place
    FROM memories AS y LEFT JOIN grounds AS g ON g.memory_id = y.id LEFT JOIN cited AS c ON c.memory_id = y.id
    WHERE y.retired_at IS NULL AND y.pinned = 0 AND y.private <= ? AND (y.valid_to IS NULL OR y.valid_to > ?)
)
SELECT * FROM sorted WHERE place <= ? OR uses > 0 OR sources > 1
"""


@dataclass(frozen=True, slots=True)
class NewMemory:
    """A memory about to be stored. `sources` are ids of the messages and documents that it was made from.

    `quote` are the words of the only source that say so. `about` is None where nobody has looked what it is about. For
    the rest see `Memory`.
    """

    text: str
    kind: MemoryKind = MemoryKind.NOTE
    author: Author = USER
    pinned: bool = False
    private: bool = False
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    sources: tuple[str, ...] = ()
    origin: str | None = None
    about: str | None = None
    quote: str | None = None
    why: str | None = None
    horizon: str | None = None


class Memories:
    """What can be asked of and done to memories."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, new: NewMemory) -> Memory:
        """Store a memory and its passage in one transaction."""
        with self._database.write() as connection:
            return insert(connection, new)

    def add_once(self, new: NewMemory, *, again: bool = False) -> Memory | None:
        """Store an imported memory unless its origin is known or was forgotten; `again` brings back the forgotten."""
        if new.origin is None:
            raise ValueError("only a memory with an origin can be known again")
        name = Name(NameKind.ORIGIN, new.origin)
        with self._database.write() as connection:
            if again:
                tombstones.lift(connection, [name])
            known = connection.execute("SELECT 1 FROM memories WHERE origin = ?", (new.origin,)).fetchone()
            return None if known or tombstones.is_forgotten(connection, [name]) else insert(connection, new)

    def supersede(self, memory_id: str, new: NewMemory) -> Memory:
        """Store a newer version of a memory; the older one stays as history and is no longer recalled.

        The newer version is private if the older one was, and keeps what that was about, its why, horizon and reviews.
        Raises StoreError if the memory was superseded already.
        """
        with self._database.write() as connection:
            return supersede(connection, memory_id, new)

    def let_supersede(self, memory_id: str, newer_id: str) -> Memory:
        """Let one stored memory take the place of another; return the newer one. Raises StoreError or NotFoundError."""
        with self._database.write() as connection:
            old, newer = _get(connection, memory_id), _get(connection, newer_id)
            _refuse_superseded(old)
            if old.id == newer.id or old.id in _find_later(connection, newer):
                raise StoreError(f"{memory_id} took the place of {newer_id}.", "A memory can't supersede itself.")
            _replace(connection, old, newer)
            return _get(connection, newer_id)

    def retire(self, memory_id: str, ended_at: datetime | None = None) -> Memory:
        """End a memory without another in its place: true until then, by default now; it stays as history."""
        with self._database.write() as connection:
            return retire(connection, memory_id, ended_at)

    def rest_on(self, memory_id: str, source_id: str, quote: str | None = None) -> Memory:
        """Let a memory rest on another source too: it says the same, and the memory outlives the loss of the others.

        What rests on no source, as it was written by hand, stays so: else it would go with that source.
        """
        with self._database.write() as connection:
            rest_on(connection, _get(connection, memory_id), Ground(source_id, quote))
            return _get(connection, memory_id)

    def grounds(self, memory_id: str) -> list[Ground]:
        """Return what a memory rests on, with the words that say so."""
        rows = self._database.fetch_all(
            "SELECT coalesce(message_id, document_id) AS source, quote FROM memory_sources WHERE memory_id = ? "
            "ORDER BY source",
            (memory_id,),
        )
        return [Ground(row["source"], row["quote"]) for row in rows]

    def review(self, memory_id: str, text: str) -> Review:
        """Keep what the user says of a goal. Raises NotFoundError, and StoreError for what is no goal."""
        with self._database.write() as connection:
            if _get(connection, memory_id).kind is not MemoryKind.GOAL:
                raise StoreError(f"{memory_id} is no goal.", "The list of goals shows the ids.")
            review = Review(now(), text)
            connection.execute(
                "INSERT INTO goal_reviews (memory_id, reviewed_at, text) VALUES (?, ?, ?)",
                (memory_id, to_text(review.reviewed_at), text),
            )
            if is_private_text(connection, text):
                _set_private(connection, memory_id, True)
        return review

    def reviews(self, memory_id: str) -> list[Review]:
        """Return what was said of a goal, the latest first."""
        rows = self._database.fetch_all(
            "SELECT * FROM goal_reviews WHERE memory_id = ? ORDER BY reviewed_at DESC", (memory_id,)
        )
        return [read_row(Review, row) for row in rows]

    def mark(self, memory_id: str, *, pinned: bool | None = None, private: bool | None = None) -> Memory:
        """Pin or unpin a memory, make it private or not."""
        with self._database.write() as connection:
            _get(connection, memory_id)
            if pinned is not None:
                connection.execute("UPDATE memories SET pinned = ? WHERE id = ?", (pinned, memory_id))
            if private is not None:
                _set_private(connection, memory_id, private)
            return _get(connection, memory_id)

    def get(self, memory_id: str) -> Memory:
        """Return one memory. Raises NotFoundError."""
        return self._database.fetch(_get, memory_id)

    def newest(self, memory_id: str) -> Memory:
        """Return the latest version of a memory: the memory itself where none took its place."""
        with self._database.read() as connection:
            memory = _get(connection, memory_id)
            while memory.superseded_by is not None:
                memory = _get(connection, memory.superseded_by)
        return memory

    def all(self, *, include_superseded: bool = False, as_of: datetime | None = None) -> list[Memory]:
        """Return the memories, the latest first; with a moment, those that were true then, by what is known today."""
        condition = "" if include_superseded else "WHERE y.retired_at IS NULL"
        moments: tuple[str, ...] = ()
        if as_of is not None:
            condition, moments = f"WHERE {TRUE_AT}", (to_text(as_of),) * 2
        rows = self._database.fetch_all(f"{SELECT} {condition} ORDER BY y.recorded_at DESC, y.id", moments)
        return [read_row(Memory, row) for row in rows]

    def find_living(
        self, memory_ids: Sequence[str], texts: Sequence[str] = (), about: Sequence[str] = ()
    ) -> list[Memory]:
        """Return the living memories with one of these ids, texts (however capitalised) or abouts, the latest first."""
        wanted = [*memory_ids, *(text.lower() for text in texts), *about]
        ids_, texts_, about_ = (", ".join("?" for _ in sequence) for sequence in (memory_ids, texts, about))
        rows = self._database.fetch_all(
            f"{SELECT} WHERE y.retired_at IS NULL AND (y.id IN ({ids_}) OR lower(y.text) IN ({texts_}) "
            f"OR y.about IN ({about_})) ORDER BY y.recorded_at DESC, y.id",
            wanted,
        )
        return [read_row(Memory, row) for row in rows]

    def get_pinned(self, *, include_private: bool) -> list[Memory]:
        """Return the living pinned memories, oldest first."""
        condition = "" if include_private else "AND private = 0"
        rows = self._database.fetch_all(
            f"{SELECT} WHERE y.pinned = 1 AND y.retired_at IS NULL {condition} ORDER BY y.recorded_at, y.id"
        )
        return [read_row(Memory, row) for row in rows]

    def find_unread(self) -> list[Memory]:
        """Return the living memories of which nobody has looked what they are about."""
        rows = self._database.fetch_all(f"{SELECT} WHERE y.about IS NULL AND y.retired_at IS NULL")
        return [read_row(Memory, row) for row in rows]

    def set_about(self, abouts: Mapping[str, str]) -> None:
        """Keep what memories are about, by their ids."""
        with self._database.write() as connection:
            connection.executemany(
                "UPDATE memories SET about = ? WHERE id = ?",
                [(about, memory_id) for memory_id, about in abouts.items()],
            )

    def importance(self, moment: datetime | None = None, *, include_private: bool = True) -> dict[str, float]:
        """Return how much the living memories matter at a moment, by default now."""
        return self._database.fetch(_importance, moment or now(), include_private=include_private)

    def as_hits(self, memory_ids: Sequence[str]) -> list[Hit]:
        """Return memories as hits that nobody had to look for, in this order; those that are gone are left out."""
        with self._database.read() as connection:
            return [memory.as_hit() for memory in passages.of_memories(connection, memory_ids)]

    def get_earlier(self, memory_id: str) -> list[Memory]:
        """Return the versions that this memory superseded, the latest first."""
        rows = self._database.fetch_all(
            "WITH RECURSIVE earlier (id) AS (SELECT id FROM memories WHERE superseded_by = ? "
            "UNION SELECT m.id FROM memories AS m JOIN earlier ON m.superseded_by = earlier.id) "
            f"{SELECT} WHERE y.id IN (SELECT id FROM earlier) ORDER BY y.recorded_at DESC",
            (memory_id,),
        )
        return [read_row(Memory, row) for row in rows]


def retire(connection: sqlite3.Connection, memory_id: str, ended_at: datetime | None = None) -> Memory:
    """End a memory without another in its place; see `Memories.retire`."""
    moment = now()
    _refuse_superseded(_get(connection, memory_id))
    connection.execute(
        "UPDATE memories SET retired_at = ?, pinned = 0, valid_to = ? WHERE id = ?",
        (to_text(moment), to_text(ended_at or moment), memory_id),
    )
    return _get(connection, memory_id)


def insert(connection: sqlite3.Connection, new: NewMemory) -> Memory:
    """Store a memory and its passage; it is private too where the rule or one of its sources is."""
    if not new.text.strip():
        raise StoreError("A memory needs some text.", "Say what to remember.")
    private = (
        new.private
        or is_private_text(connection, new.text, new.why, new.horizon)
        or any_private(connection, new.sources)
    )
    memory = Memory(
        ids.new_id(ids.MEMORY),
        new.kind,
        new.text,
        new.author,
        new.pinned,
        private,
        now(),
        new.valid_from,
        new.valid_to,
        None,
        tuple(sorted(new.sources)),
        new.origin,
        new.about or "",
        None,
        new.why,
        new.horizon,
    )
    insert_row(connection, "memories", memory, about=new.about)  # None: nobody has looked
    for source in memory.sources:
        _insert_ground(connection, memory.id, Ground(source, new.quote))
    _index(connection, memory)
    return memory


def _set_private(connection: sqlite3.Connection, memory_id: str, private: bool) -> None:
    connection.execute("UPDATE memories SET private = ? WHERE id = ?", (private, memory_id))
    passages.set_private(connection, "memory_id", memory_id, private)


def reword(connection: sqlite3.Connection, memory_id: str, text: str) -> None:
    """Give a memory other words, and a passage anew; what it said before is gone from the record."""
    connection.execute("DELETE FROM passages WHERE memory_id = ?", (memory_id,))
    connection.execute(
        "UPDATE memories SET text = ?, private = max(private, ?) WHERE id = ?",
        (text, is_private_text(connection, text), memory_id),
    )
    _index(connection, _get(connection, memory_id))


def _index(connection: sqlite3.Connection, memory: Memory) -> None:
    owner = passages.Owner(memory.author, memory.recorded_at, memory.private, memory_id=memory.id)
    passages.insert(connection, owner, [PassageDraft(memory.text)])


def rest_on(connection: sqlite3.Connection, memory: Memory, ground: Ground) -> None:
    """Let a memory rest on another source too; see `Memories.rest_on`."""
    if memory.sources:
        _insert_ground(connection, memory.id, ground)


def _insert_ground(connection: sqlite3.Connection, memory_id: str, ground: Ground) -> None:
    column = "document_id" if ids.prefix_of(ground.source_id) == ids.DOCUMENT else "message_id"
    known = connection.execute(
        f"UPDATE memory_sources SET quote = coalesce(quote, ?) WHERE memory_id = ? AND {column} = ?",
        (ground.quote, memory_id, ground.source_id),
    ).rowcount
    if not known:
        connection.execute(
            f"INSERT INTO memory_sources (memory_id, {column}, quote) VALUES (?, ?, ?)",
            (memory_id, ground.source_id, ground.quote),
        )


def _refuse_superseded(memory: Memory) -> None:
    if memory.superseded_by is not None:
        raise StoreError(f"{memory.id} was superseded by {memory.superseded_by}.", "Edit the newest version instead.")


def supersede(connection: sqlite3.Connection, memory_id: str, new: NewMemory) -> Memory:
    """Store a newer version of a memory; see `Memories.supersede`."""
    old = _get(connection, memory_id)
    _refuse_superseded(old)
    kept = replace(
        new,
        private=new.private or old.private,
        about=new.about or old.about,
        why=new.why if new.why is not None else old.why,
        horizon=new.horizon if new.horizon is not None else old.horizon,
    )
    newer = insert(connection, kept)
    _replace(connection, old, newer)
    return newer


def _replace(connection: sqlite3.Connection, old: Memory, newer: Memory) -> None:
    """Let the newer one stand in the place of the old one, which stays as history."""
    connection.execute(
        "UPDATE memories SET superseded_by = ?, retired_at = ?, pinned = 0, valid_to = coalesce(valid_to, ?) "
        "WHERE id = ?",
        (newer.id, to_text(now()), to_text(newer.valid_from or newer.recorded_at), old.id),
    )
    connection.execute("UPDATE goal_reviews SET memory_id = ? WHERE memory_id = ?", (newer.id, old.id))


def _find_later(connection: sqlite3.Connection, memory: Memory) -> list[str]:
    """Return the ids of what took the place of a memory, one after the other."""
    later: list[str] = []
    while memory.superseded_by is not None:
        later.append(memory.superseded_by)
        memory = _get(connection, memory.superseded_by)
    return later


def _get(connection: sqlite3.Connection, memory_id: str) -> Memory:
    row = connection.execute(f"{SELECT} WHERE y.id = ?", (memory_id,)).fetchone()
    if row is None:
        raise NotFoundError(f"There is no memory {memory_id}.", "The list of memories shows the ids.")
    return read_row(Memory, row)


def _importance(connection: sqlite3.Connection, moment: datetime, *, include_private: bool) -> dict[str, float]:
    """Return how much memories matter at a moment, by their ids; a number above 0, of use for order alone.

    They are those that live, are not pinned and not over. Left out is what can't be among the first of its sort.
    """
    found = {}
    for row in connection.execute(_USES, (int(include_private), to_text(moment), _LATEST)):
        last = from_text(max(row["recorded_at"], row["used_at"] or ""))
        days = max(0.0, (moment - last).total_seconds() / 86400)
        weight = 1.0 + math.log2(1 + row["uses"]) + 0.5 * math.log2(1 + row["sources"])
        found[row["id"]] = weight * 0.5 ** (days / HALF_LIFE_DAYS)
    return found
