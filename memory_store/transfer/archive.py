"""The archive format: which tables it holds, in which files, and how a row is written as one line of JSON."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any, Final

FORMAT: Final = "keepsake-archive"
FORMAT_VERSION: Final = 6
MANIFEST: Final = "manifest.json"
SETTINGS: Final = "config.toml"  # there if the exporting program gave its settings


@dataclass(frozen=True, slots=True)
class Table:
    """A table in an archive: its columns in order, what sorts its rows, and which columns are bytes.

    `since` is the first format version that has it; `where` says which rows leave.
    """

    name: str
    columns: tuple[str, ...]
    order: str
    blobs: frozenset[str] = frozenset()
    since: int = 1
    where: str = "1"

    @property
    def file(self) -> str:
        """The member of the zip that holds the table."""
        return f"data/{self.name}.jsonl"


# In the order in which they are restored; foreign keys are checked at the end.
TABLES: Final = (
    Table(
        "documents",
        (
            "id",
            "path",
            "title",
            "media_type",
            "content_hash",
            "size_bytes",
            "author_kind",
            "author_name",
            "created_at",
            "imported_at",
            "private",
            "left_out",
        ),
        "id",
    ),
    Table(
        "conversations",
        (
            "id",
            "title",
            "created_at",
            "updated_at",
            "private",
            "origin",
            "current_message_id",
            "title_message_id",
            "archived",
        ),
        "id",
    ),
    Table(
        "messages",
        (
            "id",
            "conversation_id",
            "parent_id",
            "role",
            "text",
            "author_kind",
            "author_name",
            "status",
            "created_at",
            "private",
            "input_tokens",
            "output_tokens",
            "origin",
        ),
        "created_at, id",
    ),
    Table(
        "memories",
        (
            "id",
            "kind",
            "text",
            "author_kind",
            "author_name",
            "pinned",
            "private",
            "recorded_at",
            "valid_from",
            "valid_to",
            "superseded_by",
            "origin",
            "about",
            "retired_at",
            "why",
            "horizon",
        ),
        "recorded_at, id",
    ),
    Table(
        "memory_sources",
        ("memory_id", "message_id", "document_id", "quote"),
        "memory_id, message_id, document_id",
        since=2,
    ),
    Table("goal_reviews", ("memory_id", "reviewed_at", "text"), "memory_id, reviewed_at", since=5),
    Table(
        "questions",
        ("memory_id", "kind", "other_id", "asked_at", "answered_at"),
        "memory_id, kind",
        since=5,
    ),
    Table(
        "summaries",
        ("conversation_id", "message_id", "text", "author_kind", "author_name", "private", "made_at"),
        "conversation_id",
        since=5,
    ),
    Table("capture_queue", ("message_id", "attempts", "not_before"), "message_id", since=5),
    Table(
        "passages",
        (
            "row",
            "id",
            "document_id",
            "message_id",
            "memory_id",
            "ordinal",
            "text",
            "context",
            "search_text",
            "search_context",
            "locator",
            "author_kind",
            "author_name",
            "created_at",
            "private",
        ),
        "row",
    ),
    Table("citations", ("message_id", "number", "passage_id", "cited", "dismissed"), "message_id, number"),
    Table("tombstones", ("digest", "forgotten_at", "erasure_id", "lifted"), "digest"),
    Table("foreign_tombstones", ("key", "digest", "forgotten_at"), "key, digest", since=3),
    Table(
        "erasures",
        ("id", "requested_at", "completed_at", "counts", "deferred", "receipt"),
        "requested_at, id",
        since=2,
        where="completed_at IS NOT NULL",
    ),
    Table("requests", ("id", "sent_at", "endpoint", "model", "purpose"), "id", since=2),
    Table("request_items", ("request_id", "item_id"), "request_id, item_id", since=2),
    Table("embedders", ("id", "name", "version", "dimension", "normalized"), "id"),
    Table("embeddings", ("seq", "passage_row", "embedder_id", "vector"), "seq", frozenset({"vector"})),
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
