"""Fixtures for the chat models: a loopback server, requests, and ways to wait without sleeping."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field

import pytest

from assistant.llm.base import ChatMessage, ChatModel, ChatRequest, Finished, ModelEvent, TextDelta, ThinkingDelta
from assistant.llm.openai_chat import RetryPolicy
from memory_store.models import Role
from tests.support.chat_server import TIMEOUT_S, ChatServer


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ChatServer]:
    """A running server; the environment holds nothing that the client could pick up."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    with ChatServer() as running:
        yield running


@dataclass
class Pauses:
    """Stands in for `asyncio.sleep`: notes how long each pause would have been."""

    taken: list[float] = field(default_factory=list)

    async def __call__(self, seconds: float) -> None:
        self.taken.append(seconds)

    def policy(self, max_retries: int = 3) -> RetryPolicy:
        return RetryPolicy(max_retries=max_retries, sleep=self, jitter=lambda: 1.0)


@pytest.fixture
def pauses() -> Pauses:
    return Pauses()


def a_request(*contents: str, max_tokens: int | None = None, temperature: float | None = None) -> ChatRequest:
    texts = contents or ("Who wrote it?",)
    messages = tuple(ChatMessage(Role.USER, text) for text in texts)
    return ChatRequest(messages, max_tokens=max_tokens, temperature=temperature)


@dataclass
class Answer:
    """The events of one answer, sorted out."""

    text: str = ""
    thinking: str = ""
    finished: Finished | None = None
    events: list[ModelEvent] = field(default_factory=list)


async def read(events: AsyncIterator[ModelEvent], into: Answer | None = None) -> Answer:
    """Read events to their end; what came before an error stays in `into`."""
    answer = into or Answer()
    async for event in events:
        assert answer.finished is None, "nothing may follow Finished"
        answer.events.append(event)
        match event:
            case TextDelta(text):
                answer.text += text
            case ThinkingDelta(text):
                answer.thinking += text
            case Finished():
                answer.finished = event
    return answer


async def ask(model: ChatModel, request: ChatRequest | None = None, into: Answer | None = None) -> Answer:
    return await read(model.stream(request or a_request()), into)


async def happens(event: threading.Event) -> None:
    """Wait for an event of the server's thread."""
    assert await asyncio.to_thread(event.wait, TIMEOUT_S), "it did not happen in time"


async def becomes(predicate: Callable[[], bool], tick: Callable[[], Awaitable[None]] | None = None) -> None:
    """Let the loop run until the predicate holds."""
    async with asyncio.timeout(TIMEOUT_S):
        while not predicate():
            await (tick() if tick else asyncio.sleep(0))
