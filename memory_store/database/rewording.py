"""Rewording: a memory that loses the source its words came from, and has another, takes the words of that one."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import Final

from memory_store.clock import from_text
from memory_store.database import passages
from memory_store.database.rows import author_of
from memory_store.models import PassageDraft

# Reworded is what loses a source, while another one stays whose words were kept, and none that stays says its words.
_LOSING: Final = """
INSERT INTO temp.reworded (id, text)
SELECT y.id, (SELECT s.quote FROM memory_sources AS s WHERE s.memory_id = y.id AND s.quote IS NOT NULL
              AND coalesce(s.message_id, s.document_id) NOT IN (SELECT id FROM temp.doomed) LIMIT 1) AS words
FROM memories AS y
WHERE y.id NOT IN (SELECT id FROM temp.doomed)
AND y.id IN (SELECT memory_id FROM memory_sources
             WHERE coalesce(message_id, document_id) IN (SELECT id FROM temp.doomed))
AND words IS NOT NULL
AND NOT EXISTS (
    SELECT 1 FROM memory_sources AS s LEFT JOIN messages AS m ON m.id = s.message_id
    WHERE s.memory_id = y.id AND coalesce(s.message_id, s.document_id) NOT IN (SELECT id FROM temp.doomed)
    AND (s.document_id IS NOT NULL OR instr(lower(m.text), lower(rtrim(y.text, '.。!！ '))))
)
"""


@dataclass(frozen=True, slots=True)
class Reworded:
    """A memory and the words it takes."""

    memory_id: str
    text: str


def begin(connection: sqlite3.Connection) -> None:
    """Start with none: the table that `doomed` reads is there, and empty."""
    connection.execute("CREATE TEMP TABLE IF NOT EXISTS reworded (id TEXT PRIMARY KEY, text TEXT NOT NULL)")
    connection.execute("DELETE FROM temp.reworded")


def choose(connection: sqlite3.Connection) -> None:
    """Work out which memories that stay have to take other words, once `temp.doomed` is complete."""
    begin(connection)
    connection.execute(_LOSING)


def chosen(connection: sqlite3.Connection) -> list[Reworded]:
    """Return what is reworded."""
    return [Reworded(row[0], row[1]) for row in connection.execute("SELECT id, text FROM temp.reworded")]


def reword(connection: sqlite3.Connection, changes: list[Reworded]) -> None:
    """Give the memories their other words, each with a passage anew; what they said before is gone from the record."""
    for one in changes:
        connection.execute("DELETE FROM passages WHERE memory_id = ?", (one.memory_id,))
        connection.execute("UPDATE memories SET text = ? WHERE id = ?", (one.text, one.memory_id))
        row = connection.execute("SELECT * FROM memories WHERE id = ?", (one.memory_id,)).fetchone()
        owner = passages.Owner(
            author_of(row), from_text(row["recorded_at"]), bool(row["private"]), memory_id=one.memory_id
        )
        passages.insert(connection, owner, [PassageDraft(one.text)])
