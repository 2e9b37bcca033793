"""Starts a server of the Model Context Protocol as a process of ours, listens to it within bounds, and ends it."""

from __future__ import annotations

import asyncio
import math
import os
import subprocess
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from assistant.config import McpServer

if TYPE_CHECKING:
    from anyio.abc import ByteReceiveStream, ByteSendStream, ObjectReceiveStream, ObjectSendStream, Process
    from mcp.client._transport import TransportStreams
    from mcp.shared.message import SessionMessage

_POLL_SECONDS: Final = 0.01


@dataclass(slots=True)
class Traffic:
    """What a server has sent since it was asked last, and the most that it may; `ended` says why nothing more comes."""

    most_bytes: int
    most_lines: int
    read_bytes: int = 0
    read_lines: int = 0
    ended: str = ""

    def renew(self) -> None:
        """Begin to count anew, for a new request."""
        self.read_bytes = self.read_lines = 0

    def takes(self, read_bytes: int, read_lines: int) -> bool:
        """Count what has come; return whether that is not too much."""
        self.read_bytes += read_bytes
        self.read_lines += read_lines
        return self.read_bytes <= self.most_bytes and self.read_lines <= self.most_lines


@asynccontextmanager
async def started(
    server: McpServer, variables: Mapping[str, str], traffic: Traffic, leaving_seconds: float
) -> AsyncGenerator[TransportStreams]:
    """Start a server in a process group of its own, with no key of ours, and end the group at the end. Raises OSError.

    It gets `variables` beside the few that every program needs.
    The SDK's own way of starting one keeps a line of any length in memory, and prints of each that is no message.
    """
    import anyio
    from mcp.client.stdio import get_default_environment
    from mcp.shared.message import SessionMessage

    process = await anyio.open_process(
        [server.command, *server.args],
        env=get_default_environment() | dict(variables),
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    heard, hearing = anyio.create_memory_object_stream[SessionMessage | Exception](0)
    saying, said = anyio.create_memory_object_stream[SessionMessage](0)
    try:
        async with anyio.create_task_group() as group, hearing, saying, said:
            group.start_soon(_read, process.stdout, heard, traffic)
            group.start_soon(_write, process.stdin, said)
            try:
                yield hearing, saying
            finally:
                group.cancel_scope.cancel()
    finally:
        with anyio.CancelScope(shield=True):
            await _end(process, leaving_seconds)


async def _read(
    answered: ByteReceiveStream, heard: ObjectSendStream[SessionMessage | Exception], traffic: Traffic
) -> None:
    """Pass on each line that is a message, until the server ends or says too much."""
    import anyio
    from mcp.shared.message import SessionMessage
    from mcp_types import jsonrpc_message_adapter

    begun: list[bytes] = []  # pieces of a line that has not ended
    async with heard:
        with suppress(anyio.BrokenResourceError, anyio.ClosedResourceError, OSError):
            async for chunk in answered:
                first, *others = chunk.split(b"\n")
                begun.append(first)
                lines: list[bytes] = []
                if others:
                    lines, begun = [b"".join(begun), *others[:-1]], [others[-1]]
                if not traffic.takes(len(chunk), len(lines)):
                    traffic.ended = "sent far more than it was asked for, and was stopped"
                    return
                for line in lines:
                    with suppress(ValueError):  # no message
                        await heard.send(SessionMessage(jsonrpc_message_adapter.validate_json(line, by_name=False)))
        traffic.ended = "has ended"


async def _write(asked: ByteSendStream, said: ObjectReceiveStream[SessionMessage]) -> None:
    import anyio

    with suppress(anyio.BrokenResourceError, anyio.ClosedResourceError, OSError):
        async for message in said:
            line = message.message.model_dump_json(by_alias=True, exclude_unset=True)
            await asked.send(line.encode() + b"\n")


async def _end(process: Process, leaving_seconds: float) -> None:
    """End a server: by closing its stdin, then by force with all that it has started."""
    assert process.stdin is not None
    assert process.stdout is not None
    with suppress(Exception):
        await process.stdin.aclose()
    # Not `wait`, which also waits for whatever holds the pipe after the server has gone.
    for _ in range(math.ceil(leaving_seconds / _POLL_SECONDS)):
        if process.returncode is not None:
            break
        await asyncio.sleep(_POLL_SECONDS)
    with suppress(ProcessLookupError, PermissionError):
        _kill(process)
    with suppress(Exception):  # among them TimeoutError, where what left the group holds the pipe
        async with asyncio.timeout(leaving_seconds):
            async for _ in process.stdout:  # what is left in it, so that it is closed
                pass
            await process.wait()


def _kill(process: Any) -> None:
    if hasattr(os, "killpg"):
        import signal

        os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()
