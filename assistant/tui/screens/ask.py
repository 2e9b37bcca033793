"""A dialog that asks for one line."""

from __future__ import annotations

from collections.abc import Callable

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Input, Static

from assistant.failures import hint_of
from assistant.language import _
from assistant.tui.screens.dialog import Dialog
from memory_store.errors import KeepsakeError


class AskScreen(Dialog[str | None]):
    """Returns what was typed; None if the dialog was closed, or nothing typed where it may not be empty.

    `check` raises a `KeepsakeError` for what can't be taken: it is told while one types, and Enter does not go on.
    What is `secret` is not shown, and may be empty; so may what is `optional`.
    """

    def __init__(
        self,
        question: str,
        placeholder: str,
        value: str = "",
        *,
        hint: str = "",
        check: Callable[[str], object] | None = None,
        secret: bool = False,
        optional: bool = False,
    ) -> None:
        super().__init__()
        self._question = question
        self._placeholder = placeholder
        self._value = value
        self._hint = hint
        self._check = check
        self._secret = secret
        self._optional = optional

    def compose(self) -> ComposeResult:
        """Show the question and a field."""
        with Vertical(classes="dialog"):
            yield Static(self._question, classes="dialog--title", markup=False)
            field = Input(self._value, placeholder=self._placeholder, select_on_focus=False, password=self._secret)
            field.cursor_blink = getattr(self.app, "blink", True)
            yield field
            yield Static(self._foot(), classes="dialog--hint", markup=False)

    def _foot(self, trouble: str = "") -> str:
        return "\n".join(part for part in (trouble or self._hint, _("Enter goes on, Esc closes")) if part)

    def _trouble(self, typed: str) -> str:
        if self._check is not None and typed:
            try:
                self._check(typed)
            except KeepsakeError as error:
                return f"{error.message} {hint_of(error)}"
        return ""

    @on(Input.Changed)
    def _look(self, event: Input.Changed) -> None:
        if self._check is not None:
            self.query_one(".dialog--hint", Static).update(self._foot(self._trouble(event.value.strip())))

    @on(Input.Submitted)
    def _done(self, event: Input.Submitted) -> None:
        typed = event.value.strip()
        if not self._trouble(typed):
            self.dismiss(typed if typed or self._secret or self._optional else None)
