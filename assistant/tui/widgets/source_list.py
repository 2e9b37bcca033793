"""The sources under an answer: the cited ones in full, the others behind one line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from assistant.tui.sources import SourceView

_SHOWN_UNCITED = 2


class SourceOpened(Message):
    """The user wants to read a source."""

    def __init__(self, source: SourceView) -> None:
        super().__init__()
        self.source = source


class SourceList(Vertical):
    """The numbered sources of one answer."""

    DEFAULT_CSS = """
    SourceList { height: auto; margin: 1 0 0 0; }
    """

    def __init__(self, sources: Sequence[SourceView]) -> None:
        super().__init__()
        self.sources = tuple(sources)

    def compose(self) -> ComposeResult:
        """Show the cited sources first; where none is cited, the best few."""
        cited = [one for one in self.sources if one.cited]
        others = [one for one in self.sources if not one.cited]
        shown = others[: 0 if cited else _SHOWN_UNCITED]
        hidden = others[len(shown) :]
        for source in (*cited, *shown):
            yield SourceLine(source)
        if len(hidden) == 1:
            yield SourceLine(hidden[0])
        elif hidden:
            yield MoreSources(hidden)


class SourceLine(Static, can_focus=True):
    """One source: its number, its title, where in it. Click or Enter opens it."""

    DEFAULT_CSS = """
    SourceLine {
        height: 1;
        width: 1fr;
        padding: 0 1;
        text-overflow: ellipsis;
        text-wrap: nowrap;
        pointer: pointer;
        &:hover { background: $panel; }
        &:focus { background: $panel; }
    }
    """

    def __init__(self, source: SourceView) -> None:
        strong = "$foreground" if source.cited else "$foreground-muted"
        number = f"[{source.number}]" if source.number is not None else "·"
        place = f"  {source.place}" if source.place else ""
        super().__init__(
            Content.assemble(
                (f"{number:>4} ", "bold $accent" if source.cited else "$foreground-muted"),
                (source.title, strong),
                (place, "$foreground-muted"),
            ),
            markup=False,
        )
        self.source = source

    def on_click(self, event: events.Click) -> None:
        """Open it."""
        event.stop()
        self.post_message(SourceOpened(self.source))

    def key_enter(self) -> None:
        """Open it."""
        self.post_message(SourceOpened(self.source))


class MoreSources(Static, can_focus=True):
    """Stands for sources that the answer does not cite, until it is clicked."""

    DEFAULT_CSS = """
    MoreSources {
        height: 1;
        width: 1fr;
        padding: 0 1;
        color: $foreground-muted;
        pointer: pointer;
        &:hover { background: $panel; }
        &:focus { background: $panel; }
    }
    """

    @dataclass
    class Unfolded(Message):
        """The hidden sources are wanted."""

        sources: tuple[SourceView, ...]

    def __init__(self, sources: Sequence[SourceView]) -> None:
        super().__init__(Content(f"   + {len(sources)} more found, not cited"), markup=False)
        self.sources = tuple(sources)

    async def on_click(self, event: events.Click) -> None:
        """Show them."""
        event.stop()
        await self._unfold()

    async def key_enter(self) -> None:
        """Show them."""
        await self._unfold()

    async def _unfold(self) -> None:
        assert self.parent is not None
        lines = [SourceLine(one) for one in self.sources]
        await self.screen.mount(*lines, after=self)
        lines[0].focus()
        await self.remove()
