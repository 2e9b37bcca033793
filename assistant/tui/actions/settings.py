"""The command that opens the settings, and what is done with them afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from assistant import config as configuration
from assistant.language import _
from assistant.tui.actions import models
from assistant.tui.applying import apply
from assistant.tui.threads import in_thread

if TYPE_CHECKING:
    from assistant.tui.screens.chat import ChatScreen

_FROM_NEXT_START: Final = ("data_dir", "embedder")


async def settings(chat: ChatScreen, argument: str = "") -> None:
    """Show the settings; what was changed is in force afterwards, or with the next start where it can't be sooner."""
    from assistant.tui.screens.settings import SettingsScreen

    screen = SettingsScreen()
    if await chat.app.push_screen_wait(screen):
        await read_again(chat)
    if screen.wants_model:
        await models.choose(chat, "")


async def read_again(chat: ChatScreen) -> None:
    """Put in force what the configuration file says now. Raises as `apply` does; all is as before then."""
    services = chat.services
    before = services.settings
    read = await in_thread(lambda: configuration.load(services.config_file, {"data_dir": before.data_dir}))
    await apply(chat, read)
    in_file = await in_thread(lambda: configuration.load(services.config_file))
    later = [name for name in _FROM_NEXT_START if getattr(in_file, name) != getattr(before, name)]
    if later:
        names = ", ".join(later)
        await chat.notice(_("Changed from the next start on: {names}.").format(names=names))
