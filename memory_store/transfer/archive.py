"""The archive format: which tables it holds, in which files, and how a row is written as one line of JSON."""

from __future__ import annotations

import base64
import functools
from dataclasses import dataclass
from typing import Any, Final

from memory_store.database.migrations import columns_of_newest

FORMAT: Final = "keepsake-archive"
FORMAT_VERSION: Final = 6
MANIFEST: Final = "manifest.json"
SETTINGS: Final = "config.toml"  # there if the exporting program gave its settings


@dataclass(frozen=True, slots=True)
class Table:
    """A table in an archive: what sorts its rows, and which columns are bytes; it has the columns of the record's.

    `without` stay behind, as they are made anew. `since` is the first format version that has the table; `where` says
    which rows leave.
    """

    name: str
    order: str
    blobs: frozenset[str] = frozenset()
    since: int = 1
    where: str = "1"
    without: frozenset[str] = frozenset()

    @property
    def file(self) -> str:
        """The member of the zip that holds the table."""
        return f"data/{self.name}.jsonl"

    @property
    def columns(self) -> tuple[str, ...]:
        """Its columns in order."""
        return _columns(self.name, self.without)


@functools.cache
def _columns(table: str, without: frozenset[str]) -> tuple[str, ...]:
    return tuple(name for name in columns_of_newest()[table] if name not in without)


# In the order in which they are restored; foreign keys are checked at the end.
TABLES: Final = (
    Table("documents", "id"),
    Table("conversations", "id"),
    Table("messages", "created_at, id"),
    Table("memories", "recorded_at, id"),
    Table("memory_sources", "memory_id, message_id, document_id", since=2),
    Table("goal_reviews", "memory_id, reviewed_at", since=5),
    Table("questions", "memory_id, kind", since=5),
    Table("summaries", "conversation_id", since=5),
    Table("capture_queue", "message_id", since=5),
    Table("passages", "row", without=frozenset({"echo", "search_words"})),
    Table("citations", "message_id, number"),
    Table("tombstones", "digest"),
    Table("foreign_tombstones", "key, digest", since=3),
    Table(
        "erasures",
        "requested_at, id",
        since=2,
        where="completed_at IS NOT NULL",
        without=frozenset({"needles", "notes"}),
    ),
    Table("requests", "id", since=2),
    Table("request_items", "request_id, item_id", since=2),
    Table("embedders", "id"),
    Table("embeddings", "seq", frozenset({"vector"}), without=frozenset({"segment_id"})),
)
TABLES_BY_NAME: Final = {table.name: table for table in TABLES}
ORDERS: Final = frozenset({"capture_queue"})  # what waits there for a model: work, not something remembered
VECTOR_TABLES: Final = frozenset({"embedders", "embeddings"})


def encode(table: Table, row: tuple[Any, ...]) -> dict[str, Any]:
    """Return a row as a JSON object; bytes become base64."""
    return {
        name: base64.b64encode(value).decode("ascii") if name in table.blobs else value
        for name, value in zip(table.columns, row, strict=True)
    }


def decode(table: Table, record: dict[str, Any]) -> tuple[Any, ...]:
    """Return the row that `encode` wrote. Raises KeyError or ValueError for another shape."""
    if set(record) != set(table.columns):
        raise KeyError(", ".join(sorted(set(record) ^ set(table.columns))))
    return tuple(
        base64.b64decode(record[name], validate=True) if name in table.blobs else record[name] for name in table.columns
    )
