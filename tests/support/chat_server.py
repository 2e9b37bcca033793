"""A scripted OpenAI-compatible server on loopback, for tests that look at what goes over the socket."""

from __future__ import annotations

import asyncio
import hashlib
import json
import threading
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

TIMEOUT_S = 10.0


class Gate:
    """Holds a reply back until the test opens it; `reached` is set when the server stands before it."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self._lock = threading.Lock()
        self._open = False
        self._waiting: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    def open(self) -> None:
        """Let the reply go on. May be called from any thread."""
        with self._lock:
            self._open = True
            for loop, event in self._waiting:
                loop.call_soon_threadsafe(event.set)
            self._waiting.clear()

    async def wait(self) -> None:
        """Wait, in the server's loop, until the gate is open."""
        event = asyncio.Event()
        with self._lock:
            if self._open:
                event.set()
            else:
                self._waiting.append((asyncio.get_running_loop(), event))
        self.reached.set()
        await event.wait()


@dataclass(frozen=True, slots=True)
class Thinking:
    """A piece of reasoning; `key` is the field of the delta that carries it."""

    text: str
    key: str = "reasoning_content"


@dataclass(frozen=True, slots=True)
class Raw:
    """Bytes put into the stream as they are."""

    data: bytes


Piece = str | Thinking | Raw | Gate


@dataclass(frozen=True, slots=True)
class Stream:
    """An answer. `pieces` may be endless. `cut` drops the connection after them instead of finishing.

    `before` holds the first byte back, headers included. `usage` is (prompt tokens, completion tokens).
    """

    pieces: Iterable[Piece] = ("Hello", " there.")
    finish: str | None = "stop"
    usage: tuple[int, int] | None = (10, 5)
    done: bool = True
    cut: bool = False
    before: Gate | None = None
    model: str = "scripted-model"
    after_finish: Iterable[Piece] = ()


@dataclass(frozen=True, slots=True)
class Failure:
    """An error in OpenAI's form."""

    status: int
    message: str = "scripted failure"
    code: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Body:
    """Any other reply: garbage, a web page, a redirect, a huge body."""

    data: bytes = b""
    status: int = 200
    content_type: str = "text/event-stream"
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Chunks:
    """A body in pieces, which may be endless, or held back by a gate."""

    pieces: Iterable[Raw | Gate]


Reply = Stream | Failure | Body | Chunks


@dataclass(slots=True)
class RecordedRequest:
    """What one request brought over the socket. Header names are in lower case.

    `disconnected` is set when the client went away before the reply was complete.
    """

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    disconnected: threading.Event = field(default_factory=threading.Event)

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)

    @property
    def prompt(self) -> str:
        """The contents of all messages, one after the other."""
        return "\n\n".join(str(message["content"]) for message in self.json["messages"])


Answer = Callable[[RecordedRequest], Reply]


def echo_passages(request: RecordedRequest) -> Reply:
    """Answer with the whole prompt, so that a test sees in the answer which passages the model was given."""
    return Stream(pieces=request.prompt.splitlines(keepends=True))


def vector_of(text: str, dimensions: int) -> list[float]:
    """Return a vector that depends on the text alone."""
    digest = hashlib.shake_256(text.encode()).digest(dimensions)
    return [(byte - 127.5) / 127.5 for byte in digest]


