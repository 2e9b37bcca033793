"""A model's reasoning, folded to one line until the reader wants it."""

from __future__ import annotations

from textual import events
from textual.content import Content
from textual.widgets import Static

from assistant.display import plain
from assistant.language import _


class Thinking(Static, can_focus=True):
    """Shows how much was thought; click or Enter shows what."""

    DEFAULT_CSS = """
    Thinking {
        height: auto;
        width: 1fr;
        color: $foreground-muted;
        pointer: pointer;
        &:focus { background: $panel; }
    }
    """

    def __init__(self) -> None:
        super().__init__(markup=False)
        self._pieces: list[str] = []
        self._length = 0
        self._open = False

    def add(self, text: str) -> None:
        """Take a further piece."""
        self._pieces.append(text)
        self._length += len(text)
        self._show()

    def on_click(self, event: events.Click) -> None:
        """Fold or unfold."""
        event.stop()
        self.key_enter()

    def key_enter(self) -> None:
        """Fold or unfold."""
        self._open = not self._open
        self._show()

    def _show(self) -> None:
        head = _("{sign} Thought, {length:,} characters").format(sign="▾" if self._open else "▸", length=self._length)
        body = "\n" + plain("".join(self._pieces)) if self._open else ""
        self.update(Content(head + body))
