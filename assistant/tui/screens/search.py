"""A search over everything that is remembered; a hit opens in place."""

from __future__ import annotations

from typing import Final

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from assistant.core.relevance import worth_telling
from assistant.display import excerpt
from assistant.failures import explain
from assistant.language import _, plural
from assistant.threads import in_thread
from assistant.tui.screens.dialog import Dialog
from assistant.tui.screens.source import SourceScreen
from assistant.tui.sources import SourceView, of_hit
from memory_store import Store
from memory_store.errors import KeepsakeError
from memory_store.models import Hit

_HITS: Final = 20
_EXCERPT_CHARS: Final = 160


class SearchScreen(Dialog[None]):
    """Searches as soon as Enter is pressed; Enter on a hit opens it."""

    def __init__(self, store: Store, query: str = "") -> None:
        super().__init__()
        self._store = store
        self._query_text = query
        self.hits: list[SourceView] = []

    def compose(self) -> ComposeResult:
        """Show a field and room for the hits."""
        with Vertical(classes="dialog"):
            yield Static(_("Search what is remembered"), classes="dialog--title", markup=False)
            field = Input(self._query_text, placeholder=_("Words or a question, then Enter"))
            field.cursor_blink = getattr(self.app, "blink", True)
            yield field
            yield OptionList()
            yield Static(_("Enter searches or opens, Esc closes"), classes="dialog--hint", markup=False)

    def on_mount(self) -> None:
        """Search at once for what was given with the command."""
        if self._query_text:
            self._start(self._query_text)

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        if event.value.strip():
            self._start(event.value)

    def _start(self, query: str) -> None:
        self.run_worker(self._search(query), exclusive=True, exit_on_error=False)

    async def _search(self, query: str) -> None:
        hint = self.query_one(".dialog--hint", Static)
        hint.update(_("Searching…"))
        try:
            found = await in_thread(lambda: self._store.recall(query, _HITS))
        except KeepsakeError as error:
            hint.update(Content(" ".join(explain(error))))
            return
        self.hits = [of_hit(hit) for hit in found]
        options = self.query_one(OptionList)
        options.clear_options()
        options.add_options([Option(_line(view)) for view in self.hits])
        if self.hits:
            options.highlighted = 0
            options.focus()
        hint.update(" ".join([_outcome(found), _("Enter opens, Esc closes")]))

    @on(OptionList.OptionSelected)
    async def _selected(self, event: OptionList.OptionSelected) -> None:
        await self.app.push_screen(SourceScreen(self._store, self.hits[event.option_index]))


def _outcome(hits: list[Hit]) -> str:
    if not hits:
        return _("Nothing was found.")
    if not worth_telling(hits):
        return _("Nothing fits that; this is what lies nearest.")
    return plural("{count} hit.", "{count} hits.", len(hits))


def _line(source: SourceView) -> Content:
    place = f"  {source.place}" if source.place else ""
    return Content.assemble(
        (source.title, "bold"),
        (place, "$foreground-muted"),
        "\n",
        (excerpt(source.text, _EXCERPT_CHARS), "$foreground-muted"),
        "\n",
    )
