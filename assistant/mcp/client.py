"""Uses servers of the Model Context Protocol: their tools join those of a turn, and a bad server costs a sentence.

All of it happens in a thread with an event loop of its own, where the SDK is imported as well: the chat's loop never
waits for a server. One task owns a connection from its start to its end.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import json
import logging
import math
import re
import threading
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from pydantic import RootModel, ValidationError

from assistant.config import McpServer
from assistant.core.framing import quoted
from assistant.core.tools.builtin import BUILT_IN
from assistant.core.tools.finding import ToolRanking, ToolShelf, tokens_of
from assistant.core.tools.forms import AskUser, ServerQuestion, UserAnswer, fields_of
from assistant.core.tools.tool import Bench, Effect, Tool, ToolError, UncertainError
from assistant.core.tools.toolbox import Toolbox, ToolOffer
from assistant.display import excerpt, plain
from assistant.mcp.server_keys import find_variables
from assistant.mcp.starting import Traffic, started
from memory_store import Store
from memory_store.network import display_url, host_of, is_loopback

if TYPE_CHECKING:
    from mcp import Client
    from mcp.client import ClientRequestContext
    from mcp.client._transport import TransportStreams
    from mcp_types import CallToolResult, ElicitRequestParams, ElicitResult
    from mcp_types import Tool as ListedTool

T = TypeVar("T")

# What the descriptions of all tools of servers may take of the model's window.
MOST_TOKENS: Final = 1500
_PART_OF_WINDOW: Final = 8
_MOST_PAGES: Final = 20
_MOST_STARTS: Final = 3
_MOST_KEPT: Final = 3  # tools that were used and are offered in the next turn, too
_MOST_QUESTIONS: Final = 5  # of a server to the user, in one call
_MOST_URL_CHARS: Final = 2000  # all of it is shown
_NAME_CHARS: Final = 64
_TOLD_CHARS: Final = 200
_DESCRIPTION_CHARS: Final = 1000
_RESULT_CHARS: Final = 16_000


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a server may take, in seconds, and how much it may send between two requests, in bytes and lines."""

    connecting: float = 15.0
    listing: float = 5.0
    calling: float = 60.0
    leaving: float = 1.0
    most_bytes: int = 8 * 2**20
    most_lines: int = 2000


@dataclass(frozen=True, slots=True)
class Listing:
    """The tools of a server as it lists them now, or in a sentence why there are none."""

    server: str
    tools: tuple[Tool[Any], ...] = ()
    failure: str = ""


_Answering = concurrent.futures.Future[UserAnswer]
Put = Callable[[ServerQuestion], _Answering]
"""Puts a question to the user in the loop of the chat; may be called in any thread."""


@dataclass(slots=True)
class _Asking:
    """A call during which the server may ask the user, some times: `put` does, while `clock` stands still."""

    put: Put
    clock: asyncio.Timeout
    left: int = _MOST_QUESTIONS

    @contextmanager
    def stopped_clock(self) -> Iterator[None]:
        """Let no time of the call pass."""
        loop, ends = asyncio.get_running_loop(), self.clock.when()
        left = None if ends is None else ends - loop.time()
        self.clock.reschedule(None)
        try:
            yield
        finally:
            self.clock.reschedule(None if left is None else loop.time() + left)


