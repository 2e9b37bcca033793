"""Puts the user's rule of what is private in force: for all that is stored from now on, and once for what is there."""

from __future__ import annotations

import sqlite3
from typing import Final

from memory_store.database import passages
from memory_store.database.connection import Database
from memory_store.database.private_rule import PrivateRule

_KEY: Final = "private_rule"
# So many texts are looked at in one read, as an open snapshot delays erasures.
_AT_ONCE: Final = 500
_READ: Final = {
    "documents": ("document_id", "is_private_path(path)"),
    "memories": (
        "memory_id",
        "is_private_text(text) OR is_private_text(coalesce(why, '')) OR is_private_text(coalesce(horizon, '')) "
        "OR EXISTS (SELECT 1 FROM goal_reviews AS g WHERE g.memory_id = memories.id AND is_private_text(g.text))",
    ),
    "messages": ("message_id", "role != 'assistant' AND is_private_text(text)"),
}


class Privacy:
    """What can be asked of the rule, and how it changes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def follow(self, rule: PrivateRule) -> int:
        """Keep private what the rule covers from now on; return how many that are stored became so.

        What is stored is looked at once for each rule: what the user makes public by hand after that stays public.
        """
        self._database.private_rule = rule
        row = self._database.fetch_one("SELECT value FROM meta WHERE key = ?", (_KEY,))
        return self.look_again() if (row["value"] if row else "") != rule.name else 0

    def look_again(self) -> int:
        """Keep private what the rule covers of all that is stored; return how many became so."""
        rule = self._database.private_rule
        found = {table: self._find_covered(table) for table in _READ} if rule.name else {}
        with self._database.write() as connection:
            for table, chosen in found.items():
                for text in chosen:
                    _hide(connection, table, text)
            connection.execute("DELETE FROM meta WHERE key = ?", (_KEY,))
            if rule.name:
                connection.execute("INSERT INTO meta VALUES (?, ?)", (_KEY, rule.name))
        return sum(len(item) for item in found.values())

    def covers(self, text: str) -> bool:
        """Say whether a text is private by the rule."""
        return self._database.private_rule.touches(text)

    def holds_any(self) -> bool:
        """Say whether any passage is private, of what is remembered, was said, or imported."""
        return self._database.fetch_one("SELECT 1 FROM passages WHERE private = 1 LIMIT 1") is not None

    def _find_covered(self, table: str) -> list[str]:
        _, condition = _READ[table]
        found: list[str] = []
        last = 0
        while True:
            rows = self._database.fetch_all(
                f"SELECT rowid AS row, id, private = 0 AND ({condition}) AS covered FROM {table} "
                "WHERE rowid > ? ORDER BY rowid LIMIT ?",
                (last, _AT_ONCE),
            )
            if not rows:
                return found
            last = rows[-1]["row"]
            found += [row["id"] for row in rows if row["covered"]]


def _hide(connection: sqlite3.Connection, table: str, identifier: str) -> None:
    """Mark one as private, a message with the answers to it."""
    column, _ = _READ[table]
    hidden = [identifier]
    if table == "messages":
        answers = "SELECT id FROM messages WHERE parent_id = ? AND role = 'assistant'"
        hidden += [row["id"] for row in connection.execute(answers, (identifier,))]
    for text in hidden:
        connection.execute(f"UPDATE {table} SET private = 1 WHERE id = ?", (text,))
    for text in hidden:
        passages.set_private(connection, column, text, True)
