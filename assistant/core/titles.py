"""Titles: at first the beginning of the first message, then a few words by the model that answered it."""

from __future__ import annotations

import asyncio
import re
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final

from assistant.core.framing import quoted
from assistant.core.prompts import prompt
from assistant.llm.base import ChatMessage, ChatModel, ChatRequest, Finished, TextDelta
from memory_store import Store
from memory_store.models import Conversation, Message, MessageStatus, Role

_MOST_CHARS: Final = 60
_EXCERPT_CHARS: Final = 600
_MOST_TOKENS: Final = 400  # a model that thinks first needs some room to get to the name
_AROUND: Final = re.compile(r"^[\s\"'“”„«»‘’《》「」#*_:.-]+|[\s\"'“”«»‘’《》「」*_:.。-]+$")


@dataclass(frozen=True, slots=True)
class SuggestedTitle:
    """A title by a model, and what it took."""

    text: str
    input_tokens: int = 0
    output_tokens: int = 0


def title_of(text: str) -> str:
    """Return a conversation's title: the beginning of its first message, on one line."""
    line = " ".join(text.split())
    return line if len(line) <= _MOST_CHARS else line[: _MOST_CHARS - 1].rstrip() + "…"


async def name_chat(
    store: Store, model: ChatModel, conversation: Conversation, question: Message, answer: Message
) -> Conversation | None:
    """Have a model name a chat of one question and its answer; return it if it has a new title. Raises ModelError.

    Neither the quote model nor the trial model names one, and no model elsewhere what is private.
    """
    if model.quotes_only or model.is_trial or answer.status is not MessageStatus.COMPLETE:
        return None
    if not model.is_private:
        if question.private or answer.private:
            return None
        where = model.endpoint or model.name
        await asyncio.to_thread(store.requests.log, where, model.name, "chat", (question.id, answer.id))
    suggested = await suggest_title(model, question.text, answer.text)
    if suggested is None:
        return None
    tokens = (suggested.input_tokens, suggested.output_tokens)
    return await asyncio.to_thread(
        store.conversations.suggest_title, conversation.id, suggested.text, answer.id, tokens
    )


async def suggest_title(model: ChatModel, question: str, answer: str) -> SuggestedTitle | None:
    """Ask a model for the title of a conversation that begins like this; None if what it says is none.

    Raises ModelError.
    """
    begun = f"{quoted(question[:_EXCERPT_CHARS])}\n\n{quoted(answer[:_EXCERPT_CHARS])}"
    messages = (ChatMessage(Role.SYSTEM, prompt("title")), ChatMessage(Role.USER, begun))
    said, finished = "", None
    async with aclosing(model.stream(ChatRequest(messages, question, max_tokens=_MOST_TOKENS))) as events:  # type: ignore[type-var]
        async for event in events:
            match event:
                case TextDelta(piece):
                    said += piece
                case Finished():
                    finished = event
    title = cleaned(said)
    if not title:
        return None
    tokens = ((finished.input_tokens or 0), (finished.output_tokens or 0)) if finished else (0, 0)
    return SuggestedTitle(title, *tokens)


def cleaned(said: str) -> str:
    """Return what a model said as a title: its only line without what stands around it; empty if it said more."""
    lines = [line for line in said.strip().splitlines() if line.strip()]
    if len(lines) != 1:
        return ""
    title = _AROUND.sub("", " ".join(lines[0].split()))
    return title if len(title) <= _MOST_CHARS else ""