class _Loop:
    """An event loop in a daemon thread."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="keepsake-mcp-client", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        self._loop.run_forever()
        self._loop.close()

    async def do(self, work: Coroutine[Any, Any, T]) -> T:
        """Return what is done there; a cancellation goes along."""
        future: concurrent.futures.Future[T] = asyncio.run_coroutine_threadsafe(work, self._loop)
        return await asyncio.wrap_future(future)

    async def do_and_ask(self, work: Callable[[Put], Coroutine[Any, Any, T]], ask: AskUser) -> T:
        """Return what is done there, and ask the user here what is to be asked meanwhile, one after the other.

        A question that is taken back, by a cancellation of its future, is asked no longer.
        """
        here = asyncio.get_running_loop()
        waiting: asyncio.Queue[tuple[ServerQuestion, _Answering]] = asyncio.Queue()
        put_so_far: list[_Answering] = []

        def put(question: ServerQuestion) -> _Answering:
            answering: _Answering = concurrent.futures.Future()
            put_so_far.append(answering)
            here.call_soon_threadsafe(waiting.put_nowait, (question, answering))
            return answering

        async def answer() -> None:
            while True:
                question, answering = await waiting.get()
                asked, taken_back = asyncio.ensure_future(ask(question)), asyncio.wrap_future(answering)
                try:
                    await asyncio.wait((asked, taken_back), return_when=asyncio.FIRST_COMPLETED)
                    if asked.done():
                        with suppress(concurrent.futures.InvalidStateError):  # taken back meanwhile
                            answering.set_result(asked.result())
                finally:
                    asked.cancel()
                    await asyncio.wait((asked,))

        working, asking = asyncio.ensure_future(self.do(work(put))), asyncio.create_task(answer())
        try:
            await asyncio.wait((working, asking), return_when=asyncio.FIRST_COMPLETED)
            if asking.done():  # only by an error
                asking.result()
            return await working
        finally:
            working.cancel()
            asking.cancel()
            await asyncio.wait((working, asking))
            for answering in put_so_far:
                if not answering.done():
                    answering.set_result(UserAnswer("cancel"))

    def stop(self) -> None:
        """End the thread."""
        self._loop.call_soon_threadsafe(self._loop.stop)


class ServerToolbox(Toolbox):
    """The tools that come along, and those of the servers of the settings, which are connected to on first use.

    `keys` is the file of keys, beside the keyring, for the variables that servers get.
    """

    def __init__(
        self,
        servers: Mapping[str, McpServer],
        keys: Path | None = None,
        limits: Limits | None = None,
        own: Sequence[Tool[Any]] = BUILT_IN,
    ) -> None:
        super().__init__(own)
        self._connections = [_Connection(name, server, keys, limits or Limits()) for name, server in servers.items()]
        self._loop: _Loop | None = None
        self._told: set[str] = set()
        self._ranking: ToolRanking | None = None
        self._used: list[str] = []  # the latest first

    async def open(self, store: Store, context_tokens: int, question: str) -> ToolOffer:
        """Return all tools where they fit, else a tool that finds them, and those that fit the question.

        What is wrong with a server is told once.
        """
        listings = await self.list_tools()
        tools: dict[str, Tool[Any]] = {}
        for tool in (tool for listing in listings for tool in listing.tools):
            tools.setdefault(tool.name, tool)
        notes = [listing.failure for listing in listings if listing.failure]
        room = min(MOST_TOKENS, context_tokens // _PART_OF_WINDOW)
        if sum(map(tokens_of, tools.values())) <= room:
            return ToolOffer((*self._own, *tools.values()), self._fresh(notes))
        self._ranking = self._ranking or ToolRanking(store.embed_sentences)
        shelf = ToolShelf(tools.values(), room, self._ranking)
        await asyncio.to_thread(shelf.begin, question, self._used[:_MOST_KEPT])
        notes += [f"The tool {name} takes too many tokens to describe, and is not offered." for name in shelf.too_long]
        return ToolOffer((*self._own, shelf.finder), self._fresh(notes), shelf.loaded)

    async def find(self, names: Sequence[str]) -> dict[str, Tool[Any]]:
        """Return the tools of these names; servers are asked only for those that are not our own."""
        found = await super().find(names)
        if set(names) <= found.keys():
            return found
        listings = await self.list_tools()
        return {**{tool.name: tool for listing in listings for tool in listing.tools if tool.name in names}, **found}

    def _fresh(self, notes: Sequence[str]) -> tuple[str, ...]:
        """Return those that were not told before."""
        fresh = tuple(note for note in notes if note not in self._told)
        self._told.update(fresh)
        return fresh

    async def list_tools(self) -> Sequence[Listing]:
        """Ask all servers at once what they have; starts those that are not running."""
        self._loop = self._loop or _Loop()
        return await asyncio.gather(*(self._list(self._loop, connection) for connection in self._connections))

    async def _list(self, loop: _Loop, connection: _Connection) -> Listing:
        async def as_tools() -> tuple[Tool[Any], ...]:
            # There, too: the forms of two hundred tools take longer than a frame.
            listed = await connection.list_tools()
            return tuple(_as_tool(loop, connection, tool, self._note_use) for tool in listed)

        try:
            return Listing(connection.name, await loop.do(as_tools()))
        except ToolError as error:
            return Listing(connection.name, failure=str(error))

    def _note_use(self, name: str) -> None:
        self._used = [name, *(used for used in self._used if used != name)]

    async def close(self) -> None:
        """End all servers that were started here."""
        if self._loop is not None:
            loop, self._loop = self._loop, None
            await asyncio.gather(*(loop.do(connection.close()) for connection in self._connections))
            loop.stop()


class _Connection:
    """A connection to one server; all of it happens in the loop of its thread. What goes wrong is a ToolError."""

    def __init__(self, name: str, server: McpServer, keys: Path | None, limits: Limits) -> None:
        self.name = name
        self._server = server
        self._keys = keys
        self._limits = limits
        self._client: Client | None = None
        self._task: asyncio.Task[None] | None = None
        self._closing = asyncio.Event()
        self._starts = 0
        self._wants_login = False
        self._traffic = Traffic(limits.most_bytes, limits.most_lines)
        self._asking: _Asking | None = None

    @property
    def is_here(self) -> bool:
        """Whether the server is on this machine."""
        return not self._server.url or is_loopback(self._server.url)

    @property
    def place(self) -> str:
        """Where what it is given goes, as the log of requests has it: a program here may send it on to anywhere."""
        return f"server:{self.name}" if self.is_here else display_url(self._server.url)

    async def list_tools(self) -> list[ListedTool]:
        """Return the tools that it has now; connects where it is not connected."""
        if self._client is None or self._traffic.ended:
            await self._connect()
        found: list[ListedTool] = []
        cursor: str | None = None
        try:
            async with asyncio.timeout(self._limits.listing):
                for _ in range(_MOST_PAGES):
                    page = await self._require().list_tools(cursor=cursor)
                    found += page.tools
                    cursor = page.next_cursor
                    if not cursor:
                        break
        except Exception as error:
            told = self._explain(error, self._limits.listing)
            self._give_up()
            await self.close()
            raise ToolError(told) from error
        return found

    async def call(self, tool: str, arguments: dict[str, Any], put: Put) -> str:
        """Return what a tool gives back, quoted. What the server asks the user meanwhile, `put` puts to them.

        Raises ToolError; UncertainError where the server had the call and did not answer it.
        """
        client = self._require()
        try:
            async with asyncio.timeout(self._limits.calling) as clock:
                self._asking = _Asking(put, clock)
                result = await client.call_tool(tool, arguments)
        except Exception as error:
            told = await self._ask_to_open(error, put) or self._explain(error, self._limits.calling)
            raise ToolError(told) if _is_answer(error) else UncertainError(told) from error
        finally:
            self._asking = None
        text = quoted(plain(_text_of(result))[:_RESULT_CHARS]) or "It gave nothing back."
        if result.is_error:
            raise ToolError(text)
        return text

    async def _elicit(self, context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
        """Put to the user what the server asks while a tool runs, and decline what it asks unbidden or in another form.

        What the user takes to answer is no time of the server's.
        """
        from mcp_types import ElicitResult

        asking, question = self._asking, _question(self.name, params)
        if asking is None or question is None or asking.left <= 0:
            return ElicitResult(action="decline")
        asking.left -= 1
        with asking.stopped_clock():
            answer = await asyncio.wrap_future(asking.put(question))
        self._traffic.renew()
        return ElicitResult(action=answer.action, content=dict(answer.values) if answer.values is not None else None)

    async def _ask_to_open(self, error: Exception, put: Put) -> str:
        """Ask the user to open what a server wants opened before it does anything; return what the model is told."""
        questions = _addresses_wanted(self.name, error)
        for question in questions:
            if (await asyncio.wrap_future(put(question))).action != "accept":
                return f"The user did not agree to open what the server {self.name} wants opened first."
        asked = "The user was asked to open an address first. Try again once they say that this is done."
        return asked if questions else ""

    async def close(self) -> None:
        """End the connection, and the server with it; returns when it has gone."""
        self._closing.set()
        if self._task is not None:
            await asyncio.wait([self._task], timeout=3 * self._limits.leaving)
            self._task = None

    def _require(self) -> Client:
        """Return the client, for a new request."""
        if self._client is None or self._traffic.ended:
            raise ToolError(f"The server {self.name} {self._traffic.ended or 'is not connected'}.")
        self._traffic.renew()
        return self._client

    async def _connect(self) -> None:
        if self._starts >= _MOST_STARTS:
            raise ToolError(f"The server {self.name} {self._traffic.ended or 'could not be used'}.")
        await self.close()
        self._starts += 1
        self._closing, self._traffic.ended, self._wants_login = asyncio.Event(), "", False
        self._traffic.renew()
        ready: asyncio.Future[Client] = asyncio.get_running_loop().create_future()
        self._task = asyncio.create_task(self._own(ready))
        try:
            self._client = await ready
        except asyncio.CancelledError:
            self._closing.set()
            self._task.cancel()
            raise
        except Exception as error:
            self._give_up()
            self._traffic.ended = self._traffic.ended or _reason(error, self._limits.connecting)
            raise ToolError(f"The server {self.name} {self._traffic.ended}.") from error

    def _give_up(self) -> None:
        """Wait no more for it in each turn; for a login there is no waiting, and it may have been given meanwhile."""
        self._starts = 0 if self._wants_login else _MOST_STARTS

    async def _own(self, ready: asyncio.Future[Client]) -> None:
        """Hold the connection from its start to its end: what the SDK opens has to be closed in the same task."""
        failure: BaseException = TimeoutError()
        try:
            import anyio
            from mcp import Client
            from mcp_types import Implementation

            from memory_store.version import version

            logging.getLogger("mcp").setLevel(logging.CRITICAL + 1)  # the screen is not for what servers print
            logging.getLogger("client").setLevel(logging.CRITICAL + 1)
            transport: AbstractAsyncContextManager[TransportStreams] = self._reach()
            if not self._server.url:
                variables = await asyncio.to_thread(find_variables, self.name, self._server.env, self._keys)
                transport = started(self._server, variables, self._traffic, self._limits.leaving)
            information = Implementation(name="keepsake", version=version())
            with anyio.move_on_after(self._limits.connecting) as scope:
                async with Client(
                    transport, client_info=information, cache=None, elicitation_callback=self._elicit
                ) as client:
                    scope.deadline = math.inf
                    if not ready.done():
                        ready.set_result(client)
                    await self._closing.wait()
        except (Exception, BaseExceptionGroup, asyncio.CancelledError) as error:  # noqa: BLE001 — whoever waits is told
            failure = error
        finally:
            self._client = None
            if not ready.done():
                ready.set_exception(_first(failure))

    def _explain(self, error: BaseException, seconds: float) -> str:
        if isinstance(error, ToolError):
            return str(error)
        return f"The server {self.name} {self._traffic.ended or _reason(_first(error), seconds)}."

    # -- how it is reached -------------------------------------------------------------------------------------

    @asynccontextmanager
    async def _reach(self) -> AsyncGenerator[TransportStreams]:
        """Reach a server at an address: no redirects, and on this machine no proxy.

        A login that is kept for it goes along; what one needs anew is the user's to do, and told.
        """
        import httpx2
        from mcp.client.streamable_http import streamable_http_client

        from assistant.llm.transport import bound_response
        from assistant.mcp.login import kept_login
        from memory_store.network import client_options

        async def refuse_without_login(response: httpx2.Response) -> None:
            if response.status_code == 401 or "insufficient_scope" in response.headers.get("www-authenticate", ""):
                self._wants_login = True
                self._traffic.ended = f"wants a login: run `keepsake mcp login {self.name}` in a terminal"
                raise ToolError(self._traffic.ended)

        url = self._server.url
        login = await asyncio.to_thread(kept_login, self.name, url, self._keys)
        # No time to wait for words of an answer: each request has its own, which stands still while the user is asked.
        timeout = httpx2.Timeout(self._limits.calling, connect=self._limits.connecting, read=None)
        hooks = [bound_response, refuse_without_login]
        async with (
            httpx2.AsyncClient(
                timeout=timeout, event_hooks={"response": hooks}, auth=login, **client_options(url)
            ) as http,
            streamable_http_client(url, http_client=http) as streams,
        ):
            yield streams


def _as_tool(loop: _Loop, connection: _Connection, listed: ListedTool, note_use: Callable[[str], None]) -> Tool[Any]:
    """Return a tool of a server as one of ours; `note_use` is told its name with each use.

    What it says of itself decides what it may do unasked only where its words can't leave the machine by it.
    """
    schema: dict[str, Any] = {"type": "object", "properties": {}, **listed.input_schema}

    class Arguments(RootModel[dict[str, Any]]):
        """What the server's own schema says."""

        @classmethod
        def model_json_schema(cls, *_: Any, **__: Any) -> dict[str, Any]:
            return schema

    async def run(bench: Bench, asked: Arguments) -> str:
        note_use(name)
        try:
            return await loop.do_and_ask(lambda put: connection.call(listed.name, asked.root, put), bench.ask_user)
        except UncertainError as error:
            if reads or again:
                raise ToolError(str(error)) from error
            raise

    hints = listed.annotations
    reads = connection.is_here and hints is not None and hints.read_only_hint is True and not hints.open_world_hint
    again = hints is not None and hints.idempotent_hint is True
    name = re.sub(r"[^A-Za-z0-9_-]", "_", f"{connection.name}__{listed.name}")[:_NAME_CHARS]
    description = plain(listed.description or listed.title or listed.name)[:_DESCRIPTION_CHARS]
    if reads:
        return Tool(name, description, Arguments, Effect.READ, run, connection.name)
    return Tool(name, description, Arguments, Effect.SEND, run, connection.name, connection.place, is_idempotent=again)


