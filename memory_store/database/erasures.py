"""Erasure inside the record: which rows go, what they take with them, and which erasures are not yet complete."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from typing import Final

from memory_store import ids
from memory_store.clock import from_text, now, optional_time, to_text
from memory_store.database import tombstones
from memory_store.database.passages import bump_vectors_epoch
from memory_store.database.titles import clear_titles
from memory_store.database.tombstones import Name, NameKind
from memory_store.errors import NotFoundError
from memory_store.models import Erasure

TABLES: Final = ("documents", "conversations", "messages", "memories", "passages")
_TABLE_OF: Final = {
    ids.DOCUMENT: "documents",
    ids.CONVERSATION: "conversations",
    ids.MESSAGE: "messages",
    ids.MEMORY: "memories",
}
_DOOMED_PASSAGE: Final = (
    "(p.document_id IN (SELECT id FROM temp.doomed WHERE kind = 'documents') "
    "OR p.message_id IN (SELECT id FROM temp.doomed WHERE kind = 'messages') "
    "OR p.memory_id IN (SELECT id FROM temp.doomed WHERE kind = 'memories'))"
)


def table_of(identifier: str) -> str:
    """Return the table that an id belongs to. Raises NotFoundError for what can't be erased by itself."""
    table = _TABLE_OF.get(ids.prefix_of(identifier) or "")
    if table is None:
        raise NotFoundError(f"{identifier} is not the id of anything that can be erased.", "The lists show the ids.")
    return table


def choose(connection: sqlite3.Connection, chosen_ids: Iterable[str]) -> dict[str, int]:
    """Work out all that goes with these records and return how many rows of each kind that is.

    Earlier versions of a memory go with it, and memories captured from an erased message. The set is kept in a
    temporary table (in memory) of the connection, where `delete_chosen` finds it.
    """
    connection.execute("CREATE TEMP TABLE IF NOT EXISTS doomed (kind TEXT, id TEXT, PRIMARY KEY (kind, id))")
    connection.execute("DELETE FROM temp.doomed")
    connection.executemany(
        "INSERT OR IGNORE INTO temp.doomed VALUES (?, ?)", [(table_of(one), one) for one in chosen_ids]
    )
    _spread(connection)
    counts = dict(connection.execute("SELECT kind, count(*) FROM temp.doomed GROUP BY kind").fetchall())
    counts["passages"] = connection.execute(f"SELECT count(*) FROM passages AS p WHERE {_DOOMED_PASSAGE}").fetchone()[0]
    return {table: counts[table] for table in TABLES if counts.get(table)}


def delete_chosen(connection: sqlite3.Connection, counts: dict[str, int], *, bury: bool) -> str:
    """Delete what `choose` found and record an erasure that is still to be completed; return its id.

    `bury` leaves tombstones for the documents. The answers to an erased message move up to its parent.
    """
    erasure_id = _record(connection, counts)
    if bury:
        _bury(connection, erasure_id)
    connection.execute(
        "UPDATE index_segments SET state = 'stale' WHERE id IN (SELECT e.segment_id FROM embeddings AS e "
        f"JOIN passages AS p ON p.row = e.passage_row WHERE {_DOOMED_PASSAGE})"
    )
    clear_titles(connection)
    _lift_children(connection)
    for table in ("memories", "messages", "conversations", "documents"):
        connection.execute(f"DELETE FROM {table} WHERE id IN (SELECT id FROM temp.doomed WHERE kind = ?)", (table,))
    connection.execute("DELETE FROM temp.doomed")
    bump_vectors_epoch(connection)
    return erasure_id


def delete_everything(connection: sqlite3.Connection) -> str:
    """Delete every record and every tombstone; the erasure itself stays to be completed."""
    before = count_everything(connection)
    connection.execute("UPDATE index_segments SET state = 'stale'")
    for table in ("citations", "memories", "messages", "conversations", "documents", "outbox", "tombstones"):
        connection.execute(f"DELETE FROM {table}")
    bump_vectors_epoch(connection)
    return _record(connection, before)


