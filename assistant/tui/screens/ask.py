"""A dialog that asks for one line."""

from __future__ import annotations

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Input, Static

from assistant.language import _
from assistant.tui.screens.dialog import Dialog


class AskScreen(Dialog[str | None]):
    """Returns what was typed; None if the dialog was closed."""

    def __init__(self, question: str, placeholder: str, value: str = "") -> None:
        super().__init__()
        self._question = question
        self._placeholder = placeholder
        self._value = value

    def compose(self) -> ComposeResult:
        """Show the question and a field."""
        with Vertical(classes="dialog"):
            yield Static(self._question, classes="dialog--title", markup=False)
            field = Input(self._value, placeholder=self._placeholder, select_on_focus=False)
            field.cursor_blink = getattr(self.app, "blink", True)
            yield field
            yield Static(_("Enter goes on, Esc closes"), classes="dialog--hint", markup=False)

    @on(Input.Submitted)
    def _done(self, event: Input.Submitted) -> None:
        self.dismiss(event.value.strip() or None)
