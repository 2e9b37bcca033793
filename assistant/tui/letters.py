"""Letters that act on what is selected: one alone does, two are the beginning of a text for the prompt."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, Protocol, runtime_checkable

from textual import events
from textual.content import Content

from assistant.language import _
from assistant.tui import keymap
from assistant.tui.actions import KeyAction
from assistant.tui.widgets.status_line import StatusLine

if TYPE_CHECKING:
    from textual.screen import Screen
    from textual.timer import Timer

ALONE_SECONDS: Final = 0.8  # who writes strikes the next key sooner; Enter acts without waiting


@runtime_checkable
class Selected(Protocol):
    """What letters act on while it has the focus."""

    def key_actions(self) -> Sequence[KeyAction]:
        """Return what can be done with it by a key, the most important first."""

    def act(self, name: str) -> None:
        """Do one of these."""


class Letters:
    """Holds a letter until it is known whether it stands alone, and shows meanwhile what it would do.

    It is asked for every key before the widgets are: so what is typed fast reaches the prompt whole and in its order.
    """

    def __init__(self, screen: Screen[Any], write: Callable[[events.Key | events.Paste], None]) -> None:
        """`write` gets what is no action."""
        self._screen = screen
        self._write_into_prompt = write
        self._held: tuple[Selected, KeyAction, events.Key] | None = None
        self._timer: Timer | None = None

    def takes(self, event: events.Event) -> bool:
        """Take what belongs to the letters of a selected thing; return whether nobody else is to have it."""
        selected = self._selected()
        if selected is None or isinstance(event, events.MouseMove):
            return False
        held = self._held
        self._let_go()
        if isinstance(event, events.Key) and event.key == "enter" and held is not None:
            self._act(selected, held[1])
        elif isinstance(event, events.Key) and event.is_printable and event.character:
            action = None if held else self._meant(selected, event.key)
            if action is None:
                self._write(held, event)
            else:
                self._hold(selected, action, event)
        elif isinstance(event, events.Paste):
            self._write(held, event)
        else:
            self.show()
            return False
        return True

    def show(self) -> None:
        """Show the keys of what is selected in the last line; the status again where nothing is."""
        selected = self._selected()
        if self._held is not None and self._held[0] is not selected:
            self._let_go()
        line = self._screen.query_one(StatusLine)
        if selected is None:
            line.show_keys(())
        elif self._held is not None:
            action, event = self._held[1:]
            line.show_keys([_key(event.character or event.key, _(action.summary)), _key("Enter", _("does it at once"))])
        else:
            acting = [self._described(item) for item in selected.key_actions() if item.label]
            line.show_keys([_key("Esc", _("leaves")), *acting])

    def _selected(self) -> Selected | None:
        focused = self._screen.focused
        return focused if isinstance(focused, Selected) and focused.key_actions() else None

    def _meant(self, selected: Selected, key: str) -> KeyAction | None:
        app = self._screen.app
        return next(
            (action for action in selected.key_actions() if key in keymap.held_by(app, action.full_name, action.key)),
            None,
        )

    def _described(self, action: KeyAction) -> Content:
        return _key(keymap.shown(self._screen.app, action.full_name, action.key), _(action.label))

    def _hold(self, selected: Selected, action: KeyAction, event: events.Key) -> None:
        self._held = selected, action, event
        self._timer = self._screen.set_timer(ALONE_SECONDS, self._stood_alone)
        self.show()

    def _let_go(self) -> None:
        self._held = None
        if self._timer is not None:
            self._timer.stop()
            self._timer = None

    def _stood_alone(self) -> None:
        held = self._held
        self._let_go()
        if held is not None and held[0] is self._selected() and self._screen.is_current:
            self._act(held[0], held[1])

    def _act(self, selected: Selected, action: KeyAction) -> None:
        self.show()
        selected.act(action.name)

    def _write(self, held: tuple[Selected, KeyAction, events.Key] | None, event: events.Key | events.Paste) -> None:
        """Leave what was selected, and write what was held with what follows it."""
        if held is not None:
            self._write_into_prompt(events.Key(held[2].key, held[2].character))
        again = events.Key(event.key, event.character) if isinstance(event, events.Key) else events.Paste(event.text)
        self._write_into_prompt(again)


def _key(sign: str, label: str) -> Content:
    return Content.assemble((sign, "$accent"), f" {label}")
