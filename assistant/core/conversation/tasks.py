"""Long tasks in a conversation: a plan from a sentence, what was found, what is asked, and how it goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from enum import Enum, auto
from functools import partial
from typing import Final, Literal

from assistant.core.conversation.skin import Choice, Report, Skin
from assistant.core.conversation.stopping import unless_stopped
from assistant.core.tasks.handling import (
    STATES,
    allow_alike,
    change_plan,
    describe_question,
    describe_state,
    draft_task,
    let_rest,
    let_run,
    try_again,
)
from assistant.core.tasks.plan import Plan, PlanError, limits_of, plan_to_show, read_plan
from assistant.core.tasks.results import build_report, read_report, results_of, sources_of
from assistant.core.tools.toolbox import Toolbox
from assistant.display import excerpt, plain
from assistant.language import N_, NN_, _, plural
from assistant.llm.roles import Models
from assistant.threads import in_thread
from memory_store import ItemState, StepOutcome, Store, Task, TaskStanding, TaskState, amount_text
from memory_store.errors import ChangedError, KeepsakeError, NotFoundError, StoreError

_TITLE_CHARS: Final = 60
_WISH_CHARS: Final = 400
_MOST_TOLD: Final = 3
_AT_ONCE: Final = NN_("{count} at once", "{count} at once")
_ITEMS: Final = NN_("{count} item", "{count} items")


class _Deed(Enum):
    """What may be done with a task."""

    SHOW = auto()
    ANSWER = auto()
    RUN = auto()
    PAUSE = auto()
    RETRY = auto()
    CHANGE = auto()
    CANCEL = auto()


_DEEDS: Final = {
    _Deed.SHOW: N_("Show what was found"),
    _Deed.ANSWER: N_("Answer what it asks"),
    _Deed.PAUSE: N_("Let it rest"),
    _Deed.RETRY: N_("Try again what failed"),
    _Deed.CHANGE: N_("Change the plan"),
    _Deed.CANCEL: N_("End it for good"),
}


class TaskDesk:
    """What a user does with tasks beside a conversation; another thread or program works on them."""

    def __init__(self, store: Store, skin: Skin, toolbox: Toolbox) -> None:
        self._store = store
        self._skin = skin
        self._toolbox = toolbox
        self.stop: asyncio.Event | None = None
        """Ends the drafting of a plan once it is set; None while none is drafted."""
        self._known: dict[str, TaskStanding] | None = None

    async def plan(self, wish: str, models: Models, *, private: bool) -> None:
        """Have a model draft a plan for a wish, show it, and let its first items be tried where the user agrees."""
        if not wish.strip():
            self._skin.remark(_("Say behind /task what is to be done, and for what."))
            return
        await self._skin.tell(Report(_("To be planned: {wish}").format(wish=excerpt(wish, _WISH_CHARS))))
        self._skin.show_activity(_("planning…"))
        self.stop = asyncio.Event()
        draft = draft_task(self._store, models, wish, self._toolbox.own, private=private)
        try:
            task = await unless_stopped(draft, self.stop)
        except KeepsakeError as error:
            await self._skin.tell(Report(error.message, error.hint, "error"))
            return
        finally:
            self.stop = None
            self._skin.show_activity()
        if task is None:
            self._skin.remark(_("Nothing was planned."))
        else:
            await self.offer(task)

    async def offer(self, task: Task) -> None:
        """Show a draft, and ask what is to become of it."""
        plan = read_plan(task.plan)
        tried = min(plan.trial, len(plan.items)) or len(plan.items)
        choices = [
            Choice(_("Leave it as a draft"), "", None),
            Choice(plural(*_TRY, tried) if tried < len(plan.items) else _run_words(task), "", _Deed.RUN),
            Choice(_(_DEEDS[_Deed.CHANGE]), "", _Deed.CHANGE),
        ]
        asked = _("What shall become of this plan?")
        chosen = await self._skin.choose(f"{_describe_plan(plan)}\n\n{asked}", choices)
        if chosen is None:
            await self._skin.tell(Report(_("A draft: {title}").format(title=_title(task)), _("/tasks has all tasks.")))
        else:
            await self._do(task, chosen)

    async def manage(self) -> None:
        """Let the user choose a task, and what to do with it."""
        tasks = await in_thread(self._store.tasks.all)
        if not tasks:
            self._skin.remark(_("There are no tasks yet: /task and what is to be done drafts one."))
            return
        choices = await in_thread(partial(self._choices, tasks))
        task = await self._skin.choose(_("Tasks"), choices)
        if task is None:
            return
        counts = await in_thread(lambda: self._store.tasks.counts(task.id))
        deeds = [Choice(_run_words(task), "", _Deed.RUN)] if task.state in (TaskState.DRAFT, TaskState.PAUSED) else []
        allowed = {
            _Deed.SHOW: True,
            _Deed.ANSWER: bool(counts.get(ItemState.ASKING)),
            _Deed.PAUSE: task.state is TaskState.RUNNING,
            _Deed.RETRY: bool(counts.get(ItemState.FAILED) or counts.get(ItemState.LEFT_OUT)),
            _Deed.CHANGE: not task.state.has_ended,
            _Deed.CANCEL: not task.state.has_ended,
        }
        shown = [Choice(_(_DEEDS[deed]), "", deed) for deed, may in allowed.items() if may]
        deed = await self._skin.choose(_title(task), [shown[0], *deeds, *shown[1:]])
        if deed is not None:
            await self._do(task, deed)

    def _choices(self, tasks: Sequence[Task]) -> list[Choice[Task]]:
        return [Choice(_title(task), self._describe(task), task) for task in tasks]

    async def _do(self, task: Task, deed: _Deed) -> None:
        tasks = self._store.tasks
        try:
            match deed:
                case _Deed.SHOW:
                    await self._show(task)
                case _Deed.ANSWER:
                    await self.ask(task)
                case _Deed.RUN:
                    await in_thread(lambda: let_run(self._store, task))
                    self._skin.remark(_("It runs in the background; a notice says when it is done or asks."))
                case _Deed.PAUSE:
                    await in_thread(lambda: let_rest(self._store, task))
                    self._skin.remark(_(STATES[TaskState.PAUSED]))
                case _Deed.CANCEL:
                    if await self.cancel(task):
                        self._skin.remark(_(STATES[TaskState.CANCELLED]))
                case _Deed.RETRY:
                    self._skin.remark(plural(*_ITEMS, await in_thread(lambda: try_again(self._store, task))))
                case _Deed.CHANGE:
                    if await self.change(task) and task.state is TaskState.DRAFT:
                        await self.offer(await in_thread(lambda: tasks.get(task.id)))
        except KeepsakeError as error:
            await self._skin.tell(Report(error.message, error.hint, "error"))

    async def change(self, task: Task) -> bool:
        """Have the user edit a plan, again where it can't be followed, so that nothing they wrote is lost; return
        whether it is another one. Raises StoreError for a task that is over, before anything is written."""
        task = await in_thread(partial(self._store.tasks.get, task.id))
        if task.state.has_ended:
            hint = _("`keepsake task show {task} --plan` prints it, `keepsake task new --plan FILE` makes a new one.")
            raise StoreError(_("This task is over, and its plan stays as it is."), hint.format(task=task.id[:8]))
        text = await self._skin.edit(task.plan, "plan.toml")
        while text is not None and text != task.plan:
            try:
                await in_thread(partial(change_plan, self._store, task, text))
            except (PlanError, ChangedError) as error:
                if isinstance(error, ChangedError):
                    task = await in_thread(partial(self._store.tasks.get, task.id))
                choices = [Choice(_("Edit it again"), "", True), Choice(_("Leave the plan as it was"), "", False)]
                if not await self._skin.choose(error.message, choices):
                    return False
                text = await self._skin.edit(text, "plan.toml")
            else:
                return True
        return False

    async def cancel(self, task: Task) -> bool:
        """End a task for good, after asking; return whether it is."""
        choices = [Choice(_("No"), "", False), Choice(_("Yes, it never goes on"), "", True)]
        if not await self._skin.choose(_("End “{title}” for good?").format(title=_title(task)), choices):
            return False
        await in_thread(partial(self._store.tasks.change_state, task.id, TaskState.CANCELLED))
        return True

    async def _show(self, task: Task) -> None:
        plan = plan_to_show(task.plan)
        items = await in_thread(lambda: self._store.tasks.items(task.id))
        results = results_of(plan, items)
        failed = [item for item in items if item.state is ItemState.FAILED][:_MOST_TOLD]
        lines = [self._describe(task), task.trouble or "", *(f"{item.key}: {item.trouble}" for item in failed)]
        hint = "\n".join(plain(line, one_line=True) for line in lines if line)
        text = build_report(plan, results) if results else _describe_plan(plan)
        sources = await in_thread(lambda: sources_of(self._store, task, plan, results))
        words = await in_thread(lambda: read_report(self._store, task, plan))
        text = "\n".join([text, "", *sources]) if sources else text
        text = f"{words}\n\n{text}".strip()
        await self._skin.tell(Report(text, hint))

    async def ask(self, task: Task) -> None:
        """Ask about one item after the other, until the user has had enough or allows all that is alike."""
        questions = await in_thread(lambda: self._store.tasks.questions(task.id))
        for number, (item, step) in enumerate(questions, start=1):
            answers: list[Choice[StepOutcome | Literal["alike"]]] = [
                Choice(_("No"), "", StepOutcome.REFUSED),
                Choice(_("Yes, this once"), "", StepOutcome.ALLOWED),
                Choice(_("It was done already"), "", StepOutcome.DONE),
            ]
            if step.outcome is StepOutcome.ASKED:
                answers.append(Choice(_("Yes, and all like it"), "", "alike"))
            may = _("{number} of {total}: may this be done?").format(number=number, total=len(questions))
            chosen = await self._skin.choose(f"{describe_question(item, step)}\n{may}", answers)
            if chosen is None:
                return
            if not isinstance(chosen, StepOutcome):
                count = await allow_alike(self._store, task, self._toolbox.find, [step])
                self._skin.remark(plural(*_ITEMS, count))
                return
            await in_thread(partial(self._store.tasks.answer, step, chosen))

    def _describe(self, task: Task) -> str:
        return describe_state(task, self._store.tasks.counts(task.id))

    async def tell_changes(self) -> list[str]:
        """Tell of tasks that have ended, rest, wait or ask since the last look, at the first of those that ask; return
        what was told.

        Of what is private it has no words: it may be shown where others look.
        """
        found = await in_thread(self._store.tasks.standings)
        known, self._known = self._known, found
        told: list[str] = []
        for identifier, standing in found.items():
            before = replace(standing, asks=False) if known is None else known.get(identifier)
            if before is None or before == standing or standing.state is TaskState.DRAFT:
                continue
            with suppress(NotFoundError):  # erased meanwhile
                task = await in_thread(partial(self._store.tasks.get, identifier))
                kind, words = await in_thread(partial(self._change_of, task))
                if words:
                    text = f"“{_title(task)}”: {words}"
                    private = await in_thread(partial(self._store.conversations.is_private, task.message_id))
                    told.append(_("A private task has ended, or asks something.") if private else text)
                    await self._skin.tell(Report(text, _("/tasks shows it."), "good" if kind else "warning"))
        return told

    def _change_of(self, task: Task) -> tuple[bool, str]:
        """Return whether it is good news, and what there is to say."""
        counts = self._store.tasks.counts(task.id)
        if task.state is TaskState.DONE:
            return True, self._describe(task)
        if task.trouble:
            return False, plain(task.trouble, one_line=True)
        if task.state is TaskState.RUNNING and counts.get(ItemState.ASKING):
            return False, _("{count} waiting for you").format(count=counts[ItemState.ASKING])
        return False, ""


_TRY: Final = NN_("Try the first {count}", "Try the first {count}")


def _run_words(task: Task) -> str:
    return _("Try it") if task.state is TaskState.DRAFT else _("Let it go on")


def _title(task: Task) -> str:
    return excerpt(plain(plan_to_show(task.plan).title, one_line=True), _TITLE_CHARS)


def _describe_plan(plan: Plan) -> str:
    """Return a plan for a person: its steps, with what each does, and how many items there are."""
    lines = [plain(plan.title, one_line=True)]
    for number, step in enumerate(plan.steps, start=1):
        given = ", ".join(f"{name}: {value}" for name, value in step.arguments.items())
        looks = f" ({', '.join(step.tools)})" if step.tools else ""
        what = f"{step.tool}({given})" if step.tool else f"{step.ask}{looks} → {', '.join(step.columns)}"
        lines.append(f"{number}. {plain(what, one_line=True)}")
    in_the_end = [plan.judge.ask] if plan.judge else []
    lines += [f"→ {plain(asked, one_line=True)}" for asked in (*in_the_end, plan.report) if asked]
    names = ", ".join(item["name"] for item in plan.items[:_MOST_TOLD])
    more = " …" if len(plan.items) > _MOST_TOLD else ""
    lines.append(f"{plural(*_ITEMS, len(plan.items))}: {plain(names, one_line=True)}{more}")
    budget = ", ".join(amount_text(most.unit, most.amount) for most in limits_of(plan))
    limit = _("at most {budget}").format(budget=budget) if budget else _("no budget of its own")
    lines.append(f"{plural(*_AT_ONCE, plan.workers)}, {limit}")
    if any(step.tool for step in plan.steps):
        lines.append(_("What sends or changes something asks you first."))
    return "\n".join(lines)
