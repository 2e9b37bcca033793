"""Serves the chat through textual-serve: a process for each page, on loopback, behind the guard."""

from __future__ import annotations

import asyncio
import logging
import shlex
import signal
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from aiohttp import web
from textual_serve.server import Server

from assistant.errors import ConfigError
from assistant.web.guard import Guard

_HOST: Final = "127.0.0.1"
_CLOSING_SECONDS: Final = 5.0


class ChatServer(Server):
    """textual-serve's server with a page of our own, which fetches nothing from elsewhere, and with a guard."""

    def __init__(self, command: Sequence[str], port: int) -> None:
        super().__init__(shlex.join(command), host=_HOST, port=port, title="Keepsake")
        self.templates_path = Path(__file__).parent / "templates"
        self.guard = Guard(port)

    async def application(self) -> web.Application:
        """Return the web application."""
        app: web.Application = await self._make_app()
        app.middlewares.append(self.guard.check)
        app.on_response_prepare.append(self.guard.harden)
        app.router.add_get("/start.js", self._script)
        return app

    async def _script(self, request: web.Request) -> web.StreamResponse:
        return web.FileResponse(self.templates_path / "start.js")

    async def on_startup(self, app: web.Application) -> None:
        """Say nothing: who started the server says where it is."""


def listen(port: int) -> socket.socket:
    """Return a socket on loopback; port 0 takes any that is free. Raises ConfigError where it is taken."""
    try:
        return socket.create_server((_HOST, port))
    except OSError as error:
        raise ConfigError(
            f"Port {port} on this machine can't be had: {error.strerror or error}.", "--port 0 takes one that is free."
        ) from error


def serve(command: Sequence[str], listening: socket.socket, ready: Callable[[str], None]) -> None:
    """Serve until SIGINT or SIGTERM; `ready` is told the address, token and all, once it can be opened."""
    logging.getLogger("textual-serve").setLevel(logging.CRITICAL)  # what goes wrong in a page is told in the page
    with suppress(KeyboardInterrupt):
        asyncio.run(_serve(command, listening, ready))


async def _serve(command: Sequence[str], listening: socket.socket, ready: Callable[[str], None]) -> None:
    server = ChatServer(command, listening.getsockname()[1])
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    runner = web.AppRunner(await server.application(), access_log=None, shutdown_timeout=_CLOSING_SECONDS)
    await runner.setup()
    try:
        await web.SockSite(runner, listening).start()
        ready(server.guard.url)
        await stop.wait()
    finally:
        await runner.cleanup()
