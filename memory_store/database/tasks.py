"""The durable queue of long tasks: items, their steps, and what the user allowed.

Nothing is done before it is entered here: after a crash a step that is begun and not ended may have been done. One
process works at a time; all others look and steer.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Final

from memory_store import ids
from memory_store.clock import now, to_text
from memory_store.database.connection import Database
from memory_store.database.outbox import name_on_servers
from memory_store.database.rows import insert_row, insert_values, read_row, unescape
from memory_store.errors import ChangedError, NotFoundError, StoreError
from memory_store.process_lock import Turn


class TaskState(StrEnum):
    """Where a task stands."""

    DRAFT = "draft"
    """The user has not let it begin."""
    RUNNING = "running"
    PAUSED = "paused"
    DONE = "done"
    CANCELLED = "cancelled"

    @property
    def has_ended(self) -> bool:
        """Whether all of it is done, or it was ended for good."""
        return self in (TaskState.DONE, TaskState.CANCELLED)


class ItemState(StrEnum):
    """Where an item of a task stands."""

    WAITING = "waiting"
    """It is to be worked on, or is being worked on."""
    ASKING = "asking"
    """One of its steps waits for the user."""
    DONE = "done"
    FAILED = "failed"
    LEFT_OUT = "left_out"
    """The user said no to one of its steps."""


class StepOutcome(StrEnum):
    """How a step of an item ended, or how far it has come."""

    ASKED = "asked"
    """The user is asked whether it may be done."""
    ALLOWED = "allowed"
    """It may be done, and has not begun."""
    BEGUN = "begun"
    UNCERTAIN = "uncertain"
    """It may have been done: the program died meanwhile."""
    DONE = "done"
    FAILED = "failed"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Task:
    """A task: who asked for it, its plan as text, until when it waits, and how many items are a trial at first."""

    id: str
    message_id: str
    plan: str
    state: TaskState
    made_at: datetime
    ended_at: datetime | None = None
    not_before: datetime | None = None
    trouble: str | None = None
    only_first: int | None = None


@dataclass(frozen=True, slots=True)
class TaskStanding:
    """Where a task stands, why it rests, and whether it runs and asks the user."""

    state: TaskState
    trouble: str | None
    asks: bool


@dataclass(frozen=True, slots=True)
class TaskItem:
    """One of the things that a task is done for: `details` and `result` are JSON objects."""

    id: str
    task_id: str
    message_id: str
    number: int
    key: str
    details: str
    state: ItemState
    result: str | None = None
    trouble: str | None = None


@dataclass(frozen=True, slots=True)
class TaskStep:
    """One step of an item: what is asked for as JSON, and what came of it as text."""

    item_id: str
    message_id: str
    number: int
    request: str
    outcome: StepOutcome
    result: str | None = None
    begun_at: datetime | None = None
    ended_at: datetime | None = None


PRIVACY_OF_TASK: Final = (
    "SELECT max(m.private, c.private) AS private FROM tasks AS t JOIN messages AS m ON m.id = t.message_id "
    "JOIN conversations AS c ON c.id = m.conversation_id WHERE t.id = ?"
)
"""Whether a task is private: its message is, or the conversation of that. No row where it is gone."""


class Tasks:
    """What can be asked of and done to tasks. Safe from many threads and processes at once."""

    def __init__(self, database: Database, folder: Path) -> None:
        self._database = database
        self._turn = Turn(folder / "tasks.lock")

    def take_turn(self) -> AbstractContextManager[object] | None:
        """Be who works, until the `with` ends; None where another process, or another thread of this one, does."""
        return self._turn.take()

    def queue_name(self) -> str:
        """Return the random name by which a queue on a server tells this store's items from those of others."""
        with self._database.write() as connection:
            return name_on_servers(connection)

    # -- tasks -------------------------------------------------------------------------------------------------

    def add(self, message_id: str, plan: str, items: Iterable[tuple[str, str]]) -> Task:
        """Store a draft with its items, each a key and its details. Raises NotFoundError without the message."""
        with self._database.write() as connection:
            if not connection.execute("SELECT 1 FROM messages WHERE id = ?", (message_id,)).fetchone():
                raise NotFoundError("The message that asks for the task was erased.")
            return insert_task(connection, message_id, plan, items)

    def change_plan(
        self, task_id: str, plan: str, items: Iterable[tuple[str, str]], *, read: str | None = None
    ) -> None:
        """Take another plan: items that are no longer in it and were not begun go, others stay, new ones come.

        What was allowed holds for the steps as they were: a changed one is asked about anew. What was asked is
        withdrawn, and asked again where it is still to be done. Raises NotFoundError, StoreError for a task that is
        over, and ChangedError where its plan is no longer as it was `read`.
        """
        with self._database.write() as connection:
            task = _get(connection, task_id)
            _refuse_over(task)
            if read is not None and task.plan != read:
                raise ChangedError("The plan was changed meanwhile by somebody else.")
            wanted = dict(items)
            kept = {
                row["key"]: row["id"]
                for row in connection.execute("SELECT id, key FROM task_items WHERE task_id = ?", (task_id,))
            }
            begun = "EXISTS (SELECT 1 FROM task_steps AS s WHERE s.item_id = task_items.id)"
            for key in kept.keys() - wanted.keys():
                connection.execute(f"DELETE FROM task_items WHERE id = ? AND NOT {begun}", (kept[key],))
            for key in kept.keys() & wanted.keys():
                connection.execute("UPDATE task_items SET details = ? WHERE id = ?", (wanted[key], kept[key]))
            connection.execute("UPDATE tasks SET plan = ? WHERE id = ?", (plan, task_id))
            asked = "SELECT item_id FROM task_steps WHERE outcome = 'asked'"
            of_task = "SELECT id FROM task_items WHERE task_id = ?"
            connection.execute(
                f"UPDATE task_items SET state = 'waiting' WHERE task_id = ? AND state = 'asking' AND id IN ({asked})",
                (task_id,),
            )
            connection.execute(f"DELETE FROM task_steps WHERE outcome = 'asked' AND item_id IN ({of_task})", (task_id,))
            _insert_items(connection, task, [item for item in wanted.items() if item[0] not in kept])

    def get(self, task_id: str) -> Task:
        """Return a task. Raises NotFoundError."""
        return self._database.fetch(_get, task_id)

    def all(self) -> list[Task]:
        """Return every task, the latest first."""
        return [
            read_row(Task, row) for row in self._database.fetch_all("SELECT * FROM tasks ORDER BY made_at DESC, id")
        ]

    def standings(self) -> dict[str, TaskStanding]:
        """Return where every task stands by its id, the latest first; the plans are not read for it."""
        rows = self._database.fetch_all(
            "SELECT id, state, trouble, state = 'running' AND EXISTS (SELECT 1 FROM task_items AS i "
            "WHERE i.task_id = t.id AND i.state = 'asking') AS asks FROM tasks AS t ORDER BY made_at DESC, id"
        )
        return {row["id"]: read_row(TaskStanding, row) for row in rows}

    def goes_on(self, task: Task, *, private: bool) -> bool:
        """Say whether a task is there, runs, and has the plan and the privacy that it had; the plan is not read for it.

        It is private where its message is, or the conversation of that.
        """
        query = f"{PRIVACY_OF_TASK} AND t.state = 'running' AND t.plan = ?"
        row = self._database.fetch_one(query, (task.id, task.plan))
        return row is not None and bool(row["private"]) == private

    def next_due(self, moment: datetime) -> Task | None:
        """Return the earliest task that can go on now: an item of it waits, or none does and it is to be ended."""
        row = self._database.fetch_one(_NEXT_DUE, {"moment": to_text(moment)})
        return None if row is None else read_row(Task, row)

    def change_state(
        self, task_id: str, state: TaskState, *, trouble: str | None = None, only_first: int | None = None
    ) -> None:
        """Let a task run, rest, or end; of one that runs so many items `only_first`.

        What is done can only run once more, and what is cancelled stays so. Raises NotFoundError, or StoreError.
        """
        with self._database.write() as connection:
            task = _get(connection, task_id)
            if task.state is TaskState.CANCELLED or state is not TaskState.RUNNING:
                _refuse_over(task)
            connection.execute(f"{_CHANGE} WHERE id = :id", _change(task_id, state, trouble, only_first))

    def leave_off(
        self, task: Task, state: TaskState, *, trouble: str | None = None, only_first: int | None = None
    ) -> None:
        """Let a task that is worked on rest, or be done; nothing where the user changed, paused or ended it meanwhile.

        It is not done while there is something to do.
        """
        self._database.execute(
            f"{_CHANGE} WHERE id = :id AND state = 'running' AND plan = :plan AND (:state != 'done' OR {_IS_OVER})",
            {**_change(task.id, state, trouble, only_first), "plan": task.plan},
        )

    def postpone(self, task_id: str, until: datetime, trouble: str) -> None:
        """Let a running task wait until a moment, and say why."""
        self._database.execute(
            "UPDATE tasks SET not_before = ?, trouble = ? WHERE id = ? AND state = 'running'",
            (to_text(until), trouble, task_id),
        )

    # -- items -------------------------------------------------------------------------------------------------

    def items(self, task_id: str) -> list[TaskItem]:
        """Return the items of a task in their order."""
        rows = self._database.fetch_all("SELECT * FROM task_items WHERE task_id = ? ORDER BY number", (task_id,))
        return [read_row(TaskItem, row) for row in rows]

    def waiting_items(self, task_id: str) -> list[TaskItem]:
        """Return the items that can be worked on now, in their order; of a trial those that it wants."""
        rows = self._database.fetch_all(
            f"SELECT i.* FROM task_items AS i JOIN tasks AS t ON {_WANTED} WHERE t.id = ? AND i.state = 'waiting' "
            "ORDER BY i.number",
            (task_id,),
        )
        return [read_row(TaskItem, row) for row in rows]

    def is_over(self, task_id: str) -> bool:
        """Say whether all items have ended; of a trial those that it wants."""
        return (
            self._database.fetch_one(f"SELECT 1 FROM tasks AS t WHERE t.id = ? AND {_IS_OVER}", (task_id,)) is not None
        )

    def item(self, item_id: str) -> TaskItem:
        """Return one item. Raises NotFoundError."""
        row = self._database.fetch_one("SELECT * FROM task_items WHERE id = ?", (item_id,))
        if row is None:
            raise NotFoundError(f"There is no item {item_id}; it may have been erased.")
        return read_row(TaskItem, row)

    def counts(self, task_id: str) -> Mapping[ItemState, int]:
        """Return how many items of a task stand where."""
        rows = self._database.fetch_all(
            "SELECT state, count(*) AS number FROM task_items WHERE task_id = ? GROUP BY state", (task_id,)
        )
        return {ItemState(row["state"]): row["number"] for row in rows}

    def end_item(self, item_id: str, state: ItemState, result: str | None = None, trouble: str | None = None) -> None:
        """Note how an item ended; nothing where it was erased meanwhile, or the user is asked about a step of it."""
        self._database.execute(
            "UPDATE task_items SET state = ?, result = ?, trouble = ? WHERE id = ? AND state != 'asking'",
            (state, result, trouble, item_id),
        )

    def retry(self, task_id: str) -> int:
        """Have what failed or was left out worked on anew, from the step that it was at; return how many there are."""
        with self._database.write() as connection:
            which = "SELECT id FROM task_items WHERE task_id = ? AND state IN ('failed', 'left_out')"
            connection.execute(
                f"DELETE FROM task_steps WHERE item_id IN ({which}) AND outcome IN ('failed', 'refused')", (task_id,)
            )
            return connection.execute(
                "UPDATE task_items SET state = 'waiting', trouble = NULL "
                "WHERE task_id = ? AND state IN ('failed', 'left_out')",
                (task_id,),
            ).rowcount

    # -- steps -------------------------------------------------------------------------------------------------

    def steps(self, item_id: str) -> list[TaskStep]:
        """Return the steps of an item in their order."""
        rows = self._database.fetch_all("SELECT * FROM task_steps WHERE item_id = ? ORDER BY number", (item_id,))
        return [read_row(TaskStep, row) for row in rows]

    def begun(self) -> list[TaskStep]:
        """Return the steps that were begun and have not ended, of all tasks that are not over."""
        rows = self._database.fetch_all(
            "SELECT s.* FROM task_steps AS s JOIN task_items AS i ON i.id = s.item_id JOIN tasks AS t "
            "ON t.id = i.task_id WHERE s.outcome = 'begun' AND t.state NOT IN ('done', 'cancelled')"
        )
        return [read_row(TaskStep, row) for row in rows]

    def ask(self, item: TaskItem, number: int, request: str) -> None:
        """Have the user asked whether a step may be done; the item waits."""
        with self._database.write() as connection:
            _put(connection, item, number, request, StepOutcome.ASKED)
            connection.execute("UPDATE task_items SET state = 'asking' WHERE id = ?", (item.id,))

    def begin(self, item: TaskItem, number: int, request: str) -> None:
        """Enter a step before it is done. Raises NotFoundError where the item was erased."""
        with self._database.write() as connection:
            if not connection.execute("SELECT 1 FROM task_items WHERE id = ?", (item.id,)).fetchone():
                raise NotFoundError(f"The item {item.key} was erased.")
            _put(connection, item, number, request, StepOutcome.BEGUN)

    def end(self, item_id: str, number: int, outcome: StepOutcome, result: str | None = None) -> None:
        """Note what came of a step; nothing where the item was erased meanwhile."""
        self._database.execute(
            "UPDATE task_steps SET outcome = ?, result = ?, ended_at = ? WHERE item_id = ? AND number = ?",
            (outcome, result, to_text(now()), item_id, number),
        )

    def undo_begin(self, item_id: str, number: int) -> None:
        """Forget a step of which it is known that it was not done."""
        self._database.execute(
            "DELETE FROM task_steps WHERE item_id = ? AND number = ? AND outcome = 'begun'", (item_id, number)
        )

    def doubt(self, item_id: str, number: int) -> None:
        """Note that a step that was begun may have been done, and have the user asked."""
        with self._database.write() as connection:
            connection.execute(
                "UPDATE task_steps SET outcome = 'uncertain' WHERE item_id = ? AND number = ? AND outcome = 'begun'",
                (item_id, number),
            )
            connection.execute("UPDATE task_items SET state = 'asking' WHERE id = ?", (item_id,))

    def questions(self, task_id: str) -> list[tuple[TaskItem, TaskStep]]:
        """Return the items that wait for the user, each with the step it is about."""
        rows = self._database.fetch_all(
            "SELECT s.* FROM task_steps AS s JOIN task_items AS i ON i.id = s.item_id "
            "WHERE i.task_id = ? AND i.state = 'asking' AND s.outcome IN ('asked', 'uncertain') ORDER BY i.number",
            (task_id,),
        )
        steps = [read_row(TaskStep, row) for row in rows]
        items = {item.id: item for item in self.items(task_id)}
        return [(items[step.item_id], step) for step in steps if step.item_id in items]

    def answer(self, asked: TaskStep, outcome: StepOutcome) -> bool:
        """Take the user's answer: allowed, refused, or done as it was found to be; return whether it still was asked.

        It holds for what was shown: where something else is asked by now, that stays asked.
        """
        state = ItemState.LEFT_OUT if outcome is StepOutcome.REFUSED else ItemState.WAITING
        with self._database.write() as connection:
            changed = connection.execute(
                "UPDATE task_steps SET outcome = ? WHERE item_id = ? AND number = ? AND request = ? AND outcome = ? "
                "AND outcome IN ('asked', 'uncertain')",
                (outcome, asked.item_id, asked.number, asked.request, asked.outcome),
            ).rowcount
            if changed:
                connection.execute("UPDATE task_items SET state = ? WHERE id = ?", (state, asked.item_id))
        return bool(changed)

    # -- approvals ---------------------------------------------------------------------------------------------

    def allow_all(self, task: Task, fingerprints: Mapping[str, str]) -> int:
        """Let steps, by their names, be done for all items of a task; return how many that waited go on.

        What may have been done already is asked about by itself. Raises StoreError where the plan that was shown is
        another one by now.
        """
        with self._database.write() as connection:
            if _get(connection, task.id).plan != task.plan:
                raise StoreError("The plan of this task was changed meanwhile.", "Look again at what it asks.")
            for fingerprint in fingerprints.values():
                values = {"task_id": task.id, "fingerprint": fingerprint, "allowed_at": to_text(now())}
                connection.execute(
                    "INSERT OR REPLACE INTO task_approvals VALUES (:task_id, :fingerprint, :allowed_at)", values
                )
            waiting = (
                "SELECT s.item_id, s.request FROM task_steps AS s JOIN task_items AS i ON i.id = s.item_id "
                "WHERE i.task_id = ? AND i.state = 'asking' AND s.outcome = 'asked'"
            )
            asked = connection.execute(waiting, (task.id,)).fetchall()
            found = [row["item_id"] for row in asked if json.loads(row["request"]).get("step") in fingerprints]
            for item_id in found:
                connection.execute(
                    "UPDATE task_steps SET outcome = 'allowed' WHERE item_id = ? AND outcome = 'asked'", (item_id,)
                )
                connection.execute("UPDATE task_items SET state = 'waiting' WHERE id = ?", (item_id,))
        return len(found)

    def is_allowed(self, task_id: str, fingerprint: str) -> bool:
        """Say whether a step may be done for all items of a task."""
        query = "SELECT 1 FROM task_approvals WHERE task_id = ? AND fingerprint = ?"
        return self._database.fetch_one(query, (task_id, fingerprint)) is not None


