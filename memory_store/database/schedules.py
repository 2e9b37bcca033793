"""What is to be said at times that come: reminders, once or again and again, each asked for by a message of the user.

Whoever finds one due first says it: that it is said, and when it is said next, is one transaction. That somebody was
told is noted after they were.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from memory_store import ids
from memory_store.clock import now, to_text
from memory_store.database.connection import Database
from memory_store.database.conversations import append
from memory_store.database.rows import insert_row, read_row
from memory_store.database.tasks import PRIVACY_OF_TASK, TaskState, insert_task
from memory_store.errors import NotFoundError
from memory_store.models import Author, AuthorKind, Message, MessageStatus, Role
from memory_store.process_lock import Turn


class ScheduleState(StrEnum):
    """Where a schedule stands."""

    ACTIVE = "active"
    PAUSED = "paused"
    OVER = "over"
    """It has said all that it had to."""


@dataclass(frozen=True, slots=True)
class NewSchedule:
    """A schedule about to be stored. `begins` is the first time as the clock of the zone shows it, without a zone."""

    text: str
    begins: datetime
    zone: str
    next_at: datetime
    rule: str | None = None
    task_id: str | None = None


@dataclass(frozen=True, slots=True)
class Schedule:
    """What is to be said, from when on, and by which rule again; with a task, that is done anew each time.

    `begins` is ISO 8601 without a zone. `untold` is how often it was due since somebody was told, `first_untold_at` the
    first of these times.
    """

    id: str
    message_id: str
    text: str
    begins: str
    zone: str
    state: ScheduleState
    made_at: datetime
    rule: str | None = None
    task_id: str | None = None
    next_at: datetime | None = None
    last_at: datetime | None = None
    untold: int = 0
    first_untold_at: datetime | None = None

    @property
    def wall(self) -> datetime:
        """The first time as the clock of the zone shows it, without a zone."""
        return datetime.fromisoformat(self.begins)


@dataclass(frozen=True, slots=True)
class Due:
    """That a schedule was due: how often, the first and the last time, and when it is due next; None where never."""

    count: int
    first: datetime
    last: datetime
    next_at: datetime | None


@dataclass(frozen=True, slots=True)
class Rerun:
    """What a task is made anew from: its plan, its items, and how many of them are a trial."""

    plan: str
    items: Iterable[tuple[str, str]]
    only_first: int | None


class Schedules:
    """What can be asked of and done to schedules. Safe from many threads and processes at once."""

    def __init__(self, database: Database, folder: Path) -> None:
        self._database = database
        self._turn = Turn(folder / "reminders.lock")

    def take_turn(self) -> AbstractContextManager[object] | None:
        """Be who tells, until the `with` ends; None where another process, or another thread of this one, does."""
        return self._turn.take()

    def add(self, message_id: str, new: NewSchedule) -> Schedule:
        """Store a schedule. Raises NotFoundError without the message, or the task, that it names."""
        schedule = Schedule(
            ids.new_id(ids.SCHEDULE),
            message_id,
            new.text,
            new.begins.isoformat(timespec="seconds"),
            new.zone,
            ScheduleState.ACTIVE,
            now(),
            new.rule,
            new.task_id,
            new.next_at,
        )
        with self._database.write() as connection:
            if not connection.execute("SELECT 1 FROM messages WHERE id = ?", (message_id,)).fetchone():
                raise NotFoundError("The message that asks for the reminder was erased.")
            if new.task_id is not None:
                _require_task(connection, new.task_id)
            insert_row(connection, "schedules", schedule)
        return schedule

    def get(self, schedule_id: str) -> Schedule:
        """Return a schedule. Raises NotFoundError."""
        return self._database.fetch(_get, schedule_id)

    def all(self) -> list[Schedule]:
        """Return every schedule: what is due next first, then what rests or is over."""
        return self._find("1")

    def find_due(self, moment: datetime) -> list[Schedule]:
        """Return what is due at this moment, the longest due first."""
        return self._find("state = 'active' AND next_at <= ?", to_text(moment))

    def find_untold(self) -> list[Schedule]:
        """Return what was due and nobody was told of, the longest due first."""
        return sorted(self._find("untold > 0"), key=lambda schedule: schedule.first_untold_at or schedule.made_at)

    def change(self, schedule_id: str, new: NewSchedule) -> Schedule:
        """Say something else, at other times, or with another task, from now on. Raises NotFoundError."""
        begins = new.begins.isoformat(timespec="seconds")
        with self._database.write() as connection:
            if new.task_id is not None:
                _require_task(connection, new.task_id)
            connection.execute(
                "UPDATE schedules SET text = ?, begins = ?, zone = ?, rule = ?, task_id = ?, next_at = ?, "
                "state = 'active' WHERE id = ?",
                (new.text, begins, new.zone, new.rule, new.task_id, to_text(new.next_at), schedule_id),
            )
            return _get(connection, schedule_id)

    def take_task(self, schedule_id: str, task_id: str | None) -> Schedule:
        """Have a task done anew with a schedule each time, or none. Raises NotFoundError without either."""
        with self._database.write() as connection:
            if task_id is not None:
                _require_task(connection, task_id)
            connection.execute("UPDATE schedules SET task_id = ? WHERE id = ?", (task_id, schedule_id))
            return _get(connection, schedule_id)

    def change_state(self, schedule_id: str, state: ScheduleState, next_at: datetime | None = None) -> Schedule:
        """Let a schedule rest, or go on from its next time. Raises NotFoundError."""
        with self._database.write() as connection:
            connection.execute(
                "UPDATE schedules SET state = ?, next_at = ? WHERE id = ?",
                (state, to_text(next_at) if next_at else None, schedule_id),
            )
            return _get(connection, schedule_id)

    def fire(
        self, schedule: Schedule, due: Due, words: str, said_at: datetime, rerun: Rerun | None = None
    ) -> Message | None:
        """Say what is due, as a message, exactly once whoever calls; None where another was faster, or it is gone.

        With `rerun` its task is made anew from its plan, and runs; as private as it is by now, and not once it is gone.
        """
        state = ScheduleState.OVER if due.next_at is None else ScheduleState.ACTIVE
        with self._database.write() as connection:
            changed = connection.execute(
                "UPDATE schedules SET state = ?, next_at = ?, last_at = ?, untold = untold + ?, "
                "first_untold_at = coalesce(first_untold_at, ?) WHERE id = ? AND state = 'active' AND next_at = ?",
                (
                    state,
                    to_text(due.next_at) if due.next_at else None,
                    to_text(due.last),
                    due.count,
                    to_text(due.first),
                    schedule.id,
                    to_text(schedule.next_at) if schedule.next_at else None,
                ),
            ).rowcount
            if not changed:
                return None
            task = connection.execute(PRIVACY_OF_TASK, (schedule.task_id,)).fetchone() if rerun is not None else None
            private = task is not None and bool(task["private"])
            message = _say(connection, schedule.message_id, words, said_at, private=private)
            if rerun is not None and task is not None:
                insert_task(connection, message.id, rerun.plan, rerun.items, TaskState.RUNNING, rerun.only_first)
        return message

    def note_told(self, told: Schedule) -> None:
        """Note that somebody was told of a schedule as it stood: what was due since is still to be told."""
        self._database.execute(
            "UPDATE schedules SET untold = max(untold - ?, 0), first_untold_at = CASE WHEN untold > ? THEN last_at END "
            "WHERE id = ?",
            (told.untold, told.untold, told.id),
        )

    def _find(self, condition: str, *values: str) -> list[Schedule]:
        rows = self._database.fetch_all(
            f"SELECT * FROM schedules WHERE {condition} ORDER BY next_at IS NULL, next_at, made_at, id", values
        )
        return [read_row(Schedule, row) for row in rows]


def texts_of_schedules(connection: sqlite3.Connection) -> Iterator[tuple[str, list[str]]]:
    """Yield the message of each schedule with its text."""
    for message_id, text in connection.execute("SELECT message_id, text FROM schedules").fetchall():
        yield message_id, [text]


def _get(connection: sqlite3.Connection, schedule_id: str) -> Schedule:
    row = connection.execute("SELECT * FROM schedules WHERE id = ?", (schedule_id,)).fetchone()
    if row is None:
        raise NotFoundError(f"There is no reminder {schedule_id}; it may have been erased.")
    return read_row(Schedule, row)


def _require_task(connection: sqlite3.Connection, task_id: str) -> None:
    if not connection.execute("SELECT 1 FROM tasks WHERE id = ?", (task_id,)).fetchone():
        raise NotFoundError(f"There is no task {task_id}; it may have been erased.")


def _say(connection: sqlite3.Connection, message_id: str, words: str, said_at: datetime, *, private: bool) -> Message:
    """Store words at the end of the conversation in which they were asked for; private where that is."""
    asked = connection.execute(
        "SELECT c.id, c.current_message_id AS latest, max(m.private, c.private) AS private FROM messages AS m "
        "JOIN conversations AS c ON c.id = m.conversation_id WHERE m.id = ?",
        (message_id,),
    ).fetchone()
    return append(
        connection,
        Message(
            ids.new_id(ids.MESSAGE),
            asked["id"],
            asked["latest"] or message_id,
            Role.ASSISTANT,
            words,
            Author(AuthorKind.MODEL, "keepsake"),
            MessageStatus.COMPLETE,
            said_at,
            private or bool(asked["private"]),
        ),
        None,
    )
