"""Commands about conversations and memories: begin, go on, search, remember."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from assistant import bootstrap
from assistant.core.care.before_answer import offered_for
from assistant.core.care.settings import CareSettings
from assistant.core.session import Session
from assistant.display import plain
from assistant.language import N_, _
from assistant.tui.long_chats import SHOWN_AT_FIRST, SHOWN_MORE
from assistant.tui.screens.search import SearchScreen
from assistant.tui.sources import of_citation
from assistant.tui.threads import in_thread
from assistant.tui.turn import show_branches
from assistant.tui.widgets.answer import Answer
from assistant.tui.widgets.care_block import CareBlock
from assistant.tui.widgets.earlier import EarlierMessages
from assistant.tui.widgets.notice import Notice
from assistant.tui.widgets.user_message import UserMessage
from memory_store import Store
from memory_store.models import Message, MessageStatus, Role

if TYPE_CHECKING:
    from textual.widget import Widget

    from assistant.tui.screens.chat import ChatScreen

TEMPORARY: Final = N_("temporary: nothing of this chat is kept")
PRIVATE: Final = N_("private: stays on this machine")


async def new(chat: ChatScreen, argument: str = "", *, temporary: bool = False) -> None:
    """Begin a new conversation; it is stored with its first message, unless it is a temporary one."""
    services = chat.services
    chat.session = bootstrap.new_session(services.store, services.model, services.settings, temporary=temporary)
    await chat.transcript.replace([])
    chat.show_title()
    chat.show_parts(())
    show_kept(chat)
    if chat.keeper is not None:
        chat.keeper.show_context(None)
    chat.focus_prompt()


def show_kept(chat: ChatScreen) -> None:
    """Show at the prompt that nothing of this chat is kept, or that it stays on this machine."""
    session = chat.session
    mark = "" if session is None else TEMPORARY if session.temporary else PRIVATE if session.is_private else ""
    chat.prompt.border_subtitle = _(mark) if mark else None


async def temporary(chat: ChatScreen, argument: str = "") -> None:
    """Begin a chat that is kept nowhere, and of which nothing is remembered."""
    await new(chat, temporary=True)


async def chats(chat: ChatScreen, argument: str = "") -> None:
    """List the stored conversations and go on with the chosen one."""
    from assistant.tui.screens.chats import ChatsScreen

    if not await in_thread(chat.services.store.conversations.all):
        await chat.notice(_("There is no earlier chat yet."))
        return
    chosen = await chat.app.push_screen_wait(ChatsScreen(argument))
    if chosen is not None:
        await resume(chat, chosen)


async def resume(chat: ChatScreen, conversation_id: str) -> None:
    """Go on with a stored conversation and show its latest messages with their sources."""
    services = chat.services
    settings = bootstrap.turn_settings(services.settings)
    chat.session = await Session.open(services.store, services.model, settings, conversation_id)
    show_kept(chat)
    chat.show_parts(())
    await chat.sender.bring_draft()
    await show_branch(chat)
    if chat.keeper is not None:
        chat.keeper.show_context(None)
    chat.focus_prompt()


async def show_branch(chat: ChatScreen) -> None:
    """Show the latest messages of the branch in view, with their sources."""
    session, services = chat.session, chat.services
    assert session is not None
    await chat.transcript.replace(await _widgets(services.store, session, len(session.messages), SHOWN_AT_FIRST))
    show_branches(chat)
    assert session.conversation is not None
    chat.show_title(plain(session.conversation.title, one_line=True))


async def show_earlier(chat: ChatScreen) -> None:
    """Show more of a long chat above what is shown, which stays where it is on the screen."""
    session, transcript = chat.session, chat.transcript
    above = transcript.column.query_children(EarlierMessages)
    if session is None or not above:
        return
    widgets = await _widgets(chat.services.store, session, above.first().count, SHOWN_MORE)
    before = transcript.virtual_size.height
    with chat.app.batch_update():
        await above.remove()
        await transcript.add(*widgets, before=0)
    show_branches(chat)

    def stay() -> None:
        transcript.scroll_to(y=transcript.scroll_y + transcript.virtual_size.height - before, animate=False)

    chat.call_after_refresh(stay)


async def _widgets(store: Store, session: Session, end: int, most: int) -> list[Widget]:
    """Return what shows so many messages before this place, and what stands for those before them."""
    begin = max(0, end - most)
    shown, care = session.messages[begin:end], session.settings.care
    stored = await in_thread(lambda: [_StoredMessage(store, one, care) for one in shown])
    widgets = [widget for one in stored for widget in one.widgets()]
    return [EarlierMessages(begin), *widgets] if begin else widgets


class _StoredMessage:
    """A message with its sources, or with the help it calls for; read in a thread and shown afterwards."""

    def __init__(self, store: Store, message: Message, care: CareSettings) -> None:
        self._message = message
        self._sources = []
        self._offered = offered_for(message.text, care) if message.role is Role.USER else None
        if message.role is not Role.USER:
            self._sources = [of_citation(store, one) for one in store.conversations.citations(message.id)]

    def widgets(self) -> list[Widget]:
        """Return the message as the transcript shows it."""
        message = self._message
        if message.role is Role.USER:
            return [UserMessage(message.text, message.id), *([CareBlock(self._offered.text)] if self._offered else [])]
        partial = message.status is not MessageStatus.COMPLETE
        name = message.author.name or "assistant"
        return [Answer(name, message.text, self._sources, partial=partial, message_id=message.id)]


async def context(chat: ChatScreen, argument: str = "") -> None:
    """Open or close the panel that shows what the model sees."""
    await chat.toggle_context()


async def search(chat: ChatScreen, argument: str) -> None:
    """Search everything that is remembered."""
    await chat.app.push_screen(SearchScreen(chat.services.store, argument))


async def remember(chat: ChatScreen, argument: str) -> None:
    """Keep a note."""
    memory = await in_thread(lambda: chat.services.store.remember(argument))
    hint = _("Private: never sent to another machine.") if memory.private else ""
    await chat.notice(_("Remembered: {text}").format(text=memory.text), hint, "good", memory.id)
    if chat.keeper is not None:
        await chat.keeper.look(recount=True)


async def show_again(chat: ChatScreen) -> None:
    """Show the conversation in view as the store has it now; begin a new one where it is gone."""
    await _take_away_erased(chat)
    session = chat.session
    conversation = session.conversation if session is not None else None
    if session is None or conversation is None or session.temporary:
        return
    stored = await asyncio.to_thread(chat.services.store.conversations.all)
    if any(one.id == conversation.id for one in stored):
        await resume(chat, conversation.id)
    else:
        await new(chat)


async def _take_away_erased(chat: ChatScreen) -> None:
    """Take notices from the screen that repeat what was erased."""
    repeating = {one: one.about for one in chat.transcript.column.query_children(Notice) if one.about}
    store = chat.services.store
    gone = await in_thread(lambda: [one for one, about in repeating.items() if not store.holds(about)])
    await chat.transcript.column.remove_children(gone)
