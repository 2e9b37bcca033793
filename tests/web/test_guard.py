"""Nobody gets to the chat in the browser without this run's token, by another name, or from another page."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest
from aiohttp import web

from assistant.errors import ConfigError
from assistant.web.server import ChatServer, listen

pytestmark = pytest.mark.filterwarnings("ignore::aiohttp.web.NotAppKeyWarning")  # aiohttp-jinja2's


@dataclass(frozen=True, slots=True)
class Served:
    """A running server and a browser's session that was let in nowhere yet."""

    url: str
    session: aiohttp.ClientSession

    @property
    def base(self) -> str:
        """The address without the token."""
        return self.url.split("?")[0]

    async def status(self, path: str = "", **headers: str) -> int:
        """Ask for a path and return the status."""
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        async with self.session.get(self.base + path, headers=names, allow_redirects=False) as answer:
            return answer.status

    async def enter(self) -> None:
        """Open the address that was printed."""
        async with self.session.get(self.url) as answer:
            assert answer.status == 200


@asynccontextmanager
async def served(*command: str) -> AsyncIterator[Served]:
    """Serve a command, one that ends at once if none is given."""
    listening = listen(0)
    server = ChatServer(command or ["true"], listening.getsockname()[1])
    runner = web.AppRunner(await server.application(), access_log=None)
    await runner.setup()
    await web.SockSite(runner, listening).start()
    try:
        async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
            yield Served(server.guard.url, session)
    finally:
        await runner.cleanup()


async def test_the_printed_address_lets_in_and_the_token_leaves_the_address() -> None:
    async with served() as chat, chat.session.get(chat.url) as answer:
        assert answer.status == 200
        assert answer.url.query_string == ""
        cookie = answer.history[0].headers["Set-Cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=Strict" in cookie
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        page = await answer.text()
        assert "https://" not in page
        assert parse_qs(urlsplit(chat.url).query)["token"][0] not in page


@pytest.mark.parametrize(
    "path", ["", "ws", "static/js/textual.js", "start.js", "download/x", "?token=wrong", "nothing"]
)
async def test_nothing_is_given_out_without_the_token(path: str) -> None:
    async with served() as chat:
        assert await chat.status(path) == 403
        assert await chat.status(path, Cookie="keepsake-1=x") == 403


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1", "127.0.0.1:1", "localhost.evil.example", ""])
async def test_a_name_that_is_not_this_machines_is_refused_even_with_the_token(host: str) -> None:
    async with served() as chat:
        await chat.enter()
        assert await chat.status() == 200
        assert await chat.status(Host=host) == 403


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:1", "http://[", "file://", ""])
async def test_a_page_from_elsewhere_can_not_connect(origin: str) -> None:
    async with served() as chat:
        await chat.enter()
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await chat.session.ws_connect(f"{chat.base}ws", headers={"Origin": origin} if origin else {})
        assert refused.value.status == 403
        own = chat.base.rstrip("/")
        async with chat.session.ws_connect(f"{chat.base}ws", headers={"Origin": own}) as socket:
            assert not socket.closed


async def test_two_runs_have_two_tokens() -> None:
    async with served() as one, served() as other:
        assert urlsplit(one.url).query != urlsplit(other.url).query
        await one.enter()
        assert await other.status() == 403


def test_it_listens_on_loopback_alone_and_a_taken_port_is_told() -> None:
    with listen(0) as taken:
        host, port = taken.getsockname()
        assert host == "127.0.0.1"
        with pytest.raises(ConfigError, match=f"Port {port} on this machine can't be had"):
            listen(port)


async def test_closing_leaves_no_task_behind() -> None:
    before = len(asyncio.all_tasks())
    async with served() as chat:
        await chat.enter()
    assert len(asyncio.all_tasks()) <= before
