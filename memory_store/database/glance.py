"""A glance at a store from outside: a few ids with a word on each, for a shell's completion; nothing is opened for it.

It reads one query's worth and goes: no migration, no index, no lock that others would wait for.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Final

from memory_store import ids

MOST: Final = 50
_LATEST: Final = {
    ids.DOCUMENT: "SELECT id, title, imported_at AS at FROM documents",
    ids.CONVERSATION: "SELECT id, title, updated_at AS at FROM conversations",
    ids.MEMORY: "SELECT id, substr(text, 1, 80), recorded_at AS at FROM memories WHERE retired_at IS NULL",
    ids.CARD: "SELECT id, question, made_at AS at FROM cards",
    ids.SCHEDULE: "SELECT id, text, made_at AS at FROM schedules",
    ids.RECIPE: "SELECT id, name, made_at AS at FROM recipes",
    ids.ERASURE: "SELECT id, substr(requested_at, 1, 10), requested_at AS at FROM erasures",
}
_PATIENCE_SECONDS: Final = 0.5


def glance(file: Path, prefixes: Sequence[str], beginning: str) -> list[tuple[str, str]]:
    """Return ids of these kinds that begin so, the latest first, each with its title, its words or its day.

    At most `MOST` of each kind. Where there is no store, or none that can be read now, there is nothing to offer.
    """
    found: list[tuple[str, str]] = []
    try:
        with closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True, timeout=_PATIENCE_SECONDS)) as connection:
            connection.execute("PRAGMA temp_store=MEMORY")
            for prefix in prefixes:
                query = f"SELECT * FROM ({_LATEST[prefix]}) WHERE substr(id, 1, ?) = ? ORDER BY at DESC LIMIT ?"
                rows = connection.execute(query, (len(beginning), beginning, MOST)).fetchall()
                found += [(str(row[0]), str(row[1])) for row in rows]
    except sqlite3.Error:
        return found  # a completion that knows less is no failure; the command itself says what is wrong
    return found