def _question(server: str, asked: ElicitRequestParams) -> ServerQuestion | None:
    """Return what a server asks; None for what the user is not shown: another form, no address of the web."""
    if asked.mode == "url":
        fits = len(asked.url) <= _MOST_URL_CHARS and host_of(asked.url)
        return ServerQuestion(server, asked.message, url=asked.url) if fits else None
    try:
        return ServerQuestion(server, asked.message, fields_of(asked.requested_schema))
    except ValueError:
        return None


def _is_answer(error: Exception) -> bool:
    """Return whether it is the server that says what is wrong, instead of saying nothing any more."""
    from mcp import MCPError
    from mcp_types import CONNECTION_CLOSED, REQUEST_TIMEOUT

    return isinstance(error, MCPError) and error.code not in (CONNECTION_CLOSED, REQUEST_TIMEOUT)


def _addresses_wanted(server: str, error: Exception) -> list[ServerQuestion]:
    """Return what has to be opened, by the error of a server that can't go on before."""
    from mcp import MCPError
    from mcp_types import URL_ELICITATION_REQUIRED, ElicitationRequiredErrorData

    if not isinstance(error, MCPError) or error.code != URL_ELICITATION_REQUIRED:
        return []
    try:
        wanted = ElicitationRequiredErrorData.model_validate(error.data).elicitations
    except ValidationError:
        return []
    questions = [_question(server, params) for params in wanted[:_MOST_QUESTIONS]]
    return [question for question in questions if question is not None]


def _text_of(result: CallToolResult) -> str:
    """Return the words of a result; of what is none, what it is."""
    parts = [
        getattr(content, "text", None)
        or getattr(getattr(content, "resource", None), "text", None)
        or f"({content.type}, which can't be read here)"
        for content in result.content
    ]
    if not parts and result.structured_content is not None:
        return json.dumps(result.structured_content, ensure_ascii=False)
    return "\n".join(parts)


def _first(error: BaseException) -> BaseException:
    """Return the first error of a group of tasks."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def _reason(error: BaseException, seconds: float) -> str:
    """Return what goes behind the name of a server."""
    if isinstance(error, TimeoutError):
        return f"did not answer within {seconds:g} seconds"
    if isinstance(error, OSError):
        return f"can't be started: {excerpt(error.strerror or str(error), _TOLD_CHARS)}"
    return f"failed: {excerpt(str(error).rstrip('. '), _TOLD_CHARS) or type(error).__name__}"
