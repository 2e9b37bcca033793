"""Works on tasks: many items at once, each step entered before it is done, nothing repeated that may have been done."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count
from typing import Any, Final

from assistant.core.context import cited_numbers
from assistant.core.conversation.stopping import wait_for_stop
from assistant.core.prompts import prompt
from assistant.core.tasks.judging import FIRST_COMPARISON, judge_best
from assistant.core.tasks.plan import Step, limits_of, read_plan
from assistant.core.tasks.queues import Queue, work_in_order
from assistant.core.tasks.results import build_report, cells_of, estimate_rest, results_of, words_of
from assistant.core.tasks.steps import (
    Run,
    Unreadable,
    ask_text,
    describe_step,
    json_text,
    needs_no_yes,
    only_reads,
    take_step,
)
from assistant.core.tools.tool import Effect, Tool, ToolError, UncertainError
from assistant.errors import BudgetError, ModelError, QueueError
from assistant.ingestion.chunking import passages_of_message
from assistant.language import _
from assistant.llm.roles import Models
from memory_store import ItemState, Limit, StepOutcome, Store, Task, TaskItem, TaskState, TaskStep, Window
from memory_store.clock import now
from memory_store.errors import ClosedError, KeepsakeError, NotFoundError, StoreError
from memory_store.models import Author, AuthorKind, MessageStatus, Role

_TROUBLE_CHARS: Final = 500
_LOOK_SECONDS: Final = 2.0
_PAUSE_SECONDS: Final = 60.0
_MOST_REPORTED: Final = 20

FindTools = Callable[[Sequence[str]], Awaitable[Mapping[str, Tool[Any]]]]
"""Returns the tools of these names; those that are not there are left out."""
BuildModels = Callable[[tuple[Limit, ...]], Models]
"""Returns the models, whose requests keep to these budgets as well."""


class _Rest(Exception):
    """All work on a task, or on one item, ends for now."""


class TaskWorker:
    """Works on the tasks of a store that are to run; one process at a time. Models and tools are looked up for each."""

    def __init__(self, store: Store, build: BuildModels, find: FindTools, queue: Queue = work_in_order) -> None:
        self._store = store
        self._tasks = store.tasks
        self._build = build
        self._find = find
        self._queue = queue

    async def work(self, stop: asyncio.Event, *, stays: bool = False) -> bool:
        """Work on all tasks that are to run until none is left that can go on, or `stop` is set.

        With `stays` it waits for others to come, for those that wait until a moment, and for a store that is busy.
        Returns False where another process works.
        """
        if not stays:
            return await self._work_in_turn(stop)
        while not stop.is_set():
            try:
                await self._work_in_turn(stop)
            except ClosedError:
                break
            except KeepsakeError:
                pass  # the next look goes on, and asks about what may have been done
            await wait_for_stop(stop, _LOOK_SECONDS)
        return True

    async def _work_in_turn(self, stop: asyncio.Event) -> bool:
        """Work on what can go on now; return False where that is for another process."""
        if stop.is_set() or await asyncio.to_thread(self._next) is None:
            return True
        turn = await asyncio.to_thread(self._tasks.take_turn)
        if turn is None:
            return False
        with turn:
            await asyncio.to_thread(self._doubt_begun)
            while not stop.is_set() and (task := await asyncio.to_thread(self._next)) is not None:
                await self._work_on(task, stop)
        return True

    def _next(self) -> Task | None:
        return self._tasks.next_due(now())

    def _doubt_begun(self) -> None:
        """Have the user asked about what may have been done when the program died; what only reads is done again."""
        for step in self._tasks.begun():
            if not json.loads(step.request).get("repeats"):
                self._tasks.doubt(step.item_id, step.number)

    async def _work_on(self, task: Task, stop: asyncio.Event) -> None:
        try:
            run = await self._prepare(task)
        except KeepsakeError as error:
            await asyncio.to_thread(self._rest, task, error.message)
            return
        try:
            await self._work_on_items(run, stop)
            if not stop.is_set() and not run.resting.is_set():
                await self._finish(run, stop)
        except (NotFoundError, _Rest):
            return  # it was erased meanwhile, or waits
        except QueueError as error:
            await asyncio.to_thread(self._postpone, task, timedelta(seconds=_PAUSE_SECONDS), error)
        finally:
            await run.models.close()

    async def _prepare(self, task: Task) -> Run:
        plan = await asyncio.to_thread(read_plan, task.plan)
        models = await asyncio.to_thread(self._build, limits_of(plan))
        private = await asyncio.to_thread(self._store.conversations.is_private, task.message_id)
        tools = await self._find(plan.tools)
        missing = next((name for name in plan.tools if name not in tools), None)
        if missing is not None:
            raise StoreError(f"There is no tool {missing}.")
        for step in plan.steps:
            acting = next((name for name in step.tools if tools[name].effect is not Effect.READ), None)
            if acting is not None:
                raise StoreError(
                    f"A finder may only use what reads, and {acting} does more: make it a step of its own."
                )
        return Run(self._store, task, plan, models, tools, private)

    async def _work_on_items(self, run: Run, stop: asyncio.Event) -> None:
        """Work on all items that wait, so many at once as the plan says; none is begun once the task rests."""

        async def work_on(item: TaskItem) -> bool:
            if stop.is_set() or run.resting.is_set():
                return False
            try:
                await self._work_on_item(run, item, stop)
            except BaseException:
                run.resting.set()
                raise
            return True

        waiting = await asyncio.to_thread(self._tasks.waiting_items, run.task.id)
        await self._queue(waiting, run.plan.workers, work_on)

    def _goes_on(self, run: Run) -> bool:
        """Return whether the task is to run on as it is.

        The user may have paused, changed or erased it meanwhile, or made it private: then it is prepared anew.
        """
        if not self._tasks.goes_on(run.task, private=run.private):
            run.resting.set()
        return not run.resting.is_set()

    async def _work_on_item(self, run: Run, item: TaskItem, stop: asyncio.Event) -> None:
        """Do its steps from where it is; what goes wrong with it concerns this item alone."""
        found: dict[str, Any] = {}
        try:
            if not await self._take_steps(run, item, found, stop):
                return
        except (ToolError, Unreadable) as error:
            told = str(error)[:_TROUBLE_CHARS]
            await asyncio.to_thread(self._tasks.end_item, item.id, ItemState.FAILED, json_text(found), told)
        except (NotFoundError, _Rest):
            return  # erased meanwhile, or it waits
        else:
            await asyncio.to_thread(self._tasks.end_item, item.id, ItemState.DONE, json_text(found))

    async def _take_steps(self, run: Run, item: TaskItem, found: dict[str, Any], stop: asyncio.Event) -> bool:
        """Do all steps, those at once that do not need each other; return whether all are done.

        What may have to be asked about waits for all before it. After trouble, what is under way still ends. A step is
        known again by its name and its tool, wherever it stands in a plan that was changed; what only reads is done
        anew where what it asks for, or was handed, is no longer the same.
        """
        fields = {name: str(value) for name, value in json.loads(item.details).items()}
        entered = await asyncio.to_thread(self._tasks.steps, item.id)
        rows = {_identity(row): row for row in entered if row.number < FIRST_COMPARISON}
        before = {step.name: rows[step.name, step.tool] for step in run.plan.steps if (step.name, step.tool) in rows}
        free = (number for number in count(1) if all(number != row.number for row in entered))
        numbers = {
            step.name: before[step.name].number if step.name in before else next(free) for step in run.plan.steps
        }
        handed: dict[str, dict[str, str]] = {}
        changed: set[str] = set()
        waiting = list(run.plan.steps)
        at_work: dict[asyncio.Task[str | None], Step] = {}
        trouble: BaseException | None = None
        halted = False
        while True:
            ready = [] if halted else [step for step in waiting if self._is_ready(run, step, handed)]
            for step in ready:
                waiting.remove(step)
                needed = {name: handed[name] for name in run.plan.needs_of(step)}
                known = fields | {name: text for values in needed.values() for name, text in values.items()}
                row = before.get(step.name)
                if step.ask and changed & needed.keys():
                    row = None
                work = self._take_step(run, item, step, numbers[step.name], known, row, stop)
                at_work[asyncio.create_task(work)] = step
            if not at_work:
                break
            ended, _left = await asyncio.wait(at_work, return_when=asyncio.FIRST_COMPLETED)
            for task in ended:
                step = at_work.pop(task)
                trouble = trouble or task.exception()
                text = None if task.exception() else task.result()
                if text is None:
                    halted = True
                else:
                    if step.name not in before or (before[step.name].result or "") != text:
                        changed.add(step.name)
                    handed[step.name] = _hand_over(step, text, found)
        if trouble is not None:
            raise trouble
        return not halted

    def _is_ready(self, run: Run, step: Step, handed: Mapping[str, object]) -> bool:
        awaited = run.plan.needs_of(step) if only_reads(run, step) else run.plan.names_before(step)
        return all(name in handed for name in awaited)

    async def _take_step(
        self,
        run: Run,
        item: TaskItem,
        step: Step,
        number: int,
        known: Mapping[str, str],
        before: TaskStep | None,
        stop: asyncio.Event,
    ) -> str | None:
        """Do a step that is not done yet; None where the user is asked first, or nothing is begun any more.

        What changed or sent something is done once, whatever the plan says by now; a yes holds for what was shown.
        Raises ToolError, Unreadable or _Rest.
        """
        if before is not None and before.outcome is StepOutcome.UNCERTAIN:
            await asyncio.to_thread(self._tasks.doubt, item.id, number)
            return None
        asked = describe_step(run, item, step, number, known)
        same = before is not None and json.loads(before.request) == asked
        if before is not None and before.outcome is StepOutcome.DONE and (same or not only_reads(run, step)):
            return before.result or ""
        if stop.is_set():
            return None
        may = same and before is not None and before.outcome is StepOutcome.ALLOWED
        if not may and not await needs_no_yes(run, step, asked):
            await asyncio.to_thread(self._enter_first, run, self._tasks.ask, item, number, json_text(asked))
            return None
        return await self._enter(run, item, number, json_text(asked), lambda: take_step(run, step, asked, known))

    async def _enter(
        self, run: Run, item: TaskItem, number: int, asked: str, work: Callable[[], Awaitable[str]]
    ) -> str | None:
        """Enter a step, do it, and enter what came of it; None where the task is not to run on as it is.

        Raises ToolError, Unreadable or _Rest.
        """
        if not await asyncio.to_thread(self._enter_first, run, self._tasks.begin, item, number, asked):
            return None
        try:
            text = await self._do(run, work)
        except ModelError as error:
            # A request that was sent may be paid for, but it changes nothing: it is made again.
            await asyncio.to_thread(self._tasks.undo_begin, item.id, number)
            await asyncio.to_thread(self._rest_for, run, error)
            run.note_end()
            raise _Rest from error
        except (ToolError, Unreadable) as error:
            if isinstance(error, UncertainError) and not json.loads(asked)["repeats"]:
                await asyncio.to_thread(self._tasks.doubt, item.id, number)
                raise _Rest from error
            await asyncio.to_thread(self._tasks.end, item.id, number, StepOutcome.FAILED, str(error)[:_TROUBLE_CHARS])
            raise
        await asyncio.to_thread(self._tasks.end, item.id, number, StepOutcome.DONE, text)
        return text

    def _enter_first(
        self, run: Run, enter: Callable[[TaskItem, int, str], None], item: TaskItem, number: int, asked: str
    ) -> bool:
        """Enter a step that is not done yet, where the task is to run on as it is; return whether it is."""
        goes_on = self._goes_on(run)
        if goes_on:
            enter(item, number, asked)
        return goes_on

    async def _do(self, run: Run, work: Callable[[], Awaitable[str]]) -> str:
        """Return what comes of a step.

        Each request has the most that it may take reserved: where those that are under way leave no room for it, the
        budget is not used up yet, and it is made once one of them has ended.
        """
        while True:
            ended, waits = run.step_ended, False
            run.under_way += 1
            try:
                return await work()
            except BudgetError as error:
                # One that ended meanwhile may have left room since this was refused.
                waits = ended.is_set() or (run.under_way > 1 and not run.resting.is_set())
                if not waits:
                    raise
                no_room = error
            finally:
                run.under_way -= 1
                if not waits:
                    run.note_end()
            await ended.wait()
            if not await asyncio.to_thread(self._goes_on, run):
                raise no_room

    # -- waiting and ending ------------------------------------------------------------------------------------

    def _rest_for(self, run: Run, error: ModelError) -> None:
        """Let a task wait until a moment, where waiting helps, or rest until the user says so."""
        if run.resting.is_set():
            return
        run.resting.set()
        told = f"{error.message} {error.hint}".strip()
        if isinstance(error, BudgetError) and error.window is Window.CHAT and limits_of(run.plan):
            told = _(
                "The budget that the plan gives has no room for another request: change the plan, and let it go on."
            )
        if isinstance(error, BudgetError) and error.window in (Window.DAY, Window.MONTH):
            self._tasks.postpone(run.task.id, next_window(Window(error.window), now()), told)
        elif error.retryable:
            self._postpone(run.task, timedelta(seconds=max(error.retry_after_s or 0, _PAUSE_SECONDS)), error)
        else:
            self._rest(run.task, told)

    def _postpone(self, task: Task, pause: timedelta, error: KeepsakeError) -> None:
        self._tasks.postpone(task.id, now() + pause, f"{error.message} {error.hint}".strip())

    def _rest(self, task: Task, trouble: str) -> None:
        self._tasks.leave_off(task, TaskState.PAUSED, trouble=trouble, only_first=task.only_first)

    async def _finish(self, run: Run, stop: asyncio.Event) -> None:
        """Let a trial rest until the user has seen it; of a task of which all is done, judge the best, and report."""
        task = await asyncio.to_thread(self._tasks.get, run.task.id)
        if task.state is not TaskState.RUNNING or not await asyncio.to_thread(self._tasks.is_over, task.id):
            return
        items = await asyncio.to_thread(self._tasks.items, task.id)
        if task.only_first is not None and len(items) > task.only_first:
            told = _(
                "The first {count} of {total} items were tried: look at what came of them, then let it go on."
            ).format(count=task.only_first, total=len(items))
            ahead = await asyncio.to_thread(estimate_rest, self._store, task, run.plan, items)
            trouble = f"{told} {ahead}".strip()
            await asyncio.to_thread(lambda: self._tasks.leave_off(task, TaskState.PAUSED, trouble=trouble))
            return
        if run.plan.judge is not None:
            if not await judge_best(run, run.plan.judge, items, self._enter, stop):
                return
            items = await asyncio.to_thread(self._tasks.items, task.id)
        table = build_report(run.plan, results_of(run.plan, items))
        words = ""
        if stop.is_set() or not await asyncio.to_thread(self._goes_on, run):
            return
        if run.plan.report and not await asyncio.to_thread(self._is_reported, task, table):
            try:
                words = await self._write_report(run, items)
            except ModelError as error:
                await asyncio.to_thread(self._rest_for, run, error)
                return
        if not await asyncio.to_thread(self._goes_on, run):
            return
        await asyncio.to_thread(self._end, run, table, words)

    async def _write_report(self, run: Run, items: Sequence[TaskItem]) -> str:
        """Have a model say in words what was found. Raises ModelError."""
        results = results_of(run.plan, items)[:_MOST_REPORTED]
        known = {
            str(number): "\n".join(
                map(": ".join, zip(("name", *run.plan.columns), cells_of(run.plan, result), strict=True))
            )
            for number, result in enumerate(results, start=1)
        }
        return await ask_text(run, prompt("task_report"), run.plan.report, known)

    def _is_reported(self, task: Task, table: str) -> bool:
        """Return whether a report is there already: the program died before it could say that the task is done."""
        message = self._store.conversations.message(task.message_id)
        messages = self._store.conversations.messages(message.conversation_id)
        return any(other.parent_id == message.id and other.text.endswith(table) for other in messages)

    def _end(self, run: Run, table: str, words: str) -> None:
        """Report, and say that the task is done."""
        if not self._is_reported(run.task, table):
            message = self._store.conversations.message(run.task.message_id)
            text = f"{words}\n\n{table}".strip()
            name = run.model("chat").info.name if words else "keepsake"
            cited = cited_numbers(text)
            self._store.conversations.append(
                message.conversation_id,
                Role.ASSISTANT,
                text,
                Author(AuthorKind.MODEL, name),
                parent_id=message.id,
                status=MessageStatus.COMPLETE,
                citations=[
                    replace(citation, cited=citation.number in cited)
                    for citation in self._store.conversations.citations(message.id)
                ],
                private=run.private,
                drafts=passages_of_message(text),
            )
        self._tasks.leave_off(run.task, TaskState.DONE)
        self._store.wake()


def _identity(row: TaskStep) -> tuple[str, str]:
    """Return the name and the tool of a step that was entered."""
    asked = json.loads(row.request)
    return asked.get("step", ""), asked.get("tool", "")


def _hand_over(step: Step, text: str, found: dict[str, Any]) -> dict[str, str]:
    """Return what a step hands over to those that need it, by name; its columns are added to what was found."""
    if not step.columns:
        return {step.name: text}
    values = json.loads(text or "{}")
    found.update(values)
    return {name: words_of(value) for name, value in values.items()}


def next_window(window: Window, moment: datetime) -> datetime:
    """Return when the next day or month begins on this machine."""
    local = moment.astimezone().replace(hour=0, minute=0, second=0, microsecond=0)
    if window is Window.MONTH:
        local = (local.replace(day=1) + timedelta(days=32)).replace(day=1)
    else:
        local += timedelta(days=1)
    return local.replace(tzinfo=None).astimezone()
