"""How the record grew, day by day, in the zone of this machine."""

from __future__ import annotations

import sqlite3
from datetime import date

from memory_store.database.connection import Database
from memory_store.models import Activity, SourceKind

_MEMORIES = "SELECT date(recorded_at, 'localtime') AS day, count(*) FROM memories GROUP BY day ORDER BY day"
_TOKENS = (
    "SELECT date(created_at, 'localtime') AS day, sum(coalesce(input_tokens, 0)), sum(coalesce(output_tokens, 0)) "
    "FROM messages WHERE input_tokens IS NOT NULL OR output_tokens IS NOT NULL GROUP BY day ORDER BY day"
)
_MODELS = (
    "SELECT author_name, sum(coalesce(input_tokens, 0)), sum(coalesce(output_tokens, 0)) FROM messages "
    "WHERE author_name IS NOT NULL AND (input_tokens IS NOT NULL OR output_tokens IS NOT NULL) "
    "GROUP BY author_name ORDER BY author_name"
)
_ENDPOINTS = "SELECT model, max(endpoint) FROM requests WHERE purpose = 'chat' GROUP BY model"
_PASSAGES = (
    "SELECT count(document_id) AS document, count(message_id) AS conversation, count(memory_id) AS memory FROM passages"
)


def activity(database: Database) -> Activity:
    """Return memories and tokens by day, and passages by the kind of their source."""
    with database.read() as connection:
        passages: sqlite3.Row = connection.execute(_PASSAGES).fetchone()
        return Activity(
            {date.fromisoformat(row[0]): row[1] for row in connection.execute(_MEMORIES)},
            {kind: passages[kind.value] for kind in SourceKind},
            {date.fromisoformat(row[0]): (row[1], row[2]) for row in connection.execute(_TOKENS)},
            {row[0]: (row[1], row[2]) for row in connection.execute(_MODELS)},
            {row[0]: row[1] for row in connection.execute(_ENDPOINTS)},
        )