def _spread(connection: sqlite3.Connection) -> None:
    """Add what follows from the chosen: the messages of conversations, captured memories, superseded versions."""
    connection.execute(
        "INSERT OR IGNORE INTO temp.doomed SELECT 'messages', id FROM messages WHERE conversation_id IN "
        "(SELECT id FROM temp.doomed WHERE kind = 'conversations')"
    )
    connection.execute(
        "INSERT OR IGNORE INTO temp.doomed SELECT 'memories', memory_id FROM memory_sources GROUP BY memory_id "
        "HAVING min(coalesce(message_id, document_id) IN (SELECT id FROM temp.doomed))"
    )
    connection.execute(
        "WITH RECURSIVE earlier (id) AS (SELECT id FROM temp.doomed WHERE kind = 'memories' "
        "UNION SELECT m.id FROM memories AS m JOIN earlier ON m.superseded_by = earlier.id) "
        "INSERT OR IGNORE INTO temp.doomed SELECT 'memories', id FROM earlier"
    )


def _bury(connection: sqlite3.Connection, erasure_id: str) -> None:
    """Leave a tombstone for every name that the doomed may come back under."""
    for kind, name in connection.execute(
        "SELECT 'id', id FROM temp.doomed "
        "UNION ALL SELECT 'path', path FROM documents WHERE id IN (SELECT id FROM temp.doomed) "
        "UNION ALL SELECT 'content', content_hash FROM documents WHERE id IN (SELECT id FROM temp.doomed) "
        "UNION ALL SELECT 'origin', origin FROM conversations WHERE origin IS NOT NULL "
        "AND id IN (SELECT id FROM temp.doomed) "
        "UNION ALL SELECT 'origin', c.origin || '/' || m.origin FROM messages AS m JOIN conversations AS c "
        "ON c.id = m.conversation_id WHERE m.origin IS NOT NULL AND m.id IN (SELECT id FROM temp.doomed) "
        "UNION ALL SELECT 'origin', origin FROM memories WHERE origin IS NOT NULL "
        "AND id IN (SELECT id FROM temp.doomed)"
    ).fetchall():
        tombstones.bury(connection, [Name(NameKind(kind), name)], erasure_id)


def _lift_children(connection: sqlite3.Connection) -> None:
    """Hang the children of erased messages on the nearest ancestor that stays."""
    while True:
        moved = connection.execute(
            "UPDATE messages SET parent_id = (SELECT up.parent_id FROM messages AS up "
            "WHERE up.id = messages.parent_id) "
            "WHERE parent_id IN (SELECT id FROM temp.doomed WHERE kind = 'messages') "
            "AND id NOT IN (SELECT id FROM temp.doomed WHERE kind = 'messages')"
        ).rowcount
        if not moved:
            return


def count_everything(connection: sqlite3.Connection) -> dict[str, int]:
    """Return how many rows of each kind there are."""
    counts = {table: connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in TABLES}
    return {table: count for table, count in counts.items() if count}


def _record(connection: sqlite3.Connection, counts: dict[str, int]) -> str:
    erasure_id = ids.new_id(ids.ERASURE)
    connection.execute(
        "INSERT INTO erasures (id, requested_at, counts) VALUES (?, ?, ?)",
        (erasure_id, to_text(now()), json.dumps(counts, sort_keys=True)),
    )
    return erasure_id


def pending(connection: sqlite3.Connection) -> list[str]:
    """Return the ids of the erasures that are not yet complete, oldest first."""
    rows = connection.execute("SELECT id FROM erasures WHERE completed_at IS NULL ORDER BY requested_at")
    return [row["id"] for row in rows]


def complete(connection: sqlite3.Connection, erasure_ids: list[str]) -> None:
    """Record that nothing of these erasures is left on the disk."""
    moment = to_text(now())
    connection.executemany("UPDATE erasures SET completed_at = ? WHERE id = ?", [(moment, one) for one in erasure_ids])


def get(connection: sqlite3.Connection, erasure_id: str) -> Erasure:
    """Return one erasure. Raises NotFoundError."""
    row = connection.execute("SELECT * FROM erasures WHERE id = ?", (erasure_id,)).fetchone()
    if row is None:
        raise NotFoundError(f"There is no erasure {erasure_id}.")
    return Erasure(
        row["id"], from_text(row["requested_at"]), optional_time(row["completed_at"]), json.loads(row["counts"])
    )
