"""Rewording: a memory that loses the source its words came from, and has another, takes the words of that one."""

from __future__ import annotations

import sqlite3
from typing import Final

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


def begin(connection: sqlite3.Connection) -> None:
    """Start with none: the table that `doomed` reads is there, and empty."""
    connection.execute("CREATE TEMP TABLE IF NOT EXISTS reworded (id TEXT PRIMARY KEY, text TEXT NOT NULL)")
    connection.execute("DELETE FROM temp.reworded")


def choose(connection: sqlite3.Connection) -> None:
    """Work out which memories that stay have to take other words, once `temp.doomed` is complete."""
    connection.execute(_LOSING)


def chosen(connection: sqlite3.Connection) -> list[tuple[str, str]]:
    """Return the id of each memory that is reworded, and the words it takes."""
    return [(row[0], row[1]) for row in connection.execute("SELECT id, text FROM temp.reworded")]
