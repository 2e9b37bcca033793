"""Puts settings in force while the chat is open: its looks at once, who answers, how much is recalled."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assistant import bootstrap, language
from assistant.language import _
from assistant.tui import keymap, watching
from assistant.tui.screens.chat import PLACEHOLDER
from assistant.tui.threads import in_thread

if TYPE_CHECKING:
    from assistant.config import Settings
    from assistant.tui.screens.chat import ChatScreen


async def dress(chat: ChatScreen, settings: Settings) -> None:
    """Put the settings for looks and keys in force; what can't be is told."""
    app, chosen = chat.keepsake, settings.chat
    language.use(chosen.language)
    chat.prompt.placeholder = _(PLACEHOLDER)
    app.move(reduced=chosen.reduced_motion)
    if chosen.theme in app.available_themes:
        app.theme = chosen.theme
    else:
        known = ", ".join(sorted(app.available_themes))
        await chat.notice(
            _("There is no theme {name!r}.").format(name=chosen.theme),
            _("There are: {known}.").format(known=known),
            "warning",
        )
    problems = keymap.problems(settings.keys)
    if problems:
        await chat.notice(_("Your keys are not in force."), "\n".join(problems), "warning")
    app.take_keys({} if problems else settings.keys)


async def apply(chat: ChatScreen, settings: Settings, *, choose: bool = False) -> None:
    """Put settings in force; `choose` builds the model anew even if nothing of it changed, as a key may be there now.

    Raises ConfigError or CredentialError for a model that can't be built; all stays as it is then.
    """
    services = chat.services
    before = services.settings
    if choose or settings.model != before.model:
        model = await in_thread(lambda: bootstrap.build_model(settings))
        await services.model.close()
        services.model = model
    services.settings = settings
    if settings.private != before.private:
        await in_thread(lambda: bootstrap.keep_private(services.store, settings))
    if settings.importing.watch != before.importing.watch:
        watching.restart(chat)
    if chat.session is not None:
        chat.session.model = services.model
        chat.session.settings = bootstrap.turn_settings(settings)
    await dress(chat, settings)
    if chat.keeper is not None:
        chat.keeper.show_model()
        chat.keeper.show_context(None)