class ChatServer:
    """Serves `/v1/chat/completions`, `/v1/embeddings` and `/v1/models` from a thread of its own.

    `models` are the names or entries of the list of models, `pages` what other paths answer, as JSON; with a
    `key` nothing is answered without it.
    Use it as a context manager, in sync and async tests alike. Replies given to `script` are used up in order by chat
    and embedding requests; when none is left, `answer` makes the reply to a chat request.
    """

    def __init__(
        self,
        answer: Answer | None = None,
        *,
        models: Iterable[str | Mapping[str, Any]] = ("scripted-model",),
        dimensions: int = 8,
        pages: Mapping[str, Any] | None = None,
        key: str | None = None,
    ) -> None:
        self.requests: list[RecordedRequest] = []
        self.models = list(models)
        self.pages = pages or {}
        self.key = key
        self.dimensions = dimensions
        self.answer: Answer = answer or (lambda request: Stream())
        self._replies: list[Reply] = []
        self._changed = threading.Condition()
        self._port: Future[int] = Future()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), name="chat-server")
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop = asyncio.Event()

    @property
    def port(self) -> int:
        """The port it listens on."""
        return self._port.result(TIMEOUT_S)

    @property
    def url(self) -> str:
        """The base URL to give to a client."""
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def chats(self) -> list[RecordedRequest]:
        """The requests for an answer, in order."""
        return [request for request in self.requests if request.path.endswith("/chat/completions")]

    def script(self, *replies: Reply) -> None:
        """Add replies for the next requests."""
        self._replies.extend(replies)

    def wait_for_requests(self, count: int, timeout_s: float = TIMEOUT_S) -> None:
        """Wait until so many requests have arrived."""
        with self._changed:
            if not self._changed.wait_for(lambda: len(self.requests) >= count, timeout_s):
                raise TimeoutError(f"{len(self.requests)} of {count} requests arrived in {timeout_s} s")

    def __enter__(self) -> Self:
        self._thread.start()
        self._port.result(TIMEOUT_S)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._loop is not None
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(TIMEOUT_S)

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        connections: set[asyncio.Task[None]] = set()

        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            connections.add(task)
            try:
                await self._connection(reader, writer)
            finally:
                connections.discard(task)

        try:
            server = await asyncio.start_server(connected, "127.0.0.1", 0)
        except OSError as error:
            self._port.set_exception(error)
            return
        self._port.set_result(server.sockets[0].getsockname()[1])
        await self._stop.wait()
        server.close()
        for task in list(connections):
            task.cancel()
        await asyncio.gather(*connections, return_exceptions=True)

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            request = await _read_request(reader)
            if request is not None:
                with self._changed:
                    self.requests.append(request)
                    self._changed.notify_all()
                await self._reply_while_connected(request, reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # The client went away or the server is stopping; `disconnected` says so where a test cares.
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    async def _reply_while_connected(
        self, request: RecordedRequest, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Send the reply, but stop as soon as the client closes its side, as a real server does."""
        sending = asyncio.create_task(_send(self._reply_to(request), request, writer))
        leaving = asyncio.create_task(reader.read(1))
        try:
            await asyncio.wait({sending, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if sending.done() and not isinstance(sending.exception(), ConnectionError):
                sending.result()
            else:
                request.disconnected.set()
        finally:
            for task in (sending, leaving):
                task.cancel()
            await asyncio.gather(sending, leaving, return_exceptions=True)

    def _reply_to(self, request: RecordedRequest) -> Reply:
        path = request.path.partition("?")[0]
        if self.key is not None and request.headers.get("authorization") != f"Bearer {self.key}":
            return Failure(401, "no such key")
        if path == "/v1/models":
            entries = [{"id": one} if isinstance(one, str) else one for one in self.models]
            return _json_body({"object": "list", "data": [{"object": "model", **entry} for entry in entries]})
        if path in self.pages:
            return _json_body(self.pages[path])
        if path not in {"/v1/chat/completions", "/v1/embeddings"}:
            return Failure(404, f"no such path: {path}")
        if self._replies:
            return self._replies.pop(0)
        return self._embed(request) if path == "/v1/embeddings" else self.answer(request)

    def _embed(self, request: RecordedRequest) -> Reply:
        given = request.json["input"]
        texts = [given] if isinstance(given, str) else given
        data = [
            {"object": "embedding", "index": index, "embedding": vector_of(text, self.dimensions)}
            for index, text in enumerate(texts)
        ]
        usage = {"prompt_tokens": len(texts), "total_tokens": len(texts)}
        return _json_body({"object": "list", "model": request.json["model"], "data": data, "usage": usage})


async def _read_request(reader: asyncio.StreamReader) -> RecordedRequest | None:
    head = await reader.readuntil(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    method, path, _ = first.split(" ", 2)
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return RecordedRequest(method, path, headers, body)


async def _send(reply: Reply, request: RecordedRequest, writer: asyncio.StreamWriter) -> None:
    match reply:
        case Stream() if request.body and request.json.get("stream"):
            await _send_stream(reply, request, writer)
        case Stream():
            await _send_body(_completion(reply), writer)
        case Failure():
            error = {"message": reply.message, "type": "scripted", "code": reply.code}
            await _send_body(_json_body({"error": error}, reply.status, reply.headers), writer)
        case Body():
            await _send_body(reply, writer)
        case Chunks():
            _write_head(200, {"Content-Type": "application/json", "Transfer-Encoding": "chunked"}, writer)
            await _write_pieces(reply.pieces, "", writer)
            writer.write(b"0\r\n\r\n")
            await writer.drain()


async def _send_body(reply: Body, writer: asyncio.StreamWriter) -> None:
    headers = {"Content-Type": reply.content_type, "Content-Length": str(len(reply.data)), **reply.headers}
    _write_head(reply.status, headers, writer)
    writer.write(reply.data)
    await writer.drain()


async def _send_stream(reply: Stream, request: RecordedRequest, writer: asyncio.StreamWriter) -> None:
    if reply.before is not None:
        await reply.before.wait()
    _write_head(200, {"Content-Type": "text/event-stream", "Transfer-Encoding": "chunked"}, writer)
    await _write_event(_delta({"role": "assistant", "content": ""}, reply.model), writer)
    await _write_pieces(reply.pieces, reply.model, writer)
    if reply.cut:
        writer.transport.abort()
        return
    if reply.finish is not None:
        await _write_event(_delta({}, reply.model, reply.finish), writer)
    await _write_pieces(reply.after_finish, reply.model, writer)
    if reply.usage is not None and request.json.get("stream_options", {}).get("include_usage"):
        await _write_event({"model": reply.model, "choices": [], "usage": _usage(*reply.usage)}, writer)
    if reply.done:
        await _write_chunk(b"data: [DONE]\n\n", writer)
    writer.write(b"0\r\n\r\n")
    await writer.drain()


async def _write_pieces(pieces: Iterable[Piece], model: str, writer: asyncio.StreamWriter) -> None:
    for piece in pieces:
        match piece:
            case Gate():
                await piece.wait()
            case Raw(data):
                await _write_chunk(data, writer)
            case Thinking(text, key):
                await _write_event(_delta({key: text}, model), writer)
            case str():
                await _write_event(_delta({"content": piece}, model), writer)


async def _write_event(event: Mapping[str, Any], writer: asyncio.StreamWriter) -> None:
    await _write_chunk(b"data: " + json.dumps(event).encode() + b"\n\n", writer)


async def _write_chunk(data: bytes, writer: asyncio.StreamWriter) -> None:
    writer.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
    await writer.drain()
    await asyncio.sleep(0)  # `drain` returns at once while buffers have room; an endless reply must let others run.


def _write_head(status: int, headers: Mapping[str, str], writer: asyncio.StreamWriter) -> None:
    lines = [f"HTTP/1.1 {status} Scripted", *(f"{name}: {value}" for name, value in headers.items())]
    # One request a connection: then whatever the client sends during a reply can only be its goodbye.
    lines.append("Connection: close")
    writer.write("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n")


def _delta(delta: Mapping[str, Any], model: str, finish: str | None = None) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 0, "model": model, "choices": [choice]}


def _completion(reply: Stream) -> Body:
    message = {"role": "assistant", "content": "".join(piece for piece in reply.pieces if isinstance(piece, str))}
    choice = {"index": 0, "message": message, "finish_reason": reply.finish}
    usage = _usage(*reply.usage) if reply.usage is not None else None
    return _json_body({"object": "chat.completion", "model": reply.model, "choices": [choice], "usage": usage})


def _usage(prompt: int, completion: int) -> dict[str, int]:
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}


def _json_body(content: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Body:
    return Body(json.dumps(content).encode(), status, "application/json", headers or {})
