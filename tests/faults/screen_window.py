"""A window of the harness: the chat on its screen, driven through the pilot by what comes over a pipe."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from multiprocessing.connection import Connection
from pathlib import Path

from assistant.tui.widgets.notice import Notice
from tests.tui.support import PATIENCE_SECONDS, House, chatting


async def _remember(house: House, text: str) -> bool:
    await house.say(f"/remember {text}")
    await house.until(lambda: any(text in notice for notice in house.notices))
    return True


async def _say(house: House, text: str) -> bool:
    before = _errors(house)
    await house.ask(text)
    # What broke off was told to the user as that: it is not acknowledged.
    return any(text in question for question in house.questions) and _errors(house) == before


def _errors(house: House) -> int:
    return sum(one.kind == "error" for one in house.chat.query(Notice))


async def _forget(house: House, mark: str) -> bool:
    before = set(house.notices)

    def told() -> list[str]:
        return [one for one in house.notices if one not in before]

    await house.say(f"/forget matching {mark}")
    await house.until(lambda: told() or house.app.screen is not house.chat)
    if house.app.screen is house.chat:
        return False  # nothing holds it any more
    await house.erase()
    await house.until(lambda: house.app.screen is house.chat and told())
    return any("nothing of it is left" in one for one in told())


async def _type(house: House, command: str) -> bool:
    """Run a command, leave every screen that it opens, and wait until it has been worked off."""
    await house.say(command)
    await house.pilot.pause()
    async with asyncio.timeout(PATIENCE_SECONDS):
        while house.app.screen is not house.chat or house.chat.is_answering or house._is_working():
            if house.app.screen is not house.chat:  # also one that opens only once something was read
                await house.pilot.press("escape")
            await house.pilot.pause(0.01)
    return True


async def _import(house: House, path: str) -> bool:
    before = len(house.notices)
    await house.say(f"/import {path}")
    await house.until(lambda: any("Import done" in one for one in house.notices[before:]))
    return True


OPERATIONS: dict[str, Callable[[House, str], Awaitable[bool]]] = {
    "remember": _remember,
    "say": _say,
    "forget": _forget,
    "import": _import,
    "type": _type,
}


async def _work(folder: Path, pipe: Connection) -> None:
    async with chatting(folder) as house:
        pipe.send(True)
        while (asked := await asyncio.to_thread(_received, pipe)) is not None:
            name, argument = asked
            pipe.send(await OPERATIONS[name](house, argument))


def _received(pipe: Connection) -> tuple[str, str] | None:
    try:
        found: tuple[str, str] | None = pipe.recv()
    except EOFError:
        return None
    return found


def run(folder: Path, pipe: Connection) -> None:
    """Open the chat and do what is asked, one thing after another, until the pipe says None or is closed."""
    asyncio.run(_work(folder, pipe))
