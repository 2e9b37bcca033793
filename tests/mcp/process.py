"""A program that speaks the protocol by hand, one line a message, to `keepsake mcp serve` in a process of its own."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
from pathlib import Path
from typing import Any

from tests.support import warmed


class Process:
    """A server and the lines that it has answered. Each of its methods raises ValueError for a line that is no JSON."""

    def __init__(self, data: Path, name: str, module: str = "tests.faults.shell") -> None:
        environment = {**os.environ, "KEEPSAKE_CONFIG": os.environ.get("KEEPSAKE_CONFIG", os.devnull)}
        arguments = ("--data-dir", str(data), "mcp", "serve", "--name", name)
        self.started = warmed.start(module, *arguments, environment=environment, asked=True)
        self._numbers = itertools.count(1)

    def __enter__(self) -> Process:
        return self.greet()

    def __exit__(self, *_: object) -> None:
        self.started.kill()

    def greet(self) -> Process:
        """Shake hands, as a program that can ask its user."""
        information = {"name": "by hand", "version": "1"}
        self.request(
            "initialize",
            protocolVersion="2025-06-18",
            capabilities={"elicitation": {}},
            clientInfo=information,
        )
        self._send({"method": "notifications/initialized"})
        return self

    def request(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send a request; return the message that answers it. What asks the user is agreed to. Raises EOFError."""
        number = next(self._numbers)
        self._send({"id": number, "method": method, "params": parameters})
        while True:
            line = self.started.out.readline()
            if not line:
                raise EOFError
            message: dict[str, Any] = json.loads(line)
            assert message["jsonrpc"] == "2.0"
            if message.get("method") == "elicitation/create":
                self._send({"id": message["id"], "result": {"action": "accept", "content": {"answer": "erase"}}})
            elif message.get("id") == number:
                return message

    def call(self, tool: str, **arguments: Any) -> tuple[str, bool]:
        """Call a tool; return its text, and whether it failed."""
        result = self.request("tools/call", name=tool, arguments=arguments)["result"]
        return result["content"][0]["text"], bool(result.get("isError"))

    def end(self) -> tuple[int, str, str]:
        """Leave as a program does, by closing its stdin; return the code and what is left on both streams."""
        assert self.started.asked is not None
        with contextlib.suppress(BrokenPipeError):  # what it never read
            self.started.asked.close()
        return self.started.finish()

    def _send(self, message: dict[str, Any]) -> None:
        assert self.started.asked is not None
        self.started.asked.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
        self.started.asked.flush()
