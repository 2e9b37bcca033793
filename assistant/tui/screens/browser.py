"""What the screens that list what is stored share: a search field, the list, what is highlighted in full, the keys."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, ClassVar, Final, Generic, TypeVar, cast

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Input, Static

from assistant.failures import explain
from assistant.language import N_, NN_, _, plural
from assistant.threads import in_thread
from assistant.tui import keymap
from assistant.tui.actions import KeyAction
from assistant.tui.widgets.filter_line import FilterLine
from assistant.tui.widgets.flow import Flow
from assistant.tui.widgets.item_list import ItemList
from assistant.tui.widgets.notice import Notice
from assistant.tui.widgets.source_list import SourceLine, SourceOpened

if TYPE_CHECKING:
    from textual.worker import Worker

    from assistant.core.conversation.controller import Controller
    from assistant.core.conversation.skin import ReportKind
    from assistant.tui.sources import SourceView
    from memory_store import Store
    from memory_store.models import Selection

T = TypeVar("T")
R = TypeVar("R")
_WIDE_COLUMNS: Final = 90
_MOVES: Final = frozenset({"search", "details", "back"})


class Browser(Screen[R], Generic[T, R]):
    """A screen over all items of one kind. Subclasses say what the items are and what can be done with them.

    An action `x` of `ACTIONS` is done by the coroutine method `do_x`; a failure of it is told at the bottom.
    """

    TITLE: ClassVar[str] = ""
    NOUNS: ClassVar[tuple[str, str]] = NN_("{count} item", "{count} items")
    EMPTY: ClassVar[str] = N_("Nothing is here yet.")
    ACTIONS: ClassVar[tuple[KeyAction, ...]] = ()
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (_WIDE_COLUMNS, "-wide")]  # noqa: RUF012 — as Textual declares it
    DEFAULT_CSS = """
    Browser {
        background: $background;
        & > #head { height: 1; padding: 0 2; color: $foreground-muted; text-wrap: nowrap; text-overflow: ellipsis; }
        & > #search { margin: 0 1; padding: 0 1; border: none; height: 1; background: $surface; }
        & > #body { height: 1fr; margin: 1 0 0 0; }
        & #list { width: 1fr; height: 1fr; }
        & #detail {
            width: 1fr;
            height: 1fr;
            padding: 0 2;
            scrollbar-size-vertical: 1;
            scrollbar-color: $panel-lighten-1;
            scrollbar-background: $background;
            scrollbar-background-hover: $background;
        }
        & #detail Static { height: auto; }
        & #sources, & #more { height: auto; }
        & .detail--title { margin: 1 0 0 0; text-style: bold; }
        & .detail--inner { padding: 0 0 0 2; }
        & #detail:focus { background-tint: $primary 5%; }
        &.-wide > #body { layout: horizontal; }
        &.-wide #detail { border-left: vkey $panel; }
        &.-narrow > #body { layout: vertical; margin: 0; }
        &.-narrow #detail { border-top: hkey $panel; }
        & > Notice { margin: 0 1; max-height: 4; display: none; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("f1", "help", "Help", show=False)]

    def __init__(self, controller: Controller, query: str = "") -> None:
        super().__init__()
        self.controller = controller
        self._query = query
        self._all: list[tuple[str, T]] = []
        self.loaded = False
        self.found_inside: frozenset[str] = frozenset()  # identities of items that hold the words elsewhere

    # -- what a subclass says ----------------------------------------------------------------------------------

    @abstractmethod
    def read(self, store: Store) -> Sequence[T]:
        """Return every item in its order. Runs in a thread."""

    @abstractmethod
    def identity(self, item: T) -> str:
        """Return what an item is known by when the list is read again."""

    @abstractmethod
    def words(self, item: T) -> str:
        """Return the text that a search looks through."""

    @abstractmethod
    def line(self, item: T) -> Content:
        """Return the two lines of an item in the list."""

    @abstractmethod
    def detail(self, item: T) -> Content:
        """Return what is known of an item at once."""

    def fits(self, item: T) -> bool:
        """Say whether the filters let an item through."""
        return True

    async def look_up(self, item: T) -> None:
        """Fetch what more there is to say of the highlighted item, and show it with `add_detail`."""

    async def after_reading(self, items: Sequence[T]) -> None:
        """Look into what takes longer, once the items are listed; `redraw` shows what came of it."""

    # -- the frame ---------------------------------------------------------------------------------------------

    def compose(self) -> ComposeResult:
        """Show the field, the list, room for one item, and the keys."""
        yield Static(id="head", markup=False)
        field = Input(self._query, placeholder=_("Press / to search"), id="search", select_on_focus=False)
        field.cursor_blink = getattr(self.app, "blink", True)
        yield field
        yield FilterLine()
        with Container(id="body"):
            yield ItemList[T](self.line, id="list")
            with VerticalScroll(id="detail"):
                yield Static(id="text", markup=False)
                yield Vertical(id="sources")
                yield Vertical(id="more")
        yield Notice("")
        yield Flow(keymap.line(self.app, self.ACTIONS), id="keys")

    def on_mount(self) -> None:
        """Read the list."""
        self._show_head(_("reading…"))
        self.query_one(ItemList).focus()
        self.reload()

    @property
    def store(self) -> Store:
        """What is looked at."""
        return self.controller.store

    @property
    def list(self) -> ItemList[T]:
        """The list."""
        return cast("ItemList[T]", self.query_one("#list"))

    @property
    def chosen(self) -> T | None:
        """The highlighted item."""
        return self.list.highlighted

    def say(self, text: str, hint: str = "", kind: ReportKind = "info") -> None:
        """Tell something at the bottom, until the next thing is told."""
        if self.is_attached:
            notice = self.query_one(Notice)
            notice.display = bool(text)
            notice.show(text, hint, kind)

    # -- reading and narrowing ---------------------------------------------------------------------------------

    def reload(self, highlight: str = "") -> None:
        """Read the list again, beside the screen, and highlight the item of this identity, or the same as before."""
        if self.is_attached:
            self.beside(partial(self.reread, highlight), "reading")

    async def reread(self, highlight: str = "") -> None:
        """Read the list again, and return when it is shown."""
        store = self.store

        def read() -> list[tuple[str, T]]:
            return [(self.words(item).casefold(), item) for item in self.read(store)]

        self._all = await in_thread(read)
        if not self.is_attached:
            return  # left meanwhile
        self.loaded = True
        self.narrow(highlight)
        await self.after_reading([item for _, item in self._all])

    def narrow(self, highlight: str = "") -> None:
        """List what fits the words and the filters."""
        if not self.loaded:
            return
        now = self.chosen
        wanted = highlight or (self.identity(now) if now is not None else "")
        sought = self.query_one("#search", Input).value.casefold().split()
        shown = [item for words, item in self._all if self._holds(item, words, sought) and self.fits(item)]
        at = next((n for n, entry in enumerate(shown) if self.identity(entry) == wanted), 0)
        self.list.show(shown, at)
        count = plural(*self.NOUNS, len(self._all))
        self._show_head(
            count if len(shown) == len(self._all) else _("{shown:,} of {count}").format(shown=len(shown), count=count)
        )
        if not shown:
            self.query_one("#text", Static).update(Content(_("Nothing fits.") if self._all else _(self.EMPTY)))

    def _holds(self, item: T, words: str, sought: Sequence[str]) -> bool:
        return all(text in words for text in sought) or self.identity(item) in self.found_inside

    def redraw(self) -> None:
        """Draw the items that are listed and the highlighted one again, because more is known of them."""
        if self.is_attached:
            self.list.redraw()
            if self.chosen is not None:
                self.query_one("#text", Static).update(self.detail(self.chosen))

    def _show_head(self, count: str) -> None:
        head = Content.assemble((_(self.TITLE), "bold $primary"), ("   " + count, "$foreground-muted"))
        self.query_one("#head", Static).update(head)

    @on(Input.Changed, "#search")
    def _typed(self) -> None:
        self.narrow()

    @on(Input.Submitted, "#search")
    def _searched(self) -> None:
        self.list.focus()

    @on(ItemList.Moved)
    async def _moved(self) -> None:
        item = self.chosen
        await self.query_one("#sources").remove_children()
        await self.query_one("#more").remove_children()
        self.query_one("#detail").scroll_home(animate=False)
        if item is not None:
            self.query_one("#text", Static).update(self.detail(item))
        self.beside(partial(self._look_up, item), "detail")

    async def _look_up(self, item: T | None) -> None:
        if item is not None:
            await self.look_up(item)

    def beside(self, work: Callable[[], Awaitable[None]], group: str) -> None:
        """Do something beside the screen, in place of what is still going on in the same group."""

        async def run() -> None:
            await self.guarded(work)

        _: Worker[None] = self.run_worker(run, group=group, exclusive=True, exit_on_error=False)

    async def add_detail(self, item: T, sources: Sequence[SourceView] = (), more: Sequence[Widget] = ()) -> None:
        """Show sources and what else was found of an item, if it is still the highlighted one."""
        if self.is_attached and self.chosen is item:
            title = Static(_("Sources"), classes="detail--title")
            shown: dict[str, Sequence[Widget]] = {
                "#sources": [title, *map(SourceLine, sources)] if sources else [],
                "#more": list(more),
            }
            for place, widgets in shown.items():
                holder = self.query_one(place)
                await holder.remove_children()
                await holder.mount_all(widgets)

    async def erase(self, selection: Selection) -> None:
        """Erase, after asking, and tell what came of it here and in the chat."""
        if self.controller.is_answering:
            self.say(_("The answer is still coming."), _("Nothing is erased while it does."), "warning")
            return
        erased, told = await self.controller.eraser.erase(selection)
        self.say(told.text, told.hint, told.kind)
        if erased:
            await self.controller.skin.tell(told)
            self.reload()

    # -- keys --------------------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Leave the search's own key to the field while it is being typed in."""
        return action != "do" or parameters != ("search",) or self.focused is not self.query_one("#search")

    async def action_do(self, name: str) -> None:
        """Do an action by its name: moves at once, others beside the screen, to their end even if it is left."""

        async def run() -> None:
            await self.guarded(getattr(self, f"do_{name}"))

        if name in _MOVES:
            await run()  # the next key belongs to where this one leads
        else:
            _: Worker[None] = self.app.run_worker(run, name=name, exit_on_error=False)

    async def guarded(self, work: Callable[[], Awaitable[None]]) -> None:
        """Do something; a failure of it is told at the bottom."""
        try:
            await work()
        except Exception as error:  # noqa: BLE001 — a person is told, the screen stays
            self.say(*explain(error), "error")

    @on(ItemList.Taken)
    async def _taken(self) -> None:
        await self.action_do(next((action.name for action in self.ACTIONS if action.key == "enter"), "details"))

    async def do_details(self) -> None:
        """Go to the first source, or to the text."""
        self.query_one("#detail").focus()

    async def do_search(self) -> None:
        """Go to the search field."""
        self.set_focus(self.query_one("#search"))  # now; `focus()` would wait for its turn, and the next key would not

    async def do_back(self) -> None:
        """Go back a step: from the details to the list, from a search to everything, from the list to the chat."""
        field = self.query_one("#search", Input)
        if self.list.has_focus and not field.value:
            self.dismiss(None)
            return
        if field.has_focus or self.list.has_focus:
            field.value = ""
        self.list.focus()

    async def on_source_opened(self, event: SourceOpened) -> None:
        """Open a source in place."""
        from assistant.tui.screens.source import SourceScreen

        event.stop()
        await self.app.push_screen(SourceScreen(self.store, event.source))

    def key_down(self) -> None:
        """Go from the field to the list."""
        if self.query_one("#search").has_focus:
            self.list.focus()

    async def action_help(self) -> None:
        """List the keys and commands."""
        from assistant.tui.screens.help import HelpScreen

        await self.app.push_screen(HelpScreen())


def facts(known: Sequence[tuple[str, str]]) -> Content:
    """Return what is known of an item, a line each: its name, its value; those without a value are left out."""
    lines = [Content.assemble((f"{name:<10}", "$foreground-muted"), value) for name, value in known if value]
    return Content("\n").join(lines)
