"""A chat model that does as a test tells it: events, errors and pauses, without a clock."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence

from assistant.errors import ModelError
from assistant.llm.base import (
    ChatRequest,
    Finished,
    ModelEvent,
    ModelInfo,
    Retrying,
    TextDelta,
    ThinkingDelta,
    ToolCalled,
    WasThinking,
)

Step = str | TextDelta | ThinkingDelta | WasThinking | Retrying | ToolCalled | Finished | BaseException | asyncio.Event
"""A string is short for a `TextDelta`; an exception is raised; an event is waited for."""


class ScriptedChat:
    """Plays one script for each answer, in order, and then repeats `otherwise` if given.

    A script that neither ends in `Finished` nor raises gets a `Finished("stop")`. `requests` holds what was asked,
    `waiting` is set while a script waits for an event, and `stopped` counts answers that were cancelled or closed.
    """

    def __init__(
        self,
        *scripts: Sequence[Step],
        otherwise: Sequence[Step] | None = None,
        name: str = "scripted",
        is_private: bool = True,
        context_tokens: int = 8192,
        calls_tools: bool = False,
    ) -> None:
        self.requests: list[ChatRequest] = []
        self.waiting = asyncio.Event()
        self.stopped = 0
        self.closed = False
        self._scripts = list(scripts)
        self._otherwise = otherwise
        self.info = ModelInfo(name, is_private, None if is_private else "scripted", context_tokens, calls_tools)

    def add(self, *scripts: Sequence[Step]) -> None:
        """Add scripts for the next answers."""
        self._scripts.extend(scripts)

    async def stream(self, request: ChatRequest) -> AsyncGenerator[ModelEvent, None]:
        """Play the next script. Raises `ModelError` when there is none."""
        self.requests.append(request)
        script = self._scripts.pop(0) if self._scripts else self._otherwise
        if script is None:
            raise ModelError("No script is left.", "Give the scripted model one script for each answer.")
        try:
            finished = False
            for step in script:
                event = await self._play(step)
                if event is not None:
                    yield event
                    finished = isinstance(event, Finished)
            if not finished:
                yield Finished("stop", self.info.name)
        except (GeneratorExit, asyncio.CancelledError):
            self.stopped += 1
            raise

    async def close(self) -> None:
        """Note that it was closed."""
        self.closed = True

    async def _play(self, step: Step) -> ModelEvent | None:
        match step:
            case str():
                return TextDelta(step)
            case BaseException():
                raise step
            case asyncio.Event():
                self.waiting.set()
                await step.wait()
                self.waiting.clear()
                return None
            case _:
                return step
