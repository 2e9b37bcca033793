"""A headless Chromium, driven over its own debugging protocol: pages, keys, what is on them, what they fetch."""

from __future__ import annotations

import asyncio
import base64
import itertools
import os
import re
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

NAMES = ("chromium", "chromium-browser", "google-chrome")
PATIENCE_SECONDS = 60.0
_BINARY = 2  # the opcode of a binary frame
_ESCAPE = re.compile(r"\x1b(?:\[[0-9;?<>=]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-_])")


def chromium() -> str | None:
    """Return the browser of this machine, if there is one."""
    return next((found for name in NAMES if (found := shutil.which(name))), None)


@dataclass
class Page:
    """One page. `fetched` are the addresses that it asked for, `problems` what its scripts and policy complained of.

    The terminal draws on a canvas: `drawn` is all text that it was given to draw so far.
    """

    socket: aiohttp.ClientWebSocketResponse
    fetched: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    drawn: str = ""
    _news: asyncio.Condition = field(default_factory=asyncio.Condition)
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))
    _answers: dict[int, asyncio.Future[dict[str, Any]]] = field(default_factory=dict)

    async def listen(self) -> None:
        """Take what the browser says, until the page is closed."""
        async for message in self.socket:
            said = message.json()
            if "id" in said:
                self._answers.pop(said["id"]).set_result(said)
            elif said["method"] == "Network.requestWillBeSent":
                self.fetched.append(said["params"]["request"]["url"])
            elif said["method"] == "Network.webSocketFrameReceived":
                self.drawn += _text_of(said["params"]["response"])
            elif said["method"] == "Log.entryAdded":
                self.problems.append(said["params"]["entry"]["text"])
            async with self._news:
                self._news.notify_all()

    async def until(self, predicate: Callable[[], bool]) -> None:
        """Wait until something holds of what the page did."""
        async with asyncio.timeout(PATIENCE_SECONDS), self._news:
            await self._news.wait_for(predicate)

    async def do(self, method: str, **params: Any) -> dict[str, Any]:
        """Have the browser do something and return what came of it."""
        number = next(self._numbers)
        self._answers[number] = answer = asyncio.get_running_loop().create_future()
        await self.socket.send_json({"id": number, "method": method, "params": params})
        said = await asyncio.wait_for(answer, PATIENCE_SECONDS)
        assert "error" not in said, said
        result: dict[str, Any] = said["result"]
        return result

    async def value(self, script: str) -> Any:
        """Return what an expression is in the page."""
        said = await self.do("Runtime.evaluate", expression=script, returnByValue=True)
        return said["result"].get("value")

    async def type(self, text: str) -> None:
        """Type into whatever has the focus."""
        await self.do("Input.insertText", text=text)

    async def press_enter(self) -> None:
        """Press Enter."""
        key = {"key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13, "text": "\r"}
        await self.do("Input.dispatchKeyEvent", type="keyDown", **key)
        await self.do("Input.dispatchKeyEvent", type="keyUp", **key)


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[Page]:
    """Give a page of a browser whose profile is in this folder."""
    program = chromium()
    assert program is not None
    options = ["--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--remote-debugging-port=0"]
    process = await asyncio.create_subprocess_exec(
        program,
        *options,
        f"--user-data-dir={folder}",
        "about:blank",
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "HOME": str(folder)},
    )
    try:
        port = await _port(process)
        async with aiohttp.ClientSession() as session:
            async with session.get(f"http://127.0.0.1:{port}/json/list") as answer:
                (target,) = [one for one in await answer.json() if one["type"] == "page"]
            async with session.ws_connect(target["webSocketDebuggerUrl"], max_msg_size=0) as socket:
                page = Page(socket)
                listening = asyncio.create_task(page.listen())
                for domain in ("Network", "Log", "Page", "Runtime"):
                    await page.do(f"{domain}.enable")
                try:
                    yield page
                finally:
                    listening.cancel()
    finally:
        process.terminate()
        await process.communicate()


def _text_of(frame: dict[str, Any]) -> str:
    data = base64.b64decode(frame["payloadData"]) if frame["opcode"] == _BINARY else b""
    return _ESCAPE.sub("", data.decode("utf-8", "replace"))


async def _port(process: asyncio.subprocess.Process) -> int:
    """Return the port of the debugging protocol, which the browser prints, and go on reading what it prints."""
    assert process.stderr is not None
    async with asyncio.timeout(PATIENCE_SECONDS):
        while line := await process.stderr.readline():
            if found := re.search(rb"DevTools listening on ws://127\.0\.0\.1:(\d+)/", line):
                return int(found[1])
    raise AssertionError("the browser did not start")
