"""The messages from which nothing was captured yet: written with them, so that a crash forgets none."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from typing import Final

from memory_store.clock import now, to_text
from memory_store.database import questions
from memory_store.database.connection import Database
from memory_store.database.memories import SELECT, NewMemory, insert, rest_on, retire, supersede
from memory_store.database.rows import memory_of, message_of
from memory_store.learned import Ground, QuestionKind
from memory_store.models import Memory, Message

# After a failure it is tried again later and later; from what fails this often is captured without a model.
MOST_ATTEMPTS: Final = 6
_FIRST_WAIT: Final = timedelta(minutes=1)


class ChangeKind(StrEnum):
    """What becomes of what was captured: a new memory, one in the place of another, another ground of one, or its end.

    A memory that contradicts another is added, and the user is asked which is true.
    """

    ADD = "add"
    SUPERSEDE = "supersede"
    CONFIRM = "confirm"
    CONTRADICT = "contradict"
    END = "end"


@dataclass(frozen=True, slots=True)
class Change:
    """One thing captured from a message; `other_id` is the memory that it supersedes, confirms, contradicts or ends.

    Of what confirms, only the sources and the quote of `new` are kept; of what ends, nothing. `sensitive` asks the user
    whether it may be a line of the profile.
    """

    kind: ChangeKind
    new: NewMemory
    other_id: str | None = None
    sensitive: bool = False

    def apply(self, connection: sqlite3.Connection) -> tuple[Memory, Memory | None] | None:
        """Store it; return the new memory and the one whose place it took, or the one that ended; None for neither.

        What has gone or changed since it was captured is let be.
        """
        row = connection.execute(f"{SELECT} WHERE y.id = ? AND y.retired_at IS NULL", (self.other_id,)).fetchone()
        other = memory_of(row) if row else None
        if self.kind is ChangeKind.CONFIRM:
            if other is not None:
                for source in self.new.sources:
                    rest_on(connection, other, Ground(source, self.new.quote))
            return None
        if self.kind is ChangeKind.END:
            return (retire(connection, other.id), None) if other is not None else None
        superseded = other if self.kind is ChangeKind.SUPERSEDE else None
        memory = supersede(connection, superseded.id, self.new) if superseded else insert(connection, self.new)
        if self.kind is ChangeKind.CONTRADICT and other:
            questions.ask(connection, QuestionKind.CONTRADICTION, memory.id, other.id)
        if self.sensitive:
            questions.ask(connection, QuestionKind.SENSITIVE, memory.id)
        return memory, superseded


class CaptureQueue:
    """What can be asked of and done to the queue."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def next(self) -> Message | None:
        """Return the oldest message that waits and may be tried now, private if its conversation is."""
        with self._database.read() as connection:
            row = connection.execute(
                "SELECT m.*, c.private AS is_in_private FROM capture_queue AS q "
                "JOIN messages AS m ON m.id = q.message_id JOIN conversations AS c ON c.id = m.conversation_id "
                "WHERE q.not_before <= ? ORDER BY m.created_at, m.id LIMIT 1",
                (to_text(now()),),
            ).fetchone()
        if row is None:
            return None
        message = message_of(row)
        return replace(message, private=message.private or bool(row["is_in_private"]))

    def waiting(self) -> int:
        """Return how many messages wait."""
        with self._database.read() as connection:
            return int(connection.execute("SELECT count(*) FROM capture_queue").fetchone()[0])

    def put_off(self, message_id: str) -> bool:
        """Let a message wait after a failure, longer each time; return False where it failed too often for that."""
        with self._database.write() as connection:
            row = connection.execute(
                "SELECT attempts FROM capture_queue WHERE message_id = ?", (message_id,)
            ).fetchone()
            attempts = int(row["attempts"]) + 1 if row else MOST_ATTEMPTS
            if attempts >= MOST_ATTEMPTS:
                return False
            connection.execute(
                "UPDATE capture_queue SET attempts = ?, not_before = ? WHERE message_id = ?",
                (attempts, to_text(now() + _FIRST_WAIT * 4 ** (attempts - 1)), message_id),
            )
        return True

    def done(self, message_id: str, changes: Sequence[Change] = ()) -> list[tuple[Memory, Memory | None]]:
        """Store all that was captured from a message and take it from the queue, in one transaction: once, or not.

        Return the new memories, each with the one whose place it took, and those that ended. Nothing is stored where
        another process was faster or the message was erased.
        """
        with self._database.write() as connection:
            if not connection.execute("DELETE FROM capture_queue WHERE message_id = ?", (message_id,)).rowcount:
                return []
            return [stored for change in changes if (stored := change.apply(connection)) is not None]


def enqueue(connection: sqlite3.Connection, message_id: str) -> None:
    """Let a message wait, in the transaction that stores it."""
    connection.execute(
        "INSERT INTO capture_queue (message_id, attempts, not_before) VALUES (?, 0, ?)", (message_id, to_text(now()))
    )
