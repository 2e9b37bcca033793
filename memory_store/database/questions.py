"""Questions that only the user can answer: which of two memories is true, and whether one may be in the profile."""

from __future__ import annotations

import sqlite3

from memory_store.clock import from_text, now, to_text
from memory_store.database.connection import Database
from memory_store.database.memories import SELECT
from memory_store.database.rows import memory_of
from memory_store.errors import NotFoundError
from memory_store.learned import Question, QuestionKind


class Questions:
    """What can be asked of and done to questions. One that is answered is not asked again."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def ask(self, kind: QuestionKind, memory_id: str, other_id: str | None = None) -> None:
        """Keep a question about a memory; one that was asked already stays as it is."""
        with self._database.write() as connection:
            ask(connection, kind, memory_id, other_id)

    def all(self) -> list[Question]:
        """Return the open questions about living memories, the oldest first."""
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT q.* FROM questions AS q JOIN memories AS y ON y.id = q.memory_id AND y.retired_at IS NULL "
                "LEFT JOIN memories AS o ON o.id = q.other_id "
                "WHERE q.answered_at IS NULL AND o.retired_at IS NULL ORDER BY q.asked_at, q.memory_id"
            ).fetchall()
            wanted = {item for row in rows for item in (row["memory_id"], row["other_id"]) if item}
            marks = ", ".join("?" for _ in wanted)
            found = connection.execute(f"{SELECT} WHERE y.id IN ({marks})", sorted(wanted)).fetchall()
        memories = {row["id"]: memory_of(row) for row in found}
        return [
            Question(
                QuestionKind(row["kind"]),
                memories[row["memory_id"]],
                from_text(row["asked_at"]),
                memories.get(row["other_id"]),
            )
            for row in rows
        ]

    def answer(self, kind: QuestionKind, memory_id: str) -> None:
        """Note that the user has answered. Raises NotFoundError where nothing of the kind is open."""
        with self._database.write() as connection:
            changed = connection.execute(
                "UPDATE questions SET answered_at = ? WHERE memory_id = ? AND kind = ? AND answered_at IS NULL",
                (to_text(now()), memory_id, kind),
            ).rowcount
        if not changed:
            raise NotFoundError(f"There is no open question about {memory_id}.", "It may have been answered already.")


def ask(connection: sqlite3.Connection, kind: QuestionKind, memory_id: str, other_id: str | None = None) -> None:
    """Keep a question, inside a transaction; see `Questions.ask`."""
    connection.execute(
        "INSERT OR IGNORE INTO questions (memory_id, kind, other_id, asked_at) VALUES (?, ?, ?, ?)",
        (memory_id, kind, other_id, to_text(now())),
    )
