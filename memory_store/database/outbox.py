"""The outbox: which passages wait for a vector, which vectors wait for the index, and what its segments hold."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from memory_store.embedding.base import EmbedderIdentity

# What one segment holds at most in a small store, and its share of a large one: a search asks every segment, so there
# must be few, and an erasure rebuilds whole segments, so they must be small.
SEGMENT_CAPACITY: Final = 16_384
_SEGMENTS: Final = 8


@dataclass(frozen=True, slots=True)
class ToEmbed:
    """A passage that waits for its vector; `speaker` is the name of the person who said it in a conversation."""

    row: int
    id: str
    context: str
    text: str
    speaker: str | None


@dataclass(frozen=True, slots=True)
class StoredVector:
    """A vector of the record: its sequence number, its passage's id, and float32 bytes."""

    seq: int
    passage_id: str
    vector: bytes


@dataclass(frozen=True, slots=True)
class Segment:
    """A segment of the index as the record knows it. `applied_seq` is the last outbox entry it holds."""

    id: int
    generation: int
    state: str
    applied_seq: int


def to_embed(connection: sqlite3.Connection, limit: int, *, include_private: bool) -> list[ToEmbed]:
    """Return the newest passages that have no vector yet."""
    condition = "" if include_private else "AND p.private = 0"
    rows = connection.execute(
        "SELECT p.row, p.id, p.context, p.text, "
        "CASE WHEN p.message_id IS NOT NULL AND p.author_kind = 'user' THEN p.author_name END AS speaker "
        "FROM outbox AS o JOIN passages AS p ON p.row = o.passage_row "
        f"WHERE o.operation = 'embed' {condition} ORDER BY o.passage_row DESC LIMIT ?",
        (limit,),
    )
    return [ToEmbed(row["row"], row["id"], row["context"], row["text"], row["speaker"]) for row in rows]


def count(connection: sqlite3.Connection, operation: str, *, include_private: bool = True) -> int:
    """Return how many entries of an operation wait."""
    if include_private:
        sql = "SELECT count(*) FROM outbox WHERE operation = ?"
    else:
        sql = (
            "SELECT count(*) FROM outbox AS o JOIN passages AS p ON p.row = o.passage_row "
            "WHERE o.operation = ? AND p.private = 0"
        )
    return int(connection.execute(sql, (operation,)).fetchone()[0])


def store_vectors(connection: sqlite3.Connection, embedder_id: int, vectors: Sequence[tuple[int, bytes]]) -> None:
    """Store vectors by passage row and queue them for the index. Passages erased meanwhile are passed over."""
    for row, vector in vectors:
        written = connection.execute(
            "INSERT INTO embeddings (passage_row, embedder_id, vector) SELECT row, ?, ? FROM passages WHERE row = ? "
            "ON CONFLICT (passage_row) DO NOTHING",
            (embedder_id, vector, row),
        ).rowcount
        connection.execute("DELETE FROM outbox WHERE operation = 'embed' AND passage_row = ?", (row,))
        if written:  # echoes are left to the exact scan
            connection.execute(
                "INSERT OR IGNORE INTO outbox (operation, passage_row) "
                "SELECT 'index', row FROM passages WHERE row = ? AND echo = 0",
                (row,),
            )


def embedder_id(connection: sqlite3.Connection, identity: EmbedderIdentity) -> int:
    """Return the number under which this embedder is recorded, recording it if it is new."""
    fields = (identity.name, identity.version, identity.dimension, identity.normalized)
    connection.execute(
        "INSERT OR IGNORE INTO embedders (name, version, dimension, normalized) VALUES (?, ?, ?, ?)", fields
    )
    row = connection.execute(
        "SELECT id FROM embedders WHERE name = ? AND version = ? AND dimension = ? AND normalized = ?", fields
    ).fetchone()
    return int(row[0])


def stored_embedder(connection: sqlite3.Connection) -> tuple[int, EmbedderIdentity] | None:
    """Return the embedder that made the stored vectors, or None while there are none."""
    row = connection.execute(
        "SELECT b.* FROM embedders AS b WHERE b.id = (SELECT embedder_id FROM embeddings LIMIT 1)"
    ).fetchone()
    if row is None:
        return None
    return row["id"], EmbedderIdentity(row["name"], row["version"], row["dimension"], bool(row["normalized"]))


def drop_vectors(connection: sqlite3.Connection) -> None:
    """Delete every vector and queue every passage for embedding again: another embedder takes over."""
    connection.execute("UPDATE index_segments SET state = 'stale'")
    connection.execute("DELETE FROM embeddings")
    connection.execute("DELETE FROM outbox")
    connection.execute("INSERT INTO outbox (operation, passage_row) SELECT 'embed', row FROM passages ORDER BY row")
    connection.execute("UPDATE meta SET value = CAST(value AS INTEGER) + 1 WHERE key = 'vectors_epoch'")


def assign_segment(connection: sqlite3.Connection, limit: int) -> tuple[Segment, int] | None:
    """Give the next unassigned vectors a segment that has room; return it with the last outbox entry, or None if done.

    The assignment is recorded before the index is touched, so that applying it twice changes nothing.
    """
    entries = connection.execute(
        "SELECT o.seq, o.passage_row, e.segment_id FROM outbox AS o JOIN embeddings AS e "
        "ON e.passage_row = o.passage_row WHERE o.operation = 'index' ORDER BY o.seq LIMIT ?",
        (limit,),
    ).fetchall()
    if not entries:
        return None
    started = next((entry["segment_id"] for entry in entries if entry["segment_id"] is not None), None)
    segment = get_segment(connection, started) if started is not None else _open_segment(connection)
    room = _capacity(connection) - held(connection, segment.id)
    last = entries[0]["seq"]
    for entry in entries:
        if entry["segment_id"] is None:
            if room <= 0:
                break
            room -= 1
            connection.execute(
                "UPDATE embeddings SET segment_id = ? WHERE passage_row = ?", (segment.id, entry["passage_row"])
            )
        elif entry["segment_id"] != segment.id:
            break
        last = entry["seq"]
    return segment, last


