"""What makes the tests of the chat quick: Textual waits less long for nothing, and parses each style sheet once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from typing import Any

import pytest
from textual import app, pilot
from textual.css.model import RuleSet
from textual.css.stylesheet import Stylesheet


async def wait_for_idle(_least_seconds: float = 0.0, most_seconds: float = 1.0) -> None:
    """Wait until nothing stands ready in the loop and the process has nothing to do, at two looks 2 ms apart."""
    loop: Any = asyncio.get_running_loop()
    end = loop.time() + most_seconds
    calm = 0
    while calm < 2 and loop.time() < end:
        used = time.process_time()
        await asyncio.sleep(0.002)
        calm = calm + 1 if not loop._ready and time.process_time() - used < 0.0005 else 0


@pytest.fixture(scope="session", autouse=True)
def idle_is_seen_soon() -> Iterator[None]:
    """Look more often than Textual, which waits for 20 ms without work twice a key."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(app, "wait_for_idle", wait_for_idle)
        patch.setattr(pilot, "wait_for_idle", wait_for_idle)
        yield


@pytest.fixture(scope="session", autouse=True)
def style_sheets_are_parsed_once() -> Iterator[None]:
    """Share the rules of a style sheet in a theme among all applications: each parses those of every widget."""
    parse = Stylesheet._parse_rules
    parsed: dict[tuple[Any, ...], list[RuleSet]] = {}

    def shared(self: Stylesheet, *sheet: Any, **options: Any) -> list[RuleSet]:
        key = (tuple(self._variables.items()), sheet, tuple(options.items()))
        if key not in parsed:
            parsed[key] = parse(self, *sheet, **options)
        return parsed[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Stylesheet, "_parse_rules", shared)
        yield
