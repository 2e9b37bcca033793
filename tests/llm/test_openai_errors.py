"""What the OpenAI adapter makes of failures: words and next steps for a person, and retries where they help."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from assistant.credentials import Secret
from assistant.errors import ModelError
from assistant.llm.base import Retrying
from assistant.llm.openai_chat import OpenAIChat, RetryPolicy
from tests.llm.conftest import Answer, Pauses, ask, happens
from tests.support.chat_server import Body, ChatServer, Failure, Gate, Raw, Reply, Stream, Thinking

KEY = "sk-hush-hush"


@pytest.fixture
async def chat(server: ChatServer, pauses: Pauses) -> AsyncIterator[OpenAIChat]:
    model = OpenAIChat(server.url, "some-model", Secret(KEY), retry=pauses.policy())
    yield model
    await model.close()


async def failure(chat: OpenAIChat, into: Answer | None = None) -> ModelError:
    with pytest.raises(ModelError) as caught:
        await ask(chat, into=into)
    assert KEY not in f"{caught.value.message} {caught.value.hint} {caught.value!r}"
    assert caught.value.hint
    return caught.value


@pytest.mark.parametrize(
    ("reply", "message", "hint"),
    [
        (Failure(401, f"Incorrect API key provided: {KEY}"), "did not accept the API key", "OPENAI_API_KEY"),
        (Failure(402, "Insufficient credits"), "no credit left", "billing"),
        (Failure(403, f"Key {KEY} may not do this"), "refused access.*Key \\*\\*\\* may not", "your account may use"),
        (Failure(404, "The model does not exist"), "knows no model “some-model”", "/v1/models"),
        (Failure(400, "too big", "context_length_exceeded"), "longer than “some-model” can take", "context_tokens"),
        (Failure(400, "request (6031 tokens) exceeds the available context size"), "longer than", "context_tokens"),
        (Failure(413, "body too large"), "longer than", "context_tokens"),
        (Failure(418, "I am a teapot"), "error 418.*teapot", "name and settings"),
        (Failure(429, "You exceeded your current quota", "insufficient_quota"), "no credit left", "billing"),
        (Body(b"<html>login</html>", 200, "text/html"), "not in the chat completions format", "/v1"),
        (Body(b"<html>\n{\n let x\n}\n</html>\n", 200, "text/html"), "not in the chat completions format", "/v1"),
        (Body(b"<html>gone</html>", 502, "text/html"), "error 502\\.$", "server's log"),
        (Body(b"\xff\xfe\x00 garbage", 200), "not in the chat completions format", "/v1"),
        (Body(b"data: \xff\xfe\n\n", 200), "not in the chat completions format", "/v1"),
        (Body(b"data: 123\n\ndata: [1]\n\ndata: {}\n\n"), "not in the chat completions format", "/v1"),
        (Body(b"data: " + b"[" * 100_000 + b"\n\n"), "not in the chat completions format", "/v1"),
        (Body(b"null", 200, "application/json"), "broke off|not in the chat", "."),
        (Body(b'{"choices": "x", "usage": 7}', 200, "application/json"), "not in the chat", "."),
        (
            Body(b'data: {"choices":[{"delta":7,"finish_reason":[]}],"usage":{"prompt_tokens":"x"}}\n\n'),
            "broke off",
            ".",
        ),
        (
            Body(b'data: {"error":{"message":"out of memory","code":500}}\n\n'),
            "error 500. It said: out of memory",
            "again",
        ),
        (Body(b"", 200), "broke off", "Ask again"),
    ],
)
async def test_each_failure_says_what_to_do(
    server: ChatServer, chat: OpenAIChat, reply: Reply, message: str, hint: str
) -> None:
    server.script(*[reply] * 4)
    error = await failure(chat)
    assert re.search(message, error.message)
    assert re.search(hint, error.hint)


async def test_without_a_key_it_says_which_variable_to_set(server: ChatServer) -> None:
    server.script(Failure(401, "no key"))
    model = OpenAIChat(server.url, "some-model", None, key_name="MISTRAL_API_KEY")
    error = await failure(model)
    await model.close()
    assert "none is configured" in error.message
    assert "MISTRAL_API_KEY" in error.hint


async def test_nobody_listening_asks_whether_the_server_runs(pauses: Pauses) -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))  # Bound but not listening: connections are refused, and nobody else gets the port.
        url = f"http://127.0.0.1:{held.getsockname()[1]}/v1"
        model = OpenAIChat(url, "m", retry=pauses.policy(max_retries=2))
        error = await failure(model)
        await model.close()
    assert error.hint == f"Is the server running at {url}?"
    assert error.retryable
    assert pauses.taken == [0.5, 1.0]


@pytest.mark.parametrize("url", ["http://", "nonsense", "http://127.0.0.1:notaport/v1", "ftp://127.0.0.1/v1"])
async def test_a_base_url_that_is_none_is_reported(url: str, pauses: Pauses) -> None:
    model = OpenAIChat(url, "m", retry=pauses.policy())
    await failure(model)
    await model.close()


async def test_silence_is_reported_and_not_asked_again(server: ChatServer, pauses: Pauses) -> None:
    gate = Gate()
    server.script(Stream(before=gate))
    model = OpenAIChat(server.url, "m", read_timeout_s=0.05, retry=pauses.policy())
    error = await failure(model)
    await model.close()
    assert "did not answer in time" in error.message
    assert error.was_sent
    assert "read_timeout_s" in error.hint
    assert error.retryable
    assert (len(server.chats), pauses.taken) == (1, [])


@pytest.mark.parametrize("passing", [Failure(500), Failure(503), Failure(429), Failure(408), Stream((), cut=True)])
async def test_a_failure_that_passes_is_tried_again(
    server: ChatServer, chat: OpenAIChat, pauses: Pauses, passing: Reply
) -> None:
    server.script(passing, passing)
    assert (await ask(chat)).text == "Hello there."
    assert pauses.taken == [0.5, 1.0]
    assert len(server.chats) == 3


async def test_it_gives_up_after_the_retries(server: ChatServer, chat: OpenAIChat, pauses: Pauses) -> None:
    server.script(*[Failure(500, "still broken")] * 4)
    error = await failure(chat)
    assert "still broken" in error.message
    assert error.retryable
    assert pauses.taken == [0.5, 1.0, 2.0]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
async def test_a_refusal_is_not_tried_again(server: ChatServer, chat: OpenAIChat, status: int) -> None:
    server.script(Failure(status))
    assert not (await failure(chat)).retryable
    assert len(server.chats) == 1


async def test_the_pause_a_server_asks_for_is_kept_up_to_a_limit(
    server: ChatServer, chat: OpenAIChat, pauses: Pauses
) -> None:
    past = format_datetime(datetime.now(UTC) - timedelta(days=1), usegmt=True)
    waits = ({"Retry-After": "7"}, {"Retry-After": "9", "retry-after-ms": "250"}, {"Retry-After": past})
    server.script(*(Failure(429, headers=headers) for headers in waits))
    answer = await ask(chat)
    assert pauses.taken == [7.0, 0.25, 2.0]
    told = [event for event in answer.events if isinstance(event, Retrying)]
    assert [event.pause_s for event in told] == pauses.taken
    assert "takes no more requests at the moment" in told[0].reason
    server.script(Failure(429, "Rate limit reached. Please try again in 1.5s."))
    await ask(chat)
    assert pauses.taken[3:] == [1.5]


async def test_a_pause_that_is_too_long_to_wait_for_is_told_at_once(
    server: ChatServer, chat: OpenAIChat, pauses: Pauses
) -> None:
    tomorrow = format_datetime(datetime.now(UTC) + timedelta(days=1), usegmt=True)
    server.script(Failure(429, "Daily limit", headers={"Retry-After": tomorrow}))
    error = await failure(chat)
    assert "Daily limit" in error.message
    assert "24 hours" in error.hint
    assert (len(server.chats), pauses.taken) == (1, [])


async def test_cancelling_a_pause_ends_the_answer(server: ChatServer) -> None:
    paused = asyncio.Event()

    async def pause(seconds: float) -> None:
        paused.set()
        await asyncio.Event().wait()

    server.script(Failure(500))
    model = OpenAIChat(server.url, "m", retry=RetryPolicy(sleep=pause))
    task = asyncio.create_task(ask(model))
    await paused.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await model.close()


@pytest.mark.parametrize(
    "cut",
    [
        Stream(("Blue",), cut=True),
        Stream(("Blue",), finish=None, done=False),
        Stream(("Blue",), finish="error"),
    ],
)
async def test_a_cut_after_the_first_token_keeps_the_text_and_is_not_tried_again(
    server: ChatServer, chat: OpenAIChat, cut: Stream
) -> None:
    server.script(cut)
    answer = Answer()
    error = await failure(chat, into=answer)
    assert "the answer is cut" in error.message
    assert error.retryable
    assert answer.text == "Blue"
    assert len(server.chats) == 1


async def test_silence_after_the_first_token_is_a_cut(server: ChatServer, pauses: Pauses) -> None:
    server.script(Stream((Thinking("hm"), Gate())))
    model = OpenAIChat(server.url, "m", read_timeout_s=1.0, retry=pauses.policy())
    error = await failure(model)
    await model.close()
    assert "the answer is cut" in error.message
    assert len(server.chats) == 1
    await happens(server.chats[0].disconnected)


async def test_a_cut_after_the_last_token_loses_only_the_counts(server: ChatServer, chat: OpenAIChat) -> None:
    server.script(Stream(("Blue.",), after_finish=(Raw(b"data: {garbage\n\n"),)))
    answer = await ask(chat)
    assert answer.text == "Blue."
    assert answer.finished is not None
    assert answer.finished.input_tokens is None


def test_pauses_double_up_to_the_limit_and_half_of_each_is_random() -> None:
    longest = RetryPolicy(jitter=lambda: 1.0)
    shortest = RetryPolicy(jitter=lambda: 0.0)
    assert [longest.pause_s(attempt) for attempt in (0, 1, 5, 6, 10_000)] == [0.5, 1.0, 16.0, 30.0, 30.0]
    assert [shortest.pause_s(attempt) for attempt in (0, 1)] == [0.25, 0.5]
