"""Counts of what a store holds, of the work that waits, and of how the record grew, by the days of this machine."""

from __future__ import annotations

import sqlite3
from datetime import date
from pathlib import Path

from memory_store.database import erasures, outbox, tables
from memory_store.database.connection import Database
from memory_store.models import Activity, SourceKind, StoreStats

_MEMORIES = "SELECT date(recorded_at, 'localtime') AS day, count(*) FROM memories GROUP BY day ORDER BY day"
_PASSAGES = (
    "SELECT count(document_id) AS document, count(message_id) AS conversation, count(memory_id) AS memory FROM passages"
)


def count_all(database: Database, folder: Path, to_index: int) -> StoreStats:
    """Return the store's statistics; sizes in bytes. `to_index` vectors wait for an index."""
    with database.read() as connection:
        counts = erasures.count_everything(connection)
        embedded = connection.execute("SELECT count(*) FROM embeddings").fetchone()[0]
        kinds = connection.execute(
            "SELECT kind, count(*) FROM memories WHERE retired_at IS NULL GROUP BY kind ORDER BY kind"
        ).fetchall()
        stored = outbox.get_embedder(connection)
        return StoreStats(
            **{table: counts.get(table, 0) for table in tables.COUNTED},
            embedded=embedded,
            to_embed=outbox.count_to_embed(connection),
            to_index=to_index,
            pending_erasures=erasures.count_incomplete(connection),
            database_bytes=sum(path.stat().st_size for path in folder.glob(f"{database.path.name}*")),
            index_bytes=sum(path.stat().st_size for path in folder.glob("index/**/*") if path.is_file()),
            embedder=str(stored[1]) if stored else None,
            by_kind={row[0]: row[1] for row in kinds},
        )


def count_by_day(database: Database) -> Activity:
    """Return memories by day, and passages by the kind of their source."""
    with database.read() as connection:
        passages: sqlite3.Row = connection.execute(_PASSAGES).fetchone()
        return Activity(
            {date.fromisoformat(row[0]): row[1] for row in connection.execute(_MEMORIES)},
            {kind: passages[kind.value] for kind in SourceKind},
        )
