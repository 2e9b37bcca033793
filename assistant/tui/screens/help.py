"""The help: every key and command, from the registry."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from assistant.language import _
from assistant.tui import keymap
from assistant.tui.commands import COMMANDS, KEYS, MESSAGE_ACTIONS, SOURCE_ACTIONS
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
            yield Static(_("Keys"), classes="dialog--title", markup=False)
            yield Static(_table(KEYS), markup=False)
            yield Static(self._keys_of([(one.name, one.key, one.summary) for one in COMMANDS]), markup=False)
            yield Static("\n" + _("With a message selected"), classes="dialog--title", markup=False)
            acted = [(one.full_name, one.key, one.summary) for one in MESSAGE_ACTIONS]
            yield Static(self._keys_of(acted), markup=False)
            yield Static("\n" + _("On a source of an answer"), classes="dialog--title", markup=False)
            judged = [(one.full_name, one.key, one.summary) for one in SOURCE_ACTIONS]
            yield Static(self._keys_of(judged), markup=False)
            for place, actions in SCREENS:
                yield Static(f"\n{_(place)}", classes="dialog--title", markup=False)
                done = [(one.full_name, one.sign, one.summary) for one in actions]
                yield Static(self._keys_of(done), markup=False)
            yield Static("\n" + _("Commands"), classes="dialog--title", markup=False)
            yield Static(_table([(one.usage, one.summary) for one in COMMANDS]), markup=False)
            yield Static(_("Esc closes"), classes="dialog--hint", markup=False)

    def _keys_of(self, things: Sequence[tuple[str, str, str]]) -> Content:
        """Return what has a key: by (name, key, summary), with the name by which the settings give it another."""
        keyed = [(keymap.shown(self.app, name, key), summary, name) for name, key, summary in things]
        return Content("\n").join(
            Content.assemble(
                (key.title(), "$accent"), (f"   {name}", "$foreground-muted"), "\n  ", (_(summary), "$foreground-muted")
            )
            for key, summary, name in keyed
            if key
        )


def _table(rows: Sequence[tuple[str, str]]) -> Content:
    lines = [Content.assemble((name, "$accent"), "\n  ", (_(meaning), "$foreground-muted")) for name, meaning in rows]
    return Content("\n").join(lines)
