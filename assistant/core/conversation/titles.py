"""Titles: at first the beginning of the first message, then a few words by a model."""

from __future__ import annotations

import asyncio
import re
from typing import Final

from assistant.core.asking import note_sent, whole_answer
from assistant.core.framing import quoted
from assistant.core.prompts import prompt
from assistant.llm.base import ChatMessage, ChatRequest
from assistant.llm.roles import ModelRole, Models
from memory_store import Store
from memory_store.models import Conversation, Message, MessageStatus, Purpose, Role

SHELL_TITLE: Final = "Asked from the shell"
_MOST_CHARS: Final = 60
_EXCERPT_CHARS: Final = 600
_MOST_TOKENS: Final = 400  # a model that thinks first needs some room to get to the name
_AROUND: Final = re.compile(r"^[\s\"'“”„«»‘’《》「」#*_:.-]+|[\s\"'“”«»‘’《》「」*_:.。-]+$")


def title_of(text: str) -> str:
    """Return a conversation's title: the beginning of its first message, on one line."""
    line = " ".join(text.split())
    return line if len(line) <= _MOST_CHARS else line[: _MOST_CHARS - 1].rstrip() + "…"


async def name_chat(
    store: Store, models: Models, conversation: Conversation, question: Message, answer: Message
) -> Conversation | None:
    """Have a model name a chat of one question and its answer; return it if it has a new title. Raises ModelError.

    Without a model it keeps its title, and no model elsewhere names what is private.
    """
    model = models.find(ModelRole.FAST, private=question.private or answer.private)
    if model is None or answer.status is not MessageStatus.COMPLETE:
        return None
    await note_sent(store, model.info, (question.id, answer.id))
    begun = f"{quoted(question.text[:_EXCERPT_CHARS])}\n\n{quoted(answer.text[:_EXCERPT_CHARS])}"
    messages = (ChatMessage(Role.SYSTEM, prompt("title")), ChatMessage(Role.USER, begun))
    request = ChatRequest(messages, max_tokens=_MOST_TOKENS, purpose=Purpose.TITLE, message_id=answer.id)
    said = await whole_answer(model, request)
    title = cleaned(said.text)
    if not title:
        return None
    return await asyncio.to_thread(store.conversations.suggest_title, conversation.id, title, answer.id)


def cleaned(said: str) -> str:
    """Return what a model said as a title: its only line without what stands around it; empty if it said more."""
    lines = [line for line in said.strip().splitlines() if line.strip()]
    if len(lines) != 1:
        return ""
    title = _AROUND.sub("", " ".join(lines[0].split()))
    return title if len(title) <= _MOST_CHARS else ""
