"""Ends a stream or a piece of work when it is asked to stop, even while the next event is long in coming."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine
from contextlib import suppress
from typing import Any, TypeVar

Event = TypeVar("Event")
Result = TypeVar("Result")


async def until(events: AsyncIterator[Event], stop: asyncio.Event | None) -> AsyncGenerator[Event, None]:
    """Pass events on until they end or `stop` is set, even while the next one is long in coming."""
    stopping = asyncio.ensure_future(stop.wait()) if stop else None
    try:
        while stop is None or not stop.is_set():  # nothing more is begun once it is asked to stop
            step = asyncio.ensure_future(anext(events))
            waiting = {step, stopping} if stopping else {step}
            try:
                await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            finally:
                if not step.done():
                    step.cancel()
                    await asyncio.wait({step})
            if step.cancelled():
                return
            try:
                yield step.result()
            except StopAsyncIteration:
                return
    finally:
        if stopping:
            stopping.cancel()
        if isinstance(events, AsyncGenerator):
            await events.aclose()


async def wait_for_stop(stop: asyncio.Event, seconds: float) -> None:
    """Wait so long, or until `stop` is set."""
    with suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)


async def unless_stopped(work: Coroutine[Any, Any, Result], stop: asyncio.Event) -> Result | None:
    """Return what comes of the work; None where `stop` is set before it ends: it is cancelled then."""
    working, stopping = asyncio.ensure_future(work), asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
        return working.result() if working.done() else None
    finally:
        stopping.cancel()
        if not working.done():
            working.cancel()
            await asyncio.wait({working})
