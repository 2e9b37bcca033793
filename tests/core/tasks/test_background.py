"""The work of a chat's background: it ends when the chat does, once the step that is under way is over."""

from __future__ import annotations

import asyncio
import threading

from assistant.core.tasks.background import TaskRunner


def test_what_is_under_way_is_waited_for_when_it_is_stopped() -> None:
    begun, done = threading.Event(), threading.Event()

    async def work(stop: asyncio.Event) -> None:
        begun.set()
        await stop.wait()
        await asyncio.sleep(0)
        done.set()

    runner = TaskRunner(work)
    runner.start()
    assert begun.wait(10)
    runner.stop(10)
    assert done.is_set()


def test_what_never_began_is_stopped_without_a_wait() -> None:
    async def work(stop: asyncio.Event) -> None:
        raise AssertionError

    TaskRunner(work).stop(10)
