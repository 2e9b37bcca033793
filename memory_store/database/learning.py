"""What is learned beside the memories themselves: what waits to be captured, questions to the user, and summaries."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from typing import Final

from memory_store.clock import from_text, now, to_text
from memory_store.database import memories
from memory_store.database.connection import Database
from memory_store.database.memories import NewMemory
from memory_store.database.rows import read_row
from memory_store.errors import NotFoundError
from memory_store.models import Ground, Memory, Message, Question, QuestionKind, Summary

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
        row = connection.execute(
            f"{memories.SELECT} WHERE y.id = ? AND y.retired_at IS NULL", (self.other_id,)
        ).fetchone()
        other = read_row(Memory, row) if row else None
        if self.kind is ChangeKind.CONFIRM:
            if other is not None:
                for source in self.new.sources:
                    memories.rest_on(connection, other, Ground(source, self.new.quote))
            return None
        if self.kind is ChangeKind.END:
            return (memories.retire(connection, other.id), None) if other is not None else None
        superseded = other if self.kind is ChangeKind.SUPERSEDE else None
        memory = (
            memories.supersede(connection, superseded.id, self.new)
            if superseded
            else memories.insert(connection, self.new)
        )
        if self.kind is ChangeKind.CONTRADICT and other:
            _ask(connection, QuestionKind.CONTRADICTION, memory.id, other.id)
        if self.sensitive:
            _ask(connection, QuestionKind.SENSITIVE, memory.id)
        return memory, superseded


class CaptureQueue:
    """What can be asked of and done to the queue."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def next(self) -> Message | None:
        """Return the oldest message that waits and may be tried now, private if its conversation is."""
        row = self._database.fetch_one(
            "SELECT m.*, c.private AS is_in_private FROM capture_queue AS q "
            "JOIN messages AS m ON m.id = q.message_id JOIN conversations AS c ON c.id = m.conversation_id "
            "WHERE q.not_before <= ? ORDER BY m.created_at, m.id LIMIT 1",
            (to_text(now()),),
        )
        if row is None:
            return None
        message = read_row(Message, row)
        return replace(message, private=message.private or bool(row["is_in_private"]))

    def count_waiting(self) -> int:
        """Return how many messages wait."""
        [row] = self._database.fetch_all("SELECT count(*) FROM capture_queue")
        return int(row[0])

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


class Questions:
    """What can be asked of and done to questions. One that is answered is not asked again."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def ask(self, kind: QuestionKind, memory_id: str, other_id: str | None = None) -> None:
        """Keep a question about a memory; one that was asked already stays as it is."""
        with self._database.write() as connection:
            _ask(connection, kind, memory_id, other_id)

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
            found = connection.execute(f"{memories.SELECT} WHERE y.id IN ({marks})", sorted(wanted)).fetchall()
        asked = {row["id"]: read_row(Memory, row) for row in found}
        return [
            Question(
                QuestionKind(row["kind"]),
                asked[row["memory_id"]],
                from_text(row["asked_at"]),
                asked.get(row["other_id"]),
            )
            for row in rows
        ]

    def answer(self, kind: QuestionKind, memory_id: str) -> None:
        """Note that the user has answered. Raises NotFoundError where nothing of the kind is open."""
        changed = self._database.execute(
            "UPDATE questions SET answered_at = ? WHERE memory_id = ? AND kind = ? AND answered_at IS NULL",
            (to_text(now()), memory_id, kind),
        )
        if not changed:
            raise NotFoundError(f"There is no open question about {memory_id}.", "It may have been answered already.")


class Summaries:
    """What can be asked of and done to summaries."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def keep(self, summary: Summary) -> None:
        """Keep a summary in place of the one before, unless the message that it reaches to was erased meanwhile."""
        self._database.execute(
            "INSERT OR REPLACE INTO summaries (conversation_id, message_id, text, author_kind, author_name, "
            "private, made_at) SELECT :conversation, :message, :text, :kind, :name, "
            "max(:private, is_private_text(:text)), :made "
            "WHERE EXISTS (SELECT 1 FROM messages WHERE id = :message AND conversation_id = :conversation)",
            {
                "conversation": summary.conversation_id,
                "message": summary.message_id,
                "text": summary.text,
                "kind": summary.author.kind,
                "name": summary.author.name,
                "private": summary.private,
                "made": to_text(summary.made_at),
            },
        )

    def get(self, conversation_id: str) -> Summary | None:
        """Return the summary of a conversation; None if it has none."""
        row = self._database.fetch_one("SELECT * FROM summaries WHERE conversation_id = ?", (conversation_id,))
        return read_row(Summary, row) if row else None

    def find_outdated(self, at_least: int) -> list[str]:
        """Return the conversations of so many messages, or more, that have been added to since they were summed up.

        The latest first; one whose summary is of its latest message is left out.
        """
        rows = self._database.fetch_all(
            "SELECT c.id FROM conversations AS c LEFT JOIN summaries AS s ON s.conversation_id = c.id "
            "LEFT JOIN messages AS until ON until.id = s.message_id "
            "WHERE (SELECT count(*) FROM messages AS m WHERE m.conversation_id = c.id AND m.status != 'pending' "
            "AND (until.id IS NULL OR m.created_at > until.created_at)) >= ? ORDER BY c.updated_at DESC, c.id",
            (at_least,),
        )
        return [row["id"] for row in rows]


def _ask(connection: sqlite3.Connection, kind: QuestionKind, memory_id: str, other_id: str | None = None) -> None:
    """Keep a question, inside a transaction;"""
    connection.execute(
        "INSERT OR IGNORE INTO questions (memory_id, kind, other_id, asked_at) VALUES (?, ?, ?, ?)",
        (memory_id, kind, other_id, to_text(now())),
    )


class Learning:
    """The queue of what is still to be captured from, the questions to the user, and the summaries."""

    def __init__(self, database: Database) -> None:
        self.queue = CaptureQueue(database)
        self.questions = Questions(database)
        self.summaries = Summaries(database)
