"""Works on tasks: many items at once, each step entered before it is done, nothing repeated that may have been done."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from pydantic import BaseModel, ValidationError

from assistant.core.asking import note_sent, read_form, whole_answer
from assistant.core.framing import estimate_tokens, plain_text, quoted, shorten
from assistant.core.prompts import prompt
from assistant.core.tasks.plan import Plan, Step, fill, read_plan
from assistant.core.tasks.results import build_report, results_of
from assistant.core.tools.tool import Bench, Effect, Tool, ToolError, use_tool
from assistant.errors import BudgetError, ModelError
from assistant.ingestion.chunking import passages_of_message
from assistant.llm.base import ChatMessage, ChatModel, ChatRequest
from assistant.llm.roles import ModelRole, Models
from memory_store import ItemState, Limit, StepOutcome, Store, Task, TaskItem, TaskState, TaskStep, Unit, Window
from memory_store.clock import now
from memory_store.errors import KeepsakeError, NotFoundError, StoreError
from memory_store.models import Author, AuthorKind, MessageStatus, Purpose, Role

_ANSWER_TOKENS: Final = 800
_MATERIAL_TOKENS: Final = 6000
_LEAST_TOKENS: Final = 100  # less of a text says nothing
_RESULT_CHARS: Final = 12_000
_LOOK_SECONDS: Final = 2.0
_PAUSE_SECONDS: Final = 60.0
_KEY: Final = "idempotency_key"

FindTools = Callable[[Sequence[str]], Awaitable[Mapping[str, Tool[Any]]]]
"""Returns the tools of these names; those that are not there are left out."""
BuildModels = Callable[[tuple[Limit, ...]], Models]
"""Returns the models, whose requests keep to these budgets as well."""


class _Rest(Exception):
    """All work on a task ends for now."""


@dataclass(slots=True)
class _Run:
    """A task that is being worked on."""

    task: Task
    plan: Plan
    models: Models
    tools: Mapping[str, Tool[Any]]
    private: bool
    resting: asyncio.Event = field(default_factory=asyncio.Event)


class TaskWorker:
    """Works on the tasks of a store that are to run; one process at a time. Models and tools are looked up for each."""

    def __init__(self, store: Store, build: BuildModels, find: FindTools) -> None:
        self._store = store
        self._tasks = store.tasks
        self._build = build
        self._find = find

    async def work(self, stop: asyncio.Event, *, stays: bool = False) -> bool:
        """Work on all tasks that are to run until none is left that can go on, or `stop` is set.

        With `stays` it waits for others to come, and for those that wait until a moment. Returns False where another
        process works.
        """
        while not stop.is_set():
            if await asyncio.to_thread(self._next) is not None:
                turn = await asyncio.to_thread(self._tasks.take_turn)
                if turn is not None:
                    with turn:
                        await asyncio.to_thread(self._doubt_begun)
                        while not stop.is_set() and (task := await asyncio.to_thread(self._next)) is not None:
                            await self._work_on(task, stop)
                elif not stays:
                    return False
            if not stays:
                return True
            await _wait(stop, _LOOK_SECONDS)
        return True

    def _next(self) -> Task | None:
        return self._tasks.next_due(now())

    def _doubt_begun(self) -> None:
        """Have the user asked about what may have been done when the program died; what only reads is done again."""
        for step in self._tasks.begun():
            if not json.loads(step.request).get("repeats"):
                self._tasks.doubt(step.item_id, step.number)

    def _waiting(self, task: Task) -> list[TaskItem]:
        items = self._tasks.items(task.id)[: task.only_first]
        return [item for item in items if item.state is ItemState.WAITING]

    def _is_over(self, task: Task) -> bool:
        items = self._tasks.items(task.id)[: task.only_first]
        return not any(item.state in (ItemState.WAITING, ItemState.ASKING) for item in items)

    async def _work_on(self, task: Task, stop: asyncio.Event) -> None:
        try:
            run = await self._prepare(task)
        except KeepsakeError as error:
            await asyncio.to_thread(self._rest, task, error.message)
            return
        try:
            await self._work_on_items(run, stop)
            if not stop.is_set() and not run.resting.is_set():
                await asyncio.to_thread(self._finish, run)
        except NotFoundError:
            return  # it was erased meanwhile
        finally:
            await run.models.close()

    async def _prepare(self, task: Task) -> _Run:
        plan = await asyncio.to_thread(read_plan, task.plan)
        models = await asyncio.to_thread(self._build, limits_of(plan))
        message = await asyncio.to_thread(self._store.conversations.message, task.message_id)
        chat = await asyncio.to_thread(self._store.conversations.get, message.conversation_id)
        tools = await self._find([step.tool for step in plan.steps if step.tool])
        missing = next((step.tool for step in plan.steps if step.tool and step.tool not in tools), None)
        if missing is not None:
            raise StoreError(f"There is no tool {missing}.")
        return _Run(task, plan, models, tools, message.private or chat.private)

    async def _work_on_items(self, run: _Run, stop: asyncio.Event) -> None:
        """Work on all items that wait, so many at once as the plan says; none is begun once the task rests."""
        waiting = await asyncio.to_thread(self._waiting, run.task)
        queue = iter(waiting)

        async def take_items() -> None:
            for item in queue:
                if stop.is_set() or run.resting.is_set():
                    return
                await self._work_on_item(run, item, stop)

        await asyncio.gather(*(take_items() for _ in range(min(run.plan.workers, len(waiting)))))

    def _goes_on(self, run: _Run) -> bool:
        """Return whether the task is to run on as it is: the user may have paused, changed or erased it meanwhile."""
        try:
            task = self._tasks.get(run.task.id)
        except NotFoundError:
            task = None
        if task is None or task.state is not TaskState.RUNNING or task.plan != run.task.plan:
            run.resting.set()
        return not run.resting.is_set()

    async def _work_on_item(self, run: _Run, item: TaskItem, stop: asyncio.Event) -> None:
        """Do one step after the other, from where the item is; what goes wrong with it concerns this item alone."""
        known: dict[str, str] = {name: str(value) for name, value in json.loads(item.details).items()}
        steps = {step.number: step for step in await asyncio.to_thread(self._tasks.steps, item.id)}
        found: dict[str, Any] = {}
        try:
            for number, step in enumerate(run.plan.steps, start=1):
                before = steps.get(number)
                if before is not None and before.outcome is StepOutcome.DONE:
                    text = before.result or ""
                elif stop.is_set() or not await asyncio.to_thread(self._goes_on, run):
                    return
                else:
                    done = await self._take_step(run, item, number, step, known, before)
                    if done is None:
                        return
                    text = done
                known[step.name] = text
                if step.columns:
                    values = json.loads(text or "{}")
                    found |= values
                    known |= {name: "" if value is None else str(value) for name, value in values.items()}
        except (ToolError, _Unreadable) as error:
            await asyncio.to_thread(self._tasks.end_item, item.id, ItemState.FAILED, _json(found), str(error)[:500])
            return
        except NotFoundError:
            return  # erased meanwhile
        except _Rest:
            return
        await asyncio.to_thread(self._tasks.end_item, item.id, ItemState.DONE, _json(found))

    async def _take_step(
        self, run: _Run, item: TaskItem, number: int, step: Step, known: Mapping[str, str], before: TaskStep | None
    ) -> str | None:
        """Do a step; None where the user is asked first. Raises ToolError, _Unreadable or _Rest."""
        tool = run.tools.get(step.tool)
        asked = self._describe(item, number, step, known, tool)
        may = before is not None and before.outcome is StepOutcome.ALLOWED
        if tool is not None and not may and not await self._needs_no_yes(run, tool, step, asked):
            await asyncio.to_thread(self._tasks.ask, item, number, _json(asked))
            return None
        await asyncio.to_thread(self._tasks.begin, item, number, _json(asked))
        try:
            text = await (self._ask_model(run, step, known) if tool is None else self._use(run, tool, asked["with"]))
        except ModelError as error:
            # A request that was sent may be paid for, but it changes nothing: it is made again.
            await asyncio.to_thread(self._tasks.undo_begin, item.id, number)
            await asyncio.to_thread(self._rest_for, run, error)
            raise _Rest from error
        except (ToolError, _Unreadable) as error:
            await asyncio.to_thread(self._tasks.end, item.id, number, StepOutcome.FAILED, str(error)[:_RESULT_CHARS])
            raise
        await asyncio.to_thread(self._tasks.end, item.id, number, StepOutcome.DONE, text)
        return text

    def _describe(
        self, item: TaskItem, number: int, step: Step, known: Mapping[str, str], tool: Tool[Any] | None
    ) -> dict[str, Any]:
        """Return what is asked for, as it is entered; `repeats` says that it may be done once more after a crash."""
        if tool is None:
            return {"step": step.name, "ask": fill(step.ask, known)[:_RESULT_CHARS], "repeats": True}
        arguments = {name: fill(text, known) for name, text in step.arguments.items()}
        properties = tool.spec.parameters.get("properties", {})
        keyed = _KEY in properties and _KEY not in arguments
        if keyed:  # the same for the same step of the same item, whenever it is done
            arguments[_KEY] = f"{item.id}-{number}"
        repeats = keyed or tool.effect is Effect.READ or tool.is_idempotent
        return {"step": step.name, "tool": tool.name, "with": arguments, "repeats": repeats}

    async def _needs_no_yes(self, run: _Run, tool: Tool[Any], step: Step, asked: Mapping[str, Any]) -> bool:
        """Return whether a step may be done as it is: it reads, the plan has it word for word, or all like it may."""
        if tool.effect is Effect.READ:
            return True
        if run.private:
            return False
        with suppress(ToolError):
            if tool.is_wanted(self._bench(run), _arguments(tool, asked["with"])):
                return True
        allowed = self._tasks.is_allowed
        return not tool.asks_each_time and await asyncio.to_thread(allowed, run.task.id, template_of(tool, step))

    def _bench(self, run: _Run) -> Bench:
        author, message_id = Author(AuthorKind.MODEL, "keepsake"), run.task.message_id
        bench = Bench(self._store, run.private, run.private, message_id, author, {}, 1, given=(message_id,))
        bench.question = run.task.plan  # what stands in it the user has seen
        return bench

    async def _use(self, run: _Run, tool: Tool[Any], arguments: Mapping[str, str]) -> str:
        """Return what a tool gives back. Raises ToolError."""
        asked = _arguments(tool, arguments)
        try:
            text = await use_tool(tool, self._bench(run), asked)
        except KeepsakeError as error:
            raise ToolError(error.message) from error
        return plain_text(text)[:_RESULT_CHARS]

    async def _ask_model(self, run: _Run, step: Step, known: Mapping[str, str]) -> str:
        """Return what a model found, a JSON object of the step's columns. Raises ModelError or _Unreadable."""
        model = run.models.find(ModelRole(step.role), private=run.private)
        if model is None:
            raise ModelError("No model is set up that may do this.", "`keepsake model add` sets one up.")
        form = _form_of(step)
        request = ChatRequest(
            self._messages(model, step, known),
            _ANSWER_TOKENS,
            0.0,
            form.model_json_schema(),
            purpose=Purpose.TASK,
            message_id=run.task.message_id,
        )
        await note_sent(self._store, model.info, (run.task.message_id,))
        for _ in range(2):
            found = read_form((await whole_answer(model, request)).text, form)
            if found is not None:
                return _json(found.model_dump())
        raise _Unreadable("The model gave no answer that can be read.")

    def _messages(self, model: ChatModel, step: Step, known: Mapping[str, str]) -> tuple[ChatMessage, ...]:
        columns = "\n".join(f"- {name}: {meaning}" for name, meaning in step.columns.items())
        room = min(_MATERIAL_TOKENS, model.info.context_tokens - _ANSWER_TOKENS - 600)
        parts: list[str] = []
        for name, text in reversed(list(known.items())):  # what was found last is wanted most
            if room < _LEAST_TOKENS:
                break
            parts.insert(0, shorten(f"{name}:\n{quoted(text)}", room))
            room -= estimate_tokens(parts[0])
        material = "\n\n".join(parts)
        text = f"{fill(step.ask, known)}\n\n{material}"
        return (ChatMessage(Role.SYSTEM, f"{prompt('task_step')}\n{columns}"), ChatMessage(Role.USER, text))

    # -- waiting and ending ------------------------------------------------------------------------------------

    def _rest_for(self, run: _Run, error: ModelError) -> None:
        """Let a task wait until a moment, where waiting helps, or rest until the user says so."""
        if run.resting.is_set():
            return
        run.resting.set()
        told = f"{error.message} {error.hint}".strip()
        if isinstance(error, BudgetError) and error.window in (Window.DAY, Window.MONTH):
            self._tasks.postpone(run.task.id, next_window(Window(error.window), now()), told)
        elif error.retryable:
            pause = timedelta(seconds=max(error.retry_after_s or 0, _PAUSE_SECONDS))
            self._tasks.postpone(run.task.id, now() + pause, told)
        else:
            self._rest(run.task, told)

    def _rest(self, task: Task, trouble: str) -> None:
        self._tasks.change_state(task.id, TaskState.PAUSED, trouble=trouble, only_first=task.only_first)

    def _finish(self, run: _Run) -> None:
        """Let a trial rest until the user has seen it; write a report of a task of which all is done."""
        task = self._tasks.get(run.task.id)
        if task.state is not TaskState.RUNNING or not self._is_over(task):
            return
        items = self._tasks.items(task.id)
        if task.only_first is not None and len(items) > task.only_first:
            told = f"The first {task.only_first} of {len(items)} items are done: look at them before the others are."
            self._tasks.change_state(task.id, TaskState.PAUSED, trouble=told)
            return
        text = build_report(run.plan, results_of(run.plan, items))
        message = self._store.conversations.message(task.message_id)
        messages = self._store.conversations.messages(message.conversation_id)
        if any(other.parent_id == message.id and other.text == text for other in messages):
            self._tasks.change_state(task.id, TaskState.DONE)  # the program died in between
            return
        self._store.conversations.append(
            message.conversation_id,
            Role.ASSISTANT,
            text,
            Author(AuthorKind.MODEL, "keepsake"),
            parent_id=message.id,
            status=MessageStatus.COMPLETE,
            private=run.private,
            drafts=passages_of_message(text),
        )
        self._tasks.change_state(task.id, TaskState.DONE)
        self._store.wake()


