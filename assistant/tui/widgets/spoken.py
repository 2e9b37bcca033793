"""What a message of the user and an answer share: they can be selected, acted on, and stand on a branch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from textual import events
from textual.message import Message
from textual.widget import Widget

from assistant.tui.commands import MESSAGE_ACTIONS

_ACTIONS: Final = {**{one.key: one.name for one in MESSAGE_ACTIONS}, "escape": "back"}


class Spoken(Widget):
    """A message in the transcript. `message_id` is None until it is stored, `text` its words."""

    message_id: str | None = None
    text: str = ""

    @dataclass
    class Asked(Message):
        """The user wants something done with a message: the name of the action says what."""

        spoken: Spoken
        action: str

    def select(self) -> None:
        """Take the focus, which only a chosen message can have: Tab passes the others by."""
        self.can_focus = True
        self.focus()

    def on_blur(self, event: events.Blur) -> None:
        """Be passed by again."""
        self.can_focus = False

    def on_key(self, event: events.Key) -> None:
        """Ask for an action on this message; other keys go on to the screen, which gives letters to the prompt."""
        if self.has_focus and event.key in _ACTIONS:
            event.stop()
            event.prevent_default()
            self.post_message(self.Asked(self, _ACTIONS[event.key]))

    def stand(self, at: int, of: int) -> None:
        """Show which of how many branches this is; nothing where there is one alone."""
        self.show_branch(f"{at} of {of}" if of > 1 else "")

    def show_branch(self, words: str) -> None:
        """Show beside the author on which branch this stands."""
        raise NotImplementedError
