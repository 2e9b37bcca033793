"""The tasks screen: how each stands as it goes on, what it found, what it asks; let it run, rest, end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar, Final

from rich.text import Text
from textual.binding import BindingType
from textual.content import Content
from textual.widgets import DataTable, Static

from assistant.core.tasks.handling import (
    change_plan,
    describe_question,
    describe_state,
    let_rest,
    let_run,
    try_again,
)
from assistant.core.tasks.plan import Plan, read_plan
from assistant.core.tasks.results import cells_of, results_of, sources_of
from assistant.display import moment, plain
from assistant.language import N_, NN_, _, plural
from assistant.threads import in_thread
from assistant.tui.actions import TASK_ACTIONS, bindings_of
from assistant.tui.screens.browser import Browser, facts
from memory_store import ItemState, Selection, Store, Task, TaskState
from memory_store.errors import KeepsakeError

_LOOK_SECONDS: Final = 1.0
_MOST_ROWS: Final = 200
_MOST_TOLD: Final = 20


@dataclass(frozen=True, slots=True)
class TaskView:
    """A task as it stands: its plan, and how many of its items stand where."""

    task: Task
    plan: Plan
    counts: Mapping[ItemState, int]


class TasksScreen(Browser[TaskView, None]):
    """All tasks, the latest first; what goes on shows by itself."""

    TITLE = N_("Tasks")
    NOUNS = NN_("{count} task", "{count} tasks")
    EMPTY = N_("There are no tasks yet: /task and what is to be done drafts one.")
    ACTIONS = TASK_ACTIONS
    BINDINGS: ClassVar[list[BindingType]] = bindings_of(TASK_ACTIONS)
    DEFAULT_CSS = """
    TasksScreen {
        & #more DataTable { height: auto; max-height: 40; background: $background; }
    }
    """

    def on_mount(self) -> None:
        """Look again and again."""
        self.set_interval(_LOOK_SECONDS, self._look)

    def read(self, store: Store) -> Sequence[TaskView]:
        """Return every task."""
        return [TaskView(task, read_plan(task.plan), store.tasks.counts(task.id)) for task in store.tasks.all()]

    def identity(self, item: TaskView) -> str:
        """Return its id."""
        return item.task.id

    def words(self, item: TaskView) -> str:
        """Return its title and the names of its items."""
        return " ".join((item.plan.title, *(entry["name"] for entry in item.plan.items)))

    def line(self, item: TaskView) -> Content:
        """Return its title, and how it stands."""
        colour = "$warning" if item.counts.get(ItemState.ASKING) else "$foreground-muted"
        told = describe_state(item.task, item.counts)
        return Content.assemble(plain(item.plan.title, one_line=True), (f"\n{told}", colour))

    def detail(self, item: TaskView) -> Content:
        """Return how it stands, and its steps."""
        total, ended = sum(item.counts.values()), sum(item.counts.get(state, 0) for state in _ENDED)
        known = [
            (_("Stands"), describe_state(item.task, item.counts)),
            ("", _bar(ended, total)),
            (_("Trouble"), plain(item.task.trouble or "", one_line=True)),
            (_("Begun"), moment(item.task.made_at)),
            (_("Ended"), moment(item.task.ended_at) if item.task.ended_at else ""),
        ]
        steps = [
            f"{number}. {plain(step.tool or step.ask, one_line=True)}"
            for number, step in enumerate(item.plan.steps, start=1)
        ]
        return Content.assemble(
            (plain(item.plan.title, one_line=True), "bold"), "\n\n", facts(known), "\n\n", "\n".join(steps)
        )

    async def look_up(self, item: TaskView) -> None:
        """Show what was found so far, what is asked, and what went wrong."""
        items = await in_thread(partial(self.store.tasks.items, item.task.id))
        questions = await in_thread(partial(self.store.tasks.questions, item.task.id))
        more: list[Static | DataTable[Text]] = []
        if questions:
            more.append(Static(_("Asked"), classes="detail--title"))
            lines = [describe_question(*question) for question in questions[:_MOST_TOLD]]
            more += [Static(line, classes="detail--inner", markup=False) for line in lines]
        results = results_of(item.plan, items)
        if results:
            table: DataTable[Text] = DataTable(cursor_type="row", show_cursor=False)
            table.add_columns("", *item.plan.columns)
            for result in results[:_MOST_ROWS]:
                table.add_row(*map(Text, cells_of(item.plan, result)))
            more += [Static(_("Found"), classes="detail--title"), table]
            sources = await in_thread(partial(sources_of, self.store, item.task, item.plan, results[:_MOST_ROWS]))
            more += [Static(line, classes="detail--inner", markup=False) for line in sources]
        failed = [f"{entry.key}: {entry.trouble}" for entry in items if entry.state is ItemState.FAILED]
        if failed:
            more.append(Static(_("Failed"), classes="detail--title"))
            shown = [plain(line, one_line=True) for line in failed[:_MOST_TOLD]]
            more += [Static(line, classes="detail--inner", markup=False) for line in shown]
        await self.add_detail(item, more=more)

    async def _look(self) -> None:
        """Show what has changed meanwhile; nothing is drawn anew where nothing has."""
        shown = {item.task.id: (item.task, item.counts) for item in self.list.items}
        tasks = self.store.tasks
        try:  # without reading the plans, which may be long
            now = await in_thread(lambda: {task.id: (task, tasks.counts(task.id)) for task in tasks.all()})
        except KeepsakeError:
            return  # busy, or closed: the next look tells
        if self.loaded and self.is_attached and now != shown and not self._query:
            await self.reread()
            self.redraw()
            if self.chosen is not None:
                await self.look_up(self.chosen)

    # -- actions -----------------------------------------------------------------------------------------------

    async def do_run(self) -> None:
        """Let it run, or rest."""
        item, store = self.chosen, self.store
        if item is None:
            return
        task = item.task
        if task.state is TaskState.RUNNING:
            await in_thread(lambda: let_rest(store, task))
            self.say(_("It rests; what is under way ends."))
        else:
            await in_thread(lambda: let_run(store, task))
            self.say(_("It runs in the background; a notice says when it is done or asks."), kind="good")
        self.reload()

    async def do_answer(self) -> None:
        """Answer what it asks."""
        if self.chosen is not None:
            await self.controller.tasks.ask(self.chosen.task)
            self.reload()

    async def do_retry(self) -> None:
        """Try again what failed or was left out."""
        item, store = self.chosen, self.store
        if item is None:
            return
        self.say(plural(*self._ITEMS, await in_thread(lambda: try_again(store, item.task))))
        self.reload()

    async def do_change(self) -> None:
        """Change its plan in an editor."""
        item = self.chosen
        if item is None:
            return
        text = await self.controller.skin.edit(item.task.plan, "plan.toml")
        if text is not None and text != item.task.plan:
            await in_thread(lambda: change_plan(self.store, item.task, text))
            self.say(_("The plan is changed."), kind="good")
            self.reload()

    async def do_cancel(self) -> None:
        """End it for good."""
        item = self.chosen
        if item is not None and item.task.state not in (TaskState.DONE, TaskState.CANCELLED):
            await in_thread(partial(self.store.tasks.change_state, item.task.id, TaskState.CANCELLED))
            self.reload()

    async def do_forget(self) -> None:
        """Erase it with its conversation, after asking."""
        if self.chosen is not None:
            message = await in_thread(partial(self.store.conversations.message, self.chosen.task.message_id))
            await self.erase(Selection((message.conversation_id,)))

    _ITEMS: ClassVar[tuple[str, str]] = NN_("{count} item is tried again", "{count} items are tried again")


_ENDED: Final = (ItemState.DONE, ItemState.FAILED, ItemState.LEFT_OUT)


def _bar(ended: int, total: int) -> str:
    """Return how much is done as a bar of twenty signs."""
    full = round(20 * ended / total) if total else 0
    return f"{'█' * full}{'░' * (20 - full)} {ended}/{total}"
