"""The protocols of answering: ChatModel, which streams an answer, and Answerer above it, which takes a turn."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, Protocol

from assistant.errors import ModelError
from assistant.threads import in_thread
from memory_store.models import Hit, Purpose, Role, ToolOutcome

# What endpoints write beside OpenAI's own words: Anthropic's, Ollama's, Gemini's, those of DeepSeek and of Qwen.
_LENGTH: Final = frozenset({"length", "max_tokens", "model_length", "model_context_window_exceeded"})
_FILTERED: Final = frozenset({"content_filter", "safety", "refusal", "recitation", "prohibited_content", "sensitive"})
_TOOL: Final = frozenset({"tool_calls", "function_call", "tool_use"})


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """A tool as it is offered to a model; `parameters` is the JSON schema of what it takes."""

    name: str
    description: str
    parameters: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ToolCall:
    """What a model wants a tool to do; `arguments` is JSON, as far as the model kept to it."""

    id: str
    name: str
    arguments: str

    @property
    def words(self) -> str:
        """What is asked for, in one line: the values of its arguments."""
        try:
            given = json.loads(self.arguments or "{}")
        except (ValueError, RecursionError):
            return ""
        values = given.values() if isinstance(given, dict) else ()
        return ", ".join(" ".join(str(value).split()) for value in values if value not in (None, ""))


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """One message of a request, as the model sees it. `calls` are what it asked of tools, `call_id` what it answers."""

    role: Role
    content: str
    calls: tuple[ToolCall, ...] = ()
    call_id: str | None = None


Reasoning = Literal["low", "medium", "high"]


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """The messages that a model is to answer; `schema` is the JSON schema to follow, which not all models heed.

    `reasoning` is how hard it is to think, for models that can be told; None leaves that to them. What it is for and
    the message that it is made for stand in the ledger; no model is told of them.
    """

    messages: tuple[ChatMessage, ...]
    max_tokens: int | None = None
    temperature: float | None = None
    schema: Mapping[str, Any] | None = None
    reasoning: Reasoning | None = None
    purpose: Purpose = Purpose.ANSWER
    message_id: str | None = None
    tools: tuple[ToolSpec, ...] = ()


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """What is known of who answers: the name that is stored as the author of answers, and where requests go.

    `is_private` is true when nothing leaves this machine: in process, or an endpoint on a loopback address. `endpoint`
    is for a person to read, None when nothing is sent. `context_tokens` is the size of the context window.
    `calls_tools` says that a trial has shown it to.
    """

    name: str
    is_private: bool
    endpoint: str | None
    context_tokens: int
    calls_tools: bool = False

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
class Retrying:
    """Nothing came of a request for this `reason`, a sentence; it is sent again after a pause, in seconds."""

    reason: str
    pause_s: float


@dataclass(frozen=True, slots=True)
class Finished:
    """The last event of a stream. `reason` is `stop`, `length` or what the endpoint said; tokens None if unknown.

    `cached_tokens` are those of the input that the endpoint had read before.
    """

    reason: str
    model: str
    input_tokens: int | None = None
    output_tokens: int | None = None
    cached_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class ToolCalled:
    """The model wants a tool to do something; the answer comes after it was told what came of it."""

    call: ToolCall


ModelEvent = TextDelta | ThinkingDelta | WasThinking | Retrying | ToolCalled | Finished


@dataclass(frozen=True, slots=True)
class ToolStarted:
    """A tool is at work."""

    call: ToolCall


REFUSED: Final = "The user said no."
"""What a model reads in place of what a tool gives back where the user did not agree to it."""


@dataclass(frozen=True, slots=True)
class ToolEnded:
    """A tool is done: what the model reads of it, and how it ended."""

    call: ToolCall
    text: str
    outcome: ToolOutcome


@dataclass(frozen=True, slots=True)
class HandedIn:
    """The question is handed in, and the last event of this turn: the answer comes within a day.

    `trouble` says what went wrong where the service has not confirmed that it has it.
    """

    trouble: str = ""


AnswerEvent = ModelEvent | ToolStarted | ToolEnded | HandedIn


class ChatModel(Protocol):
    """Anything that streams an answer. Closing the iterator or cancelling the task stops the generation."""

    @property
    def info(self) -> ModelInfo:
        """What is known of it."""

    def stream(self, request: ChatRequest) -> AsyncIterator[ModelEvent]:
        """Yield deltas, then one `Finished`. Raises `ModelError` with a hint for a person."""

    async def close(self) -> None:
        """Release connections, threads and memory."""


class LateModel(Protocol):
    """A model that answers within a day."""

    @property
    def info(self) -> ModelInfo:
        """What is known of it."""

    def hand_in(self, request: ChatRequest, recalled: int) -> str:
        """Hand a request in, of whose sources so many were recalled. It blocks.

        Return what went wrong where the service has not confirmed that it has it, else an empty text. Raises
        `ModelError` where it was not handed in.
        """

    def close(self) -> None:
        """Release connections."""


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

    def answer(self, turn: Turn) -> AsyncIterator[AnswerEvent]:
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

    def answer(self, turn: Turn) -> AsyncIterator[AnswerEvent]:
        """Stream what the model says to the prompt."""
        return self.model.stream(turn.request)


@dataclass(frozen=True, slots=True)
class LateAnswerer:
    """Hands the prompt in; the answer comes later."""

    model: LateModel
    reads: bool = True

    @property
    def info(self) -> ModelInfo:
        """The model's."""
        return self.model.info

    async def answer(self, turn: Turn) -> AsyncIterator[AnswerEvent]:
        """Hand the prompt in. Once that is begun it comes to its end, whether or not anybody waits for it."""
        yield HandedIn(await in_thread(lambda: self.model.hand_in(turn.request, len(turn.hits))))


def is_whole(finished: Finished) -> bool:
    """Return whether an answer that ended so says all that it was to say."""
    return finished.reason.casefold() not in _LENGTH | _FILTERED


def shortfall(finished: Finished, *, said: bool, thought: bool) -> ModelError | None:
    """Return what is wrong with a finished answer; None if nothing is.

    `said` tells whether there are words of an answer, `thought` whether there is reasoning.
    """
    name, reason = finished.model, finished.reason.casefold()
    if reason in _FILTERED:
        what = "cut the answer" if said else "kept the whole answer back"
        return ModelError(f"A content filter of “{name}” {what} ({finished.reason}).", "Ask in other words.")
    if reason in _LENGTH and said:
        return ModelError(
            "The answer is cut: it reached its longest length.",
            "Have it go on, or allow longer answers with max_answer_tokens.",
        )
    if said:
        return None
    if reason in _LENGTH:
        what = "thinking" if thought else "nothing that can be shown"
        return ModelError(
            f"“{name}” used up the longest length of an answer on {what}.",
            "Allow longer answers with max_answer_tokens, or more room with context_tokens.",
        )
    if reason in _TOOL:
        return ModelError(
            f"“{name}” wanted to call a tool instead of answering, though it was offered none.",
            "Ask again, or choose another model.",
        )
    if thought:
        return ModelError(
            f"“{name}” thought and gave no answer.", "Ask again, or choose another model.", retryable=True
        )
    return ModelError(f"“{name}” said nothing.", "Ask again, or choose another model.", retryable=True)
