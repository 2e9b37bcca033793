"""Commands about the chat itself: its colours, its help, leaving it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assistant.language import _

if TYPE_CHECKING:
    from assistant.tui.screens.chat import ChatScreen


async def theme(chat: ChatScreen, argument: str) -> None:
    """Change the colours and keep the choice in the configuration file."""
    app = chat.app
    names = sorted(app.available_themes)
    if argument and argument not in names:
        await chat.notice(
            _("There is no theme {argument!r}.").format(argument=argument),
            _("There are: {names}.").format(names=", ".join(names)),
            "warning",
        )
        return
    name = argument or await _chosen(chat, names)
    if name is None:
        return
    app.theme = name
    if chat.is_open:
        from assistant.setting import keep
        from assistant.tui.threads import in_thread

        file = chat.services.config_file
        await in_thread(lambda: keep(file, "chat", {"theme": name}))


async def _chosen(chat: ChatScreen, names: list[str]) -> str | None:
    from assistant.tui.screens.chooser import Choice, Chooser

    choices = [Choice(name, _("in use") if name == chat.app.theme else "", name) for name in names]
    return await chat.app.push_screen_wait(Chooser(_("Colours"), choices))


async def help(chat: ChatScreen, argument: str) -> None:
    """List the keys and commands."""
    from assistant.tui.screens.help import HelpScreen

    await chat.app.push_screen(HelpScreen())


async def leave(chat: ChatScreen, argument: str) -> None:
    """Leave. The worker that runs this is part of what ends, so the app does it by itself."""
    chat.app.call_later(chat.app.action_quit)
