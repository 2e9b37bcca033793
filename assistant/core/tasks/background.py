"""Works on tasks while a chat is open, in a thread with a loop of its own: the loop of the screen waits for nothing."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress

from memory_store.errors import KeepsakeError

Work = Callable[[asyncio.Event], Awaitable[object]]


class TaskRunner:
    """Does the work of `work` from `start` to `stop`; what is under way then has a little time to end."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="keepsake-tasks", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self, patience_seconds: float = 0.0) -> None:
        """Begin no step any more, and wait so long for what is under way; what is not over by then is asked about, or
        done again, after the next start."""
        if self._thread.is_alive() and self._ready.wait(1.0) and self._loop is not None and self._stop is not None:
            with suppress(RuntimeError):  # the loop has just ended by itself
                self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join(patience_seconds)

    def _run(self) -> None:
        with suppress(KeepsakeError):  # the store is closed meanwhile
            asyncio.run(self._do())

    async def _do(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        self._ready.set()
        await self._work(self._stop)
