"""The sources under an answer: the cited ones in full, the others behind one line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from assistant.language import _
from assistant.tui.actions import SOURCE_ACTIONS, KeyAction
from assistant.tui.sources import SourceView

_SHOWN_UNCITED = 2


class SourceOpened(Message):
    """The user wants to read a source. `answer_id` is the message that it is a source of, if it is one of an answer."""

    def __init__(self, source: SourceView, answer_id: str | None = None) -> None:
        super().__init__()
        self.source = source
        self.answer_id = answer_id


class SourceJudged(Message):
    """The user wants something done with a source of an answer: the name of the action says what."""

    def __init__(self, line: SourceLine, action: str) -> None:
        super().__init__()
        self.line = line
        self.action = action


class SourceList(Vertical):
    """The numbered sources of one answer."""

    DEFAULT_CSS = """
    SourceList { height: auto; margin: 1 0 0 0; }
    """

    def __init__(self, sources: Sequence[SourceView], answer_id: str | None = None) -> None:
        super().__init__()
        self.sources = tuple(sources)
        self._answer_id = answer_id

    def compose(self) -> ComposeResult:
        """Show the cited sources first; where none is cited, the best few."""
        cited = [view for view in self.sources if view.cited]
        others = [view for view in self.sources if not view.cited]
        shown = others[: 0 if cited else _SHOWN_UNCITED]
        hidden = others[len(shown) :]
        for source in (*cited, *shown):
            yield SourceLine(source, self._answer_id)
        if len(hidden) == 1:
            yield SourceLine(hidden[0], self._answer_id)
        elif hidden:
            yield MoreSources(hidden, self._answer_id)


class SourceLine(Static, can_focus=True):
    """One source: its number, its title, where in it. Click or Enter opens it; that of an answer can be judged."""

    BINDINGS: ClassVar[list[BindingType]] = [
        # The letters among them are asked for by `Letters` first, which lets them act only alone.
        Binding(item.key, f"judge('{item.name}')", item.summary, show=False, priority=True, id=item.full_name)
        for item in SOURCE_ACTIONS
    ]

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

    def __init__(self, source: SourceView, answer_id: str | None = None) -> None:
        super().__init__(_line(source), markup=False)
        self.source = source
        self.answer_id = answer_id

    def show(self, source: SourceView) -> None:
        """Show the source as it is now."""
        self.source = source
        if self.is_attached:
            self.update(_line(source))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Let only a source of a stored answer be judged."""
        return bool(self.key_actions()) if action == "judge" else True

    def key_actions(self) -> Sequence[KeyAction]:
        """Return what a letter can do with it: nothing where it is no source of a stored answer."""
        judged = self.answer_id is not None and self.source.number is not None and self.source.passage_id is not None
        return SOURCE_ACTIONS if judged else ()

    def act(self, name: str) -> None:
        """Do one of these."""
        self.action_judge(name)

    def action_judge(self, name: str) -> None:
        """Ask for an action on this source."""
        self.post_message(SourceJudged(self, name))

    def on_click(self, event: events.Click) -> None:
        """Open it."""
        event.stop()
        self.post_message(SourceOpened(self.source, self.answer_id))

    def key_enter(self) -> None:
        """Open it."""
        self.post_message(SourceOpened(self.source, self.answer_id))


def _line(source: SourceView) -> Content:
    strong = "$foreground" if source.cited and not source.dismissed else "$foreground-muted"
    number = f"[{source.number}]" if source.number is not None else "·"
    return Content.assemble(
        (f"{number:>4} ", "bold $accent" if source.cited else "$foreground-muted"),
        (source.title, f"strike {strong}" if source.dismissed else strong),
        (f"  {source.place}" if source.place else "", "$foreground-muted"),
        ("  " + _("not relevant") if source.dismissed else "", "$foreground-muted"),
    )


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

    def __init__(self, sources: Sequence[SourceView], answer_id: str | None = None) -> None:
        super().__init__(Content(_("   + {sources} more found, not cited").format(sources=len(sources))), markup=False)
        self.sources = tuple(sources)
        self._answer_id = answer_id

    async def on_click(self, event: events.Click) -> None:
        """Show them."""
        event.stop()
        await self._unfold()

    async def key_enter(self) -> None:
        """Show them."""
        await self._unfold()

    async def _unfold(self) -> None:
        assert self.parent is not None
        lines = [SourceLine(source, self._answer_id) for source in self.sources]
        await self.screen.mount(*lines, after=self)
        lines[0].focus()
        await self.remove()
