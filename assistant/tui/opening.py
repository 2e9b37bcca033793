"""What happens once the memory is open: the session, the status line, the welcome."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assistant import bootstrap
from assistant.display import plain
from assistant.language import _
from assistant.tui import learning, pauses, watching
from assistant.tui.applying import dress
from assistant.tui.status import StatusKeeper
from assistant.tui.threads import in_thread

_MOST_NAMED = 3

if TYPE_CHECKING:
    from assistant.tui.screens.chat import ChatScreen
    from assistant.tui.services import Services


async def opened(chat: ChatScreen, services: Services) -> None:
    """Begin a new conversation, with notices where something is less than it could be."""
    await dress(chat, services.settings)
    chat.session = bootstrap.new_session(services.store, services.model, services.settings)
    chat.keeper = StatusKeeper(chat)
    chat.keeper.start()
    await chat.keeper.look(recount=True)
    if services.first_start:
        from assistant.tui.actions.guide import welcome

        await welcome(chat)
    for note in services.notes:
        await chat.notice(note, kind="warning")
    if services.model_error is not None:
        error = services.model_error
        await chat.notice(
            error.message,
            _("{hint} Until then answers are quotations; /model chooses.").format(hint=error.hint),
            "error",
        )
    await _tell_of_drafts(chat, services)
    chat.background(_warm_up(services), "warming up")
    watching.restart(chat)
    if not chat.is_answering:  # who wrote at once is answered first
        learning.go_on(chat, consolidating=True)


async def _tell_of_drafts(chat: ChatScreen, services: Services) -> None:
    """Say in which earlier chats something was written and not sent, as after a kill."""
    titles = await in_thread(services.store.drafts.titles)
    if titles:
        named = ", ".join(f"“{plain(one, one_line=True)}”" for one in titles[:_MOST_NAMED])
        await chat.notice(_("Written and not sent: {titles}").format(titles=named), _("/chats leads there."))


async def _warm_up(services: Services) -> None:
    """Load the embedder and the vectors, so that the first question need not wait for them."""
    await in_thread(services.store.warm_up)
    await in_thread(pauses.loaded)
