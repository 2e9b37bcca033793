"""The choice of colours, kept in the configuration file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from assistant.core.conversation.skin import Choice, Report
from assistant.language import _
from assistant.threads import in_thread
from assistant.tui.screens.chooser import Chooser

if TYPE_CHECKING:
    from pathlib import Path

    from textual.app import App


async def choose_theme(app: App[Any], name: str, config_file: Path | None) -> list[Report]:
    """Put a theme in force, of a list where none is named, and keep the choice; return what there is to say of it."""
    names = sorted(app.available_themes)
    if name and name not in names:
        text = _("There is no theme {argument!r}.").format(argument=name)
        return [Report(text, _("There are: {names}.").format(names=", ".join(names)), "warning")]
    if not name:
        choices = [Choice(item, _("in use") if item == app.theme else "", item) for item in names]
        chosen = await app.push_screen_wait(Chooser(_("Colours"), choices))
        name = chosen or ""
    if name:
        app.theme = name
    if name and config_file is not None:
        from assistant.setting import keep

        await in_thread(lambda: keep(config_file, "chat", {"theme": name}))
    return []
