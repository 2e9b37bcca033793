"""The whole way with a real streaming server on loopback: ask, cite, stop, fail."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from assistant.llm.openai_chat import OpenAIChat, RetryPolicy
from tests.support.chat_server import ChatServer, Failure, Gate, Stream
from tests.tui.support import chatting
from tests.tui.test_conversation import with_keys


@pytest.fixture
def server() -> Iterator[ChatServer]:
    """A scripted server."""
    with ChatServer() as running:
        yield running


def model_of(server: ChatServer) -> OpenAIChat:
    """Return a model behind the server."""
    return OpenAIChat(server.url, "scripted-model", retry=RetryPolicy(max_retries=0))


async def test_a_streamed_answer_is_shown_with_the_sources_that_the_server_was_given(
    tmp_path: Path, server: ChatServer
) -> None:
    server.script(Stream(pieces=("Ines ", "at number 12 ", "has it [1].")))
    async with chatting(tmp_path, model_of(server), prepare=with_keys) as house:
        answer = await house.ask("Who has our spare key?")
        assert answer.text == "Ines at number 12 has it [1]."
        assert "Our spare key is with Ines at number 12." in server.chats[0].prompt
        assert "Ines" in answer.sources[0].text
        status = house.chat.query_one("#status").status  # type: ignore[attr-defined]
        assert (status.model, status.where) == ("scripted-model", "on this machine")
        assert status.context_tokens > 0


async def test_stopping_closes_the_connection_and_keeps_the_part(tmp_path: Path, server: ChatServer) -> None:
    gate = Gate()
    server.script(Stream(pieces=("The first half", gate, " the second")))
    async with chatting(tmp_path, model_of(server)) as house:
        await house.say("Tell me")
        await house.until(lambda: house.answers and house.answers[0].text == "The first half")
        await house.pilot.press("escape")
        await house.until(lambda: not house.chat.is_answering)
        await house.until(server.chats[0].disconnected.is_set)
        assert house.answers[0].state == "Stopped."
        gate.open()


async def test_a_server_error_is_a_notice_and_the_next_question_works(tmp_path: Path, server: ChatServer) -> None:
    server.script(Failure(500, "out of memory"))
    async with chatting(tmp_path, model_of(server)) as house:
        await house.say("Hello")
        await house.until(lambda: house.notices and not house.chat.is_answering)
        assert house.answers == []
        server.script(Stream(pieces=("Better.",)))
        answer = await house.ask("Again")
        assert answer.text == "Better."
