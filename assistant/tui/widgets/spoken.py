"""What a message of the user and an answer share: they can be selected, acted on, and stand on a branch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widget import Widget

from assistant.language import _
from assistant.tui.actions import MESSAGE_ACTIONS, KeyAction


class Spoken(Widget):
    """A message in the transcript. `message_id` is None until it is stored, `text` its words."""

    BINDINGS: ClassVar[list[BindingType]] = [
        # Of these, the letters are asked for by `Letters` first, which lets them act only alone.
        Binding("escape", "ask('back')", show=False, priority=True),
        *(
            Binding(item.key, f"ask('{item.name}')", item.summary, show=False, priority=True, id=item.full_name)
            for item in MESSAGE_ACTIONS
        ),
    ]
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

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Let a message act only while it is selected itself: keys in its sources go on to the screen."""
        return self.has_focus if action == "ask" else True

    def action_ask(self, name: str) -> None:
        """Ask for an action on this message."""
        self.post_message(self.Asked(self, name))

    def key_actions(self) -> Sequence[KeyAction]:
        """Return what a letter can do with it."""
        return MESSAGE_ACTIONS

    def act(self, name: str) -> None:
        """Do one of these."""
        self.action_ask(name)

    def stand(self, at: int, of: int) -> None:
        """Show which of how many branches this is; nothing where there is one alone."""
        self.show_branch(_("{at} of {of}").format(at=at, of=of) if of > 1 else "")

    def show_branch(self, words: str) -> None:
        """Show beside the author on which branch this stands."""
        raise NotImplementedError
