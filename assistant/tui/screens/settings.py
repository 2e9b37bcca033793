"""The screen of settings: every one with what it is for, checked as it is typed, kept in the configuration file."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Button, Static

from assistant import language
from assistant.failures import explain
from assistant.language import _
from assistant.setting import Setting, all_settings, keep
from assistant.threads import in_thread
from assistant.tui.widgets.setting_field import SettingField

if TYPE_CHECKING:
    from pathlib import Path

    from assistant.config import Settings

_NAMES: Final = {"en": "English", "zh": "中文"}


def offered_countries() -> list[tuple[str, str]]:
    """Return the countries that have help lines, in both languages of the list, with their codes, by their names."""
    from assistant.core.care.directory import countries

    chinese = countries("zh")
    return sorted((f"{name} · {chinese[code]}", code) for code, name in countries("en").items())


class SettingsScreen(Screen[bool]):
    """Returns whether anything was changed; `wants_model` says that who answers is to be chosen next.

    Each change is in the file at once; looks are in force at once too.
    """

    DEFAULT_CSS = """
    SettingsScreen {
        background: $background;
        & > #head { height: 1; padding: 0 2; color: $foreground-muted; text-wrap: nowrap; text-overflow: ellipsis; }
        & > VerticalScroll { padding: 1 2; scrollbar-size-vertical: 1; }
        & .settings--section { text-style: bold; color: $primary; margin: 0 0 1 0; }
        & #choose-model { margin: 0 0 1 0; background: $background; color: $foreground; text-style: underline; }
        & #choose-model:focus { background: $background; background-tint: transparent; text-style: bold reverse; }
        & > #foot { height: auto; padding: 0 2; color: $foreground-muted; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Back", show=False),
        Binding("f1", "help", "Help", show=False),
    ]

    def __init__(self, settings: Settings, config_file: Path) -> None:
        super().__init__()
        self._settings = settings
        self._file = config_file
        self.changed = False
        self.wants_model = False

    def compose(self) -> ComposeResult:
        """Show every setting under its section."""
        file = str(self._file)
        yield Static(Content.assemble((_("Settings"), "bold $primary"), ("   " + file, "$foreground-muted")), id="head")
        with VerticalScroll(can_focus=False):
            for section, settings in groupby(all_settings(), key=lambda setting: setting.section):
                if section:
                    yield Static(f"[{section}]", classes="settings--section", markup=False)
                if section == "model":
                    yield Button(_("Choose or set up who answers"), id="choose-model", compact=True)
                for setting in settings:
                    yield SettingField(setting, setting.value_in(self._settings), self._offered(setting))
        yield Static(_("Tab goes on, Esc goes back. Every change is kept at once."), id="foot", markup=False)

    def on_mount(self) -> None:
        """Begin at the first one."""
        self.focus_next()

    def _offered(self, setting: Setting) -> list[tuple[str, str]]:
        if setting.full_name == "chat.theme":
            return [(name, name) for name in sorted(self.app.available_themes)]
        if setting.full_name == "chat.language":
            spoken = [(_NAMES.get(code, code), code) for code in language.available()]
            return [(_("as the system"), ""), *spoken]
        if setting.full_name == "care.region":
            return [(_("as the system"), ""), *offered_countries()]
        return []

    @on(SettingField.Changed)
    async def _keep(self, event: SettingField.Changed) -> None:
        file, setting, value = self._file, event.setting, event.value
        try:
            await in_thread(lambda: keep(file, setting.section, {setting.name: value}))
        except Exception as error:  # noqa: BLE001 — whatever keeps the file from being written is told
            message, hint = explain(error)
            self.query_one("#foot", Static).update(f"{message} {hint}")
            return
        self.changed = True
        if setting.full_name == "chat.theme":
            self.app.theme = str(value)
        words = _("{name} is kept in {file}.").format(name=setting.full_name, file=file)
        self.query_one("#foot", Static).update(words)

    @on(Button.Pressed, "#choose-model")
    async def _choose_model(self) -> None:
        self.wants_model = True
        await self.action_leave()

    async def action_leave(self) -> None:
        """Take what is being typed, and go back."""
        for field in self.query(SettingField):
            if field.settle():
                await self._keep(SettingField.Changed(field.setting, field.value))
        self.dismiss(self.changed)

    async def action_help(self) -> None:
        """List the keys and commands."""
        from assistant.tui.screens.help import HelpScreen

        await self.app.push_screen(HelpScreen())
