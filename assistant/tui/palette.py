"""The command palette, fed by the registry of commands."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, cast

from textual.command import DiscoveryHit, Hit, Hits, Provider

from assistant.language import _
from assistant.tui.commands import COMMANDS

if TYPE_CHECKING:
    from assistant.tui.app import ChatApp


class CommandProvider(Provider):
    """Offers every command; one that needs an argument is put into the prompt."""

    async def discover(self) -> Hits:
        """Offer all of them before anything is typed."""
        chat = cast("ChatApp", self.app).chat
        for command in COMMANDS:
            run = partial(chat.sender.choose, command.name)
            yield DiscoveryHit(_(command.summary), run, text=_(command.summary), help=command.usage.replace("[", "\\["))

    async def search(self, query: str) -> Hits:
        """Offer those that fit, by their name or what they do."""
        chat = cast("ChatApp", self.app).chat
        matcher = self.matcher(query)
        for command in COMMANDS:
            score = max(matcher.match(_(command.summary)), matcher.match(command.name))
            if score > 0:
                run = partial(chat.sender.choose, command.name)
                shown = matcher.highlight(_(command.summary))
                yield Hit(score, shown, run, text=_(command.summary), help=command.usage.replace("[", "\\["))
