"""A chat model behind any OpenAI-compatible chat-completions endpoint."""

from __future__ import annotations

import asyncio
import json
import random
import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

from assistant.llm.base import (
    ChatMessage,
    ChatRequest,
    Finished,
    ModelEvent,
    ModelInfo,
    Retrying,
    ThinkingDelta,
    ToolCall,
    ToolCalled,
    ToolSpec,
)
from assistant.llm.openai_chunks import DONE, CallPiece, Chunk, Frames, Increments, Surrogates, read_chunk
from assistant.llm.openai_errors import (
    Endpoint,
    Failure,
    cut_off_error,
    explain_refusal,
    find_reported,
    foreign_errors,
    malformed_error,
    pause_error,
    too_long_error,
    translate,
)
from assistant.llm.settings import ModelConfig
from assistant.llm.thinking import ThinkingSplitter
from assistant.llm.transport import http_client
from memory_store.importing import one_at_a_time
from memory_store.models import Role
from memory_store.network import display_url, endpoint_url, is_loopback, secrets_in

if TYPE_CHECKING:
    import httpx2

_DEFAULTS = ModelConfig()
MAX_ANSWER_CHARACTERS = 1_000_000
# What some servers refuse, and what to send instead: nothing, or the same value under another name.
_ADAPTATIONS: dict[str, str | None] = {
    "stream_options": None,
    "temperature": None,
    "max_tokens": "max_completion_tokens",
    "max_completion_tokens": None,
    "response_format": None,
    "reasoning_effort": None,
    "tools": None,
}
# What others refuse in words of their own, and the name under which that is remembered.
_NO_STREAM = re.compile(r"\bstream(ing|ed)?\b", re.IGNORECASE)
_NO_SYSTEM = re.compile(r"system[ _-](role|message|prompt|instruction)|developer instruction", re.IGNORECASE)
_ALTERNATE = re.compile(r"\balternat", re.IGNORECASE)
_ADAPTABLE = frozenset({400, 404, 422, 500, 501})


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Exponential backoff with jitter. Times are in seconds.

    The n-th pause is between half of and the whole of `first_pause_s * 2**n`, never above `longest_pause_s`; half is
    random so that clients that failed together do not come back together. A pause the server asks for is kept, up to
    the same limit.
    """

    max_retries: int = 3
    first_pause_s: float = 0.5
    longest_pause_s: float = 30.0
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    jitter: Callable[[], float] = random.random

    def pause_s(self, attempt: int, asked_s: float | None = None) -> float:
        """Return the pause after attempt number `attempt` (from 0) failed; `asked_s` is what the server asked for."""
        if asked_s is not None:
            return min(max(asked_s, 0.0), self.longest_pause_s)
        # The exponent is bounded so that a large `max_retries` can't overflow a float.
        whole = min(self.first_pause_s * 2.0 ** min(attempt, 32), self.longest_pause_s)
        return whole * (0.5 + 0.5 * self.jitter())


class OpenAIChat:
    """Streams answers from `{base_url}/chat/completions`.

    `context_tokens` is the size of the context window, which the protocol has no way to ask for. Times are in seconds;
    `read_timeout_s` bounds the silence before the first token and between two. `usage_grace_s` is how long to wait for
    the token counts once the answer is complete. `key_name` is where the key comes from, for messages. Thinking and
    answer together are stopped at `max_answer_characters`. Nothing is imported or connected before the first answer.
    """

    def __init__(
        self,
        base_url: str,
        model: str,
        api_key: SecretStr | str | None = None,
        *,
        context_tokens: int = _DEFAULTS.context_tokens,
        connect_timeout_s: float = _DEFAULTS.connect_timeout_s,
        read_timeout_s: float = _DEFAULTS.read_timeout_s,
        retry: RetryPolicy | None = None,
        key_name: str = "OPENAI_API_KEY",
        max_answer_characters: int = MAX_ANSWER_CHARACTERS,
        usage_grace_s: float = 5.0,
        calls_tools: bool = False,
    ) -> None:
        key = api_key.get_secret_value() if isinstance(api_key, SecretStr) else api_key
        self._base_url = base_url
        self._api_key = key or None
        hidden = secrets_in(base_url, self._api_key)
        self._endpoint = Endpoint(display_url(base_url), model, bool(key), key_name, is_loopback(base_url), hidden)
        self.info = ModelInfo(model, self._endpoint.is_loopback, self._endpoint.url, context_tokens, calls_tools)
        self._connect_timeout_s = connect_timeout_s
        self._read_timeout_s = read_timeout_s
        self._retry = retry or RetryPolicy()
        self._max_answer_characters = max_answer_characters
        self._usage_grace_s = usage_grace_s
        self._refused: set[str] = set()
        self._client: httpx2.AsyncClient | None = None
        self._opening = asyncio.Lock()

    async def stream(self, request: ChatRequest) -> AsyncGenerator[ModelEvent, None]:
        """Yield deltas, then one `Finished`; send the request again, after a `Retrying`, if it fails before the first.

        Raises `ModelError`. Closing the iterator or cancelling the task closes the connection at once.
        """
        attempt = 0
        while True:
            began = False
            arguments = self._arguments(request)
            try:
                async with aclosing(self._attempt(arguments)) as events:
                    async for event in events:
                        began = True
                        yield event
                return
            except Failure as failure:
                failed = failure
            if began:
                raise (cut_off_error(self._endpoint) if failed.broke else failed.error) from None
            if self._adapt(failed, arguments):
                continue
            if not failed.again or attempt >= self._retry.max_retries:
                raise failed.error from None
            if failed.asked_s is not None and failed.asked_s > self._retry.longest_pause_s:
                raise pause_error(failed) from None
            pause_s = self._retry.pause_s(attempt, failed.asked_s)
            yield Retrying(failed.error.message, pause_s)
            await self._retry.sleep(pause_s)
            attempt += 1

    async def close(self) -> None:
        """Close the connections."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    async def _attempt(self, arguments: Mapping[str, Any]) -> AsyncGenerator[ModelEvent, None]:
        """Send the request once; raise `Failure` for what the endpoint does wrong."""
        response = await self._send(arguments)
        try:
            answer = _Answer(self._endpoint, self._max_answer_characters)
            async with aclosing(self._values(response, answer)) as values:
                async for value in values:
                    for event in answer.take(value):
                        yield event
            for event in answer.end():
                yield event
        finally:
            await response.aclose()

    async def _send(self, arguments: Mapping[str, Any]) -> httpx2.Response:
        client = await self._ready_client()
        try:
            url = endpoint_url(self._base_url, "/chat/completions")
            response = await client.send(client.build_request("POST", url, json=arguments), stream=True)
        except foreign_errors() as error:
            raise translate(error, self._endpoint) from None
        if response.is_success:
            return response
        try:
            body = await response.aread()
        except foreign_errors() as error:
            raise translate(error, self._endpoint) from None
        finally:
            await response.aclose()
        raise explain_refusal(response.status_code, body, response.headers, self._endpoint)

    async def _ready_client(self) -> httpx2.AsyncClient:
        async with self._opening:
            if self._client is None:
                # In a thread: importing the client and reading the certificates would stop everything on the loop.
                self._client = await asyncio.to_thread(self._make_client)
            return self._client

    def _make_client(self) -> httpx2.AsyncClient:
        with one_at_a_time:
            return http_client(
                self._base_url,
                self._api_key,
                connect_timeout_s=self._connect_timeout_s,
                read_timeout_s=self._read_timeout_s,
            )

    def _arguments(self, request: ChatRequest) -> dict[str, Any]:
        arguments: dict[str, Any] = {
            "model": self._endpoint.model,
            "messages": shape_messages(request.messages, self._refused),
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        if request.max_tokens is not None:
            arguments["max_tokens"] = request.max_tokens
        if request.temperature is not None:
            arguments["temperature"] = request.temperature
        if request.reasoning is not None:
            arguments["reasoning_effort"] = request.reasoning
        if request.tools:
            arguments["tools"] = [_shape_tool(tool) for tool in request.tools]
        if request.schema is not None:
            form = {"name": "answer", "schema": request.schema}
            arguments["response_format"] = {"type": "json_schema", "json_schema": form}
        # In this order: what takes another's place may be refused as well.
        for name, instead in _ADAPTATIONS.items():
            if name in self._refused and name in arguments:
                value = arguments.pop(name)
                if instead is not None:
                    arguments[instead] = value
        if "stream" in self._refused:
            arguments["stream"] = False
            arguments.pop("stream_options", None)
        return arguments

    def _adapt(self, failed: Failure, sent: Mapping[str, Any]) -> bool:
        """Do without what the server refused, from now on; return whether that is worth a new try."""
        if failed.status not in _ADAPTABLE:
            return False
        said = failed.detail
        named = {name for name in _ADAPTATIONS if name in sent and re.search(rf"\b{name}\b", said)}
        if not named:
            if _ALTERNATE.search(said):
                # First neighbours of one role; then, as some templates count it, the system's message.
                named = {"neighbours"} if "neighbours" not in self._refused else {"system"}
            elif _NO_SYSTEM.search(said):
                named = {"system"}
            elif failed.status != 500 and sent["stream"] and _NO_STREAM.search(said):
                named = {"stream"}
        named -= self._refused
        self._refused |= named
        return bool(named)

    async def _values(self, response: httpx2.Response, answer: _Answer) -> AsyncGenerator[Any, None]:
        """Yield what is sent until it ends, or for `usage_grace_s` after the answer is complete."""
        frames = Frames(response.aiter_bytes())
        deadline: float | None = None
        async with aclosing(frames.values()) as values:
            while True:
                try:
                    async with asyncio.timeout_at(deadline):
                        value = await anext(values)
                except StopAsyncIteration:
                    answer.is_over = answer.is_over or frames.is_whole
                    return
                except TimeoutError:
                    return  # It can only come from the grace period: the answer is complete by then.
                except foreign_errors() as error:
                    if deadline is not None:
                        return  # The answer is complete; only the token counts are missing.
                    raise translate(error, self._endpoint) from None
                yield value
                if answer.is_over:
                    return
                if answer.finish is not None and deadline is None:
                    deadline = asyncio.get_running_loop().time() + self._usage_grace_s


def _shape_tool(tool: ToolSpec) -> dict[str, Any]:
    function = {"name": tool.name, "description": tool.description, "parameters": tool.parameters}
    return {"type": "function", "function": function}


def _shape_calls(message: ChatMessage) -> dict[str, Any]:
    """Return what a model asked of tools, or what came of that, as a server takes it."""
    if message.call_id is not None:
        return {"role": "tool", "tool_call_id": message.call_id, "content": message.content}
    calls = [
        {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": _as_object(call.arguments)}}
        for call in message.calls
    ]
    return {"role": message.role.value, "content": message.content, "tool_calls": calls}


def _as_object(arguments: str) -> str:
    """Return what a call was given, and an empty object where that is none: some servers read it again, and refuse."""
    try:
        return arguments if isinstance(json.loads(arguments), dict) else "{}"
    except (ValueError, RecursionError):
        return "{}"


def shape_messages(messages: Sequence[ChatMessage], refused: set[str]) -> list[dict[str, Any]]:
    """Return the messages as a server takes them that knows no system's role, or wants the roles to alternate."""
    shaped: list[dict[str, Any]] = []
    for message in messages:
        if message.calls or message.call_id is not None:
            shaped.append(_shape_calls(message))
            continue
        role = Role.USER if message.role is Role.SYSTEM and "system" in refused else message.role
        # What was the system's goes into the user's message behind it.
        joins = "neighbours" in refused or (role is not message.role or (len(shaped) == 1 and "system" in refused))
        if joins and shaped and shaped[-1]["role"] == role.value:
            shaped[-1]["content"] += f"\n\n{message.content}"
        else:
            shaped.append({"role": role.value, "content": message.content})
    return shaped


def read_whole(body: object, endpoint: Endpoint) -> list[ModelEvent]:
    """Return what an answer in one piece says. Raises `Failure` for what is none, or tells of an error."""
    answer = _Answer(endpoint, MAX_ANSWER_CHARACTERS)
    return [*answer.take(body), *answer.end()]


@dataclass(slots=True)
class _Answer:
    """What is known of an answer so far."""

    endpoint: Endpoint
    max_characters: int
    finish: str | None = None
    is_over: bool = False
    model: str | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    cached_tokens: int | None = None
    characters: int = 0
    last: object = None
    understood: bool = False
    said: list[str] = field(default_factory=list)
    calls: dict[int, CallPiece] = field(default_factory=dict)
    increments: Increments = field(default_factory=Increments)
    text_halves: Surrogates = field(default_factory=Surrogates)
    thinking_halves: Surrogates = field(default_factory=Surrogates)
    splitter: ThinkingSplitter = field(default_factory=ThinkingSplitter)

    def take(self, value: object) -> Iterator[ModelEvent]:
        """Yield the deltas of what was sent. Raises `Failure` for an error that it tells of."""
        if value == DONE:
            self.is_over = True
            return
        self.last = value
        failed = find_reported(value, self.endpoint)
        if failed is not None:
            raise failed
        chunk = read_chunk(value)
        self.understood = self.understood or chunk.understood
        self.model = chunk.model or self.model
        self.input_tokens = self.input_tokens if chunk.input_tokens is None else chunk.input_tokens
        self.output_tokens = self.output_tokens if chunk.output_tokens is None else chunk.output_tokens
        self.cached_tokens = self.cached_tokens if chunk.cached_tokens is None else chunk.cached_tokens
        if thinking := self.thinking_halves.join(chunk.thinking):
            self._count(thinking)
            yield ThinkingDelta(thinking)
        yield from self._say(self.text_halves.join(self._new(chunk)))
        for piece in chunk.calls:
            self._add_call(piece)
        self.finish = self.finish or chunk.finish
        self.is_over = self.is_over or chunk.is_last

    def end(self) -> Iterator[ModelEvent]:
        """Yield what is left and `Finished`; raise `Failure` if the answer did not come to its end."""
        yield from self._say(self.increments.rest())
        yield from self.splitter.finish()
        if not self.understood and self.last is not None:
            raise Failure(malformed_error(self.endpoint, self.last))
        if self.finish == "error" or (self.finish is None and not (self.is_over and self.understood)):
            raise Failure(cut_off_error(self.endpoint), again=True, broke=True)
        for call in filter(lambda call: call.name, self.calls.values()):
            told = (call.id or f"call_{call.index}", call.name, call.arguments)
            yield ToolCalled(ToolCall(*(Surrogates().join(text) for text in told)))
        model = self.model or self.endpoint.model
        yield Finished(self.finish or "stop", model, self.input_tokens, self.output_tokens, self.cached_tokens)

    def _add_call(self, piece: CallPiece) -> None:
        known = self.calls.get(piece.index)
        if known is not None and piece.id and known.id and piece.id != known.id:
            # Some servers number each of several calls 0.
            piece = replace(piece, index=max(self.calls) + 1)
            known = None
        if known is not None:
            piece = replace(
                known,
                id=known.id or piece.id,
                name=known.name or piece.name,
                arguments=known.arguments + piece.arguments,
            )
        self._count(piece.arguments)
        self.calls[piece.index] = piece

    def _new(self, chunk: Chunk) -> str:
        if chunk.is_message and self.said and chunk.text.startswith(said := "".join(self.said)):
            return chunk.text[len(said) :]  # the whole answer once more, at its end
        return self.increments.new(chunk.text)

    def _say(self, text: str) -> Iterator[ModelEvent]:
        if text:
            self._count(text)
            self.said.append(text)
            yield from self.splitter.feed(text)

    def _count(self, text: str) -> None:
        self.characters += len(text)
        if self.characters > self.max_characters:
            raise too_long_error(self.endpoint, self.max_characters)
