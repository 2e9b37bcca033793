"""The prompt: grows with what is typed, sends on Enter, keeps pasted text as it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import TextArea

from assistant.display import plain

# Longer pastes would push the conversation off the screen.
FOLDED_FROM_CHARS: Final = 2000
FOLDED_FROM_LINES: Final = 12
_LINE_BREAKS = frozenset({"ctrl+j", "shift+enter", "alt+enter", "ctrl+enter"})


class Prompt(TextArea):
    """Where the user writes. Enter sends; Ctrl+J, Shift+Enter and Alt+Enter break the line."""

    DEFAULT_CSS = """
    Prompt {
        height: auto;
        min-height: 3;
        max-height: 10;
        padding: 0 1;
        border: round $border-blurred;
        background: $background;
        & .text-area--cursor-line { background: $background; }
        & .text-area--placeholder { color: $foreground-muted; }
        &:focus { border: round $primary; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("pageup", "scroll_transcript(-1)", "Scroll up", show=False),
        Binding("pagedown", "scroll_transcript(1)", "Scroll down", show=False),
    ]

    @dataclass
    class Submitted(Message):
        """The user pressed Enter."""

        text: str

    @dataclass
    class Scrolled(Message):
        """The user pages through the transcript: -1 up, 1 down."""

        direction: int

    class CompletionAsked(Message):
        """The user pressed Tab on a slash command."""

    def __init__(self, placeholder: str, id: str | None = None) -> None:
        super().__init__(
            id=id,
            soft_wrap=True,
            show_line_numbers=False,
            tab_behavior="focus",
            highlight_cursor_line=False,
            placeholder=placeholder,
        )
        self.last_sent = ""
        self._folded: dict[str, str] = {}  # what a long paste is shown as, and its text

    async def _on_key(self, event: events.Key) -> None:
        """Send, break the line, or bring back what was sent last; other keys are the text area's."""
        if event.key == "enter":
            _take(event)
            self.post_message(self.Submitted(self.text))
        elif event.key in _LINE_BREAKS:
            _take(event)
            self.insert("\n")
        elif event.key == "tab" and self.text.startswith("/"):
            _take(event)
            self.post_message(self.CompletionAsked())
        elif event.key == "up" and not self.text and self.last_sent:
            _take(event)
            self.replace_all(self.last_sent)

    async def _on_paste(self, event: events.Paste) -> None:
        """Insert pasted text as it is, line breaks too, without what could act on a terminal. A long one is folded."""
        _take(event)
        text = plain(event.text)
        if len(text) > FOLDED_FROM_CHARS or text.count("\n") >= FOLDED_FROM_LINES:
            lines = text.count("\n") + 1
            name = f"[pasted {len(self._folded) + 1}: {len(text):,} characters, {lines:,} lines]"
            self._folded[name] = text
            text = name
        self.insert(text)

    def unfolded(self, text: str) -> str:
        """Return a text with what was pasted in place of what it is shown as."""
        for name, pasted in self._folded.items():
            text = text.replace(name, pasted)
        return text

    def action_scroll_transcript(self, direction: int) -> None:
        """Page through the transcript while the cursor stays here."""
        self.post_message(self.Scrolled(direction))

    def replace_all(self, text: str) -> None:
        """Put another text in, the cursor at its end."""
        self.text = text
        self.move_cursor(self.document.end)


def _take(event: events.Event) -> None:
    event.stop()
    event.prevent_default()
