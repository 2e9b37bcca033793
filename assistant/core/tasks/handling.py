"""What a user does with tasks, whichever skin they do it in: create one, let it run, allow what it asks for."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

from assistant.core.asking import note_sent, require_model
from assistant.core.framing import plain_text
from assistant.core.tasks.drafting import draft_plan, split_list
from assistant.core.tasks.plan import Plan, Step, fill, read_plan, write_plan
from assistant.core.tasks.steps import arguments_of, template_of
from assistant.core.tools.tool import Bench, Effect, Tool, ToolError, use_tool
from assistant.display import excerpt, moment, plain
from assistant.language import N_, _
from assistant.llm.roles import ModelRole, Models
from memory_store import ItemState, StepOutcome, Store, Task, TaskItem, TaskState, TaskStep
from memory_store.errors import KeepsakeError, StoreError
from memory_store.models import USER, Author, AuthorKind, Message, Role

_TITLE_CHARS: Final = 60
STATES: Final = {
    TaskState.DRAFT: N_("draft"),
    TaskState.RUNNING: N_("running"),
    TaskState.PAUSED: N_("resting"),
    TaskState.DONE: N_("done"),
    TaskState.CANCELLED: N_("cancelled"),
}
"""What the states of a task are called."""
ITEM_STATES: Final = {
    ItemState.WAITING: N_("waiting"),
    ItemState.ASKING: N_("waiting for you"),
    ItemState.DONE: N_("done"),
    ItemState.FAILED: N_("failed"),
    ItemState.LEFT_OUT: N_("left out"),
}
"""What the states of an item are called."""
OUTCOMES: Final = {
    StepOutcome.ASKED: N_("waiting for you"),
    StepOutcome.ALLOWED: N_("allowed"),
    StepOutcome.BEGUN: N_("begun"),
    StepOutcome.UNCERTAIN: N_("perhaps done"),
    StepOutcome.DONE: N_("done"),
    StepOutcome.FAILED: N_("failed"),
    StepOutcome.REFUSED: N_("refused"),
}
"""What the outcomes of a step are called."""
_ASKED_CHARS: Final = 200
_GIVEN_CHARS: Final = 500


def store_wish(store: Store, wish: str, *, private: bool = False) -> Message:
    """Store what is wanted as the first message of a conversation of its own."""
    chat = store.conversations.start(excerpt(wish, _TITLE_CHARS))
    if private:
        store.conversations.mark(chat.id, private=True)
    message = store.conversations.append(chat.id, Role.USER, wish, USER, parent_id=None, private=private)
    store.wake()
    return message


async def draft_task(
    store: Store,
    models: Models,
    wish: str,
    tools: Sequence[Tool[Any]],
    items: Sequence[Mapping[str, str]] = (),
    *,
    private: bool,
) -> Task:
    """Have a model draft a task, and store it once there is a plan. Raises ModelError, and PlanError without a plan.

    Without `items`, a list that stands in the wish is taken for them as it is.
    """
    secret = private or await asyncio.to_thread(store.privacy.covers, wish)
    found = models.find(ModelRole.CHAT, private=secret)
    model = require_model(found, "can write a plan", "`keepsake model add`, or write it: docs/tasks.md.")
    asked, listed = (wish, items) if items else split_list(wish)
    await note_sent(store, model.info, ())  # it leaves whether a plan comes of it or not
    plan = await draft_plan(model, asked, tools, listed)
    message = await asyncio.to_thread(lambda: store_wish(store, wish, private=private))
    await note_sent(store, model.info, (message.id,))
    return await asyncio.to_thread(create_task, store, plan, message)


def create_task(store: Store, plan: Plan, message: Message) -> Task:
    """Store a draft, and name its conversation; one whose plan touches something private is private."""
    text = write_plan(plan)
    _keep_private(store, message.id, plan)
    store.conversations.rename(message.conversation_id, plan.title)
    return store.tasks.add(message.id, text, plan.keyed_items())


def _keep_private(store: Store, message_id: str, plan: Plan) -> None:
    asked = [text for step in plan.steps for text in (step.ask, *step.arguments.values())]
    listed = [text for item in plan.items for text in item.values()]
    text = "\n".join([plan.title, plan.wish, plan.report, *asked, *listed])
    if store.privacy.covers(text) and not store.conversations.is_private(message_id):
        store.conversations.mark(store.conversations.message(message_id).conversation_id, private=True)


def change_plan(store: Store, task: Task, text: str) -> Plan:
    """Take another text for the plan of a task.

    Raises PlanError, StoreError for one that is over, ChangedError where its plan is no longer as it was read.
    """
    plan = read_plan(text)
    _keep_private(store, task.message_id, plan)
    store.tasks.change_plan(task.id, text, plan.keyed_items(), read=task.plan)
    return plan


def let_run(store: Store, task: Task) -> Task:
    """Let a task run: a draft tries its first items, a trial that rested goes on as one, and any other with all.

    Raises StoreError where it is cancelled.
    """
    trial = task.only_first if task.state is TaskState.PAUSED else None
    if task.state is TaskState.DRAFT:
        trial = read_plan(task.plan).tried
    store.tasks.change_state(task.id, TaskState.RUNNING, only_first=trial)
    return store.tasks.get(task.id)


def let_rest(store: Store, task: Task) -> None:
    """Let a task rest; a trial goes on as one. Raises StoreError where it is over."""
    store.tasks.change_state(task.id, TaskState.PAUSED, only_first=task.only_first)


def try_again(store: Store, task: Task) -> int:
    """Have what failed or was left out worked on anew; return how much that is. Of one that rests no more is begun."""
    if task.state is TaskState.CANCELLED:
        raise StoreError("This task is cancelled.", "Make a new one with its plan.")
    begun = [at for at, item in enumerate(store.tasks.items(task.id), start=1) if item.state is not ItemState.WAITING]
    count = store.tasks.retry(task.id)
    if count:
        only_first = task.only_first or (max(begun) if task.state is TaskState.PAUSED else None)
        store.tasks.change_state(task.id, TaskState.RUNNING, only_first=only_first)
    return count


async def allow_alike(
    store: Store,
    task: Task,
    find: Callable[[Sequence[str]], Awaitable[Mapping[str, Tool[Any]]]],
    shown: Sequence[TaskStep],
) -> int:
    """Let steps that were shown, and those like them, be done for all items; return how many go on.

    Raises StoreError where the plan was changed since it was shown.
    """
    names = {json.loads(step.request).get("step") for step in shown}
    steps = [step for step in read_plan(task.plan).steps if step.name in names]
    tools = await find([step.tool for step in steps])
    alike = {step.name: template_of(tools[step.tool], step) for step in steps if step.tool in tools}
    return await asyncio.to_thread(store.tasks.allow_all, task, alike)


async def read_first(
    store: Store, plan: Plan, tools: Mapping[str, Tool[Any]], *, private: bool
) -> list[tuple[Step, str]]:
    """Do for the first item what only reads, up to the first step that does more; return what came of each."""
    bench = Bench(store, private, private, None, Author(AuthorKind.MODEL, "keepsake"), {}, 1, question=write_plan(plan))
    known = dict(plan.items[0])
    found: list[tuple[Step, str]] = []
    for step in plan.steps:
        tool = tools.get(step.tool)
        if tool is None or tool.effect is not Effect.READ:
            break
        try:
            arguments = arguments_of(tool, {name: fill(text, known) for name, text in step.arguments.items()})
            known[step.name] = plain_text(await use_tool(tool, bench, arguments))
        except (ToolError, KeepsakeError) as error:
            known[step.name] = str(error)
        found.append((step, known[step.name]))
    return found


def describe_state(task: Task, counts: Mapping[ItemState, int]) -> str:
    """Return how a task stands, on one line."""
    told = [
        _(STATES[task.state]),
        _("{done} of {total} done").format(done=counts.get(ItemState.DONE, 0), total=sum(counts.values())),
    ]
    if counts.get(ItemState.ASKING):
        told.append(_("{count} waiting for you").format(count=counts[ItemState.ASKING]))
    if counts.get(ItemState.FAILED):
        told.append(_("{count} failed").format(count=counts[ItemState.FAILED]))
    if counts.get(ItemState.LEFT_OUT):
        told.append(_("{count} left out").format(count=counts[ItemState.LEFT_OUT]))
    if task.state is TaskState.RUNNING and not {ItemState.WAITING, ItemState.ASKING} & counts.keys():
        told.append(_("the best are compared, the report is written"))
    if task.not_before is not None and task.state is TaskState.RUNNING:
        told.append(_("goes on at {time}").format(time=moment(task.not_before)))
    return ", ".join(told)


def describe_item(item: TaskItem, steps: Sequence[TaskStep]) -> list[str]:
    """Return how an item stands, with what was asked for in each of its steps and what came of it, a line each."""
    lines = [f"{plain(item.key, one_line=True)}: {_(ITEM_STATES[item.state])}"]
    for number, step in enumerate(steps, start=1):
        asked = json.loads(step.request)
        about = asked.get("with") or {name: asked[name] for name in ("ask", "first", "second") if name in asked}
        words = ", ".join(f"{name}: {value}" for name, value in about.items())
        lines.append(f"{number}. {_(OUTCOMES[step.outcome])}  {asked.get('step', '')}  {excerpt(words, _ASKED_CHARS)}")
        if step.result:
            lines.append(f"   {excerpt(step.result, _GIVEN_CHARS)}")
    return [*lines, plain(item.trouble, one_line=True)] if item.trouble else lines


def describe_question(item: TaskItem, step: TaskStep) -> str:
    """Return what the user is asked, with all that would be sent."""
    asked = json.loads(step.request)
    words = ", ".join(f"{name}: {plain(str(value), one_line=True)}" for name, value in asked.get("with", {}).items())
    told = f"{plain(item.key, one_line=True)} — {asked.get('tool') or asked.get('step', '')}: {words}"
    if step.outcome is StepOutcome.UNCERTAIN:
        return told + " " + _("It is not known whether this was done already.")
    return told
