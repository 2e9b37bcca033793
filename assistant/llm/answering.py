"""Who takes a turn: the Answerer protocol, above chat models, and the one that hands a prompt to such a model."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol

from assistant.llm.base import ChatModel, ChatRequest, ModelEvent, ModelInfo
from memory_store.models import Hit


@dataclass(frozen=True, slots=True)
class Turn:
    """What is to be answered: the prompt with all that it holds, and the parts of it that need no reading.

    `hits` are the numbered passages (source 1 is `hits[0]`).
    """

    request: ChatRequest
    question: str
    hits: tuple[Hit, ...] = ()


class Answerer(Protocol):
    """Takes a turn. Closing the iterator or cancelling the task stops it."""

    @property
    def info(self) -> ModelInfo:
        """Who it is."""

    @property
    def reads(self) -> bool:
        """Whether it reads prompts; one that does not quotes what was found."""

    def answer(self, turn: Turn) -> AsyncIterator[ModelEvent]:
        """Yield deltas, then one `Finished`. Raises `ModelError` with a hint for a person."""


@dataclass(frozen=True, slots=True)
class ChatAnswerer:
    """Has a chat model answer the prompt."""

    model: ChatModel
    reads: bool = True

    @property
    def info(self) -> ModelInfo:
        """The model's."""
        return self.model.info

    def answer(self, turn: Turn) -> AsyncIterator[ModelEvent]:
        """Stream what the model says to the prompt."""
        return self.model.stream(turn.request)
