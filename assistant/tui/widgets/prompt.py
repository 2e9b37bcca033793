"""The prompt: grows with what is typed, sends on Enter, keeps pasted text as it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import TextArea

from assistant.core.conversation.pasting import pasted_paths
from assistant.display import plain
from assistant.language import _

# Longer pastes would push the conversation off the screen.
FOLDED_FROM_CHARS: Final = 2000
FOLDED_FROM_LINES: Final = 12
_LIST_KEYS = frozenset({"up", "down", "tab", "escape"})
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

    @dataclass
    class CompletionKey(Message):
        """A key for the list of what fits: `up`, `down`, `tab`, `enter` or `escape`."""

        key: str

    @dataclass
    class PathsPasted(Message):
        """Paths of files that are there were pasted, or dropped onto the terminal. `text` is how they came."""

        paths: tuple[Path, ...]
        text: str

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
        self.completing = False  # whether a list of what fits is shown
        self.enter_completes: Callable[[], bool] = lambda: False
        self._folded: dict[str, str] = {}  # what a long paste is shown as, and its text

    async def _on_key(self, event: events.Key) -> None:
        """Send, break the line, or bring back what was sent last; other keys are the text area's."""
        if self.completing and (event.key in _LIST_KEYS or (event.key == "enter" and self.enter_completes())):
            _take(event)
            self.post_message(self.CompletionKey(event.key))
        elif event.key == "enter":
            _take(event)
            self.post_message(self.Submitted(self.text))
        elif event.key in _LINE_BREAKS:
            _take(event)
            self.insert("\n")
        elif event.key == "up" and not self.text and self.last_sent:
            _take(event)
            self.replace_all(self.last_sent)

    async def _on_paste(self, event: events.Paste) -> None:
        """Insert pasted text as it is, line breaks too, without what could act on a terminal. A long one is folded."""
        _take(event)
        text = plain(event.text)
        if paths := pasted_paths(text):
            self.post_message(self.PathsPasted(paths, text))
            return
        self.insert_pasted(text)

    def insert_pasted(self, text: str) -> None:
        """Insert what was pasted; a long text is folded."""
        if len(text) > FOLDED_FROM_CHARS or text.count("\n") >= FOLDED_FROM_LINES:
            lines = text.count("\n") + 1
            name = _("[pasted {number}: {characters:,} characters, {lines:,} lines]").format(
                number=len(self._folded) + 1, characters=len(text), lines=lines
            )
            self._folded[name] = text
            text = name
        self.insert(text)

    @property
    def before_cursor(self) -> str:
        """What stands before the cursor on its line."""
        row, column = self.cursor_location
        return self.document.get_line(row)[:column]

    def replace_before_cursor(self, text: str) -> None:
        """Put another text in place of what stands before the cursor on its line."""
        row, column = self.cursor_location
        self.replace(text, (row, 0), (row, column), maintain_selection_offset=False)
        self.move_cursor((row, len(text)))

    def unfold(self, text: str, *, on_own_lines: bool = False) -> str:
        """Return a text with what was pasted in place of what it is shown as.

        With `on_own_lines`, many lines don't begin on one with what was typed before them.
        """
        for name, pasted in self._folded.items():
            before, shown, behind = text.partition(name)
            breaks = on_own_lines and "\n" in pasted and before.strip() and not before.endswith("\n")
            text = f"{before}\n{pasted}{behind}" if shown and breaks else text.replace(name, pasted)
        return text

    def action_scroll_transcript(self, direction: int) -> None:
        """Page through the transcript while the cursor stays here."""
        self.post_message(self.Scrolled(direction))

    def clear_sent(self, text: str) -> None:
        """Empty it: this was sent, and can be brought back."""
        self.last_sent = text
        self.text = ""

    def replace_all(self, text: str) -> None:
        """Put another text in, the cursor at its end."""
        self.text = text
        self.move_cursor(self.document.end)


def _take(event: events.Event) -> None:
    event.stop()
    event.prevent_default()
