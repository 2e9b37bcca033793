"""The help: every key and command, from the registry, with a filter over all of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Input, Static

from assistant.core.conversation.commands import SCREEN_COMMANDS
from assistant.language import _
from assistant.tui import keymap
from assistant.tui.actions import KEYS, MESSAGE_ACTIONS, SCREENS, SOURCE_ACTIONS
from assistant.tui.screens.dialog import Dialog


@dataclass(frozen=True, slots=True)
class _Line:
    """A key or command and what it does; `name` is what the settings call it, found by the filter alone."""

    shown: str
    summary: str
    name: str = ""


class HelpScreen(Dialog[None]):
    """Lists keys and commands, those that hold what is typed."""

    DEFAULT_CSS = """
    HelpScreen {
        & > Vertical { height: 90%; }
        & VerticalScroll { height: 1fr; margin: 1 0 0 0; scrollbar-size-vertical: 1; }
        & VerticalScroll > Static { height: auto; }
    }
    """

    def compose(self) -> ComposeResult:
        """Show a filter, and all of it."""
        with Vertical(classes="dialog"):
            yield Input(placeholder=_("Type to search keys and commands"))
            with VerticalScroll(can_focus=False):
                yield Static(self._text(""), id="found", markup=False)
            yield Static(_("Esc closes · own keys: Settings (F4), [keys]"), classes="dialog--hint", markup=False)

    @on(Input.Changed)
    def show_found(self, event: Input.Changed) -> None:
        """Show what holds the words typed."""
        self.query_one("#found", Static).update(self._text(event.value))
        self.query_one(VerticalScroll).scroll_home(animate=False)

    def on_key(self, event: object) -> None:
        """Scroll with the keys that the filter does not use."""
        scroll = self.query_one(VerticalScroll)
        move = {
            "up": scroll.scroll_up,
            "down": scroll.scroll_down,
            "pageup": scroll.scroll_page_up,
            "pagedown": scroll.scroll_page_down,
        }.get(getattr(event, "key", ""))
        if move is not None:
            move(animate=False)

    def _text(self, typed: str) -> Content:
        words = typed.casefold().split()
        parts: list[Content] = []
        for title, lines in self._sections():
            found = [line for line in lines if all(word in _searched(title, line) for word in words)]
            if found:
                parts.append(Content.styled(title, "bold $primary"))
                parts += [_drawn(line) for line in found]
                parts.append(Content(""))
        return Content("\n").join(parts) if parts else Content(_("Nothing is called that."))

    def _sections(self) -> list[tuple[str, list[_Line]]]:
        fixed = [_Line(key, _(meaning)) for key, meaning in KEYS]
        sections = [
            (
                _("Keys"),
                fixed + self._keyed([(command.name, command.key, command.summary) for command in SCREEN_COMMANDS]),
            ),
            (
                _("With a message selected"),
                self._keyed([(action.full_name, action.key, action.summary) for action in MESSAGE_ACTIONS]),
            ),
            (
                _("On a source of an answer"),
                self._keyed([(action.full_name, action.key, action.summary) for action in SOURCE_ACTIONS]),
            ),
        ]
        for place, actions in SCREENS:
            sections.append(
                (_(place), self._keyed([(action.full_name, action.sign, action.summary) for action in actions]))
            )
        return [*sections, (_("Commands"), [_Line(command.usage, _(command.summary)) for command in SCREEN_COMMANDS])]

    def _keyed(self, things: Sequence[tuple[str, str, str]]) -> list[_Line]:
        """Return what has a key, of (name, key, summary)."""
        keyed = [_Line(keymap.shown(self.app, name, key).title(), _(summary), name) for name, key, summary in things]
        return [line for line in keyed if line.shown]


def _searched(title: str, line: _Line) -> str:
    return f"{title} {line.shown} {line.summary} {line.name}".casefold()


def _drawn(line: _Line) -> Content:
    return Content.assemble((line.shown, "$accent"), "\n  ", (line.summary, "$foreground-muted"))
