"""Asking a chat model for something beside an answer: what leaves the machine is noted, all that it says is read."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final, TypeVar

from pydantic import BaseModel, ValidationError

from assistant.llm.base import (
    Answerer,
    ChatAnswerer,
    ChatModel,
    ChatRequest,
    Finished,
    ModelInfo,
    TextDelta,
    WasThinking,
)
from assistant.llm.quote import QuoteAnswerer
from memory_store import Store

Form = TypeVar("Form", bound=BaseModel)
_OBJECT: Final = re.compile(r"\{.*\}", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Said:
    """All that a model said, and the name of the model that said it."""

    text: str
    model: str


def answerer_of(model: ChatModel | None) -> Answerer:
    """Return who answers with this model; without one, who quotes."""
    return QuoteAnswerer() if model is None else ChatAnswerer(model)


async def note_sent(store: Store, info: ModelInfo, items: Iterable[str]) -> None:
    """Note that these ids go to a model that is not on this machine; of one that is, nothing leaves it."""
    if not info.is_private:
        await asyncio.to_thread(store.requests.log, info.place, info.name, "chat", tuple(items))


def read_form(answer: str, form: type[Form]) -> Form | None:
    """Return the JSON object in what a model said, in this form; None where there is none that fits."""
    found = _OBJECT.search(answer)
    try:
        return form.model_validate_json(found.group()) if found else None
    except (ValidationError, RecursionError):
        return None


async def whole_answer(model: ChatModel, request: ChatRequest) -> Said:
    """Return all that a model says to a request. Raises ModelError."""
    text, finished = "", Finished("", model.info.name)
    async with aclosing(model.stream(request)) as events:  # type: ignore[type-var]
        async for event in events:
            match event:
                case TextDelta(piece):
                    text += piece
                case WasThinking():
                    text = ""
                case Finished():
                    finished = event
    return Said(text, finished.model or model.info.name)
