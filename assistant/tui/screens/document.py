"""One document in place: its passages in their order, each with where it stands, a part of a long one at a time."""

from __future__ import annotations

from typing import ClassVar, Final

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from assistant.core.places import label_of
from assistant.display import plain
from assistant.failures import explain
from assistant.language import _, plural
from assistant.threads import in_thread
from assistant.tui import keymap
from assistant.tui.actions import READING_ACTIONS, bindings_of
from assistant.tui.widgets.flow import Flow
from memory_store import Store, StoredPassage
from memory_store.errors import KeepsakeError
from memory_store.models import Document

AT_ONCE: Final = 50


class DocumentScreen(Screen[None]):
    """Shows so many passages at once; keys go on and back."""

    DEFAULT_CSS = """
    DocumentScreen {
        background: $background;
        align-horizontal: center;
        & > #head { height: auto; max-height: 2; padding: 0 2; color: $foreground-muted; }
        & > VerticalScroll {
            height: 1fr;
            max-width: 104;
            margin: 1 0 0 0;
            padding: 0 2;
            scrollbar-size-vertical: 1;
            scrollbar-color: $panel-lighten-1;
            scrollbar-background: $background;
            scrollbar-background-hover: $background;
        }
        & .document--place { height: auto; color: $foreground-muted; }
        & .document--text { height: auto; margin: 0 0 1 0; padding: 0 0 0 1; border-left: outer $panel; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = bindings_of(READING_ACTIONS)

    def __init__(self, store: Store, document: Document) -> None:
        super().__init__()
        self._store = store
        self.document = document
        self._passages: list[StoredPassage] = []
        self._start = 0

    def compose(self) -> ComposeResult:
        """Show the title and the keys; the passages follow."""
        yield Static(id="head", markup=False)
        yield VerticalScroll()
        yield Flow(keymap.line(self.app, READING_ACTIONS), id="keys")

    def on_mount(self) -> None:
        """Read the passages beside the screen."""
        self._show_head("reading…")
        self.query_one(VerticalScroll).focus()
        self.run_worker(self._read(), exit_on_error=False)

    async def action_do(self, name: str) -> None:
        """Go on, back, or leave."""
        steps = {"later": AT_ONCE, "earlier": -AT_ONCE}
        if name == "back":
            self.dismiss(None)
        elif 0 <= self._start + steps[name] < len(self._passages):
            self._start += steps[name]
            await self._show()

    async def _read(self) -> None:
        try:
            self._passages = await in_thread(lambda: self._store.documents.passages(self.document.id))
        except KeepsakeError as error:
            self._show_head(" ".join(explain(error)))
            return
        await self._show()

    async def _show(self) -> None:
        shown = self._passages[self._start : self._start + AT_ONCE]
        widgets: list[Static] = []
        for passage in shown:
            place = plain(label_of(passage.locator), one_line=True)
            if place:
                widgets.append(Static(place, classes="document--place", markup=False))
            widgets.append(Static(plain(passage.text), classes="document--text", markup=False))
        parent = self.query_one(VerticalScroll)
        with self.app.batch_update():
            await parent.remove_children()
            await parent.mount_all(widgets)
        parent.scroll_home(animate=False)
        total = len(self._passages)
        if total > len(shown):
            self._show_head(
                _("passages {first:,} to {last:,} of {total:,}").format(
                    first=self._start + 1, last=self._start + len(shown), total=total
                )
            )
        else:
            self._show_head(plural("{count} passage", "{count} passages", total))

    def _show_head(self, count: str) -> None:
        title = plain(self.document.title, one_line=True) or _("Untitled")
        head = Content.assemble((title, "bold $primary"), ("   " + count, "$foreground-muted"))
        self.query_one("#head", Static).update(head)