class _Unreadable(Exception):
    """A model gave no answer that can be read."""


def limits_of(plan: Plan) -> tuple[Limit, ...]:
    """Return the budget of a plan as limits of the conversation that its task has to itself."""
    amounts = {Unit.USD: plan.budget.usd * 1_000_000, Unit.TOKENS: plan.budget.tokens, Unit.WH: plan.budget.wh * 1000}
    return tuple(Limit(Window.CHAT, unit, round(amount)) for unit, amount in amounts.items() if amount)


def template_of(tool: Tool[Any], step: Step) -> str:
    """Return a hash of a tool and of what it is given for any item: another one is asked about anew."""
    told = json.dumps([tool.fingerprint, step.name, dict(step.arguments)], sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()


def next_window(window: Window, moment: datetime) -> datetime:
    """Return when the next day or month begins on this machine."""
    local = moment.astimezone().replace(hour=0, minute=0, second=0, microsecond=0)
    if window is Window.MONTH:
        local = (local.replace(day=1) + timedelta(days=32)).replace(day=1)
    else:
        local += timedelta(days=1)
    return local.replace(tzinfo=None).astimezone()


def _arguments(tool: Tool[Any], arguments: Mapping[str, str]) -> Any:
    """Return arguments in the form of a tool. Raises ToolError where they don't fit."""
    try:
        return tool.form.model_validate(_typed(arguments, tool))
    except ValidationError as error:
        first = error.errors()[0]
        raise ToolError(f"The arguments do not fit: {'.'.join(map(str, first['loc']))}: {first['msg']}.") from error


def _typed(arguments: Mapping[str, str], tool: Tool[Any]) -> dict[str, Any]:
    """Return arguments as a tool takes them: a number where it wants one."""
    properties = tool.spec.parameters.get("properties", {})
    typed: dict[str, Any] = dict(arguments)
    for name, text in arguments.items():
        kind = properties.get(name, {}).get("type")
        try:
            if kind == "integer":
                typed[name] = int(text)
            elif kind == "number":
                typed[name] = float(text)
            elif kind == "boolean":
                typed[name] = text.strip().lower() in ("true", "yes", "1")
        except ValueError:
            continue  # the tool says what is wrong with it
    return typed


def _form_of(step: Step) -> type[BaseModel]:
    from pydantic import create_model

    fields: dict[str, Any] = dict.fromkeys(step.columns, (bool | int | float | str | None, None))
    return create_model("Found", **fields)


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


async def _wait(stop: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return
