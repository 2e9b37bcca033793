"""A long answer streamed into the whole chat, against the same pieces into a bare Textual app through `get_stream`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any, Final
from unittest.mock import patch

from textual.app import App, ComposeResult
from textual.containers import VerticalScroll
from textual.css.query import DOMQuery
from textual.widgets import Markdown

from assistant.config import ChatConfig, Settings
from assistant.llm.base import ChatRequest, ModelEvent
from assistant.llm.roles import Models
from assistant.llm.scripted import ScriptedChat
from assistant.tui.app import ChatApp
from assistant.tui.services import Services
from assistant.tui.widgets.answer import Answer
from benchmarks.measure import Figure
from benchmarks.prose import markdown_answer
from memory_store import Store

GOAL: Final = 1.3
_CHARACTERS: Final = 10_000
# 8,000 characters a second: faster than any model, so that drawing is what limits. Without any pause the pieces would
# be drawn in one go, and nothing would have been streamed.
_PIECE: Final = 8
_PACE_SECONDS: Final = 0.001
_ROUNDS: Final = 3
_SIZE: Final = (100, 36)
_POLL_SECONDS: Final = 0.002
_PATIENCE_SECONDS: Final = 120


@dataclass(frozen=True, slots=True)
class _Taken:
    wall: float
    processor: float
    updates: int


class _Clock:
    """Starts at once; counts milliseconds on the wall and of the processor."""

    def __init__(self) -> None:
        self._wall, self._processor = time.perf_counter(), time.process_time()

    def read(self, updates: int) -> _Taken:
        wall, processor = time.perf_counter() - self._wall, time.process_time() - self._processor
        return _Taken(wall * 1000, processor * 1000, updates)


class _QuickModel(ScriptedChat):
    """Plays its script at the pace, and notes when it began."""

    clock: _Clock | None = None

    async def stream(self, request: ChatRequest) -> AsyncGenerator[ModelEvent, None]:
        self.clock = _Clock()
        async for event in super().stream(request):
            yield event
            await asyncio.sleep(_PACE_SECONDS)


class _BareApp(App[None]):
    def compose(self) -> ComposeResult:
        with VerticalScroll():
            yield Markdown()


def measure(small: bool = False) -> Figure:
    """Return the median milliseconds from the first piece to the whole answer on the screen, taken in turn."""
    answer = markdown_answer(_CHARACTERS // 5 if small else _CHARACTERS)
    pieces = [answer[at : at + _PIECE] for at in range(0, len(answer), _PIECE)]
    return asyncio.run(_measure(pieces, 1 if small else _ROUNDS))


async def _measure(pieces: list[str], rounds: int) -> Figure:
    await _in_chat(pieces[:100])
    await _in_bare_app(pieces[:100])
    ours: list[_Taken] = []
    bare: list[_Taken] = []
    for _ in range(rounds):
        ours.append(await _in_chat(pieces))
        bare.append(await _in_bare_app(pieces))
    return Figure(
        "streaming an answer",
        "ms",
        median(one.wall for one in ours),
        median(one.wall for one in bare),
        GOAL,
        details={
            "characters": sum(map(len, pieces)),
            "pieces": len(pieces),
            "processor time of the chat, ms": median(one.processor for one in ours),
            "processor time of the bare app, ms": median(one.processor for one in bare),
            "updates of the chat": median(one.updates for one in ours),
            "updates of the bare app": median(one.updates for one in bare),
        },
    )


async def _in_chat(pieces: list[str]) -> _Taken:
    model = _QuickModel(pieces)
    with TemporaryDirectory() as name, Store.open(Path(name) / "memory") as store:
        app = ChatApp(
            lambda: Services(Settings(chat=ChatConfig(titles=False)), store, Models(model), Path(name) / "config.toml"),
            blink=False,
        )
        async with app.run_test(size=_SIZE), asyncio.timeout(_PATIENCE_SECONDS):
            await _until(lambda: app.chat.is_open)
            with _counted_updates() as updates:
                app.chat.submit("How did the harvest go?")
                await _until(lambda: model.clock is not None and not app.chat.is_answering)
                await _painted(app)
            assert model.clock is not None
            taken = model.clock.read(len(updates))
            _check(app.chat.query_one(Answer).query(Markdown), pieces)
            return taken


async def _in_bare_app(pieces: list[str]) -> _Taken:
    app = _BareApp()
    async with app.run_test(size=_SIZE), asyncio.timeout(_PATIENCE_SECONDS):
        app.query_one(VerticalScroll).anchor()
        with _counted_updates() as updates:
            clock = _Clock()
            stream = Markdown.get_stream(app.query_one(Markdown))
            for piece in pieces:
                await stream.write(piece)
                await asyncio.sleep(_PACE_SECONDS)
            await stream.stop()
            await _painted(app)
        taken = clock.read(len(updates))
        _check(app.query(Markdown), pieces)
        return taken


@contextmanager
def _counted_updates() -> Iterator[list[int]]:
    """Gather the length of each piece that reaches a Markdown widget: the stream joins what comes while it draws."""
    lengths: list[int] = []
    append = Markdown.append

    def counting(self: Markdown, markdown: str) -> Any:
        lengths.append(len(markdown))
        return append(self, markdown)

    with patch.object(Markdown, "append", counting):
        yield lengths


def _check(shown: DOMQuery[Markdown], pieces: list[str]) -> None:
    if "".join(one.source for one in shown) != "".join(pieces):
        raise RuntimeError("The answer on the screen is not the answer that was streamed.")


async def _until(predicate: Callable[[], bool]) -> None:
    while not predicate():  # noqa: ASYNC110 — the chat has no event for it, and a product needs none
        await asyncio.sleep(_POLL_SECONDS)


async def _painted(app: App[Any]) -> None:
    """Wait until what was asked to be drawn is drawn."""
    drawn = asyncio.Event()
    app.call_after_refresh(drawn.set)
    await drawn.wait()
