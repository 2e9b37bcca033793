"""Every line on stdout is a message of the protocol, whatever the process prints and however it ends."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from mcp import Client, StdioServerParameters
from mcp_types import TextContent

from tests.mcp.process import Process


def test_whatever_is_printed_stdout_holds_messages_alone(tmp_path: Path) -> None:
    with Process(tmp_path, "noisy", "tests.mcp.noisy") as process:
        assert process.call("remember", text="The bicycle has a new lock.")[1] is False
        found, failed = process.call("search", words="bicycle lock")
        assert (failed, "> The bicycle has a new lock." in found) == (False, True)
        told, failed = process.call("search", words="fail")
        assert failed
        assert "RuntimeError" in told
        process.started.asked.write("{this is no message\n")  # type: ignore[union-attr]
        assert process.call("list_recent")[1] is False
        code, left, errors = process.end()
    assert (code, left) == (0, "")
    for noise in ("by a library", "to the descriptor", "first stream", "by a child", "something is old"):
        assert noise in errors
    assert "the words of an exception" not in errors
    assert "bicycle" not in errors


def test_a_crash_leaves_no_part_of_a_line(tmp_path: Path) -> None:
    with Process(tmp_path, "noisy", "tests.mcp.noisy") as process:
        with pytest.raises(EOFError):
            process.call("search", words="crash")
        code, left, errors = process.end()
    assert (code, left) == (3, "")
    assert "half a li" in errors


async def test_the_client_of_the_sdk_starts_it_asks_and_leaves(tmp_path: Path) -> None:
    arguments = ["-m", "tests.faults.shell", "--data-dir", str(tmp_path), "mcp", "serve", "--name", "started"]
    started = StdioServerParameters(command=sys.executable, args=arguments, env={"KEEPSAKE_CONFIG": os.devnull})
    async with Client(started) as client:
        await client.call_tool("remember", {"text": "The bicycle has a new lock."})
        (content,) = (await client.call_tool("search", {"words": "bicycle lock"})).content
    assert isinstance(content, TextContent)
    assert "> The bicycle has a new lock." in content.text
