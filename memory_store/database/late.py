"""Late requests in the record: questions that were handed to a batch API, and the answers that come within a day.

The answer is a pending message from the beginning, with the sources that the model was shown; a late request says where
it is asked for. What was asked is nowhere but in the conversation.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Final

from memory_store import ids
from memory_store.clock import now, to_text
from memory_store.database import ledger
from memory_store.database.connection import Database
from memory_store.database.conversations import finish
from memory_store.database.ledger import Limit, NewEntry, Usage
from memory_store.database.rows import insert_row, read_row
from memory_store.errors import NotFoundError
from memory_store.models import Author, Citation, Message, MessageStatus, PassageDraft
from memory_store.process_lock import ProcessLock


class LateState(StrEnum):
    """Where a late request stands."""

    INTENDED = "intended"
    """It is being handed in, or was when the program died."""
    SUBMITTED = "submitted"
    """The service has it."""
    UNCERTAIN = "uncertain"
    """The service may have it: its batches don't tell, or not yet."""
    ANSWERED = "answered"
    FAILED = "failed"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


OPEN_STATES: Final = frozenset({LateState.INTENDED, LateState.SUBMITTED, LateState.UNCERTAIN})
_OPEN: Final = "state IN ('intended', 'submitted', 'uncertain')"


@dataclass(frozen=True, slots=True)
class LateRequest:
    """A question that was handed to a batch API of some `shape`, which calls it `batch`.

    `message_id` is the answer that is waited for; None once it was erased, and the batch is to be taken back.
    `recalled` is how many of its sources were recalled or attached. `trouble` is what went wrong last. `told` says that
    the user knows how it stands.
    """

    id: str
    message_id: str | None
    ledger_id: str
    endpoint: str
    shape: str
    model: str
    recalled: int
    state: LateState
    intended_at: datetime
    looked_at: datetime | None = None
    batch: str | None = None
    trouble: str | None = None
    told: bool = True

    @property
    def is_open(self) -> bool:
        """Whether an answer may still come."""
        return self.state in OPEN_STATES