def insert_task(
    connection: sqlite3.Connection,
    message_id: str,
    plan: str,
    items: Iterable[tuple[str, str]],
    state: TaskState = TaskState.DRAFT,
    only_first: int | None = None,
) -> Task:
    """Store a task with its items, each a key and its details, in a transaction of the caller's."""
    task = Task(ids.new_id(ids.TASK), message_id, plan, state, now(), only_first=only_first)
    insert_row(connection, "tasks", task)
    _insert_items(connection, task, items)
    return task


def texts_of_tasks(connection: sqlite3.Connection) -> Iterator[tuple[str, list[str]]]:
    """Yield the message of each task with all texts of it."""
    for task_id, message_id, plan in connection.execute("SELECT id, message_id, plan FROM tasks").fetchall():
        rows = connection.execute(
            "SELECT i.details, i.result, i.trouble, s.request, s.result FROM task_items AS i "
            "LEFT JOIN task_steps AS s ON s.item_id = i.id WHERE i.task_id = ?",
            (task_id,),
        )
        yield message_id, [unescape(text) for text in (plan, *(text for row in rows for text in row if text))]


# The items `i` of a task `t` that are wanted by now: all of them, or the first of a trial.
_WANTED: Final = (
    "i.task_id = t.id AND (t.only_first IS NULL OR t.only_first > "
    "(SELECT count(*) FROM task_items AS e WHERE e.task_id = t.id AND e.number < i.number))"
)
_WAITS: Final = f"EXISTS (SELECT 1 FROM task_items AS i WHERE {_WANTED} AND i.state = 'waiting')"
_IS_OVER: Final = f"NOT EXISTS (SELECT 1 FROM task_items AS i WHERE {_WANTED} AND i.state IN ('waiting', 'asking'))"
_CHANGE: Final = (
    "UPDATE tasks AS t SET state = :state, trouble = :trouble, ended_at = :ended_at, only_first = :only_first, "
    "not_before = NULL"
)
_NEXT_DUE: Final = (
    "SELECT t.* FROM tasks AS t WHERE t.state = 'running' AND (t.not_before IS NULL OR t.not_before <= :moment) "
    f"AND ({_WAITS} OR {_IS_OVER}) ORDER BY t.made_at, t.id LIMIT 1"
)
_PUT: Final = (
    "INSERT INTO task_steps (item_id, message_id, number, request, outcome, begun_at) "
    "VALUES (:item_id, :message_id, :number, :request, :outcome, :begun_at) "
    "ON CONFLICT (item_id, number) DO UPDATE SET request = :request, outcome = :outcome, begun_at = :begun_at, "
    "result = NULL, ended_at = NULL"
)


