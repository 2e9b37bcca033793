"""The server of the Model Context Protocol: its tools, prompts and resources, over the official SDK."""

# Annotations are not deferred here: the SDK reads from them what a tool takes.

from collections.abc import Awaitable, Callable
from datetime import datetime
from io import TextIOWrapper
from typing import Annotated, Any, BinaryIO, Final, TypeVar

import anyio
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.elicitation import AcceptedElicitation, CancelledElicitation, DeclinedElicitation
from mcp.server.mcpserver import Context, Elicit, MCPServer, Resolve
from mcp.server.mcpserver.exceptions import ResourceError, ToolError
from mcp.server.stdio import stdio_server
from mcp_types import Resource, ToolAnnotations
from pydantic import BaseModel, Field

from assistant.core.conversation.forgetting import ERASE_WORD, means_erase
from assistant.core.prompts import prompt
from assistant.display import plain
from assistant.failures import explain
from assistant.mcp.access import Access
from assistant.mcp.public_memory import PublicMemory, Told
from assistant.threads import in_thread
from memory_store import Selection
from memory_store.errors import KeepsakeError
from memory_store.models import SourceKind
from memory_store.version import version

T = TypeVar("T")

_DOCUMENT_ADDRESS: Final = "keepsake://document/"
# Of the documents so many are listed; the others are found by a search.
_MOST_LISTED: Final = 100
_NAME_CHARS: Final = 100
_READS: Final = ToolAnnotations(read_only_hint=True, open_world_hint=False)
_ADDS: Final = ToolAnnotations(read_only_hint=False, destructive_hint=False, open_world_hint=False)
_ERASES: Final = ToolAnnotations(read_only_hint=False, destructive_hint=True, open_world_hint=False)

Kinds = Annotated[list[SourceKind], Field(description="Only of these kinds; empty: of all.")]
Words = Annotated[str, Field(description="A question, or words.", min_length=1, max_length=2000)]


class Chosen(BaseModel):
    """What an erasure is to take: whole ids."""

    ids: list[str]


class Consent(BaseModel):
    """What the user answers to the plan of an erasure."""

    answer: str = Field(description=f"Type {ERASE_WORD} to erase it for good; anything else keeps it.")


Answered = AcceptedElicitation[Consent] | DeclinedElicitation | CancelledElicitation


