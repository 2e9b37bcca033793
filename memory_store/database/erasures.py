"""Erasure inside the record: which rows go, what they take with them, and the erasures there have been."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable

from memory_store import ids
from memory_store.clock import from_text, now, optional_time, to_text
from memory_store.database import doomed, rewording, tables, tombstones
from memory_store.database.memories import reword
from memory_store.database.passages import bump_vectors_epoch
from memory_store.database.titles import clear_titles
from memory_store.errors import NotFoundError
from memory_store.models import Erasure


def table_to_erase(identifier: str) -> str:
    """Return the table that an id belongs to. Raises NotFoundError for what can't be erased by itself."""
    table = tables.table_of(identifier)
    if table not in tables.ERASABLE:
        raise NotFoundError(f"{identifier} is not the id of anything that can be erased.", "The lists show the ids.")
    return table


def delete_doomed(connection: sqlite3.Connection, *, bury: bool, deferred: bool = False, notes: str = "{}") -> str:
    """Delete what `doomed` has chosen and record an erasure that is still to be completed; return its id.

    `bury` leaves tombstones; `notes` is JSON for the receipt. The answers to an erased message move up to its parent.
    """
    erasure_id = ids.new_id(ids.ERASURE)
    needles = doomed.needles(connection, tombstones.secret(connection))
    connection.execute(
        "INSERT INTO erasures (id, requested_at, counts, deferred, needles, notes) VALUES (?, ?, ?, ?, ?, ?)",
        (
            erasure_id,
            to_text(now()),
            json.dumps(doomed.counts(connection), sort_keys=True),
            deferred,
            needles.to_bytes(),
            notes,
        ),
    )
    if bury:
        tombstones.bury(connection, doomed.names(connection), erasure_id)
    doomed.mark_segments_stale(connection)
    clear_titles(connection)
    connection.execute(f"DELETE FROM summaries WHERE conversation_id IN ({doomed.SUMMED_UP})")
    _lift_children(connection)
    connection.execute(
        "DELETE FROM request_items WHERE item_id IN (SELECT id FROM temp.doomed) "
        f"OR item_id IN (SELECT p.id FROM passages AS p WHERE {doomed.PASSAGE})"
    )
    connection.execute(
        "DELETE FROM requests WHERE purpose != 'query' AND id NOT IN (SELECT request_id FROM request_items)"
    )
    reworded = rewording.chosen(connection)
    for table in ("memories", "messages", "conversations", "documents"):
        connection.execute(f"DELETE FROM {table} WHERE id IN (SELECT id FROM temp.doomed WHERE kind = ?)", (table,))
    connection.execute("DELETE FROM temp.doomed")
    for memory_id, text in reworded:
        reword(connection, memory_id, text)
    if not count_everything(connection):  # nothing is left that these could belong to
        connection.execute("DELETE FROM drafts")
        connection.execute("DELETE FROM requests")
    bump_vectors_epoch(connection)
    return erasure_id


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
    counts = {table: connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables.COUNTED}
    return {table: count for table, count in counts.items() if count}


def get(connection: sqlite3.Connection, erasure_id: str) -> Erasure:
    """Return one erasure. Raises NotFoundError."""
    row = connection.execute("SELECT * FROM erasures WHERE id = ?", (erasure_id,)).fetchone()
    if row is None:
        raise NotFoundError(f"There is no erasure {erasure_id}.", "The list of receipts shows the ids.")
    return _erasure(row)


def every(connection: sqlite3.Connection) -> list[Erasure]:
    """Return all erasures, the latest first."""
    return [_erasure(row) for row in connection.execute("SELECT * FROM erasures ORDER BY requested_at DESC, id")]


def forget_traces(connection: sqlite3.Connection, key: str) -> None:
    """Delete every receipt and tombstone and take a new key: nothing says any more that something was erased."""
    connection.execute("DELETE FROM erasures")
    connection.execute("DELETE FROM tombstones")
    connection.execute("DELETE FROM foreign_tombstones")
    connection.execute("UPDATE meta SET value = ? WHERE key = 'tombstone_key'", (key,))


def taken(connection: sqlite3.Connection, names: Iterable[tombstones.Name]) -> list[Erasure]:
    """Return the erasures that took something of one of these names."""
    return [get(connection, text) for text in tombstones.erasures_of(connection, names)]


def _erasure(row: sqlite3.Row) -> Erasure:
    return Erasure(
        row["id"],
        from_text(row["requested_at"]),
        optional_time(row["completed_at"]),
        json.loads(row["counts"]),
        row["receipt"],
        bool(row["deferred"]),
    )
