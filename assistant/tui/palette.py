"""The command palette, fed by the registry of commands."""

from __future__ import annotations

from functools import partial

from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.message import Message

from assistant.core.conversation.commands import SCREEN_COMMANDS
from assistant.language import _


class CommandChosen(Message):
    """The user has chosen a command of this name in the palette."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name


class CommandProvider(Provider):
    """Offers every command; one that needs an argument is put into the prompt."""

    async def discover(self) -> Hits:
        """Offer all of them before anything is typed."""
        for command in SCREEN_COMMANDS:
            run = partial(self.app.post_message, CommandChosen(command.name))
            yield DiscoveryHit(_(command.summary), run, text=_(command.summary), help=command.usage.replace("[", "\\["))

    async def search(self, query: str) -> Hits:
        """Offer those that fit, by their name or what they do."""
        matcher = self.matcher(query)
        for command in SCREEN_COMMANDS:
            score = max(matcher.match(_(command.summary)), matcher.match(command.name))
            if score > 0:
                run = partial(self.app.post_message, CommandChosen(command.name))
                shown = matcher.highlight(_(command.summary))
                yield Hit(score, shown, run, text=_(command.summary), help=command.usage.replace("[", "\\["))
