"""The ChatModel protocol: what core needs of anything that answers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from memory_store.models import Hit, Role


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """One message of a request, as the model sees it."""

    role: Role
    content: str


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """Everything a model is given for one answer.

    `messages` is the whole prompt, recalled passages included. `question` and `hits` repeat the user's words and the
    numbered passages (source 1 is `hits[0]`) for models that do not read prompts, such as `quote`; `noted` is what was
    just remembered of the question, `ended` what it took back. `schema` is the JSON schema that the answer should
    follow; not all models heed it.
    """

    messages: tuple[ChatMessage, ...]
    question: str
    hits: tuple[Hit, ...] = ()
    max_tokens: int | None = None
    temperature: float | None = None
    noted: tuple[str, ...] = ()
    ended: tuple[str, ...] = ()
    schema: Mapping[str, Any] | None = None


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
    def name(self) -> str:
        """The name that is stored as the author of answers."""

    @property
    def is_private(self) -> bool:
        """True when nothing leaves this machine: in process, or an endpoint on a loopback address."""

    @property
    def endpoint(self) -> str | None:
        """Where requests go, for a person to read; None when nothing is sent."""

    @property
    def context_tokens(self) -> int:
        """The size of the context window in tokens; the context builder stays under it."""

    @property
    def quotes_only(self) -> bool:
        """True for the `quote` model, which has no language model behind it."""

    def stream(self, request: ChatRequest) -> AsyncIterator[ModelEvent]:
        """Yield deltas, then one `Finished`. Raises `ModelError` with a hint for a person."""

    async def close(self) -> None:
        """Release connections, threads and memory."""
