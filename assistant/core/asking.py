"""Asking a chat model for something beside an answer: what leaves the machine is noted, all that it says is read."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterable
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Final, TypeVar

from pydantic import BaseModel, ValidationError

from assistant.errors import ModelError
from assistant.llm.base import (
    Answerer,
    ChatAnswerer,
    ChatMessage,
    ChatModel,
    ChatRequest,
    Finished,
    ModelInfo,
    TextDelta,
    WasThinking,
)
from assistant.llm.quote import QuoteAnswerer
from memory_store import Store
from memory_store.models import Role

Form = TypeVar("Form", bound=BaseModel)
Fit = TypeVar("Fit")
MOST_TRIES: Final = 2
"""So often a model is asked for what can be used."""
_OBJECT: Final = re.compile(r"\{.*\}", re.DOTALL)


class UnfitError(Exception):
    """What a model said can't be used: the message says why, for the model."""


@dataclass(frozen=True, slots=True)
class Said:
    """All that a model said, and the name of the model that said it."""

    text: str
    model: str


def answerer_of(model: ChatModel | None) -> Answerer:
    """Return who answers with this model; without one, who quotes."""
    return QuoteAnswerer() if model is None else ChatAnswerer(model)


def require_model(model: ChatModel | None, deed: str, hint: str) -> ChatModel:
    """Return the model. Raises ModelError where there is none, saying what none "can do" or "may do"."""
    if model is None:
        raise ModelError(f"No model is set up that {deed}.", hint)
    return model


async def note_sent(store: Store, info: ModelInfo, items: Iterable[str]) -> None:
    """Note that these ids go to a model that is not on this machine; of one that is, nothing leaves it."""
    if not info.is_private:
        await asyncio.to_thread(store.requests.log, info.place, info.name, "chat", tuple(items))


def find_object(answer: str) -> str | None:
    """Return the JSON object in what a model said, as text; None where there is none."""
    found = _OBJECT.search(answer)
    return found.group() if found else None


def read_form(answer: str, form: type[Form]) -> Form | None:
    """Return the JSON object in what a model said, in this form; None where there is none that fits."""
    found = find_object(answer)
    try:
        return form.model_validate_json(found) if found else None
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


async def ask_until_fit(model: ChatModel, request: ChatRequest, read: Callable[[str], Fit], complaint: str) -> Fit:
    """Return what `read` makes of what a model says. Where that raises UnfitError, the model is told and asked again.

    `complaint` is what it is told, with a place for the reason, `{wrong}`. Raises ModelError, and UnfitError where the
    last answer can't be used either.
    """
    for left in reversed(range(MOST_TRIES)):
        said = (await whole_answer(model, request)).text
        try:
            return read(said)
        except UnfitError as error:
            if not left:
                raise
            told = ChatMessage(Role.USER, complaint.format(wrong=error))
            request = replace(request, messages=(*request.messages, ChatMessage(Role.ASSISTANT, said), told))
    raise AssertionError("it was asked at least once")
