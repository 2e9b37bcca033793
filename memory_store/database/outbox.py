"""What waits: passages for a vector, in the outbox; vectors for the index, and which of its segments holds which."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from memory_store.database.rows import read_row
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
    """A segment of the index as the record knows it. `applied_seq` is the last vector it is known to hold."""

    id: int
    generation: int
    state: str
    applied_seq: int
    is_new: bool = False

    @property
    def name(self) -> str:
        """The name of its present generation, in a folder or on a server."""
        return f"segment-{self.id:04d}-{self.generation:06d}"

    def next_generation(self) -> Segment:
        """Return what takes its place."""
        return Segment(self.id, self.generation + 1, "ready", 0)


def find_to_embed(connection: sqlite3.Connection, limit: int, *, include_private: bool) -> list[ToEmbed]:
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


def count_to_embed(connection: sqlite3.Connection, *, include_private: bool = True) -> int:
    """Return how many passages wait for their vectors."""
    if include_private:
        sql = "SELECT count(*) FROM outbox WHERE operation = 'embed'"
    else:
        sql = (
            "SELECT count(*) FROM outbox AS o JOIN passages AS p ON p.row = o.passage_row "
            "WHERE o.operation = 'embed' AND p.private = 0"
        )
    return int(connection.execute(sql).fetchone()[0])


def count_to_index(connection: sqlite3.Connection, *, include_private: bool) -> int:
    """Return how many vectors wait for the index."""
    row = connection.execute(
        "SELECT (SELECT count(*) FROM embeddings AS e JOIN passages AS p ON p.row = e.passage_row "
        "WHERE e.segment_id IS NULL AND p.echo = 0 AND p.private <= ?) + (SELECT count(*) FROM index_segments AS s "
        "JOIN embeddings AS e ON e.segment_id = s.id AND (e.seq > s.applied_seq OR s.state = 'stale'))",
        (include_private,),
    ).fetchone()
    return int(row[0])


def store_vectors(connection: sqlite3.Connection, embedder_id: int, vectors: Sequence[tuple[int, bytes]]) -> None:
    """Store vectors by passage row. Passages erased meanwhile are passed over."""
    for row, vector in vectors:
        connection.execute(
            "INSERT INTO embeddings (passage_row, embedder_id, vector) SELECT row, ?, ? FROM passages WHERE row = ? "
            "ON CONFLICT (passage_row) DO NOTHING",
            (embedder_id, vector, row),
        )
        connection.execute("DELETE FROM outbox WHERE operation = 'embed' AND passage_row = ?", (row,))


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


def get_embedder(connection: sqlite3.Connection) -> tuple[int, EmbedderIdentity] | None:
    """Return the embedder that made the stored vectors, or None while there are none."""
    row = connection.execute(
        "SELECT b.* FROM embedders AS b WHERE b.id = (SELECT embedder_id FROM embeddings LIMIT 1)"
    ).fetchone()
    if row is None:
        return None
    return row["id"], read_row(EmbedderIdentity, row)


def drop_vectors(connection: sqlite3.Connection) -> None:
    """Delete every vector and queue every passage for embedding again: another embedder takes over."""
    connection.execute("UPDATE index_segments SET state = 'stale'")
    connection.execute("DELETE FROM embeddings")
    connection.execute("DELETE FROM outbox")
    connection.execute("INSERT INTO outbox (operation, passage_row) SELECT 'embed', row FROM passages ORDER BY row")
    bump_vectors_epoch(connection)


def get_vector_state(connection: sqlite3.Connection) -> tuple[int, int]:
    """Return the latest number a vector got, and a number that changes when vectors go or are marked otherwise."""
    row = connection.execute(
        "SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'embeddings'), 0), "
        "(SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'vectors_epoch')"
    ).fetchone()
    return int(row[0]), int(row[1])


def assign_segment(connection: sqlite3.Connection, limit: int, *, include_private: bool) -> Segment | None:
    """Return a segment that has vectors to take in, giving it the next that have none yet; None when nothing waits.

    Echoes are left to the scan.
    """
    for segment in segments(connection):
        if segment.state == "ready" and segment_vectors(connection, segment.id, segment.applied_seq, 1):
            return segment
    waiting = connection.execute(
        "SELECT e.seq FROM embeddings AS e JOIN passages AS p ON p.row = e.passage_row "
        "WHERE e.segment_id IS NULL AND p.echo = 0 AND p.private <= ? ORDER BY e.seq LIMIT ?",
        (include_private, limit),
    ).fetchall()
    if not waiting:
        return None
    segment = _open_segment(connection)
    chosen = [row[0] for row in waiting[: max(1, _capacity(connection) - count_held(connection, segment.id))]]
    connection.execute(
        "UPDATE embeddings SET segment_id = ? WHERE seq IN (SELECT value FROM json_each(?))",
        (segment.id, json.dumps(chosen)),
    )
    # A vector that had another place before is older than what the segment holds: what follows it is added again.
    applied = min(segment.applied_seq, chosen[0] - 1)
    connection.execute("UPDATE index_segments SET applied_seq = ? WHERE id = ?", (applied, segment.id))
    return replace(segment, applied_seq=applied)


def withdraw_private(connection: sqlite3.Connection) -> None:
    """Take private vectors out of their segments, which are made anew without them."""
    private = "segment_id IS NOT NULL AND passage_row IN (SELECT row FROM passages WHERE private = 1)"
    mark_segments_of(connection, private)
    connection.execute(f"UPDATE embeddings SET segment_id = NULL WHERE {private}")


def mark_segments_of(connection: sqlite3.Connection, vectors: str, parameters: Sequence[object] = ()) -> None:
    """Record that the segments that hold vectors of this condition need new generations."""
    connection.execute(
        f"UPDATE index_segments SET state = 'stale' WHERE id IN (SELECT segment_id FROM embeddings WHERE {vectors})",
        parameters,
    )


def bump_vectors_epoch(connection: sqlite3.Connection) -> None:
    """Tell every process that rows were removed or marked, so that vectors held in memory are looked over again."""
    connection.execute("UPDATE meta SET value = CAST(value AS INTEGER) + 1 WHERE key = 'vectors_epoch'")


def name_on_servers(connection: sqlite3.Connection) -> str:
    """Return the random name by which servers tell this store's collections from those of others."""
    connection.execute("INSERT OR IGNORE INTO meta VALUES ('index_name', ?)", (os.urandom(8).hex(),))
    return str(connection.execute("SELECT value FROM meta WHERE key = 'index_name'").fetchone()[0])