def _refuse_over(task: Task) -> None:
    if task.state.has_ended:
        raise StoreError(f"This task is {task.state}.", "Make a new one with its plan.")


def _change(task_id: str, state: TaskState, trouble: str | None, only_first: int | None) -> dict[str, object]:
    ended = to_text(now()) if state.has_ended else None
    return {"id": task_id, "state": state, "trouble": trouble, "ended_at": ended, "only_first": only_first}


def _put(connection: sqlite3.Connection, item: TaskItem, number: int, request: str, outcome: StepOutcome) -> None:
    begun_at = to_text(now()) if outcome is StepOutcome.BEGUN else None
    whose = {"item_id": item.id, "message_id": item.message_id, "number": number}
    connection.execute(_PUT, {**whose, "request": request, "outcome": outcome, "begun_at": begun_at})


def _get(connection: sqlite3.Connection, task_id: str) -> Task:
    row = connection.execute("SELECT * FROM tasks WHERE id = ?", (task_id,)).fetchone()
    if row is None:
        raise NotFoundError(f"There is no task {task_id}; it may have been erased.")
    return read_row(Task, row)


def _insert_items(connection: sqlite3.Connection, task: Task, items: Iterable[tuple[str, str]]) -> None:
    (last,) = connection.execute(
        "SELECT coalesce(max(number), 0) FROM task_items WHERE task_id = ?", (task.id,)
    ).fetchone()
    for number, (key, details) in enumerate(items, start=last + 1):
        values = {"id": ids.new_id(ids.TASK_ITEM), "task_id": task.id, "message_id": task.message_id, "number": number}
        insert_values(connection, "task_items", {**values, "key": key, "details": details, "state": "waiting"})
