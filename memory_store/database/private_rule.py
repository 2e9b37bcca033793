"""What is private although nobody marked it, by the user's rule of folders and topics: new and stored texts."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Final

from memory_store import ids
from memory_store.database.rows import unescape

if TYPE_CHECKING:
    from memory_store.database.connection import Database


_KEY: Final = "private_rule"
# So many texts are looked at in one read, as an open snapshot delays erasures.
_AT_ONCE: Final = 500
BEGINS_WHAT_IS_COVERED: Final = (
    "(EXISTS (SELECT 1 FROM tasks AS t WHERE t.message_id = messages.id AND is_private_source(t.plan)) "
    "OR EXISTS (SELECT 1 FROM schedules AS s WHERE s.message_id = messages.id AND is_private_text(s.text)))"
)
"""Whether the rule covers the task or the reminder that begins with a row of `messages`, whoever wrote that."""
_READ: Final = {
    "documents": ("document_id", "is_private_path(path)"),
    "memories": (
        "memory_id",
        "is_private_text(text) OR is_private_text(coalesce(why, '')) OR is_private_text(coalesce(horizon, '')) "
        "OR EXISTS (SELECT 1 FROM goal_reviews AS g WHERE g.memory_id = memories.id AND is_private_text(g.text))",
    ),
    "recipes": (
        "",
        "is_private_text(name) OR is_private_text(skill) OR is_private_source(files) "
        "OR is_private_source(coalesce(left_out, ''))",
    ),
    "messages": ("message_id", f"role != 'assistant' AND is_private_text(text) OR {BEGINS_WHAT_IS_COVERED}"),
}


def _nothing(_: str) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class PrivateRule:
    """What is private by itself: documents beneath `folders` (absolute), and texts that `touches` says so of.

    `name` tells one rule from another; the rule that covers nothing has none.
    """

    name: str = ""
    folders: tuple[str, ...] = ()
    touches: Callable[[str], bool] = _nothing

    def covers_path(self, path: str) -> bool:
        """Say whether a file lies beneath one of the folders, by its name or where its links lead."""
        if not self.folders:
            return False
        named = {PurePath(path), PurePath(Path(path).resolve())}
        folders = {PurePath(end) for text in self.folders for end in (text, Path(text).resolve())}
        return any(item.is_relative_to(folder) for item in named for folder in folders)


NOTHING: Final = PrivateRule()


def register(connection: sqlite3.Connection, rule: Callable[[], PrivateRule]) -> None:
    """Let SQL ask the rule that is in force."""
    connection.create_function("is_private_text", 1, lambda text: rule().touches(text))
    connection.create_function("is_private_source", 1, lambda text: rule().touches(unescape(text)))
    connection.create_function("is_private_path", 1, lambda path: rule().covers_path(path))


def is_private_text(connection: sqlite3.Connection, *texts: str | None) -> bool:
    """Say whether one of the texts is private by the rule."""
    return any(connection.execute("SELECT is_private_text(?)", (text,)).fetchone()[0] for text in texts if text)


def is_private_path(connection: sqlite3.Connection, path: str) -> bool:
    """Say whether the file of a document is private by the rule."""
    return bool(connection.execute("SELECT is_private_path(?)", (path,)).fetchone()[0])


def any_private(connection: sqlite3.Connection, sources: Iterable[str | None]) -> bool:
    """Say whether one of these messages and documents is private: what is made of it is so too."""
    return any(
        connection.execute(f"SELECT 1 FROM {table} WHERE id = ? AND private = 1", (source,)).fetchone()
        for source in sources
        if source is not None
        for table in ("documents" if ids.prefix_of(source) == ids.DOCUMENT else "messages",)
    )


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
                for identifier in chosen:
                    _hide(connection, table, identifier)
            connection.execute("DELETE FROM meta WHERE key = ?", (_KEY,))
            if rule.name:
                connection.execute("INSERT INTO meta VALUES (?, ?)", (_KEY, rule.name))
        return sum(len(item) for item in found.values())

    def covers(self, text: str) -> bool:
        """Say whether a text is private by the rule."""
        return self._database.private_rule.touches(text)

    def covers_path(self, path: str) -> bool:
        """Say whether a file is private by the rule."""
        return self._database.private_rule.covers_path(path)

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


# What a reminder says follows on what it said before.
_ANSWERS: Final = """
WITH RECURSIVE answers (id) AS (
    SELECT id FROM messages WHERE parent_id = ? AND role = 'assistant'
    UNION
    SELECT m.id FROM messages AS m JOIN answers AS a ON m.parent_id = a.id WHERE m.role = 'assistant'
)
SELECT id FROM answers
"""


def _hide(connection: sqlite3.Connection, table: str, identifier: str) -> None:
    """Mark one as private, a message with the answers to it."""
    from memory_store.database.passages import set_private

    column, _ = _READ[table]
    hidden = [identifier]
    if table == "messages":
        hidden += [row["id"] for row in connection.execute(_ANSWERS, (identifier,))]
    for hidden_id in hidden:
        connection.execute(f"UPDATE {table} SET private = 1 WHERE id = ?", (hidden_id,))
    for hidden_id in hidden if column else ():  # a recipe has no passages
        set_private(connection, column, hidden_id, True)
