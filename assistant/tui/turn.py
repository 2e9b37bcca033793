"""One turn on the screen: a session's events become messages, answers, sources and notices."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TYPE_CHECKING, Final

from assistant.core.events import (
    AnswerDelta,
    AnswerWasThinking,
    Captured,
    CareOffered,
    Event,
    NoLongerTrue,
    Recalled,
    ThinkingDelta,
    TurnFailed,
    TurnFinished,
    TurnStarted,
)
from assistant.display import plain
from assistant.language import _, plural
from assistant.tui import learning, pauses
from assistant.tui.attaching import attachments_of
from assistant.tui.long_chats import put_away_old
from assistant.tui.sources import of_numbered
from assistant.tui.widgets.answer import Answer
from assistant.tui.widgets.care_block import CareBlock
from assistant.tui.widgets.notice import Notice
from assistant.tui.widgets.spoken import Spoken
from assistant.tui.widgets.user_message import UserMessage
from memory_store.errors import KeepsakeError
from memory_store.models import Message, MessageStatus

if TYPE_CHECKING:
    from assistant.core.session import Session
    from assistant.tui.screens.chat import ChatScreen


_READING_SECONDS: Final = 1.0


async def run_turn(chat: ChatScreen, text: str, instead_of: str | None = None) -> None:
    """Send a message and show what comes of it, until the answer is whole, stopped or failed.

    `instead_of` is the id of a message of the user that this one is written in place of, on a branch of its own.
    """
    session = chat.session
    assert session is not None
    stop = asyncio.Event()
    question = UserMessage(text)
    found = await attachments_of(chat, text)
    if found.told:
        await chat.notice("\n".join(found.told), kind="warning" if found.failed else "info")
    for one in chat.transcript.spoken if instead_of else ():
        if one.message_id == instead_of:
            await chat.transcript.cut(one)
    await _run(chat, question, session.turn(text, stop, instead_of=instead_of, attached=found.sources), stop)


async def answer_again(chat: ChatScreen, spoken: Spoken, *, go_on: bool = False) -> None:
    """Answer a message of the user once more, or the one that this answer is to; what was there stays on its branch."""
    session = chat.session
    assert session is not None
    assert spoken.message_id is not None
    await session.refuse_again(spoken.message_id, go_on=go_on)
    stop = asyncio.Event()
    column = list(chat.transcript.column.children)
    place = column.index(spoken) + isinstance(spoken, UserMessage)
    while place and isinstance(column[place - 1], CareBlock):  # it comes again with the answer
        place -= 1
    events = session.again(spoken.message_id, stop, go_on=go_on)
    if place < len(column):
        await chat.transcript.cut(column[place])
    await _run(chat, None, events, stop)


async def _run(
    chat: ChatScreen, question: UserMessage | None, turn: AsyncGenerator[Event, None], stop: asyncio.Event
) -> None:
    assert chat.session is not None
    chat.stopping = stop
    learning.pause(chat)
    view = _TurnView(chat, question, Answer(chat.session.model.name), stop)
    try:
        await view.begin()
        async with aclosing(turn) as events:
            async for event in events:
                await view.take(event)
        show_branches(chat)
        await put_away_old(chat)
        chat.set_timer(_READING_SECONDS, pauses.rest)
        chat.run_worker(_name_it(chat, chat.session), name="title", exit_on_error=False)
        learning.go_on(chat)
    except BaseException:
        await view.broke()
        raise
    finally:
        chat.stopping = None
        if chat.keeper is not None:
            await chat.keeper.look(recount=True)


async def _name_it(chat: ChatScreen, session: Session) -> None:
    """Have a new chat named, and show its name if it is still the one in view."""
    try:
        named = await session.name_it()
    except KeepsakeError:
        return  # the beginning of the first message goes on being the title
    if named and chat.session is session and session.conversation is not None:
        chat.show_title(plain(session.conversation.title, one_line=True))


def show_branches(chat: ChatScreen) -> None:
    """Show beside each message how many branches there are at its place, and which this is."""
    beside = chat.session.beside() if chat.session is not None else {}
    for one in chat.transcript.spoken:
        branches = beside.get(one.message_id or "")
        if branches and one.message_id is not None:
            one.stand(branches.index(one.message_id) + 1, len(branches))


class _TurnView:
    """Shows the events of one turn."""

    def __init__(self, chat: ChatScreen, question: UserMessage | None, answer: Answer, stop: asyncio.Event) -> None:
        self._chat = chat
        self._question = question
        self._answer = answer
        self._stop = stop

    async def begin(self) -> None:
        """Show the user's words, if they are new, and that an answer is on its way."""
        await self._chat.transcript.add(*([self._question] if self._question else []), self._answer)
        self._answer.say(_("Recalling…"))
        self._chat.transcript.anchor()

    async def take(self, event: Event) -> None:
        """Show one event."""
        match event:
            case TurnStarted(conversation, message):
                if self._question is not None:
                    self._question.message_id = message.id
                self._chat.show_title(plain(conversation.title, one_line=True))
            case CareOffered(_, text):
                await self._chat.transcript.add(CareBlock(text), before=self._answer)
            case Recalled(_, tokens, parts, left_out, shortened, withheld):
                await self._tell_of_attachments(left_out, shortened)
                await self._tell_of_withheld(withheld)
                self._chat.show_parts(parts)
                self._answer.say(_("Waiting for the first word…"))
                if self._chat.keeper is not None:
                    self._chat.keeper.show_context(tokens)
            case ThinkingDelta(piece):
                await self._answer.think(piece)
            case AnswerDelta(piece):
                await self._answer.add(piece)
            case AnswerWasThinking():
                await self._answer.was_thinking()
            case Captured() | NoLongerTrue():
                await self._chat.transcript.add(learning.noted(event), before=self._answer)
            case TurnFinished(message, sources):
                self._answer.message_id = message.id
                name = message.author.name or self._chat.services.model.name
                await self._answer.finish(of_numbered(sources), name, self._ending(message))
            case TurnFailed(error, message, sources):
                self._answer.message_id = message.id if message else None
                await self._answer.finish(of_numbered(sources), None, _("The answer broke off.") if message else "")
                if message is None:
                    await self._answer.remove()
                next_step = (
                    _("/continue goes on with it, /retry answers again.") if message else _("/retry asks again.")
                )
                await self._chat.notice(error.message, f"{error.hint} {next_step}".strip(), "error")

    async def _tell_of_attachments(self, left_out: tuple[str, ...], shortened: tuple[str, ...]) -> None:
        if left_out:
            told = _("Not attached, as it is private and this model is not on this machine: {titles}")
            words = told.format(titles=", ".join(left_out))
            await self._chat.transcript.add(Notice(words, kind="warning"), before=self._answer)
        if shortened:
            told = _("Attached in part, as there is no room for all of it: {titles}")
            await self._chat.transcript.add(Notice(told.format(titles=", ".join(shortened))), before=self._answer)

    async def _tell_of_withheld(self, count: int) -> None:
        if count:
            told = plural(
                "{count} private passage was left out: this model is not on this machine.",
                "{count} private passages were left out: this model is not on this machine.",
                count,
            )
            await self._chat.transcript.add(Notice(told, _("/model chooses one that is.")), before=self._answer)

    async def broke(self) -> None:
        """Say under the answer that it did not come to its end."""
        if self._answer.is_attached:
            await self._answer.finish((), None, _("The answer broke off."))

    def _ending(self, message: Message) -> str:
        if message.status is MessageStatus.COMPLETE:
            return ""
        return _("Stopped.") if message.text else _("Stopped before the first word.")
