"""One setting on the screen of settings: its name, a control that fits its kind, what it is for, what is wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Checkbox, Input, Select, Static

from assistant.language import _
from assistant.setting import Setting, Value


class SettingField(Widget):
    """Says `Changed` for each value that may be; a text is checked at every key, and told when it is left or sent."""

    DEFAULT_CSS = """
    SettingField {
        height: auto;
        margin: 0 0 1 0;
        & > Horizontal { height: 1; }
        & .setting--name { width: 24; text-wrap: nowrap; text-overflow: ellipsis; }
        & Input, & Select { width: 1fr; max-width: 60; background: $surface; }
        & Input:focus { background: $panel; }
        & Checkbox { background: transparent; }
        & .setting--why { height: auto; color: $foreground-muted; padding: 0 0 0 2; }
        & .setting--wrong { height: auto; color: $error; padding: 0 0 0 2; display: none; }
        &.-wrong .setting--wrong { display: block; }
    }
    """

    @dataclass
    class Changed(Message):
        """A setting has another value."""

        setting: Setting
        value: Value

    def __init__(self, setting: Setting, value: Value, offered: Sequence[tuple[str, str]] = ()) -> None:
        """`offered` are (label, value) of what may be chosen where the setting itself names no choices."""
        super().__init__()
        self.setting = setting
        self.value = value
        self._offered = list(offered) or [(choice, choice) for choice in setting.choices]

    def compose(self) -> ComposeResult:
        """Show the control beside the name, and the words under it."""
        overridden = self.setting.is_overridden
        with Horizontal():
            yield Static(self.setting.name, classes="setting--name", markup=False)
            yield self._control(disabled=overridden)
        yield Static(_(self.setting.explanation), classes="setting--why", markup=False)
        words = _("The environment variable {name} says what it is.").format(name=self.setting.variable)
        yield Static(words if overridden else "", classes="setting--wrong", markup=False)

    def on_mount(self) -> None:
        """Say at once what can't be changed here."""
        self.set_class(self.setting.is_overridden, "-wrong")

    def _control(self, *, disabled: bool) -> Widget:
        if isinstance(self.setting.default, bool):
            return Checkbox("", bool(self.value), compact=True, disabled=disabled)
        if self._offered:
            known = [value for _label, value in self._offered]
            offered = self._offered if self.value in known else [*self._offered, (str(self.value), str(self.value))]
            return Select(offered, value=str(self.value), allow_blank=False, compact=True, disabled=disabled)
        field = Input(self.setting.text_of(self.value), compact=True, disabled=disabled, select_on_focus=False)
        field.cursor_blink = getattr(self.app, "blink", True)
        return field

    @on(Checkbox.Changed)
    def _ticked(self, event: Checkbox.Changed) -> None:
        event.stop()
        self._tell(event.value)

    @on(Select.Changed)
    def _selected(self, event: Select.Changed) -> None:
        event.stop()
        self._tell(str(event.value))

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        if not self.setting.is_overridden:
            self._checked(event.value)

    @on(Input.Submitted)
    @on(Input.Blurred)
    def _left(self, event: Input.Submitted | Input.Blurred) -> None:
        event.stop()
        value = self._checked(event.value)
        if value is not None:
            self._tell(value)

    def settle(self) -> bool:
        """Take what stands in the field; return whether that is another value."""
        fields = self.query(Input)
        value = self._checked(fields.first().value) if fields else None
        if value is None or value == self.value:
            return False
        self.value = value
        return True

    def _checked(self, text: str) -> Value | None:
        """Return the value that a text means; None, with the reason shown, where it means none."""
        try:
            value = self.setting.parse(text)
        except ValueError as error:
            self.show_error(str(error))
            return None
        self.show_error("")
        return value

    def show_error(self, words: str) -> None:
        """Show what is wrong; nothing for an empty text."""
        self.query_one(".setting--wrong", Static).update(words)
        self.set_class(bool(words), "-wrong")

    def _tell(self, value: Value) -> None:
        if value != self.value:
            self.value = value
            self.post_message(self.Changed(self.setting, value))
