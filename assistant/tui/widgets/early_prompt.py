"""The prompt of the first frame: light enough to be there at once, it keeps what is typed for the real one."""

from __future__ import annotations

from typing import Final

from textual import events
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

# What ends or stops something acts at once; everything else waits for the real prompt.
_NOT_KEPT: Final = frozenset({"ctrl+q", "ctrl+c", "f1", "ctrl+p"})


class EarlyPrompt(Static, can_focus=True):
    """Shows what is typed before the real prompt is ready, and keeps every key and paste in `kept`."""

    DEFAULT_CSS = """
    EarlyPrompt {
        height: auto;
        min-height: 3;
        max-height: 10;
        padding: 0 1;
        border: round $border-blurred;
        background: $background;
        &:focus { border: round $primary; }
    }
    """

    def __init__(self, placeholder: str, id: str | None = None) -> None:
        super().__init__(Content.styled(placeholder, "$foreground-muted"), id=id, markup=False)
        self.kept: list[events.Key | events.Paste] = []
        self._shown = ""
        self._successor: Widget | None = None

    def hand_over(self, successor: Widget) -> None:
        """Give what was kept to the real prompt, in order, what still arrives here, and then its place."""
        self._successor = successor
        for event in self.kept:
            successor.post_message(event)
        self.call_later(self._step_down)

    def _step_down(self) -> None:
        """Give the focus away once nothing waits here: a key that went to the prompt at once would overtake it."""
        assert self._successor is not None
        if self.message_queue_size:
            self.call_later(self._step_down)
            return
        with self.app.batch_update():
            self._successor.display, self.display = True, False
            self.screen.set_focus(self._successor)
            self.remove()

    def on_key(self, event: events.Key) -> None:
        """Keep a key."""
        if event.key in _NOT_KEPT:
            return
        event.stop()
        event.prevent_default()
        self._keep(events.Key(event.key, event.character))
        if event.key == "backspace":
            self._show(self._shown[:-1])
        elif event.is_printable and event.character:
            self._show(self._shown + event.character)

    def on_paste(self, event: events.Paste) -> None:
        """Keep a paste."""
        event.stop()
        self._keep(events.Paste(event.text))
        self._show(self._shown + event.text)

    def _keep(self, event: events.Key | events.Paste) -> None:
        if self._successor is not None:
            self._successor.post_message(event)
        else:
            self.kept.append(event)

    def _show(self, text: str) -> None:
        self._shown = text
        self.update(Content.assemble(text, ("▏", "$primary")))