class LateRequests:
    """What can be asked of and done to late requests. Safe from many threads and processes at once."""

    def __init__(self, database: Database, folder: Path) -> None:
        self._database = database
        self._lock = ProcessLock(folder / "later.lock")

    def take_turn(self) -> AbstractContextManager[object] | None:
        """Be the process that looks for answers, until the `with` ends; None where another one does."""
        return self._lock.acquire()

    def intend(
        self, entry: NewEntry, limits: Iterable[Limit], shape: str, recalled: int, moment: datetime | None = None
    ) -> LateRequest:
        """Note that the question of this pending answer is about to be handed in, and reserve what it may take.

        Call it before anything is sent. Raises OverBudgetError, and NotFoundError where the answer is gone.
        """
        made_at = moment or now()
        with self._database.write() as connection:
            if _pending(connection, entry.message_id) is None:
                raise NotFoundError("The question was erased before it was handed in.")
            late = LateRequest(
                ids.new_id(ids.LATE_REQUEST),
                entry.message_id,
                ledger.reserve(connection, entry, limits, made_at),
                entry.endpoint or "",
                shape,
                entry.model,
                recalled,
                LateState.INTENDED,
                made_at,
            )
            insert_row(connection, "late_requests", late)
        return late

    def confirm(self, identifier: str, batch: str) -> None:
        """Note what the service calls it."""
        self._database.execute(
            f"UPDATE late_requests SET state = 'submitted', batch = ?, trouble = NULL WHERE id = ? AND {_OPEN}",
            (batch, identifier),
        )

    def withdraw(self, identifier: str) -> None:
        """Forget an intention of which nothing was sent, and give back what was reserved."""
        with self._database.write() as connection:
            row = _open_row(connection, identifier)
            if row is not None:
                ledger.release(connection, row.ledger_id)
                connection.execute("DELETE FROM late_requests WHERE id = ?", (identifier,))

    def doubt(self, identifier: str) -> None:
        """Note that nobody can tell whether the service has it; the user is to be told, once."""
        self._database.execute(
            "UPDATE late_requests SET state = 'uncertain', told = (message_id IS NULL) "
            "WHERE id = ? AND state = 'intended'",
            (identifier,),
        )

    def note_look(self, identifier: str, moment: datetime, trouble: str | None = None) -> None:
        """Note when it was looked for, and what was wrong with that."""
        self._database.execute(
            "UPDATE late_requests SET looked_at = ?, trouble = CASE WHEN message_id IS NULL THEN NULL ELSE ? END "
            "WHERE id = ?",
            (to_text(moment), trouble, identifier),
        )

    def answer(
        self,
        identifier: str,
        text: str,
        author: Author,
        status: MessageStatus,
        usage: Usage | None,
        cited: Collection[int],
        drafts: Sequence[PassageDraft] | None,
    ) -> Message | None:
        """Store the answer and what it took, exactly once whoever calls; None where another was faster, or it is gone.

        Without `usage` what was reserved counts as taken.
        Its sources are those that the model was shown: what was erased since is none any more.
        """
        with self._database.write() as connection:
            row = _open_row(connection, identifier)
            if row is None:
                return None
            _settle(connection, row, usage)
            if row.message_id is None or _pending(connection, row.message_id) is None:
                connection.execute("DELETE FROM late_requests WHERE id = ?", (identifier,))
                return None
            _end(connection, identifier, LateState.ANSWERED, None)
            shown = connection.execute(
                "SELECT * FROM citations WHERE message_id = ? ORDER BY number", (row.message_id,)
            ).fetchall()
            citations = [replace(read_row(Citation, source), cited=source["number"] in cited) for source in shown]
            kept = [source for source in citations if source.cited or source.number <= row.recalled]
            tokens = (usage.input_tokens, usage.output_tokens) if usage else (None, None)
            return finish(connection, row.message_id, text, author, status, kept, tokens, drafts)

    def end(
        self,
        identifier: str,
        state: LateState,
        trouble: str | None = None,
        *,
        usage: Usage | None = None,
        spent: bool = False,
    ) -> None:
        """Note that no answer comes, and why.

        It took nothing, or the `usage`; where it is `spent`, what was reserved may have been taken all the same.
        """
        with self._database.write() as connection:
            row = _open_row(connection, identifier)
            if row is None:
                return
            if spent or usage is not None:
                _settle(connection, row, usage)
            else:
                ledger.release(connection, row.ledger_id)
            if row.message_id is None:
                connection.execute("DELETE FROM late_requests WHERE id = ?", (identifier,))
            else:
                _end(connection, identifier, state, trouble)

    def claim_news(self) -> list[LateRequest]:
        """Return what the user has not been told yet, the earliest first; whoever asks first gets it."""
        if self._database.fetch_one("SELECT 1 FROM late_requests WHERE told = 0 LIMIT 1") is None:
            return []
        with self._database.write() as connection:
            rows = connection.execute("SELECT * FROM late_requests WHERE told = 0 ORDER BY intended_at, id").fetchall()
            connection.execute("UPDATE late_requests SET told = 1 WHERE told = 0")
            connection.execute("DELETE FROM late_requests WHERE state = 'answered'")
        return [read_row(LateRequest, row) for row in rows]

    def all(self) -> list[LateRequest]:
        """Return all whose question is there, the earliest first; not those whose answer the user knows of."""
        return self._find("message_id IS NOT NULL")

    def open(self) -> list[LateRequest]:
        """Return all that the service may still have, those to be taken back too, the earliest first."""
        return self._find(_OPEN)

    def of_message(self, message_id: str) -> LateRequest | None:
        """Return the one of an answer; None where it has none."""
        return next(iter(self._find("message_id = ?", message_id)), None)

    def is_over(self, message_id: str) -> bool:
        """Say whether an answer is waited for no more: it is here, or erased."""
        return self._database.fetch(_pending, message_id) is None

    def find_for_question(self, question_id: str) -> LateRequest | None:
        """Return one that the service has, of an answer to this question; None where there is none."""
        awaited = "state IN ('intended', 'submitted') AND message_id IN (SELECT id FROM messages WHERE parent_id = ?)"
        return next(iter(self._find(awaited, question_id)), None)

    def _find(self, condition: str, *values: str) -> list[LateRequest]:
        rows = self._database.fetch_all(
            f"SELECT * FROM late_requests WHERE {condition} ORDER BY intended_at, id", values
        )
        return [read_row(LateRequest, row) for row in rows]


def let_go(connection: sqlite3.Connection, of: str) -> None:
    """Before answers go: forget what came of them, and leave of what is open only what takes it back at the service."""
    connection.execute(f"DELETE FROM late_requests WHERE {of} AND NOT {_OPEN}")
    connection.execute(
        f"UPDATE late_requests SET message_id = NULL, trouble = NULL, told = 1, looked_at = NULL WHERE {of}"
    )


def _open_row(connection: sqlite3.Connection, identifier: str) -> LateRequest | None:
    row = connection.execute(f"SELECT * FROM late_requests WHERE id = ? AND {_OPEN}", (identifier,)).fetchone()
    return read_row(LateRequest, row) if row is not None else None


def _settle(connection: sqlite3.Connection, late: LateRequest, usage: Usage | None) -> None:
    if usage is None:
        connection.execute("UPDATE ledger SET state = 'settled' WHERE id = ?", (late.ledger_id,))
    else:
        ledger.settle(connection, late.ledger_id, usage)


def _pending(connection: sqlite3.Connection, message_id: str | None) -> sqlite3.Row | None:
    query = "SELECT 1 FROM messages WHERE id = ? AND status = 'pending'"
    found: sqlite3.Row | None = connection.execute(query, (message_id,)).fetchone()
    return found


def _end(connection: sqlite3.Connection, identifier: str, state: LateState, trouble: str | None) -> None:
    connection.execute(
        "UPDATE late_requests SET state = ?, trouble = ?, told = 0 WHERE id = ?", (state, trouble, identifier)
    )