class MemoryServer(MCPServer[dict[str, Any]]):
    """A server over one memory for one program. Its lists show what the program may use, and hold nothing private."""

    def __init__(self, memory: PublicMemory, access: Access) -> None:
        super().__init__(
            "keepsake",
            title="Keepsake",
            version=version(),
            instructions=prompt("mcp"),
            # What the SDK logs would hold what was asked, in a file of whoever started this.
            log_level="CRITICAL",
            subscriptions=False,
            middleware=[self._let_through],
        )
        self.memory = memory
        self.access = access

    async def list_resources(self) -> list[Resource]:
        """List the documents that were imported last."""

        def documents() -> list[Resource]:
            found = self.memory.documents()[:_MOST_LISTED]
            self.access.look("show", lambda: Told("", tuple(document.id for document in found)))
            return [
                Resource(
                    uri=f"{_DOCUMENT_ADDRESS}{document.id}",
                    name=plain(document.title, one_line=True),
                    mime_type="text/plain",
                )
                for document in found
            ]

        return await self.answer(documents, ResourceError)

    async def answer(self, work: Callable[[], T], error: type[ToolError] | type[ResourceError]) -> T:
        """Run work in a thread; say what went wrong in words for a person, and never in those of an exception."""
        try:
            return await in_thread(work)
        except Exception as failure:  # noqa: BLE001 — its own text may hold what is remembered; the log has the place
            raise error(_words_of(failure)) from None

    async def _let_through(self, ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        """Learn what the program calls itself, and show it only the tools that it may use."""
        client = ctx.session.client_params
        if client is not None:
            called = f"{client.client_info.name} {client.client_info.version}"
            self.access.software = plain(called, one_line=True)[:_NAME_CHARS]
        result = await call_next(ctx)
        if ctx.method != "tools/list" or not isinstance(result, dict):
            return result
        rights = await self.answer(self.access.rights, ToolError)
        return {**result, "tools": [tool for tool in result["tools"] if tool["name"] in rights]}


def _words_of(failure: Exception) -> str:
    message, hint = explain(failure)
    return f"{message} {hint}".strip() if isinstance(failure, KeepsakeError) else message


def build_server(memory: PublicMemory, access: Access) -> MemoryServer:
    """Return the server with all its tools, resources and prompts."""
    server = MemoryServer(memory, access)
    _add_tools(server)
    _add_forget(server)
    _add_documents_and_prompts(server)
    return server


def _look(server: MemoryServer, right: str, work: Callable[[], Told]) -> Awaitable[str]:
    return server.answer(lambda: server.access.look(right, work), ToolError)


def _act(server: MemoryServer, right: str, work: Callable[[], Told]) -> Awaitable[str]:
    return server.answer(lambda: server.access.act(right, work), ToolError)


def _add_tools(server: MemoryServer) -> None:
    memory, access = server.memory, server.access

    @server.tool(title="Search the memory", annotations=_READS, structured_output=False)
    async def search(
        words: Words,
        kinds: Kinds = [],  # noqa: B006 — the SDK takes the default from it, and never changes it
        since: Annotated[datetime | None, Field(description="Not older than this, ISO 8601.")] = None,
        until: Annotated[datetime | None, Field(description="Older than this, ISO 8601.")] = None,
        limit: Annotated[int, Field(ge=1, le=50)] = 8,
    ) -> str:
        """Search the user's memory: notes and facts, conversations, documents. Times in the words are understood."""
        return await _look(server, "search", lambda: memory.search(words, kinds, _aware(since), _aware(until), limit))

    @server.tool(title="Show something whole", annotations=_READS, structured_output=False)
    async def show(
        id: Annotated[str, Field(description="An id that another tool gave.")],
        start: Annotated[int, Field(ge=1, description="Where to go on in something long.")] = 1,
    ) -> str:
        """Show a memory, message, passage, document or conversation whole."""
        return await _look(server, "show", lambda: memory.show(id, start))

    @server.tool(title="List what is new", annotations=_READS, structured_output=False)
    async def list_recent(
        kinds: Kinds = [],  # noqa: B006 — as above
        limit: Annotated[int, Field(ge=1, le=50)] = 20,
    ) -> str:
        """List what was remembered, imported and said last, the latest first."""
        return await _look(server, "list_recent", lambda: memory.list_recent(kinds, limit))

    @server.tool(title="Remember", annotations=_ADDS, structured_output=False)
    async def remember(
        text: Annotated[str, Field(description="A sentence that stands by itself.", min_length=1, max_length=4000)],
    ) -> str:
        """Keep something for the user in the long run. It is stored as said by you, not by the user."""
        return await _act(server, "remember", lambda: memory.remember(text, access.name))


def _aware(at: datetime | None) -> datetime | None:
    return at.astimezone() if at else None


def _add_forget(server: MemoryServer) -> None:
    memory, access = server.memory, server.access

    async def choose(ids: list[str], words: str, context: Context[Any, Any]) -> Chosen:
        can = context.client_capabilities
        if can is None or can.elicitation is None:
            raise ToolError(
                "Nothing was erased: this program can't ask the user. The user can run `keepsake forget` in a terminal."
            )

        def chosen() -> Chosen:
            access.require("forget")
            return Chosen(ids=list(memory.choose(ids, words).ids))

        return await server.answer(chosen, ToolError)

    async def ask(chosen: Annotated[Chosen, Resolve(choose)]) -> Elicit[Consent]:
        selection = Selection(tuple(chosen.ids))
        return Elicit(await server.answer(lambda: memory.plan(selection), ToolError), Consent)

    @server.tool(title="Forget", annotations=_ERASES, structured_output=False)
    async def forget(
        chosen: Annotated[Chosen, Resolve(choose)],
        answered: Annotated[Answered, Resolve(ask)],
        ids: Annotated[list[str], Field(description="Ids of what is to go.", max_length=200)] = [],  # noqa: B006
        words: Annotated[str, Field(description="All that holds each of these words.", max_length=200)] = "",
    ) -> str:
        """Erase something for good. The user is shown what goes, and asked."""
        if not isinstance(answered, AcceptedElicitation) or not means_erase(answered.data.answer):
            return "Nothing was erased: the user did not agree."
        # What was chosen when the user was asked, and nothing that came to match the words since.
        return await _act(server, "forget", lambda: memory.forget(Selection(tuple(chosen.ids))))


def _add_documents_and_prompts(server: MemoryServer) -> None:
    memory, access = server.memory, server.access

    @server.resource(f"{_DOCUMENT_ADDRESS}{{id}}", title="A document", mime_type="text/plain")
    async def document(id: str) -> str:
        """Show the beginning of a document that the user imported; the tool `show` goes on."""
        return await server.answer(lambda: access.look("show", lambda: memory.show(id)), ResourceError)

    @server.prompt(title="Answer from my memory")
    async def answer_from_memory(question: str) -> str:
        """Ask something with what your memory holds about it."""
        found = await _look(server, "search", lambda: memory.search(question))
        return f"{found}\n\n{prompt('mcp_answer')}\n\n{question}"

    @server.prompt(title="Remember this conversation")
    def remember_this() -> str:
        """Have what you said of yourself in this conversation remembered."""
        return prompt("mcp_remember")


def run(server: MemoryServer, asked: BinaryIO, answered: BinaryIO) -> None:
    """Answer what comes on one stream with lines on the other, until the first ends."""

    async def answer() -> None:
        lowlevel = server._lowlevel_server  # the SDK's own way over given streams; `run` takes the process's
        stdin = anyio.wrap_file(TextIOWrapper(asked, "utf-8", errors="replace"))
        stdout = anyio.wrap_file(TextIOWrapper(answered, "utf-8"))
        async with stdio_server(stdin, stdout) as (reading, writing):
            await lowlevel.run(reading, writing, lowlevel.create_initialization_options())

    anyio.run(answer)
