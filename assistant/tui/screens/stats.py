"""The statistics: what is held, how it grew, and how many tokens the answers took."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from assistant.tui import keymap
from assistant.tui.failures import explain
from assistant.tui.screen_actions import BACK, bindings_of
from assistant.tui.threads import in_thread
from assistant.tui.widgets.flow import Flow
from assistant.tui.widgets.plots import DayPlot, NamePlot
from memory_store.errors import KeepsakeError
from memory_store.wording import counted

if TYPE_CHECKING:
    from textual.widget import Widget
    from textual.worker import Worker

    from memory_store import Store
    from memory_store.models import Activity, StoreStats

_NO_TOKENS: Final = "No answer's tokens were counted yet."


class StatsScreen(Screen[None]):
    """Counts above, plots below, to scroll."""

    DEFAULT_CSS = """
    StatsScreen {
        background: $background;
        & > #head { height: 1; padding: 0 2; }
        & > VerticalScroll {
            height: 1fr;
            margin: 1 0 0 0;
            padding: 0 2;
            scrollbar-size-vertical: 1;
            scrollbar-color: $panel-lighten-1;
            scrollbar-background: $background;
            scrollbar-background-hover: $background;
        }
        & VerticalScroll > Static { height: auto; }
        & .stats--none { margin: 1 0 0 0; color: $foreground-muted; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = bindings_of((BACK,))

    def __init__(self, store: Store) -> None:
        super().__init__()
        self._store = store

    def compose(self) -> ComposeResult:
        """Show the frame; the numbers follow."""
        yield Static(Content.styled("Statistics", "bold $primary"), id="head", markup=False)
        with VerticalScroll():
            yield Static("Counting…", id="counts", markup=False)
        yield Flow(keymap.line(self.app, (BACK,)), id="keys")

    def on_mount(self) -> None:
        """Count beside the screen."""
        self.query_one(VerticalScroll).focus()
        _: Worker[None] = self.run_worker(self._count, exit_on_error=False)

    def action_do(self, name: str) -> None:
        """Leave: there is nothing else to do here."""
        self.dismiss(None)

    async def _count(self) -> None:
        counts = self.query_one("#counts", Static)
        try:
            stats, activity = await in_thread(lambda: (self._store.stats(), self._store.activity()))
        except KeepsakeError as error:
            counts.update(Content(" ".join(explain(error))))
            return
        counts.update(_counts(stats))
        await self.query_one(VerticalScroll).mount_all(_plots(activity))


def _counts(stats: StoreStats) -> Content:
    kinds = counted({f"{kind}s": count for kind, count in stats.by_kind.items()})
    lines = [
        ("Memories", f"{stats.memories:,}" + (f" ({kinds})" if stats.by_kind else "")),
        ("Documents", f"{stats.documents:,}"),
        ("Chats", f"{stats.conversations:,} with {counted({'messages': stats.messages})}"),
        ("Passages", f"{stats.passages:,}, {stats.embedded:,} of them with a vector"),
        ("Waiting", f"{stats.to_embed:,} for a vector, {stats.to_index:,} for the index"),
        ("Embedder", stats.embedder or "none"),
        ("On disk", f"{stats.database_bytes / 1e6:,.1f} MB, the index {stats.index_bytes / 1e6:,.1f} MB"),
    ]
    return Content("\n").join(Content.assemble((f"{name:<11}", "$foreground-muted"), value) for name, value in lines)


def _plots(activity: Activity) -> list[Widget]:
    found: list[Widget] = []
    if activity.memories:
        found.append(DayPlot("Memories", {"memories": activity.memories}, growing=True))
    if any(activity.passages.values()):
        found.append(NamePlot("Passages by source", {kind.value: n for kind, n in activity.passages.items()}))
    if activity.tokens:
        asked = {day: tokens for day, (tokens, _) in activity.tokens.items()}
        answered = {day: tokens for day, (_, tokens) in activity.tokens.items()}
        found.append(DayPlot("Tokens by day", {"to the model": asked, "from the model": answered}))
    else:
        found.append(Static(_NO_TOKENS, classes="stats--none", markup=False))
    return found
