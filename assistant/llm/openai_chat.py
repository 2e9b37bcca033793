"""A chat model behind any OpenAI-compatible chat-completions endpoint."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

from assistant.llm.base import ChatRequest, Finished, ModelEvent, ThinkingDelta
from assistant.llm.openai_chunks import Chunk, ThinkingSplitter, read_chunk
from assistant.llm.openai_errors import Endpoint, Failed, cut_off, foreign_errors, malformed, too_long, translate
from assistant.llm.retry import RetryPolicy
from assistant.llm.transport import http_client
from memory_store.importing import one_at_a_time
from memory_store.network import display_url, is_loopback

if TYPE_CHECKING:
    from openai import AsyncOpenAI, AsyncStream
    from openai.types.chat import ChatCompletionChunk

DEFAULT_BASE_URL = "https://api.openai.com/v1"
MAX_ANSWER_CHARACTERS = 1_000_000

# What some servers refuse, and what to send instead: nothing, or the same value under another name.
_ADAPTATIONS: dict[str, str | None] = {
    "stream_options": None,
    "temperature": None,
    "max_tokens": "max_completion_tokens",
    "response_format": None,
}


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
        context_tokens: int = 8192,
        connect_timeout_s: float = 10.0,
        read_timeout_s: float = 300.0,
        retry: RetryPolicy | None = None,
        key_name: str = "OPENAI_API_KEY",
        max_answer_characters: int = MAX_ANSWER_CHARACTERS,
        usage_grace_s: float = 5.0,
    ) -> None:
        key = api_key.get_secret_value() if isinstance(api_key, SecretStr) else api_key
        self._base_url = base_url
        self._endpoint = Endpoint(display_url(base_url), model, key or None, key_name, is_loopback(base_url))
        self._context_tokens = context_tokens
        self._connect_timeout_s = connect_timeout_s
        self._read_timeout_s = read_timeout_s
        self._retry = retry or RetryPolicy()
        self._max_answer_characters = max_answer_characters
        self._usage_grace_s = usage_grace_s
        self._refused: set[str] = set()
        self._client: AsyncOpenAI | None = None
        self._opening = asyncio.Lock()

    @property
    def name(self) -> str:
        """The model's name, as configured."""
        return self._endpoint.model

    @property
    def is_private(self) -> bool:
        """True when the endpoint is on a loopback address."""
        return self._endpoint.is_loopback

    @property
    def endpoint(self) -> str | None:
        """The base URL, made for display."""
        return self._endpoint.url

    @property
    def context_tokens(self) -> int:
        """The size of the context window in tokens."""
        return self._context_tokens

    @property
    def quotes_only(self) -> bool:
        """False: a language model answers."""
        return False

    @property
    def is_trial(self) -> bool:
        """False: the user chose it."""
        return False

    async def stream(self, request: ChatRequest) -> AsyncGenerator[ModelEvent, None]:
        """Yield deltas, then one `Finished`; send the request again if it fails before the first delta.

        Raises `ModelError`. Closing the iterator or cancelling the task closes the connection at once.
        """
        attempt = 0
        while True:
            began = False
            try:
                async with aclosing(self._attempt(request)) as events:
                    async for event in events:
                        began = True
                        yield event
                return
            except _Failure as failure:
                failed = failure.failed
            if began:
                raise (cut_off(self._endpoint) if failed.broke else failed.error) from None
            if self._adapt(failed):
                continue
            if not failed.again or attempt >= self._retry.max_retries:
                raise failed.error from None
            await self._retry.sleep(self._retry.pause_s(attempt, failed.asked_s))
            attempt += 1

    async def close(self) -> None:
        """Close the connections."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    async def _attempt(self, request: ChatRequest) -> AsyncGenerator[ModelEvent, None]:
        """Send the request once; raise `_Failure` for what the endpoint does wrong."""
        stream = await self._open(request)
        try:
            answer = _Answer(self._endpoint, self._max_answer_characters)
            async with aclosing(self._chunks(stream, answer)) as chunks:
                async for chunk in chunks:
                    for event in answer.take(chunk):
                        yield event
            for event in answer.end():
                yield event
        finally:
            await stream.close()

    async def _open(self, request: ChatRequest) -> AsyncStream[ChatCompletionChunk]:
        try:
            client = await self._ready_client()
            stream: AsyncStream[ChatCompletionChunk] = await client.chat.completions.create(**self._arguments(request))
        except foreign_errors() as error:
            raise _Failure(translate(error, self._endpoint)) from None
        return stream

    async def _ready_client(self) -> AsyncOpenAI:
        async with self._opening:
            if self._client is None:
                # In a thread: importing `openai` takes up to 1.8 s and would stop everything on the event loop.
                self._client = await asyncio.to_thread(self._make_client)
            return self._client

    def _make_client(self) -> AsyncOpenAI:
        with one_at_a_time:
            import openai
            import openai.resources.chat  # the client would import it at the first request

        return openai.AsyncOpenAI(
            base_url=self._base_url,
            # The transport adds the real key, so that no object or error of the vendor ever holds it. Without this
            # placeholder the package would take OPENAI_API_KEY and send it to any endpoint.
            api_key="set-by-transport",
            max_retries=0,
            http_client=http_client(
                self._base_url,
                self._endpoint.api_key,
                connect_timeout_s=self._connect_timeout_s,
                read_timeout_s=self._read_timeout_s,
            ),
        )

    def _arguments(self, request: ChatRequest) -> dict[str, Any]:
        arguments: dict[str, Any] = {
            "model": self._endpoint.model,
            "messages": [{"role": message.role.value, "content": message.content} for message in request.messages],
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        if request.max_tokens is not None:
            arguments["max_tokens"] = request.max_tokens
        if request.temperature is not None:
            arguments["temperature"] = request.temperature
        if request.schema is not None:
            form = {"name": "answer", "schema": request.schema}
            arguments["response_format"] = {"type": "json_schema", "json_schema": form}
        for refused in self._refused & arguments.keys():
            value, instead = arguments.pop(refused), _ADAPTATIONS[refused]
            if instead is not None:
                arguments[instead] = value
        return arguments

    def _adapt(self, failed: Failed) -> bool:
        """Leave out, from now on, an argument that the server refused; return whether that is worth a new try."""
        if failed.status not in {400, 422, 501}:
            return False
        named = {name for name in _ADAPTATIONS if name in failed.detail} - self._refused
        self._refused |= named
        return bool(named)

    async def _chunks(self, stream: AsyncStream[ChatCompletionChunk], answer: _Answer) -> AsyncGenerator[Chunk, None]:
        """Yield chunks until the stream ends, or for `usage_grace_s` after the one that completes the answer."""
        content_type = stream.response.headers.get("content-type", "")
        if "html" in content_type:  # The page of a web server, or of a proxy that wants a login.
            raise _Failure(Failed(malformed(self._endpoint)))
        if "json" in content_type:
            yield await self._whole_answer(stream)
            return
        deadline: float | None = None
        while True:
            try:
                async with asyncio.timeout_at(deadline):
                    raw = await anext(stream)
            except (StopAsyncIteration, TimeoutError):
                return  # A TimeoutError can only come from the grace period: the answer is complete by then.
            except foreign_errors() as error:
                if deadline is not None:
                    return  # The answer is complete; only the token counts are missing.
                raise _Failure(translate(error, self._endpoint)) from None
            yield read_chunk(raw)
            if answer.finish is not None and deadline is None:
                deadline = asyncio.get_running_loop().time() + self._usage_grace_s

    async def _whole_answer(self, stream: AsyncStream[ChatCompletionChunk]) -> Chunk:
        """Read the answer of a server that does not stream."""
        try:
            return read_chunk(json.loads(await stream.response.aread()))
        except foreign_errors() as error:
            raise _Failure(translate(error, self._endpoint)) from None


class _Failure(Exception):
    """Carries a translated failure to where it is decided whether to try again."""

    def __init__(self, failed: Failed) -> None:
        super().__init__(failed.error.message)
        self.failed = failed


@dataclass(slots=True)
class _Answer:
    """What is known of an answer so far."""

    endpoint: Endpoint
    max_characters: int
    finish: str | None = None
    model: str | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    characters: int = 0
    chunks: int = 0
    understood: bool = False
    splitter: ThinkingSplitter = field(default_factory=ThinkingSplitter)

    def take(self, chunk: Chunk) -> Iterator[ModelEvent]:
        """Yield the deltas of a chunk. What comes after the end of the answer only adds its counts."""
        self.chunks += 1
        self.understood = self.understood or chunk.understood
        self.model = chunk.model or self.model
        self.input_tokens = self.input_tokens if chunk.input_tokens is None else chunk.input_tokens
        self.output_tokens = self.output_tokens if chunk.output_tokens is None else chunk.output_tokens
        if self.finish is not None:
            return
        self.characters += len(chunk.thinking) + len(chunk.text)
        if self.characters > self.max_characters:
            raise too_long(self.endpoint, self.max_characters)
        if chunk.thinking:
            yield ThinkingDelta(chunk.thinking)
        if chunk.text:
            yield from self.splitter.feed(chunk.text)
        self.finish = chunk.finish

    def end(self) -> Iterator[ModelEvent]:
        """Yield what is left and `Finished`; raise `_Failure` if the answer did not come to its end."""
        yield from self.splitter.finish()
        if self.finish is None:
            if self.chunks and not self.understood:
                raise _Failure(Failed(malformed(self.endpoint)))
            raise _Failure(Failed(cut_off(self.endpoint), again=True, broke=True))
        yield Finished(self.finish, self.model or self.endpoint.model, self.input_tokens, self.output_tokens)
