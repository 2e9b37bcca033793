"""The manners of the chat: how soon a long chat is there, how long a frame takes while an answer streams, and memory.

`python -m benchmarks.tui` prints these beside the first paint, in one run.
"""

from __future__ import annotations

import asyncio
import gc
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from typing import Final

from assistant.config import ChatConfig, Settings
from assistant.llm.base import ChatRequest
from assistant.llm.roles import Models
from assistant.llm.scripted import ScriptedChat
from assistant.tui import pauses
from assistant.tui.app import ChatApp
from assistant.tui.services import Services
from benchmarks import first_paint
from benchmarks.measure import Figure, table
from benchmarks.prose import markdown_answer
from memory_store import Store
from memory_store.models import USER, Author, AuthorKind, Role

LONG, SHORT = 2000, 20
OPENING_GOAL: Final = 1.5
FRAME_GOAL_MS: Final = 50.0
GROWTH_GOAL_MEGABYTES: Final = 60.0
PACES: Final = (200, 500)  # tokens a second
_TOKEN_CHARS: Final = 4
_NOTHING_MS: Final = 5.0  # a turn of the loop in which nothing was drawn
_SECONDS: Final = 8
_ROUNDS: Final = 7
_SIZE: Final = (100, 36)
_PATIENCE_SECONDS: Final = 300
_TURNS: Final = 300  # of which the memory after a third is compared with that at the end


@dataclass
class _PacedModel(ScriptedChat):
    """Says a text, a token at a time, at a pace."""

    text: str = ""
    tokens_a_second: float = 200.0
    requests_seen: list[ChatRequest] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    async def stream(self, request: ChatRequest) -> AsyncIterator[object]:  # type: ignore[override]
        from assistant.llm.base import Finished, TextDelta

        begun = time.perf_counter()
        pieces = [self.text[at : at + _TOKEN_CHARS] for at in range(0, len(self.text), _TOKEN_CHARS)]
        for number, piece in enumerate(pieces, start=1):
            yield TextDelta(piece)
            ahead = begun + number / self.tokens_a_second - time.perf_counter()
            await asyncio.sleep(max(0.0, ahead))
        yield Finished("stop", "paced")


@asynccontextmanager
async def _chat(folder: Path, model: ScriptedChat, store: Store) -> AsyncIterator[ChatApp]:
    settings = Settings(chat=ChatConfig(titles=False))
    app = ChatApp(lambda: Services(settings, store, Models(model), folder / "config.toml"), blink=False)
    async with app.run_test(size=_SIZE), asyncio.timeout(_PATIENCE_SECONDS):
        await _until(lambda: app.chat.is_open)
        yield app


def measure(small: bool = False) -> list[Figure]:
    """Return the figures, each measured against its bare side in this run."""
    rounds, seconds, turns = (2, 2, 30) if small else (_ROUNDS, _SECONDS, _TURNS)
    figures = [first_paint.measure(small), asyncio.run(_opening(rounds))]
    figures += [asyncio.run(_frames(pace, seconds)) for pace in PACES]
    return [*figures, asyncio.run(_growth(turns))]


async def _opening(rounds: int) -> Figure:
    """A chat of many messages against one of few, from the choice to its last frame, taken in turn."""
    with TemporaryDirectory() as name, Store.open(Path(name) / "memory") as store:
        long, short = _fill(store, LONG), _fill(store, SHORT)
        async with _chat(Path(name), ScriptedChat(), store) as app:
            taken: dict[str, list[float]] = {long: [], short: []}
            for _ in range(rounds + 1):
                for conversation in (long, short):
                    begun = time.perf_counter()
                    assert app.chat.skin is not None
                    await app.chat.skin.controller.open(conversation)
                    await _painted(app)
                    taken[conversation].append((time.perf_counter() - begun) * 1000)
    ours, bare = (median(taken[one][1:]) for one in (long, short))
    return Figure(f"opening a chat of {LONG:,} messages against one of {SHORT}", "ms", ours, bare, OPENING_GOAL)


async def _frames(pace: int, seconds: float) -> Figure:
    """The longest time for which nothing else was done while an answer streamed: no frame took longer than that."""
    text = markdown_answer(int(pace * _TOKEN_CHARS * seconds))
    with TemporaryDirectory() as name, Store.open(Path(name) / "memory") as store:
        async with _chat(Path(name), _PacedModel(text, pace), store) as app:
            await _said(app, "Warm up", 0)
            pauses.settle()  # as after a start
            gaps: list[float] = []
            beating = asyncio.ensure_future(_beat(gaps))
            await _said(app, "How did the harvest go?", 1)
            beating.cancel()
    frames = [gap for gap in gaps if gap > _NOTHING_MS]
    return Figure(
        f"the longest frame while {pace} tokens a second stream",
        "ms",
        max(frames),
        None,
        FRAME_GOAL_MS,
        details={"95 of 100 below, ms": quantiles(frames, n=20)[-1], "frames": len(frames), "characters": len(text)},
    )


async def _growth(turns: int) -> Figure:
    """What the process grows by from a third of a long day's turns to its end, in one chat that is never left."""
    text = markdown_answer(1200)
    with TemporaryDirectory() as name, Store.open(Path(name) / "memory") as store:
        async with _chat(Path(name), ScriptedChat(otherwise=[text]), store) as app:
            sizes = []
            for number in range(turns):
                await _said(app, f"Question {number}", None)
                if number + 1 in (turns // 3, turns):
                    gc.collect()
                    sizes.append(_resident())
    return Figure(
        f"memory that turns {turns // 3} to {turns} of one chat take",
        "MB",
        sizes[1] - sizes[0],
        None,
        GROWTH_GOAL_MEGABYTES,
        details={"at the end, MB": sizes[1]},
    )


async def _said(app: ChatApp, text: str, before: int | None) -> None:
    session = app.chat.session
    assert session is not None
    known = len(session.messages)
    app.chat.submit(text)
    await _until(lambda: len(session.messages) >= known + 2 and not app.chat.is_answering)
    await _painted(app)


async def _beat(gaps: list[float]) -> None:
    """Take down, in milliseconds, how long each turn of the event loop took."""
    last = time.perf_counter()
    while True:
        await asyncio.sleep(0)
        now = time.perf_counter()
        gaps.append((now - last) * 1000)
        last = now


def _fill(store: Store, messages: int) -> str:
    conversation = store.conversations.start(f"{messages} messages")
    parent: str | None = None
    texts: Sequence[str] = [markdown_answer(400), "And then?"]
    for number in range(messages):
        role, author = (Role.USER, USER) if number % 2 == 0 else (Role.ASSISTANT, Author(AuthorKind.MODEL, "m"))
        text = texts[1] if role is Role.USER else texts[0]
        parent = store.conversations.append(conversation.id, role, text, author, parent_id=parent).id
    return conversation.id


def _resident() -> float:
    status = Path("/proc/self/status").read_text("utf-8")
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


async def _until(predicate: Callable[[], bool]) -> None:
    while not predicate():  # noqa: ASYNC110 — the chat has no event for it, and a product needs none
        await asyncio.sleep(0.002)


async def _painted(app: ChatApp) -> None:
    drawn = asyncio.Event()
    app.call_after_refresh(drawn.set)
    await drawn.wait()


if __name__ == "__main__":
    print(table(measure("--small" in sys.argv[1:])))
