"""One turn on the screen: a session's events become messages, answers, sources and notices."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING

from assistant.core.events import (
    AnswerDelta,
    Captured,
    Event,
    Recalled,
    ThinkingDelta,
    TurnFailed,
    TurnFinished,
    TurnStarted,
)
from assistant.display import plain
from assistant.tui.sources import of_numbered
from assistant.tui.widgets.answer import Answer
from assistant.tui.widgets.notice import Notice
from assistant.tui.widgets.user_message import UserMessage
from memory_store.models import Message, MessageStatus

if TYPE_CHECKING:
    from assistant.tui.screens.chat import ChatScreen


async def run_turn(chat: ChatScreen, text: str) -> None:
    """Send a message and show what comes of it, until the answer is whole, stopped or failed."""
    session = chat.session
    assert session is not None
    chat.stopping = stop = asyncio.Event()
    view = _TurnView(chat, Answer(session.model.name), stop)
    try:
        await view.begin(text)
        async with aclosing(session.turn(text, stop)) as events:
            async for event in events:
                await view.take(event)
    except BaseException:
        await view.broke()
        raise
    finally:
        chat.stopping = None
        if chat.keeper is not None:
            await chat.keeper.look(recount=True)


class _TurnView:
    """Shows the events of one turn."""

    def __init__(self, chat: ChatScreen, answer: Answer, stop: asyncio.Event) -> None:
        self._chat = chat
        self._answer = answer
        self._stop = stop

    async def begin(self, text: str) -> None:
        """Show the user's words and that an answer is on its way."""
        await self._chat.transcript.add(UserMessage(text), self._answer)
        self._answer.say("Recalling…")
        self._chat.transcript.anchor()

    async def take(self, event: Event) -> None:
        """Show one event."""
        match event:
            case TurnStarted(conversation):
                self._chat.show_title(plain(conversation.title, one_line=True))
            case Recalled(_, tokens):
                self._answer.say("Waiting for the first word…")
                if self._chat.keeper is not None:
                    self._chat.keeper.show_context(tokens)
            case ThinkingDelta(piece):
                await self._answer.think(piece)
            case AnswerDelta(piece):
                await self._answer.add(piece)
            case Captured(memory):
                remembered = Notice(f"Remembered: {memory.text}", kind="good")
                await self._chat.transcript.add(remembered, before=self._answer)
            case TurnFinished(message, sources):
                name = message.author.name or self._chat.services.model.name
                await self._answer.finish(of_numbered(sources), name, self._ending(message))
            case TurnFailed(error, message, sources):
                await self._answer.finish(of_numbered(sources), None, "The answer broke off." if message else "")
                if message is None:
                    await self._answer.remove()
                await self._chat.notice(error.message, error.hint, "error")

    async def broke(self) -> None:
        """Say under the answer that it did not come to its end."""
        if self._answer.is_attached:
            await self._answer.finish((), None, "The answer broke off.")

    def _ending(self, message: Message) -> str:
        if message.status is MessageStatus.COMPLETE:
            return ""
        if self._stop.is_set():
            return "Stopped." if message.text else "Stopped before the first word."
        return "Cut: the answer reached its longest length." if message.text else "The model said nothing."
