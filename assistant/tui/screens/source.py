"""A source in place: the passage with its neighbours, where it is from, who made it, why it was found."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Static

from assistant.display import day, main_signals, plain
from assistant.language import _
from assistant.threads import in_thread
from assistant.tui import keymap
from assistant.tui.actions import SOURCE_ACTIONS
from assistant.tui.screens.dialog import Dialog
from assistant.tui.sources import SourceView
from memory_store import Store
from memory_store.errors import NotFoundError
from memory_store.models import SourceKind


class SourceScreen(Dialog[str | None]):
    """Shows one source; for a passage of a document also what stands before and after it.

    Returns the name of the action that is wanted, for a source that can be judged; None if it was closed.
    """

    DEFAULT_CSS = """
    SourceScreen {
        & .source--facts { height: auto; color: $foreground-muted; margin: 0 0 1 0; }
        & VerticalScroll { height: auto; max-height: 26; scrollbar-size-vertical: 1; }
        & VerticalScroll > Static { height: auto; margin: 0 0 1 0; }
        & .dialog--hint { margin: 0; }
        & .source--passage { padding: 0 1; border-left: outer $accent; }
        & .source--neighbour { padding: 0 1; border-left: outer $surface; color: $foreground-muted; }
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(action.key, f"judge('{action.name}')", action.summary, show=False, id=action.full_name)
        for action in SOURCE_ACTIONS
    ]

    def __init__(self, store: Store, source: SourceView, *, judgeable: bool = False) -> None:
        super().__init__()
        self._judgeable = judgeable
        self._store = store
        self.source = source

    def compose(self) -> ComposeResult:
        """Show what is known already; the neighbours follow."""
        number = f"[{self.source.number}] " if self.source.number is not None else ""
        with Vertical(classes="dialog"):
            yield Static(number + self.source.title, classes="dialog--title", markup=False)
            yield Static(facts(self.source), classes="source--facts", markup=False)
            with VerticalScroll():
                if self.source.passage_id is None:
                    yield Static(_("This passage was erased; the answer that cites it is left."), markup=False)
                else:
                    yield Static(self.source.text, classes="source--passage", markup=False)
            yield Static(self._hint(), classes="dialog--hint", markup=False)

    def _hint(self) -> str:
        actions = SOURCE_ACTIONS if self._judgeable else ()
        keys = [f"{keymap.shown(self.app, action.full_name, action.key)} {_(action.label)}" for action in actions]
        return " · ".join([*keys, _("Esc closes")])

    def action_judge(self, name: str) -> None:
        """Close with what is wanted."""
        if self._judgeable:
            self.dismiss(name)

    async def on_mount(self) -> None:
        """Fetch the neighbours beside the screen."""
        if self.source.kind is SourceKind.DOCUMENT:
            self.run_worker(self._show_neighbours(), exit_on_error=False)

    async def _show_neighbours(self) -> None:
        try:
            before, after = await in_thread(self._neighbours)
        except NotFoundError:
            return  # the document was erased meanwhile; its passage is shown as the answer saw it
        passage = self.query_one(".source--passage")
        parent = self.query_one(VerticalScroll)
        if before:
            await parent.mount(Static(before, classes="source--neighbour", markup=False), before=passage)
        if after:
            await parent.mount(Static(after, classes="source--neighbour", markup=False), after=passage)
        passage.scroll_visible(top=True, animate=False)

    def _neighbours(self) -> tuple[str, str]:
        """Return the texts before and after the passage; empty at the document's ends."""
        passages = self._store.documents.passages(self.source.source_id)
        at = next((n for n, passage in enumerate(passages) if passage.id == self.source.passage_id), None)
        if at is None:
            return "", ""
        before = plain(passages[at - 1].text) if at > 0 else ""
        after = plain(passages[at + 1].text) if at + 1 < len(passages) else ""
        return before, after


def facts(source: SourceView) -> Content:
    """Return the lines under the title: where, by whom, when, in which file, found by what."""
    when = day(source.created_at) if source.created_at else ""
    by = _("by {author}").format(author=source.author) if source.author else ""
    lines = [
        " · ".join(item for item in (source.place, by, when, _("private") if source.private else "") if item),
        source.path,
        _found_by(source),
    ]
    return Content("\n".join(line for line in lines if line))


def _found_by(source: SourceView) -> str:
    """Return the words that matched and what spoke most for the passage."""
    signals = main_signals(source.reasons)
    words = (
        [_("the words {words}").format(words=plain(", ".join(source.matched), one_line=True))] if source.matched else []
    )
    return _("Found by {signals}").format(signals="; ".join([*words, *signals])) if words or signals else ""
