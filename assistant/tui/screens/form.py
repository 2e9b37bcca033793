"""A dialog with the form of a server of MCP: its fields, and whether it is sent."""

from __future__ import annotations

from typing import Any, ClassVar, cast

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.events import DescendantFocus
from textual.widget import Widget
from textual.widgets import Input, Select, Static

from assistant.core.conversation.server_questions import (
    in_words,
    label_of,
    read_field,
    title_of,
    values_of,
    wanted_in,
    warning_of,
)
from assistant.core.tools.forms import FieldKind, FormField, FormValue, ServerQuestion, UserAnswer
from assistant.language import _
from assistant.tui.screens.dialog import Dialog
from memory_store.errors import KeepsakeError

_CHOSEN = (FieldKind.SWITCH, FieldKind.CHOICE)


class FormScreen(Dialog[UserAnswer | None]):
    """Returns what the user filled in, or that they don't answer; None if the dialog was closed.

    Fields begin as the server's own defaults. Nothing is sent by an Enter, which goes on to the next field; but what
    Keepsake asks itself is answered by an Enter in the last one.
    """

    DEFAULT_CSS = """
    FormScreen {
        & VerticalScroll { height: auto; max-height: 35vh; }
        & .form--field { height: auto; }
        & .form--field > Static { height: auto; color: $foreground-muted; }
        & Select { margin: 0 0 1 0; height: auto; }
        & SelectCurrent { border: none; padding: 0; background: $panel; }
        & Select:focus > SelectCurrent { border: none; background: $primary 30%; }
    }
    """
    AUTO_FOCUS = ""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "send", "Send", show=False, priority=True),
        Binding("ctrl+d", "decline", "Don't answer", show=False, priority=True),
    ]

    def __init__(self, question: ServerQuestion) -> None:
        super().__init__()
        self._question = question
        self._controls: list[tuple[FormField, Widget]] = []

    def compose(self) -> ComposeResult:
        """Show who asks, the fields, and what to bear in mind."""
        with Vertical(classes="dialog"):
            yield Static(title_of(self._question), classes="dialog--title", markup=False)
            with VerticalScroll(can_focus=False):
                for field in self._question.fields:
                    control = self._control(field)
                    self._controls.append((field, control))
                    label = Static(label_of(field) + (" *" if field.required else ""), markup=False)
                    yield Vertical(label, control, classes="form--field")
            yield Static(self._foot(), classes="dialog--hint", markup=False)

    def _control(self, field: FormField) -> Widget:
        if field.kind in _CHOSEN:
            options = [(Content(name), value) for value, name in values_of(field)]  # no markup of a server's
            chosen = field.default if field.default in dict(values_of(field)) else Select.NULL
            prompt = _("Nothing is chosen")
            return Select[Any](options, value=chosen, prompt=prompt, allow_blank=True)
        default = "" if field.default is None else in_words(field, field.default)
        control = Input(default, placeholder=wanted_in(field), select_on_focus=bool(default))
        control.cursor_blink = getattr(self.app, "blink", True)
        return control

    def _foot(self, trouble: str = "") -> str:
        keys = _("Ctrl+S sends it, Ctrl+D doesn't answer, Esc closes; * is needed")
        if not self._question.server:
            keys = _("Enter in the last field or Ctrl+S goes on, Esc closes; * is needed")
        return f"{trouble or warning_of(self._question)}\n{keys}".lstrip()

    def on_mount(self) -> None:
        """Begin with the first field, and with what it is called in view."""
        self.set_focus(self._controls[0][1], scroll_visible=False)

    def on_descendant_focus(self, event: DescendantFocus) -> None:
        """Show a field with what it is called."""
        field = event.widget.parent
        if isinstance(field, Vertical):
            self.call_after_refresh(field.scroll_visible, animate=False)

    @on(Input.Submitted)
    def _go_on(self, event: Input.Submitted) -> None:
        is_last = event.input is self._controls[-1][1]
        if is_last and not self._question.server:
            self.action_send()
        else:
            self.focus_next()

    def action_send(self) -> None:
        """Close with what was filled in, unless something is missing or does not fit."""
        values: dict[str, FormValue] = {}
        for field, control in self._controls:
            try:
                value = self._read(field, control)
            except KeepsakeError as error:
                self.query_one(".dialog--hint", Static).update(self._foot(f"{label_of(field)}: {error.message}"))
                control.focus()
                return
            if value is not None:
                values[field.name] = value
        self.dismiss(UserAnswer("accept", values))

    def _read(self, field: FormField, control: Widget) -> FormValue | None:
        """Return what was filled in; None for nothing. Raises KeepsakeError for what can't be sent."""
        given: FormValue | None = None
        if isinstance(control, Input):
            text = control.value.strip()
            given = read_field(field, text) if text else None
        elif isinstance(control, Select) and not control.is_blank():
            given = cast(FormValue, control.value)
        if given is None and field.required:
            raise KeepsakeError(_("This is needed."), "")
        return given

    def action_decline(self) -> None:
        """Close, and have the server told that there is no answer."""
        self.dismiss(UserAnswer("decline"))
