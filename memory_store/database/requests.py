"""The log of requests: what went to an endpoint that is not on this machine, and when; ids alone, never text."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from memory_store import ids
from memory_store.clock import now, to_text
from memory_store.database import tables
from memory_store.database.connection import Database
from memory_store.database.rows import read_row

_PRIVATE: Final = " UNION ALL ".join(
    f"SELECT id FROM {table} WHERE private" for table in ("messages", "memories", "passages")
)


@dataclass(frozen=True, slots=True)
class SentRequest:
    """One request: where it went, to which model, what for, how many items were in it, and how many are private.

    `purpose` is `chat`, `embedding` (of passages), or `query` (the words of a search, which name no items). Where a
    tool sent something, `model` is the tool, and the items are all that it may have held.
    """

    id: str
    sent_at: datetime
    endpoint: str
    model: str
    purpose: str
    items: int
    private: int


class Requests:
    """What can be asked of and done to the log of requests."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def log(self, endpoint: str, model: str, purpose: str, item_ids: Iterable[str]) -> bool:
        """Record, before it is sent, that these messages, memories and passages go to an endpoint elsewhere.

        What was erased since it was read is left out: its id would outlive it here. Return whether all are there.
        """
        given = list(item_ids)
        request_id = ids.new_id(ids.REQUEST)
        with self._database.write() as connection:
            connection.execute(
                "INSERT INTO requests VALUES (?, ?, ?, ?, ?)", (request_id, to_text(now()), endpoint, model, purpose)
            )
            there = [item_id for item_id in given if _is_there(connection, item_id)]
            connection.executemany(
                "INSERT OR IGNORE INTO request_items VALUES (?, ?)", [(request_id, item_id) for item_id in there]
            )
        return len(there) == len(given)

    def went_to(self, endpoint: str, item_id: str) -> bool:
        """Say whether a message, memory or passage of this id went to this endpoint."""
        row = self._database.fetch_one(
            "SELECT 1 FROM request_items AS i JOIN requests AS r ON r.id = i.request_id "
            "WHERE i.item_id = ? AND r.endpoint = ? LIMIT 1",
            (item_id, endpoint),
        )
        return row is not None

    def all(self) -> list[SentRequest]:
        """Return every request, the latest first."""
        rows = self._database.fetch_all(
            "SELECT r.*, count(i.item_id) AS items, count(p.id) AS private "
            "FROM requests AS r LEFT JOIN request_items AS i ON i.request_id = r.id "
            f"LEFT JOIN ({_PRIVATE}) AS p ON p.id = i.item_id GROUP BY r.id ORDER BY r.sent_at DESC"
        )
        return [read_row(SentRequest, row) for row in rows]


def _is_there(connection: sqlite3.Connection, item_id: str) -> bool:
    table = tables.table_of(item_id)
    return table is not None and bool(connection.execute(f"SELECT 1 FROM {table} WHERE id = ?", (item_id,)).fetchone())
