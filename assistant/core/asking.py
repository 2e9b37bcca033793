"""Asking a chat model for something beside an answer: what leaves the machine is noted, all that it says is read."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import aclosing
from dataclasses import dataclass

from assistant.llm.base import ChatModel, ChatRequest, Finished, TextDelta, WasThinking
from memory_store import Store


@dataclass(frozen=True, slots=True)
class Said:
    """All that a model said, the name of the model that said it, and the tokens that it took; 0 where not counted."""

    text: str
    model: str
    input_tokens: int = 0
    output_tokens: int = 0


def is_capable(model: ChatModel) -> bool:
    """Say whether a model may read and write for the user: not the one that only quotes."""
    return not model.quotes_only


async def note_sent(store: Store, model: ChatModel, items: Iterable[str]) -> None:
    """Note that these ids go to a model that is not on this machine; of one that is, nothing leaves it."""
    if not model.is_private:
        where = model.endpoint or model.name
        await asyncio.to_thread(store.requests.log, where, model.name, "chat", tuple(items))


async def whole_answer(model: ChatModel, request: ChatRequest) -> Said:
    """Return all that a model says to a request. Raises ModelError."""
    text, finished = "", Finished("", model.name)
    async with aclosing(model.stream(request)) as events:  # type: ignore[type-var]
        async for event in events:
            match event:
                case TextDelta(piece):
                    text += piece
                case WasThinking():
                    text = ""
                case Finished():
                    finished = event
    return Said(text, finished.model or model.name, finished.input_tokens or 0, finished.output_tokens or 0)
