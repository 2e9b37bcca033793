"""The tasks screen: how each stands as it goes on, what it found, what it asks; let it run, rest, end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, ClassVar, Final

from rich.text import Text
from textual import on
from textual.binding import BindingType
from textual.content import Content
from textual.widgets import DataTable, Static

from assistant.core.conversation.costs import describe_total
from assistant.core.conversation.skin import Choice
from assistant.core.recipes.keeping import skill_of_plan
from assistant.core.tasks.handling import (
    ITEM_STATES,
    describe_item,
    describe_question,
    describe_state,
    let_rest,
    let_run,
    try_again,
)
from assistant.core.tasks.plan import Plan, plan_to_show
from assistant.core.tasks.results import cells_of, read_report, results_of, sort_results, sources_of
from assistant.display import moment, plain
from assistant.language import N_, NN_, _, plural
from assistant.threads import in_thread
from assistant.tui.actions import TASK_ACTIONS, bindings_of
from assistant.tui.screens.browser import Browser, facts
from memory_store import ItemState, Selection, Store, Task, TaskState, Window
from memory_store.errors import KeepsakeError

if TYPE_CHECKING:
    from assistant.core.conversation.controller import Controller

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
        &.-wide #detail { width: 2fr; }
        & #more DataTable { height: auto; max-height: 40; background: $background; }
    }
    """

    def __init__(self, controller: Controller, query: str = "") -> None:
        super().__init__(controller, query)
        self._by = ""  # the column that what was found is sorted by, with a - before it from its least
        self._steps_of: tuple[str, str] | None = None  # a task, and the item of it whose steps are shown

    def on_mount(self) -> None:
        """Look again and again."""
        self.set_interval(_LOOK_SECONDS, self._look)

    def read(self, store: Store) -> Sequence[TaskView]:
        """Return every task."""
        return [TaskView(task, plan_to_show(task.plan), store.tasks.counts(task.id)) for task in store.tasks.all()]

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
            (_("Because"), plain(item.task.trouble or "", one_line=True)),
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
        """Show what was found so far, what is asked, what went wrong, and what it took; or the steps of one item."""
        if self._steps_of is not None and self._steps_of[0] == item.task.id:
            await self._look_up_item(item, self._steps_of[1])
            return
        self._steps_of = None
        items = await in_thread(partial(self.store.tasks.items, item.task.id))
        questions = await in_thread(partial(self.store.tasks.questions, item.task.id))
        more: list[Static | DataTable[Text]] = []
        if questions:
            more.append(Static(_("Asked"), classes="detail--title"))
            lines = [describe_question(*question) for question in questions[:_MOST_TOLD]]
            more += [Static(line, classes="detail--inner", markup=False) for line in lines]
        if words := await in_thread(partial(read_report, self.store, item.task, item.plan)):
            more += [Static(_("Report"), classes="detail--title")]
            more += [Static(plain(words), classes="detail--inner", markup=False)]
        results = sort_results(items, self._by) if self._by.lstrip("-") in item.plan.columns else []
        results = results or results_of(item.plan, items)
        if results:
            table: DataTable[Text] = DataTable(cursor_type="row", show_cursor=False)
            for name in ("", *item.plan.columns):
                sign = "" if not name or name != self._by.lstrip("-") else " ▲" if self._by.startswith("-") else " ▼"
                table.add_column(name + sign, key=name)
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
        chat_id = (await in_thread(partial(self.store.conversations.message, item.task.message_id))).conversation_id
        spent = await in_thread(partial(self.store.ledger.spent, Window.CHAT, chat_id))
        if spent.requests:
            more += [Static(_("Took"), classes="detail--title"), Static(describe_total(spent), classes="detail--inner")]
        await self.add_detail(item, more=more)

    async def _look_up_item(self, item: TaskView, key: str) -> None:
        items = await in_thread(partial(self.store.tasks.items, item.task.id))
        found = next((entry for entry in items if entry.key == key), None)
        if found is not None:
            head, *lines = describe_item(found, await in_thread(partial(self.store.tasks.steps, found.id)))
            more = [Static(head, classes="detail--title", markup=False)]
            more += [Static(line, classes="detail--inner", markup=False) for line in lines]
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
        count = await in_thread(lambda: try_again(store, item.task))
        self.say(plural(*self._ITEMS, count) if count else _("Nothing failed."))
        self.reload()

    async def do_sort(self) -> None:
        """Sort what was found by the next column, each from its most and then from its least."""
        item = self.chosen
        if item is not None and item.plan.columns:
            orders = ["", *(sign + name for name in item.plan.columns for sign in ("", "-"))]
            at = orders.index(self._by) if self._by in orders else 0
            await self._sort(orders[(at + 1) % len(orders)])

    @on(DataTable.HeaderSelected)
    async def _head_clicked(self, event: DataTable.HeaderSelected) -> None:
        name = event.column_key.value or ""
        await self._sort(f"-{name}" if name and self._by == name else name)

    async def _sort(self, by: str) -> None:
        self._by, self._steps_of = by, None
        if self.chosen is not None:
            await self.look_up(self.chosen)

    async def do_item(self) -> None:
        """Show the steps of one of its items; the same key goes back to all that was found."""
        item = self.chosen
        if item is None:
            return
        if self._steps_of is None:
            items = await in_thread(partial(self.store.tasks.items, item.task.id))
            choices = [Choice(plain(entry.key, one_line=True), _(ITEM_STATES[entry.state]), entry) for entry in items]
            chosen = await self.controller.skin.choose(_("Steps of which item?"), choices)
            if chosen is None:
                return
            self._steps_of = (item.task.id, chosen.key)
        else:
            self._steps_of = None
        await self.look_up(item)

    async def do_change(self) -> None:
        """Change its plan in an editor."""
        item = self.chosen
        if item is None:
            return
        if await self.controller.tasks.change(item.task):
            self.say(_("The plan is changed."), kind="good")
            self.reload()

    async def do_cancel(self) -> None:
        """End it for good."""
        item = self.chosen
        if item is not None and item.task.state.has_ended:
            self.say(_("This task is over."))
        elif item is not None:
            await self.controller.tasks.cancel(item.task)
            self.reload()

    async def do_recipe(self) -> None:
        """Make a recipe of its plan; it is shown and kept as the user leaves it."""
        item = self.chosen
        if item is not None:
            message = await in_thread(partial(self.store.conversations.message, item.task.message_id))
            files, conversation_id = skill_of_plan(item.plan), message.conversation_id
            kept = await self.controller.recipes.offer(files, conversation_id=conversation_id)
            if kept is not None:
                self.say(_("Kept: {name}").format(name=kept.name), kind="good")

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
