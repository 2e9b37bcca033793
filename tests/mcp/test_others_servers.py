"""Servers that are not ours: `mcp-server-time` from PyPI here, and one from npm in `tests/extras`."""

from __future__ import annotations

import sys

from assistant.config import McpServer
from assistant.core.events import TurnFinished
from memory_store import Store
from tests.core.tools.test_tools import asked, call, ended
from tests.mcp.test_client import in_session, notes, toolbox
from tests.memory_store.support import indexed

TIME = McpServer(sys.executable, ["-m", "mcp_server_time", "--local-timezone", "Asia/Shanghai"])


async def test_server_from_pypi_is_used_in_a_turn(store: Store) -> None:
    store.remember("The spare key is with Ines.")
    indexed(store)
    places = {"source_timezone": "Asia/Shanghai", "target_timezone": "Asia/Tokyo"}
    async with toolbox(clock=TIME) as tools:
        session = in_session(
            store,
            tools,
            [call("search_memory", query="spare key"), call("clock__convert_time", "call_2", **places, time="12:00")],
            [call("clock__convert_time", **places, time="noon")],
            ["One in the afternoon; Ines has the key [1]."],
        )
        events = await asked(session, "Who has the spare key, and when it is noon in Shanghai, what is it in Tokyo?")
    [(_, found, _), (_, converted, failed), (_, wrong, _)] = ended(events)
    assert "The spare key is with Ines." in found
    assert ("T13:00:00+09:00" in converted, converted.startswith("> {"), failed) == (True, True, False)
    assert "Invalid time format" in wrong
    assert notes(events) == []
    finished = events[-1]
    assert isinstance(finished, TurnFinished)
    assert [source.number for source in finished.sources if source.cited] == [1]
