"""Counts of what a store holds and of the work that waits."""

from __future__ import annotations

from pathlib import Path

from memory_store.database import erasures, outbox, pending_erasures
from memory_store.database.connection import Database
from memory_store.models import StoreStats


def statistics(database: Database, folder: Path, to_index: int) -> StoreStats:
    """Return the store's statistics; sizes in bytes. `to_index` vectors wait for an index."""
    with database.read() as connection:
        counts = erasures.count_everything(connection)
        embedded = connection.execute("SELECT count(*) FROM embeddings").fetchone()[0]
        kinds = connection.execute(
            "SELECT kind, count(*) FROM memories WHERE retired_at IS NULL GROUP BY kind ORDER BY kind"
        ).fetchall()
        stored = outbox.stored_embedder(connection)
        return StoreStats(
            documents=counts.get("documents", 0),
            conversations=counts.get("conversations", 0),
            messages=counts.get("messages", 0),
            memories=counts.get("memories", 0),
            passages=counts.get("passages", 0),
            embedded=embedded,
            to_embed=outbox.count_to_embed(connection),
            to_index=to_index,
            pending_erasures=pending_erasures.count_incomplete(connection),
            database_bytes=sum(path.stat().st_size for path in folder.glob(f"{database.path.name}*")),
            index_bytes=sum(path.stat().st_size for path in folder.glob("index/**/*") if path.is_file()),
            embedder=str(stored[1]) if stored else None,
            by_kind={row[0]: row[1] for row in kinds},
        )
