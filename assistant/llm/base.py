"""The ChatModel protocol: what core needs of anything that answers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from memory_store.models import Role


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """One message of a request, as the model sees it."""

    role: Role
    content: str


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """The messages that a model is to answer; `schema` is the JSON schema to follow, which not all models heed."""

    messages: tuple[ChatMessage, ...]
    max_tokens: int | None = None
    temperature: float | None = None
    schema: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """What is known of who answers: the name that is stored as the author of answers, and where requests go.

    `is_private` is true when nothing leaves this machine: in process, or an endpoint on a loopback address. `endpoint`
    is for a person to read, None when nothing is sent. `context_tokens` is the size of the context window.
    """

    name: str
    is_private: bool
    endpoint: str | None
    context_tokens: int

    @property
    def place(self) -> str:
        """Where requests are noted to go."""
        return self.endpoint or self.name


@dataclass(frozen=True, slots=True)
class TextDelta:
    """A piece of the answer."""

    text: str


@dataclass(frozen=True, slots=True)
class ThinkingDelta:
    """A piece of the model's reasoning, shown folded and never stored as the answer."""

    text: str


@dataclass(frozen=True, slots=True)
class WasThinking:
    """All text so far was reasoning whose beginning was not marked: it is no part of the answer."""


@dataclass(frozen=True, slots=True)
class Finished:
    """The last event of a stream. `reason` is `stop`, `length` or what the endpoint said; tokens None if unknown."""

    reason: str
    model: str
    input_tokens: int | None = None
    output_tokens: int | None = None


ModelEvent = TextDelta | ThinkingDelta | WasThinking | Finished


class ChatModel(Protocol):
    """Anything that streams an answer. Closing the iterator or cancelling the task stops the generation."""

    @property
    def info(self) -> ModelInfo:
        """What is known of it."""

    def stream(self, request: ChatRequest) -> AsyncIterator[ModelEvent]:
        """Yield deltas, then one `Finished`. Raises `ModelError` with a hint for a person."""

    async def close(self) -> None:
        """Release connections, threads and memory."""
