"""The conversation on the screen: messages, answers and notices, the newest at the bottom."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.geometry import Size
from textual.message import Message

if TYPE_CHECKING:
    from textual.widget import Widget

    from assistant.tui.widgets.spoken import Spoken


class Transcript(VerticalScroll, can_focus=False):
    """Stays at its end while something is added, unless the reader has scrolled up."""

    # The column is never lower than the view: Textual would scroll to below zero to keep a short one at the end.
    DEFAULT_CSS = """
    Transcript {
        width: 100%;
        height: 1fr;
        padding: 0 1;
        align-horizontal: center;
        scrollbar-size-vertical: 1;
        scrollbar-color: $panel-lighten-1;
        scrollbar-background: $background;
        scrollbar-background-hover: $background;
        & > #column { height: auto; min-height: 100%; max-width: 104; }
    }
    """

    @dataclass
    class Behind(Message):
        """Something new stands below what the reader sees; or no longer."""

        behind: bool

    _behind = False

    def watch_virtual_size(self, before: Size, now: Size) -> None:
        """Tell that there is something new, where the reader is further up."""
        if now.height > before.height and not self.is_vertical_scroll_end:
            self._tell(True)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Tell that the reader has come to the end."""
        super().watch_scroll_y(old_value, new_value)
        if self._behind and self.is_vertical_scroll_end:
            self._tell(False)

    def _tell(self, behind: bool) -> None:
        if behind != self._behind:
            self._behind = behind
            self.post_message(self.Behind(behind))

    def compose(self) -> ComposeResult:
        """Begin empty."""
        yield Vertical(id="column")

    def on_mount(self) -> None:
        """Keep to the end from the start."""
        self.anchor()

    @property
    def column(self) -> Vertical:
        """What holds the messages."""
        return self.query_one("#column", Vertical)

    async def add(self, *widgets: Widget, before: Widget | int | None = None) -> None:
        """Put widgets at the end, or before one that is there, or before the one at this place."""
        await self.column.mount(*widgets, before=before)

    @property
    def spoken(self) -> list[Spoken]:
        """The messages in their order."""
        from assistant.tui.widgets.spoken import Spoken

        return list(self.column.query_children(Spoken))

    async def cut(self, first: Widget) -> None:
        """Take away a widget and everything after it."""
        children = list(self.column.children)
        await self.column.remove_children(children[children.index(first) :])

    async def replace(self, widgets: list[Widget]) -> None:
        """Show other widgets instead of all that are here, from their end."""
        with self.app.batch_update():
            await self.column.remove_children()
            if widgets:
                await self.column.mount_all(widgets)
        self.anchor()
