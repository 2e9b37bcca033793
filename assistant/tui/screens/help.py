"""The help: every key and command, from the registry."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from assistant.tui.commands import COMMANDS, KEYS, MESSAGE_ACTIONS
from assistant.tui.screen_actions import SCREENS
from assistant.tui.screens.dialog import Dialog


class HelpScreen(Dialog[None]):
    """Lists keys and commands."""

    DEFAULT_CSS = """
    HelpScreen VerticalScroll > Static { height: auto; }
    """

    def compose(self) -> ComposeResult:
        """Show two lists."""
        with VerticalScroll(classes="dialog"):
            yield Static("Keys", classes="dialog--title", markup=False)
            named = [(one.key.title(), one.summary) for one in COMMANDS if one.key]
            yield Static(_table([*KEYS, *named]), markup=False)
            yield Static("\nWith a message selected", classes="dialog--title", markup=False)
            yield Static(_table([(one.key.title(), one.summary) for one in MESSAGE_ACTIONS]), markup=False)
            for place, actions in SCREENS:
                yield Static(f"\n{place}", classes="dialog--title", markup=False)
                yield Static(_table([(one.sign.title(), one.summary) for one in actions]), markup=False)
            yield Static("\nCommands", classes="dialog--title", markup=False)
            yield Static(_table([(one.usage, one.summary) for one in COMMANDS]), markup=False)
            yield Static("Esc closes", classes="dialog--hint", markup=False)


def _table(rows: list[tuple[str, str]]) -> Content:
    lines = [Content.assemble((name, "$accent"), "\n  ", (meaning, "$foreground-muted")) for name, meaning in rows]
    return Content("\n").join(lines)
