"""Each page has a process of its own, and none is left when the page or the server goes."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

import aiohttp
import pytest

from assistant.web import server as serving
from tests.web.test_guard import Served, served

pytestmark = pytest.mark.filterwarnings("ignore::aiohttp.web.NotAppKeyWarning")  # aiohttp-jinja2's

_PATIENCE_SECONDS = 30.0
# Says its number as a first frame, and then does not care who asks it to end.
_STUBBORN = (
    "import os, signal, sys, threading\n"
    "for one in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP): signal.signal(one, signal.SIG_IGN)\n"
    "said = f'{os.getpid()} {os.getsid(0)}'.encode()\n"
    "os.write(1, b'__GANGLION__\\nD' + len(said).to_bytes(4, 'big') + said)\n"
    "threading.Event().wait()\n"
)
_CRASHING = "import os; os.write(1, b'__GANGLION__\\nD\\0\\0\\0\\1x'); os._exit(3)"


def connecting(chat: Served) -> aiohttp.client._BaseRequestContextManager[aiohttp.ClientWebSocketResponse]:
    return chat.session.ws_connect(f"{chat.base}ws", headers={"Origin": chat.base.rstrip("/")})


async def numbers(socket: aiohttp.ClientWebSocketResponse) -> tuple[int, int]:
    """The process and the session of a stubborn chat."""
    process, session = (await socket.receive_bytes()).split()
    return int(process), int(session)


def is_there(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


async def gone(process: int) -> None:
    """Wait until a process has gone."""
    while is_there(process):
        await asyncio.to_thread(os.sched_yield)


async def test_a_chat_that_does_not_close_is_ended_with_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "_CLOSING_SECONDS", 0.2)
    async with served(sys.executable, "-c", _STUBBORN) as chat:
        await chat.enter()
        socket = await connecting(chat)
        process, session = await numbers(socket)
        assert session == process, "Ctrl+C in the server's terminal would reach the chat too"
    assert not is_there(process)


async def test_a_chat_ends_with_its_page_and_its_place_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "_CLOSING_SECONDS", 0.2)
    monkeypatch.setattr(serving, "MOST_PAGES", 1)
    async with served(sys.executable, "-c", _STUBBORN) as chat, asyncio.timeout(_PATIENCE_SECONDS):
        await chat.enter()
        async with connecting(chat) as socket:
            process, _ = await numbers(socket)
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await connecting(chat)
            assert refused.value.status == 503
        await gone(process)
        while True:
            try:
                async with connecting(chat) as socket:
                    assert (await numbers(socket))[0] != process
                break
            except aiohttp.WSServerHandshakeError:
                await asyncio.to_thread(os.sched_yield)


async def test_a_chat_that_crashes_closes_its_page() -> None:
    async with served(sys.executable, "-c", _CRASHING) as chat, asyncio.timeout(_PATIENCE_SECONDS):
        await chat.enter()
        async with connecting(chat) as socket:
            said = [message async for message in socket]
            assert [one.data for one in said] == [b"x"]


async def test_a_message_that_is_no_page_s_closes_the_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "_CLOSING_SECONDS", 0.2)
    async with served(sys.executable, "-c", _STUBBORN) as chat, asyncio.timeout(_PATIENCE_SECONDS):
        await chat.enter()
        for sent in ("{}", "[]", "x", '["resize", 3]', '["stdin", {}]'):
            async with connecting(chat) as socket:
                process, _ = await numbers(socket)
                await socket.send_str(sent)
                assert (await socket.receive()).type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED)
            await gone(process)


async def test_the_page_connects_by_the_name_that_it_was_opened_by() -> None:
    async with served() as chat:
        port = chat.base.rstrip("/").rsplit(":", 1)[1]
        by_name = chat.url.replace("127.0.0.1", "localhost")
        async with chat.session.get(by_name) as answer:
            assert f'"ws://localhost:{port}/ws"' in await answer.text()


async def test_a_chat_whose_server_was_killed_leaves_by_itself(tmp_path: Path) -> None:
    """Nobody can close the chats of a server that is killed: the end of their input does."""
    (tmp_path / "config.toml").write_text('[embedder]\nprovider = "none"\n', "utf-8")
    options = ["--data-dir", str(tmp_path / "memory"), "--config", str(tmp_path / "config.toml")]
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "assistant.cli", *options, "chat",
        stdin=pipe, stdout=pipe, stderr=pipe,
        env={**os.environ, "TEXTUAL_DRIVER": "assistant.web.driver:PageDriver", "COLUMNS": "80", "ROWS": "24"},
    )  # fmt: skip
    assert process.stdin is not None
    assert process.stdout is not None
    async with asyncio.timeout(_PATIENCE_SECONDS):
        assert await process.stdout.readline() == b"__GANGLION__\n"
        drawn = b""
        while b"0 memories" not in drawn:
            drawn += await process.stdout.read(4096)
        process.stdin.close()
        rest, told = await process.communicate()
    assert process.returncode == 0
    assert b'{"type": "exit"}' in rest
    assert told == b""


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    from assistant.cli import web
    from assistant.cli.app import run

    monkeypatch.setattr(web, "find_spec", lambda name: None)
    assert run(["web"]) == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert 'pip install "keepsake-assistant[web]"' in told.err


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
async def test_the_server_ends_on_a_signal_and_opens_the_browser_if_asked(how: signal.Signals, tmp_path: Path) -> None:
    opened = tmp_path / "opened"
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\nprintf %s "$1" > {opened}.part && mv {opened}.part {opened}\n', "utf-8")
    browser.chmod(0o700)
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "assistant.cli", "web", "--port", "0", "--open",
        stdout=pipe, stderr=pipe, env={**os.environ, "BROWSER": f"{browser} %s"},
    )  # fmt: skip
    assert process.stdout is not None
    async with asyncio.timeout(_PATIENCE_SECONDS):
        url = (await process.stdout.readline()).decode().strip()
        while not opened.exists():
            await asyncio.to_thread(os.sched_yield)
        process.send_signal(how)
        _, told = await process.communicate()
    assert process.returncode == 0
    assert b"Traceback" not in told
    assert opened.read_text("utf-8") == url
