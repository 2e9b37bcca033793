"""A store with public and private things in it, and the SDK's own client on a server over it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from mcp import Client
from mcp.client.session import ClientRequestContext
from mcp_types import ElicitRequestParams, ElicitResult, Implementation, TextContent

from assistant.config import McpClient, McpConfig
from assistant.mcp.access import Access
from assistant.mcp.public_memory import PublicMemory
from assistant.mcp.server import build_server
from memory_store import NewDocument, NewMemory, Store
from memory_store.models import USER, PassageDraft, Role
from tests.cli import conftest

keepsake = conftest.keepsake
AT = datetime(2026, 5, 2, 9, 30, tzinfo=UTC)
SECRET = "zebrafish"


@dataclass
class Filled:
    """A store with one of each kind, public and private; no private text lacks the word zebrafish."""

    store: Store
    ids: dict[str, str] = field(default_factory=dict)


@pytest.fixture
def filled(store: Store) -> Filled:
    made = Filled(store)
    made.ids["memory"] = store.remember("The spare key is with Ines at number 12.").id
    made.ids["private memory"] = store.remember(
        NewMemory(f"The spare key of the safe is in the {SECRET} tin.", private=True)
    ).id
    for name, private in (("lease", False), (f"{SECRET} diagnosis", True)):
        new = NewDocument(f"/home/{name}.md", name, "text/markdown", name, 100, AT, private=private)
        words = f"The {SECRET} key is noted here." if private else "The lease ends in June, says the key."
        made.ids[f"{'private ' if private else ''}document"] = store.documents.add(new, [PassageDraft(words)]).id
    mixed = store.conversations.start(f"The {SECRET} thing")
    first = store.conversations.append(
        mixed.id, Role.USER, f"The {SECRET} thing is a key.", USER, parent_id=None, private=True
    )
    second = store.conversations.append(
        mixed.id, Role.USER, "I keep the bicycle key in the hall.", USER, parent_id=first.id
    )
    made.ids |= {"conversation": mixed.id, "private message": first.id, "message": second.id}
    hidden = store.conversations.start(f"Only {SECRET}")
    store.conversations.append(hidden.id, Role.USER, f"Only {SECRET}, and its key", USER, parent_id=None, private=True)
    made.ids["private conversation"] = hidden.id
    return made


@dataclass
class Asked:
    """What the user was asked, and what is answered to it; None declines."""

    answer: str | None = "erase"
    messages: list[str] = field(default_factory=list)

    async def __call__(self, context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
        self.messages.append(params.message)
        if self.answer is None:
            return ElicitResult(action="decline")
        return ElicitResult(action="accept", content={"answer": self.answer})


@dataclass
class Program:
    """A program that uses the memory through the SDK's client."""

    client: Client
    config: dict[str, McpConfig]

    async def call(self, tool: str, **arguments: Any) -> str:
        """Call a tool; return its text. Raises RuntimeError with the text of a failure."""
        result = await self.client.call_tool(tool, arguments)
        (content,) = result.content
        assert isinstance(content, TextContent)
        if result.is_error:
            raise RuntimeError(content.text)
        return content.text

    def allow(self, *rights: Any) -> None:
        """Let the program do this alone from now on."""
        self.config["now"] = McpConfig({"claude": McpClient(list(rights))})


Connect = Callable[..., AbstractAsyncContextManager[Program]]


@pytest.fixture(params=["legacy", "auto"])
def connect(request: pytest.FixtureRequest, filled: Filled) -> Connect:
    """Return how to connect, by the handshake of earlier versions of the protocol and without one as in the newest."""

    @asynccontextmanager
    async def connected(name: str = "claude", asked: Asked | None = None) -> AsyncIterator[Program]:
        config = {"now": McpConfig()}
        access = Access(filled.store, lambda: config["now"], name)
        server = build_server(PublicMemory(filled.store), access)
        info = Implementation(name="Claude Code", version="3.1")
        async with Client(server, mode=request.param, elicitation_callback=asked, client_info=info) as client:
            yield Program(client, config)

    return connected
