"""A chat that works on a task in its background, for `benchmarks/tasks.py`: how long each turn of its loop took."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import quantiles
from typing import Any, Final

from textual.pilot import Pilot

from assistant import config
from assistant.llm.roles import Models
from assistant.llm.scripted import ScriptedChat
from assistant.tui import pauses
from assistant.tui.app import ChatApp
from assistant.tui.services import Services
from memory_store import Store, TaskState

_SIZE: Final = (100, 36)
_KEY_SECONDS: Final = 0.1
_BEAT_SECONDS: Final = 0.002
_NOTHING_MS: Final = 3.0


async def work(config_file: Path, data: Path, task_id: str) -> str:
    """Type into a chat until its task is done; return how long the turns of the loop took, and what memory it took."""
    settings = config.load(config_file)
    with Store.open(data) as store:
        store.tasks.change_state(task_id, TaskState.PAUSED)
        app = ChatApp(lambda: Services(settings, store, Models(ScriptedChat()), config_file), blink=False)
        async with app.run_test(size=_SIZE) as pilot:
            while not app.chat.is_open:
                await pilot.pause(0.01)
            pauses.settle()
            idle = await _type_until(pilot, lambda count: count > 50)
            before = _resident()
            store.tasks.change_state(task_id, TaskState.RUNNING)
            busy = await _type_until(pilot, lambda _: store.tasks.get(task_id).state is TaskState.DONE)
            grown = _resident() - before
    return f"{_words(busy)} (idle: {_words(idle)}), {grown:.0f} MB more"


async def _type_until(pilot: Pilot[Any], ends: Callable[[int], bool]) -> list[float]:
    gaps: list[float] = []
    beating = asyncio.ensure_future(_beat(gaps))
    count = 0
    while not await asyncio.to_thread(ends, count):
        await pilot.press("space" if count % 5 == 4 else "a")
        await asyncio.sleep(_KEY_SECONDS)
        count += 1
    beating.cancel()
    return gaps


async def _beat(gaps: list[float]) -> None:
    """Take down, in milliseconds, how late the loop came back from a short sleep, where that was noticeable."""
    while True:
        begun = time.perf_counter()
        await asyncio.sleep(_BEAT_SECONDS)
        late = (time.perf_counter() - begun - _BEAT_SECONDS) * 1000
        if late > _NOTHING_MS:
            gaps.append(late)


def _resident() -> float:
    status = Path("/proc/self/status").read_text("utf-8")
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


def _words(gaps: list[float]) -> str:
    hundredths = quantiles(gaps, n=100, method="inclusive")
    return f"99 of 100 waits within {hundredths[98]:.0f} ms, the longest {max(gaps):.0f}"


if __name__ == "__main__":
    print(asyncio.run(work(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])))
