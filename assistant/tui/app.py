"""The application: paints a first frame at once, then opens what it works with."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, runtime_checkable

from textual import constants, events
from textual.app import App
from textual.screen import Screen

from assistant.language import _
from assistant.tui.contrast import readable
from assistant.tui.screens.chat import ChatScreen
from assistant.tui.themes import DEFAULT_THEME, THEMES

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.command import Provider
    from textual.driver import Driver

    from assistant.config import Settings
    from assistant.core.conversation.skin import Report
    from assistant.tui.palette import CommandChosen
    from assistant.tui.services import Opener, Services


def _palette() -> type[Provider]:
    from assistant.tui.palette import CommandProvider

    return CommandProvider


@runtime_checkable
class TakesFirst(Protocol):
    """A screen that is asked for what is typed and clicked before its widgets are."""

    def takes_first(self, event: events.Event) -> bool:
        """Return whether nobody else is to have it."""


class ChatApp(App[int]):
    """Keepsake's chat. `open_services` is called in a thread once the first frame is on the screen.

    `clock` gives seconds that only ever grow: by it a question that erases is answered by nothing right after it opens.

    `first_paint` is the `time.perf_counter()` at which that frame had been painted; None until then. `ended_by` is the
    number of the signal that asked it to end.
    """

    TITLE = "Keepsake"
    ENABLE_COMMAND_PALETTE = True
    COMMANDS: ClassVar[set[type[Provider] | Callable[[], type[Provider]]]] = {_palette}

    def __init__(
        self, open_services: Opener, *, blink: bool = True, clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__()
        self.clock = clock
        self.blink = self._blink = blink
        self.own_keys: dict[str, str] = {}
        self.ended_by = 0
        self.first_paint: float | None = None
        self.chat = ChatScreen(open_services, self.dress, self.painted)
        self._failure = ""
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = DEFAULT_THEME

    def get_default_screen(self) -> Screen[Any]:
        """Return the chat, which is the screen below all others."""
        return self.chat

    @property
    def services(self) -> Services | None:
        """What the chat works with; None before the memory is open."""
        return self.chat.opened_services

    @property
    def failure(self) -> str:
        """What kept the memory from being opened, or what ended the application; empty if nothing did."""
        return self._failure or self.chat.failure

    def dress(self, settings: Settings) -> list[Report]:
        """Put the settings for language, looks and keys in force; return what is to be said of those that can't be."""
        from assistant import language
        from assistant.core.conversation.skin import Report
        from assistant.tui import keymap

        language.use(settings.chat.language)
        self.move(reduced=settings.chat.reduced_motion)
        wrong: list[Report] = []
        if settings.chat.theme in self.available_themes:
            self.theme = settings.chat.theme
        else:
            text = _("There is no theme {name!r}.").format(name=settings.chat.theme)
            known = ", ".join(sorted(self.available_themes))
            wrong.append(Report(text, _("There are: {known}.").format(known=known), "warning"))
        problems = keymap.problems(settings.keys)
        if problems:
            wrong.append(Report(_("Your keys are not in force."), "\n".join(problems), "warning"))
        self.take_keys({} if problems else settings.keys)
        return wrong

    def take_keys(self, own: dict[str, str]) -> None:
        """Answer to the user's own keys."""
        from assistant.tui.keymap import keymap

        self.own_keys = own
        self.set_keymap(keymap(own))

    def move(self, *, reduced: bool) -> None:
        """Let things move, or nothing by itself."""
        self.animation_level = "none" if reduced else constants.TEXTUAL_ANIMATIONS
        self.blink = self._blink and not reduced
        self.chat.blink(self.blink)

    def painted(self) -> None:
        """Take down the moment of the first frame."""
        if self.first_paint is None:
            self.first_paint = time.perf_counter()

    def get_css_variables(self) -> dict[str, str]:
        """Return the theme's colours, those that write moved until they can be read."""
        variables = super().get_css_variables()
        if variables["background"].startswith("ansi"):
            return {**variables, "marked": variables["primary"]}  # the terminal's own colours, which nobody here knows
        return readable(variables, dark=self.current_theme.dark)

    async def on_event(self, event: events.Event) -> None:
        """Let the screen in front have what is typed and clicked before all else does, in its order."""
        if isinstance(event, events.InputEvent | events.Paste) and not event.is_forwarded:
            screen = self.screen
            if isinstance(screen, TakesFirst) and screen.takes_first(event):
                return
        await super().on_event(event)

    def on_mount(self) -> None:
        """Leave in order when the system asks: at a shutdown, or when the terminal is closed."""
        if self.is_headless:
            return
        from assistant.ending import asked_signals, hang_up, watch_terminal

        loop = asyncio.get_running_loop()
        for number in asked_signals():
            with suppress(NotImplementedError, RuntimeError, ValueError):  # no main thread, or no such signal here
                loop.add_signal_handler(number, self._asked_to_end, number)
        watch_terminal(hang_up)

    def _asked_to_end(self, number: int) -> None:
        from assistant.ending import end_in_time

        if not self.ended_by:
            self.ended_by = number
            end_in_time(128 + number)
            self.call_later(self.action_quit)

    def get_driver_class(self) -> type[Driver]:
        """Return Textual's driver, in a terminal one that lets the chat end when that has gone."""
        chosen = super().get_driver_class()
        if chosen.__module__ == "textual.drivers.linux_driver":
            from assistant.tui.terminal import TerminalDriver

            return TerminalDriver
        return chosen

    def _fatal_error(self) -> None:
        """End after a failure of the screen itself: said in words, because a traceback would show what was written."""
        from assistant.failures import explain

        error = self._exception
        if error is not None:
            self._failure = "\n".join(text for text in explain(error) if text)
        self._close_messages_no_wait()

    def on_command_chosen(self, event: CommandChosen) -> None:
        """Do what was chosen in the palette."""
        self.chat.choose(event.name)

    async def action_quit(self) -> None:
        """Stop what is going on and leave."""
        await self.chat.close_down()
        self.exit()

    def action_help_quit(self) -> None:
        """Answer Ctrl+C where nothing is selected."""
        words = [_("Ctrl+Q leaves Keepsake. Ctrl+C copies what is selected.")]
        if self.chat.is_answering:
            words.insert(0, _("The answer is still coming; Esc stops it."))
        self.notify(" ".join(words), markup=False, timeout=4)
