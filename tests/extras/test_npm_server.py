"""A server of MCP from npm in a turn: run by `scripts/try_mcp_npm.sh`, which gets it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, cast

import pytest

from assistant.config import McpServer
from assistant.core.conversation.controller import Controller
from assistant.core.conversation.skin import Skin
from assistant.core.events import Event
from assistant.ingestion.pipeline import ImportOptions
from memory_store import Store
from tests.core.tools.test_tools import asked, call, ended
from tests.mcp.test_client import in_session, notes, toolbox
from tests.mcp.test_elicitation import User
from tests.support.embedder import HashEmbedder

FOLDER: Final = os.environ.get("NPM_SERVERS", "")
EVERYTHING = McpServer("node", [f"{FOLDER}/@modelcontextprotocol/server-everything/dist/index.js", "stdio"])
pytestmark = pytest.mark.skipif(not FOLDER, reason="scripts/try_mcp_npm.sh gets the server")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path, HashEmbedder()) as opened:
        opened.remember("The spare key is with Ines.")
        yield opened


async def used(store: Store, user: User, *calls: Any) -> list[Event]:
    async with toolbox(all=EVERYTHING) as tools:
        session = in_session(store, tools, list(calls), ["So."])
        Controller(session, ImportOptions(), cast(Skin, user))
        return await asked(session)


async def test_its_tools_are_found_and_called_and_what_can_not_be_read_is_named(store: Store) -> None:
    async with toolbox(all=EVERYTHING) as tools:
        scripts: list[list[Any]] = [
            [call("find_tools", query="sum of two numbers")],
            [call("all__get-sum", a=2, b=40)],
            ["42."],
        ]
        session = in_session(store, tools, *scripts)
        events = await asked(session, "What are 2 and 40?")
    [(_, found, _), (_, total, failed)] = ended(events)
    assert ("all__get-sum" in found, total, failed) == (True, "> The sum of 2 and 40 is 42.", False)
    assert notes(events) == []
    [(_, image, _)] = ended(await used(store, User(), call("find_tools", query="tiny image")))[:1]
    assert "all__get-tiny-image" in image


async def test_its_form_and_its_address_are_put_to_the_user(store: Store) -> None:
    form = call("all__trigger-elicitation-request")
    address = call("all__trigger-url-elicitation", "call_2", url="https://pay.example/x", message="Pay there")
    user = User(
        1, 1, "Ines", 0, "", "me@example.org", "", "2001-02-03", "7", "", 2, "Drums, bass", 1, "tuna", 0, 1, 1, 0
    )
    async with toolbox(all=EVERYTHING) as tools:
        scripts: list[list[Any]] = [[call("find_tools", query="elicitation request")], [form, address], ["So."]]
        session = in_session(store, tools, *scripts)
        Controller(session, ImportOptions(), cast(Skin, user))
        events = await asked(session)
    [_, (_, filled, _), (_, opened, _)] = ended(events)
    assert ('"name": "Ines"' in filled, '"integer": 7' in filled, "hero-2" in filled) == (True, True, True)
    assert "https://pay.example/x" in user.questions[-1]
    assert "declined" in opened
