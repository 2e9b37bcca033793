"""Serves the chat through textual-serve: a process for each page, on loopback, behind the guard."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

import aiohttp_jinja2
from aiohttp import web
from textual_serve.app_service import AppService
from textual_serve.server import Server, to_int

from assistant.errors import ConfigError
from assistant.web.guard import Guard

MOST_PAGES: Final = 8  # each is a process of its own
_HOST: Final = "127.0.0.1"
_DRIVER: Final = "assistant.web.driver:PageDriver"
# Together less than the five seconds in which whoever asks for an end may expect it.
_CLOSING_SECONDS: Final = 3.5  # for the chat to store an answer that was coming, and to close
_PAGE_SECONDS: Final = 1.0  # for a page to agree that the connection ends
_FONT_SIZE: Final = 16


class Chat(AppService):
    """The process behind one page: started without a shell, and ended in any case when its page goes."""

    def __init__(self, command: Sequence[str], socket: web.WebSocketResponse, server: ChatServer) -> None:
        super().__init__(
            "",
            write_bytes=socket.send_bytes,
            write_str=socket.send_str,
            close=self.leave,
            download_manager=server.download_manager,
        )
        self._arguments = tuple(command)
        self._socket = socket

    async def leave(self) -> None:
        """Close the connection to the page, which says so there."""
        await self._socket.close()

    async def run(self) -> None:
        """Hand on what the chat draws until it ends, in whatever way; then let go of the page."""
        try:
            await super().run()
        finally:
            await self.leave()

    async def _open_app_process(self, width: int = 80, height: int = 24) -> Process:
        # In a session of its own: Ctrl+C is for the server alone, which then asks each chat to close.
        self._process = process = await asyncio.create_subprocess_exec(
            *self._arguments,
            stdin=PIPE,
            stdout=PIPE,
            stderr=PIPE,
            start_new_session=True,
            env={**self._build_environment(width, height), "TEXTUAL_DRIVER": _DRIVER},
        )
        assert process.stdin is not None
        self._stdin = process.stdin
        return process

    async def stop(self) -> None:
        """Ask the chat to close; one that does not is ended, with what it started. Stopping twice is harmless."""
        if self._task is None or self._process is None:
            return
        await self._download_manager.cancel_app_downloads(app_service_id=self.app_service_id)
        await self.send_meta({"type": "quit"})
        await asyncio.wait({self._task}, timeout=_CLOSING_SECONDS)
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        await self._process.wait()
        await asyncio.wait({self._task})


class ChatServer(Server):
    """textual-serve's server with a page of our own, which fetches nothing from elsewhere, and with a guard."""

    def __init__(self, command: Sequence[str], port: int) -> None:
        super().__init__("", host=_HOST, port=port, title="Keepsake")
        self._arguments = tuple(command)
        self._chats: set[Chat] = set()
        self.templates_path = Path(__file__).parent / "templates"
        self.guard = Guard(port)

    async def application(self) -> web.Application:
        """Return the web application."""
        app: web.Application = await self._make_app()
        app.middlewares.append(self.guard.check)
        app.on_response_prepare.append(self.guard.harden)
        app.router.add_get("/start.js", self._script)
        return app

    async def handle_index(self, request: web.Request) -> web.StreamResponse:
        """Give the page; it connects by the very name that it was opened by, which the cookie is for."""
        values = {
            "application": {"name": self.title},
            "font_size": to_int(request.query.get("fontsize", ""), _FONT_SIZE),
            "app_websocket_url": f"ws://{request.host}/ws",
        }
        return aiohttp_jinja2.render_template("app_index.html", request, values)

    async def handle_websocket(self, request: web.Request) -> web.WebSocketResponse:
        """Run a chat for a page, until either goes."""
        if len(self._chats) >= MOST_PAGES:
            raise web.HTTPServiceUnavailable(text="Too many pages are open; close one.")
        socket = web.WebSocketResponse(heartbeat=15, timeout=_PAGE_SECONDS)
        chat = Chat(self._arguments, socket, self)
        self._chats.add(chat)
        try:
            await socket.prepare(request)
            await chat.start(to_int(request.query.get("width", ""), 80), to_int(request.query.get("height", ""), 24))
            with suppress(ValueError, TypeError, LookupError, AssertionError):  # no message of our page's
                await self._process_messages(socket, chat)
        finally:
            await asyncio.shield(self._end(chat))
        return socket

    async def _end(self, chat: Chat) -> None:
        await chat.stop()
        await chat.leave()
        self._chats.discard(chat)

    async def _script(self, request: web.Request) -> web.StreamResponse:
        return web.FileResponse(self.templates_path / "start.js")

    async def on_startup(self, app: web.Application) -> None:
        """Say nothing: who started the server says where it is."""

    async def on_shutdown(self, app: web.Application) -> None:
        """Close all chats and tell their pages."""
        await asyncio.gather(*(self._end(chat) for chat in list(self._chats)))


def listen(port: int) -> socket.socket:
    """Return a socket on loopback; port 0 takes any that is free. Raises ConfigError where it is taken."""
    try:
        return socket.create_server((_HOST, port))
    except OSError as error:
        raise ConfigError(
            f"Port {port} on this machine can't be had: {error.strerror or error}.", "--port 0 takes one that is free."
        ) from error


def serve(command: Sequence[str], listening: socket.socket, ready: Callable[[str], None]) -> None:
    """Serve until SIGINT, SIGTERM or SIGHUP; `ready` is told the address, token and all, once it can be opened."""
    logging.getLogger("textual-serve").setLevel(logging.CRITICAL)  # what goes wrong in a page is told in the page
    with suppress(KeyboardInterrupt):
        asyncio.run(_serve(command, listening, ready))


async def _serve(command: Sequence[str], listening: socket.socket, ready: Callable[[str], None]) -> None:
    server = ChatServer(command, listening.getsockname()[1])
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stop.set)
    runner = web.AppRunner(await server.application(), access_log=None, shutdown_timeout=_CLOSING_SECONDS + 2)
    await runner.setup()
    try:
        await web.SockSite(runner, listening).start()
        ready(server.guard.url)
        await stop.wait()
    finally:
        await runner.cleanup()
