"""Stands at the top of a long conversation for the messages that are not shown yet."""

from __future__ import annotations

from dataclasses import dataclass

from textual import events
from textual.message import Message
from textual.widgets import Static

from assistant.language import plural


class EarlierMessages(Static, can_focus=True):
    """A click or Enter shows some of them; so does going further up than the top."""

    DEFAULT_CSS = """
    EarlierMessages {
        height: 1;
        padding: 0 1;
        color: $foreground-muted;
        pointer: pointer;
        &:hover, &:focus { background: $panel; }
    }
    """

    @dataclass
    class Asked(Message):
        """They are wanted."""

    def __init__(self, count: int) -> None:
        words = plural("↑ {count} earlier message: Page Up", "↑ {count} earlier messages: Page Up", count)
        super().__init__(words, markup=False)
        self.count = count

    def on_click(self, event: events.Click) -> None:
        """Ask for them."""
        event.stop()
        self.post_message(self.Asked())

    def key_enter(self) -> None:
        """Ask for them."""
        self.post_message(self.Asked())
