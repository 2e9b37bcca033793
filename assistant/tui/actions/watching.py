"""The command that watches a folder, or no longer."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from assistant.language import _
from assistant.setting import keep
from assistant.tui import watching
from assistant.tui.actions.library import absolute, split
from assistant.tui.threads import in_thread

if TYPE_CHECKING:
    from assistant.tui.screens.chat import ChatScreen


async def watch(chat: ChatScreen, argument: str) -> None:
    """Watch a folder from now on, or no longer if it is watched; without one, say which are. The choice is kept."""
    services = chat.services
    folders = list(services.settings.importing.watch)
    if not argument:
        shown = "\n".join(folders) or _("none")
        await chat.notice(_("Watched folders: {folders}").format(folders=shown), _("/watch FOLDER adds or ends one."))
        return
    path = absolute(" ".join(split(argument)))
    if not await in_thread(path.is_dir):
        await chat.notice(_("{path} is no folder.").format(path=path), kind="warning")
        return
    known = next((one for one in folders if absolute(one) == path), None)
    if known is None:
        folders.append(str(path))
    else:
        folders.remove(known)
    await in_thread(lambda: keep(services.config_file, "import", {"watch": folders}))
    importing = replace(services.settings.importing, watch=folders)
    services.settings = replace(services.settings, importing=importing)
    watching.restart(chat)
    told = _("Watched from now on: {path}") if known is None else _("No longer watched: {path}")
    await chat.notice(told.format(path=path), kind="good")
