"""The statistics: what is held, how it grew, and what requests to models took."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, ClassVar, Final

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from assistant.core.conversation.costs import describe_cost, describe_energy
from assistant.display import plain
from assistant.failures import explain
from assistant.language import N_, _
from assistant.threads import in_thread
from assistant.tui import keymap
from assistant.tui.actions import BACK, bindings_of
from assistant.tui.terms import counted
from assistant.tui.widgets.flow import Flow
from assistant.tui.widgets.plots import DayPlot, NamePlot
from memory_store import Grouping
from memory_store.errors import KeepsakeError

if TYPE_CHECKING:
    from textual.widget import Widget
    from textual.worker import Worker

    from memory_store import Store, Total
    from memory_store.models import Activity, StoreStats

_NO_TOKENS: Final = N_("Nothing was asked of a model yet.")
_IN_A_CENT: Final = 10_000


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
        & .stats--costs { margin: 1 0 0 0; }
        & .stats--none { margin: 1 0 0 0; color: $foreground-muted; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = bindings_of((BACK,))

    def __init__(self, store: Store) -> None:
        super().__init__()
        self._store = store

    def compose(self) -> ComposeResult:
        """Show the frame; the numbers follow."""
        yield Static(Content.styled(_("Statistics"), "bold $primary"), id="head", markup=False)
        with VerticalScroll():
            yield Static(_("Counting…"), id="counts", markup=False)
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
            stats, activity, days, models = await in_thread(self._numbers)
        except KeepsakeError as error:
            counts.update(Content(" ".join(explain(error))))
            return
        counts.update(_counts(stats))
        await self.query_one(VerticalScroll).mount_all(_plots(activity, days, models))

    def _numbers(self) -> tuple[StoreStats, Activity, list[Total], list[Total]]:
        ledger = self._store.ledger
        by_day, by_model = ledger.totals(Grouping.DAY), ledger.totals(Grouping.MODEL)
        return self._store.stats(), self._store.activity(), by_day, by_model


def _counts(stats: StoreStats) -> Content:
    kinds = counted({f"{kind}s": count for kind, count in stats.by_kind.items()})
    lines = [
        (_("Memories"), f"{stats.memories:,}" + (f" ({kinds})" if stats.by_kind else "")),
        ("Documents", f"{stats.documents:,}"),
        (
            _("Chats"),
            _("{chats:,} with {messages}").format(
                chats=stats.conversations, messages=counted({"messages": stats.messages})
            ),
        ),
        (
            _("Passages"),
            _("{passages:,}, {embedded:,} of them with a vector").format(
                passages=stats.passages, embedded=stats.embedded
            ),
        ),
        (
            _("Waiting"),
            _("{to_embed:,} for a vector, {to_index:,} for the index").format(
                to_embed=stats.to_embed, to_index=stats.to_index
            ),
        ),
        (_("Embedder"), stats.embedder or "none"),
        (
            _("On disk"),
            _("{database:,.1f} MB, the index {index:,.1f} MB").format(
                database=stats.database_bytes / 1e6, index=stats.index_bytes / 1e6
            ),
        ),
    ]
    return Content("\n").join(Content.assemble((f"{name:<11}", "$foreground-muted"), value) for name, value in lines)


def _costs(totals: Sequence[Total]) -> Content:
    """Return a line a model."""
    lines = [Content.styled(_("Tokens, cost in US dollars and energy, by model"), "bold")]
    for total in totals:
        name = plain(total.name, one_line=True)
        taken = f" {total.tokens:>12,}   {describe_cost(total)}   {describe_energy(total)}"
        lines.append(Content.assemble((f"{name:<32}", "$foreground-muted"), taken))
    return Content("\n").join(lines)


def _plots(activity: Activity, days: Sequence[Total], models: Sequence[Total]) -> list[Widget]:
    found: list[Widget] = []
    if activity.memories:
        found.append(DayPlot(_("Memories"), {"memories": activity.memories}, growing=True))
    if any(activity.passages.values()):
        found.append(NamePlot(_("Passages by source"), {kind.value: n for kind, n in activity.passages.items()}))
    if not models:
        found.append(Static(_(_NO_TOKENS), classes="stats--none", markup=False))
        return found
    by_day = {date.fromisoformat(total.name): total for total in days}
    asked = {day: total.input_tokens for day, total in by_day.items()}
    answered = {day: total.output_tokens for day, total in by_day.items()}
    names = (_("to the model"), _("from the model"))
    found.append(DayPlot(_("Tokens by day"), dict(zip(names, (asked, answered), strict=True))))
    cost = {day: round(total.cost / _IN_A_CENT) for day, total in by_day.items()}
    if any(cost.values()):
        found.append(DayPlot(_("Cost by day, in cents"), {"cost": cost}))
    found.append(Static(_costs(models), classes="stats--costs", markup=False))
    return found