def _capacity(connection: sqlite3.Connection) -> int:
    """Return what one segment may hold in a store of this size."""
    row = connection.execute("SELECT count(*) FROM embeddings").fetchone()
    return max(SEGMENT_CAPACITY, -(-int(row[0]) // _SEGMENTS))


def _open_segment(connection: sqlite3.Connection) -> Segment:
    """Return the first segment with room, or a new one."""
    capacity = _capacity(connection)
    for segment in segments(connection):
        if segment.state == "ready" and held(connection, segment.id) < capacity:
            return segment
    cursor = connection.execute("INSERT INTO index_segments (generation, state, applied_seq) VALUES (1, 'ready', 0)")
    assert cursor.lastrowid is not None
    return Segment(cursor.lastrowid, 1, "ready", 0)


def segments(connection: sqlite3.Connection) -> list[Segment]:
    """Return all segments."""
    rows = connection.execute("SELECT * FROM index_segments ORDER BY id")
    return [Segment(row["id"], row["generation"], row["state"], row["applied_seq"]) for row in rows]


def get_segment(connection: sqlite3.Connection, segment_id: int) -> Segment:
    """Return one segment."""
    row = connection.execute("SELECT * FROM index_segments WHERE id = ?", (segment_id,)).fetchone()
    return Segment(row["id"], row["generation"], row["state"], row["applied_seq"])


def held(connection: sqlite3.Connection, segment_id: int) -> int:
    """Return how many vectors belong to a segment."""
    row = connection.execute("SELECT count(*) FROM embeddings WHERE segment_id = ?", (segment_id,)).fetchone()
    return int(row[0])


def segment_vectors(connection: sqlite3.Connection, segment_id: int, after_seq: int, limit: int) -> list[StoredVector]:
    """Return a segment's vectors in the order they were stored, a page at a time."""
    rows = connection.execute(
        "SELECT e.seq, p.id, e.vector FROM embeddings AS e JOIN passages AS p ON p.row = e.passage_row "
        "WHERE e.segment_id = ? AND e.seq > ? ORDER BY e.seq LIMIT ?",
        (segment_id, after_seq, limit),
    )
    return [StoredVector(row["seq"], row["id"], row["vector"]) for row in rows]


def waiting_vectors(connection: sqlite3.Connection, segment_id: int, last: int) -> list[StoredVector]:
    """Return the vectors assigned to a segment whose outbox entries, up to `last`, are not yet applied."""
    rows = connection.execute(
        "SELECT e.seq, p.id, e.vector FROM outbox AS o JOIN embeddings AS e ON e.passage_row = o.passage_row "
        "JOIN passages AS p ON p.row = e.passage_row "
        "WHERE o.operation = 'index' AND o.seq <= ? AND e.segment_id = ?",
        (last, segment_id),
    )
    return [StoredVector(row["seq"], row["id"], row["vector"]) for row in rows]


def applied_ids(connection: sqlite3.Connection, segment_id: int) -> set[str]:
    """Return the passage ids that a segment must hold: assigned to it and no longer waiting."""
    rows = connection.execute(
        "SELECT p.id FROM embeddings AS e JOIN passages AS p ON p.row = e.passage_row "
        "WHERE e.segment_id = ? AND NOT EXISTS (SELECT 1 FROM outbox AS o WHERE o.operation = 'index' "
        "AND o.passage_row = e.passage_row)",
        (segment_id,),
    )
    return {row[0] for row in rows}


def mark_applied(connection: sqlite3.Connection, segment_id: int, last: int) -> None:
    """Record that a segment holds its vectors up to outbox entry `last`."""
    connection.execute(
        "DELETE FROM outbox WHERE operation = 'index' AND seq <= ? AND passage_row IN "
        "(SELECT passage_row FROM embeddings WHERE segment_id = ?)",
        (last, segment_id),
    )
    connection.execute("UPDATE index_segments SET applied_seq = ? WHERE id = ?", (last, segment_id))


def mark_stale(connection: sqlite3.Connection, segment_ids: Sequence[int]) -> None:
    """Record that segments can't be trusted and need a new generation."""
    connection.executemany("UPDATE index_segments SET state = 'stale' WHERE id = ?", [(one,) for one in segment_ids])


def swap_generation(connection: sqlite3.Connection, segment_id: int, generation: int, last_seq: int) -> None:
    """Record that a newly built generation, with every vector up to `last_seq`, is the one to use."""
    connection.execute(
        "UPDATE index_segments SET generation = ?, state = 'ready' WHERE id = ?", (generation, segment_id)
    )
    connection.execute(
        "DELETE FROM outbox WHERE operation = 'index' AND passage_row IN "
        "(SELECT passage_row FROM embeddings WHERE segment_id = ? AND seq <= ?)",
        (segment_id, last_seq),
    )


def remove_segment(connection: sqlite3.Connection, segment_id: int) -> None:
    """Forget a segment that holds nothing any more."""
    connection.execute("DELETE FROM index_segments WHERE id = ?", (segment_id,))