def note_server(connection: sqlite3.Connection, server: str) -> None:
    """Keep in mind that a server was given vectors: its disk may hold traces of what is erased from now on."""
    connection.execute("INSERT OR REPLACE INTO meta VALUES ('index_server', ?)", (server,))


def get_server(connection: sqlite3.Connection) -> str | None:
    """Return the latest server that was given vectors, if any was."""
    row = connection.execute("SELECT value FROM meta WHERE key = 'index_server'").fetchone()
    return row[0] if row else None


def _capacity(connection: sqlite3.Connection) -> int:
    """Return what one segment may hold in a store of this size."""
    row = connection.execute("SELECT count(*) FROM embeddings").fetchone()
    return max(SEGMENT_CAPACITY, -(-int(row[0]) // _SEGMENTS))


def _open_segment(connection: sqlite3.Connection) -> Segment:
    """Return the first segment with room, or a new one."""
    capacity = _capacity(connection)
    for segment in segments(connection):
        if segment.state == "ready" and count_held(connection, segment.id) < capacity:
            return segment
    cursor = connection.execute("INSERT INTO index_segments (generation, state, applied_seq) VALUES (1, 'ready', 0)")
    assert cursor.lastrowid is not None
    return Segment(cursor.lastrowid, 1, "ready", 0, is_new=True)


def segments(connection: sqlite3.Connection) -> list[Segment]:
    """Return all segments."""
    rows = connection.execute("SELECT * FROM index_segments ORDER BY id")
    return [Segment(row["id"], row["generation"], row["state"], row["applied_seq"]) for row in rows]


def count_held(connection: sqlite3.Connection, segment_id: int, upto: int | None = None) -> int:
    """Return how many vectors belong to a segment, of those with a number up to `upto` if it is given."""
    row = connection.execute(
        "SELECT count(*) FROM embeddings WHERE segment_id = ? AND seq <= coalesce(?, seq)", (segment_id, upto)
    ).fetchone()
    return int(row[0])


def sample_vectors(connection: sqlite3.Connection, segment_id: int, upto: int, most: int) -> list[bytes]:
    """Return some of a segment's vectors, about evenly over all with a number up to `upto`, as float32 bytes."""
    every = max(1, count_held(connection, segment_id, upto) // most)
    rows = connection.execute(
        "SELECT vector FROM embeddings WHERE segment_id = ? AND seq <= ? AND seq % ? = 0 ORDER BY seq LIMIT ?",
        (segment_id, upto, every, most),
    )
    return [row[0] for row in rows]


def segment_vectors(connection: sqlite3.Connection, segment_id: int, after_seq: int, limit: int) -> list[StoredVector]:
    """Return a segment's vectors in the order they were stored, a page at a time."""
    rows = connection.execute(
        "SELECT e.seq, p.id, e.vector FROM embeddings AS e JOIN passages AS p ON p.row = e.passage_row "
        "WHERE e.segment_id = ? AND e.seq > ? ORDER BY e.seq LIMIT ?",
        (segment_id, after_seq, limit),
    )
    return [StoredVector(row["seq"], row["id"], row["vector"]) for row in rows]


def mark_applied(connection: sqlite3.Connection, segment_id: int, last: int) -> None:
    """Record that a segment holds its vectors up to number `last`."""
    connection.execute("UPDATE index_segments SET applied_seq = ? WHERE id = ?", (last, segment_id))


def mark_stale(connection: sqlite3.Connection, segment_ids: Sequence[int]) -> None:
    """Record that segments can't be trusted and need a new generation."""
    connection.executemany(
        "UPDATE index_segments SET state = 'stale' WHERE id = ?", [(segment_id,) for segment_id in segment_ids]
    )


def swap_generation(connection: sqlite3.Connection, fresh: Segment, last: int) -> None:
    """Record that a newly built generation, with every vector up to number `last`, is the one to use."""
    connection.execute(
        "UPDATE index_segments SET generation = ?, state = 'ready', applied_seq = ? WHERE id = ?",
        (fresh.generation, last, fresh.id),
    )


def remove_segments(connection: sqlite3.Connection) -> None:
    """Forget all segments; the vectors belong to none."""
    connection.execute("DELETE FROM index_segments")


def remove_segment(connection: sqlite3.Connection, segment_id: int) -> None:
    """Forget a segment that holds nothing any more."""
    connection.execute("DELETE FROM index_segments WHERE id = ?", (segment_id,))
