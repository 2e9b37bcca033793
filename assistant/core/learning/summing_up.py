"""Summaries of long conversations: by the chat model, or made of the conversation's own sentences without one."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Sequence
from typing import Final

from assistant.core.asking import note_sent, whole_answer
from assistant.core.capture.features import tokenize
from assistant.core.conversation.branches import branch_of
from assistant.core.framing import estimate_tokens, quoted
from assistant.core.prompts import prompt
from assistant.ingestion.sentences import sentence_pieces
from assistant.llm.base import ChatMessage, ChatModel, ChatRequest
from assistant.llm.roles import ModelRole, Models
from memory_store import STOP_WORDS, Store
from memory_store.asking import Saying, what_of
from memory_store.clock import now
from memory_store.models import Author, AuthorKind, Message, MessageStatus, Purpose, Role, Summary

# A conversation is summed up when so many messages have come since the last time.
EVERY: Final = 12
_MOST_CHARS: Final = 900
_MESSAGE_CHARS: Final = 1500
_MOST_TOKENS: Final = 600
_NUMBER: Final = re.compile(r"\d+")
# Extracted without a model: the words are the conversation's own.
EXTRACTED: Final = Author(AuthorKind.DOCUMENT)


async def sum_up(store: Store, models: Models, conversation_id: str) -> Summary | None:
    """Sum up the path in view of a conversation and keep that; None where there is nothing to say of it.

    Private messages go to no model elsewhere, and are in no summary that could. Raises ModelError.
    """
    conversation = await asyncio.to_thread(store.conversations.get, conversation_id)
    tree = await asyncio.to_thread(store.conversations.messages, conversation_id)
    path = branch_of(tree, conversation.current_message_id)
    whole = [message for message in path if message.text.strip() and message.status is not MessageStatus.PENDING]
    asked = models.find(ModelRole.FAST, private=conversation.private)
    all_shown = conversation.private or (asked is not None and asked.info.is_private)
    shown = [message for message in whole if all_shown or not message.private]
    if not shown:
        return None
    private = conversation.private or any(message.private for message in shown)
    earlier = await asyncio.to_thread(store.learning.summaries.get, conversation_id)
    if earlier is not None and earlier.private and not all_shown:
        earlier = None
    text, author = "", EXTRACTED
    if asked is not None:
        text, author = await _by_model(store, asked, shown, earlier)
    if not text:
        text, author = extract(shown), EXTRACTED
    if not text:
        return None
    summary = Summary(conversation_id, whole[-1].id, text, author, private, now())
    await asyncio.to_thread(store.learning.summaries.keep, summary)
    return summary


async def _by_model(
    store: Store, model: ChatModel, messages: Sequence[Message], earlier: Summary | None
) -> tuple[str, Author]:
    """Return what a model makes of the messages since the earlier summary, without numbers that are not there."""
    ids = [message.id for message in messages]
    fresh = messages[ids.index(earlier.message_id) + 1 :] if earlier and earlier.message_id in ids else messages
    room = model.info.context_tokens - _MOST_TOKENS - estimate_tokens(prompt("summary")) - 200
    parts: list[str] = [f"The earlier summary:\n{quoted(earlier.text)}"] if earlier else []
    taken: list[Message] = []
    for message in reversed(fresh):  # where there is no room for all, the latest count
        cost = estimate_tokens(message.text[:_MESSAGE_CHARS]) + 8
        if cost > room:
            break
        room -= cost
        taken.insert(0, message)
    parts += [f"{message.role.value}:\n{quoted(message.text[:_MESSAGE_CHARS])}" for message in taken]
    await note_sent(store, model.info, [message.id for message in taken])
    asked = (ChatMessage(Role.SYSTEM, prompt("summary")), ChatMessage(Role.USER, "\n\n".join(parts)))
    request = ChatRequest(
        asked,
        max_tokens=_MOST_TOKENS,
        temperature=0.0,
        purpose=Purpose.SUMMARY,
        message_id=messages[-1].id,
    )
    said = await whole_answer(model, request)
    known = set(_NUMBER.findall(" ".join(message.text for message in messages) + (earlier.text if earlier else "")))
    kept = [sentence for sentence in _sentences(said.text) if set(_NUMBER.findall(sentence)) <= known]
    return " ".join(kept)[: 2 * _MOST_CHARS], Author(AuthorKind.MODEL, said.model)


def extract(messages: Sequence[Message]) -> str:
    """Return the sentences of the user's that share most with the rest, in their order; the first one is the topic."""
    said = [sentence for message in messages if message.role is Role.USER for sentence in _sentences(message.text)]
    told = [text for text in dict.fromkeys(said) if what_of(text) is not Saying.ASKS or text == said[0]]
    counts = Counter(word for text in said for word in set(_content(text)))
    ranked = sorted(told[1:], key=lambda text: -_weight(text, counts))
    chosen, room = set(told[:1]), _MOST_CHARS - len("".join(told[:1]))
    for text in ranked:
        if len(text) < room:
            chosen.add(text)
            room -= len(text) + 1
    return " ".join(text for text in told if text in chosen)[:_MOST_CHARS]


def _weight(sentence: str, counts: Counter[str]) -> float:
    content = _content(sentence)
    return sum(counts[text] for text in set(content)) / (len(content) + 4) if content else 0.0


def _content(sentence: str) -> list[str]:
    return [token for token in tokenize(sentence) if token not in STOP_WORDS]


def _sentences(text: str) -> list[str]:
    return [piece.strip() for piece in sentence_pieces(" ".join(text.split())) if piece.strip()]
