"""The slash commands that fit what is being typed, above the prompt."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from textual.content import Content
from textual.widgets import Static

if TYPE_CHECKING:
    from assistant.tui.commands import Command

_MOST: Final = 12


class Suggestions(Static):
    """A short list; Tab in the prompt takes its first line."""

    DEFAULT_CSS = """
    Suggestions {
        height: auto;
        max-height: 12;
        padding: 0 2;
        display: none;
        text-wrap: nowrap;
        text-overflow: ellipsis;
    }
    Suggestions.-shown { display: block; }
    """

    def __init__(self) -> None:
        super().__init__(markup=False)
        self.commands: tuple[Command, ...] = ()

    def show(self, commands: Sequence[Command]) -> None:
        """Show these commands; none hides the list."""
        self.commands = tuple(commands)
        self.set_class(bool(commands), "-shown")
        width = max((len(one.usage) for one in commands), default=0)
        shown = self.commands[: _MOST if len(commands) <= _MOST else _MOST - 1]
        lines = [
            Content.assemble((f"{one.usage:<{width}}", "$primary"), ("  " + one.summary, "$foreground-muted"))
            for one in shown
        ]
        if len(shown) < len(self.commands):
            more = len(self.commands) - len(shown)
            lines.append(Content.styled(f"… and {more} more: type a letter, or /help", "$foreground-muted"))
        self.update(Content("\n").join(lines))
