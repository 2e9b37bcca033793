"""The OpenAI adapter against a real socket: what it sends, what it streams, how it stops."""

from __future__ import annotations

import asyncio
import itertools
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest

from assistant.credentials import Secret
from assistant.errors import ModelError
from assistant.llm import transport
from assistant.llm.base import ChatMessage, ChatRequest, Finished, TextDelta
from assistant.llm.openai_chat import OpenAIChat
from memory_store import network
from memory_store.models import Role
from tests.llm.conftest import Answer, Pauses, a_request, ask, happens
from tests.support.chat_server import Body, ChatServer, Failure, Gate, Raw, Stream, Thinking, echo_passages


@pytest.fixture
async def chat(server: ChatServer, pauses: Pauses) -> AsyncIterator[OpenAIChat]:
    model = OpenAIChat(server.url, "some-model", Secret("sk-hush"), retry=pauses.policy())
    yield model
    await model.close()


async def test_it_streams_deltas_and_finishes_with_the_counts(server: ChatServer, chat: OpenAIChat) -> None:
    server.script(Stream(("One", " two", " 三"), usage=(12, 3), model="some-model-2026"))
    answer = await ask(chat)
    assert answer.text == "One two 三"
    assert answer.finished == Finished("stop", "some-model-2026", 12, 3)
    assert [type(event) for event in answer.events] == [TextDelta, TextDelta, TextDelta, Finished]


async def test_it_sends_the_whole_request(server: ChatServer, chat: OpenAIChat) -> None:
    request = ChatRequest(
        (ChatMessage(Role.SYSTEM, "Be brief."), ChatMessage(Role.USER, "Who?")), max_tokens=50, temperature=0.2
    )
    await ask(chat, request)
    (sent,) = server.chats
    assert sent.json == {
        "model": "some-model",
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Who?"}],
        "stream": True,
        "stream_options": {"include_usage": True},
        "max_tokens": 50,
        "temperature": 0.2,
    }
    assert sent.headers["authorization"] == "Bearer sk-hush"


async def test_passages_of_the_prompt_reach_the_server(server: ChatServer, chat: OpenAIChat) -> None:
    server.answer = echo_passages
    answer = await ask(chat, a_request("[1] The kettle is blue.\n[2] 水壶是蓝色的。"))
    assert answer.text == "[1] The kettle is blue.\n[2] 水壶是蓝色的。"


async def test_nothing_of_the_environment_or_the_machine_is_sent(
    server: ChatServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-environment")
    monkeypatch.setenv("OPENAI_ADMIN_KEY", "sk-admin")
    monkeypatch.setenv("OPENAI_ORG_ID", "org-hush")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "Authorization: Bearer sk-custom\nX-Custom: hush")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:1/v1")
    model = OpenAIChat(server.url, "local-model", None)
    await ask(model)
    await model.close()
    (sent,) = server.chats
    allowed = network.ALLOWED_HEADERS | {"user-agent"}
    assert sent.headers.keys() <= allowed
    assert sent.headers["user-agent"] == "keepsake"


@pytest.mark.parametrize(
    ("host", "path", "headers"),
    [
        ("box.openai.azure.com", "/chat/completions", {"api-key": "sk-hush"}),
        ("api.anthropic.com", "/chat/completions", {"authorization": "Bearer sk-hush"}),
        ("api.anthropic.com", "/models", {"x-api-key": "sk-hush", "authorization": "Bearer sk-hush"}),
        ("azure.com.example.org", "/models", {"authorization": "Bearer sk-hush"}),
    ],
)
async def test_a_key_goes_where_a_service_looks_for_it(host: str, path: str, headers: dict[str, str]) -> None:
    client = transport.http_client(f"https://{host}/v1", "sk-hush", connect_timeout_s=1, read_timeout_s=1)
    async with client:
        request = client.build_request("GET" if path == "/models" else "POST", f"https://{host}/v1{path}")
        for hook in client.event_hooks["request"]:
            await hook(request)
    assert {name: value for name, value in request.headers.items() if "sk-hush" in value} == headers


async def test_a_proxy_of_the_environment_never_carries_text_for_loopback(
    server: ChatServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ChatServer() as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        model = OpenAIChat(server.url, "local-model", None)
        await ask(model)
        await model.close()
        assert (len(server.requests), len(proxy.requests)) == (1, 0)


async def test_a_redirect_is_not_followed(server: ChatServer, chat: OpenAIChat) -> None:
    with ChatServer() as other:
        server.script(Body(status=307, headers={"Location": f"{other.url}/chat/completions"}))
        with pytest.raises(ModelError, match="redirects elsewhere"):
            await ask(chat)
        assert other.requests == []


@pytest.mark.parametrize(
    ("url", "private"),
    [("http://127.0.0.1:1/v1", True), ("http://localhost:1/v1", True), ("http://127.0.0.1.evil.com/v1", False)],
)
def test_only_loopback_is_private(url: str, private: bool) -> None:
    model = OpenAIChat(url, "m")
    assert model.info.is_private is private
    assert (model.info.name, model.info.context_tokens) == ("m", 8192)


@pytest.mark.parametrize("key", ["reasoning_content", "reasoning"])
async def test_reasoning_arrives_as_thinking(server: ChatServer, chat: OpenAIChat, key: str) -> None:
    server.script(Stream((Thinking("Let me ", key), Thinking("see.", key), "Blue.")))
    answer = await ask(chat)
    assert (answer.thinking, answer.text) == ("Let me see.", "Blue.")


async def test_think_tags_in_the_answer_arrive_as_thinking(server: ChatServer, chat: OpenAIChat) -> None:
    server.script(Stream(("\n<thi", "nk>hm, 1 < 2</th", "ink>\n\nBlue ", "</think> stays.")))
    answer = await ask(chat)
    assert (answer.thinking, answer.text) == ("hm, 1 < 2", "Blue </think> stays.")


async def test_an_answer_that_only_resembles_a_tag_is_kept_whole(server: ChatServer, chat: OpenAIChat) -> None:
    server.script(
        Stream((" <th",)),
        Stream(
            (
                " <",
                "b>",
            )
        ),
    )
    assert (await ask(chat)).text == " <th"
    assert (await ask(chat)).text == " <b>"


async def test_a_server_that_refuses_optional_arguments_is_asked_without_them(
    server: ChatServer, chat: OpenAIChat, pauses: Pauses
) -> None:
    server.script(
        Failure(400, "Unknown field: stream_options"),
        Failure(400, "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."),
        Failure(400, "Unsupported value: 'temperature' does not support 0.2 with this model."),
    )
    answer = await ask(chat, a_request(max_tokens=9, temperature=0.2))
    assert answer.finished == Finished("stop", "scripted-model", None, None)
    assert server.chats[-1].json.keys() == {"model", "messages", "stream", "max_completion_tokens"}
    await ask(chat, a_request(max_tokens=9))
    assert len(server.chats) == 5, "what was refused once is not tried again"
    assert pauses.taken == []


async def test_a_server_that_does_not_stream_is_understood(server: ChatServer, chat: OpenAIChat) -> None:
    whole = b'{"model":"m","choices":[{"message":{"content":"All at once."},"finish_reason":"stop"}],"usage":null}'
    server.script(Body(whole, content_type="application/json; charset=utf-8"))
    answer = await ask(chat)
    assert (answer.text, answer.finished) == ("All at once.", Finished("stop", "m"))


async def test_a_stream_without_done_is_complete_if_it_has_a_finish_reason(
    server: ChatServer, chat: OpenAIChat
) -> None:
    server.script(Stream(("Blue.",), finish="length", done=False))
    answer = await ask(chat)
    assert answer.finished is not None
    assert answer.finished.reason == "length"


async def test_a_server_that_lingers_after_the_end_is_not_waited_for(server: ChatServer) -> None:
    gate = Gate()
    server.script(Stream(("Blue.",), after_finish=(gate,)))
    model = OpenAIChat(server.url, "some-model", usage_grace_s=0.05)
    answer = await ask(model)
    await model.close()
    assert answer.finished == Finished("stop", "scripted-model")
    await happens(server.chats[0].disconnected)


async def test_cancelling_between_tokens_closes_the_connection(server: ChatServer, chat: OpenAIChat) -> None:
    gate = Gate()
    server.script(Stream(("Once",), usage=None), Stream(("Once", gate, "never")))
    await ask(chat)
    answer = Answer()
    task = asyncio.create_task(ask(chat, into=answer))
    await happens_at(gate)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert answer.text in {"", "Once"}
    await happens(server.chats[1].disconnected)


async def test_cancelling_before_the_first_byte_closes_the_connection(server: ChatServer, chat: OpenAIChat) -> None:
    gate = Gate()
    server.script(Stream(before=gate))
    task = asyncio.create_task(ask(chat))
    await happens_at(gate)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await happens(server.chats[0].disconnected)


async def test_closing_the_iterator_stops_an_endless_answer(server: ChatServer, chat: OpenAIChat) -> None:
    server.script(Stream(itertools.repeat("and on ")))
    async with aclosing(chat.stream(a_request())) as events:
        assert await anext(events) == TextDelta("and on ")
    await happens(server.chats[0].disconnected)


async def test_two_answers_stream_at_once(server: ChatServer, chat: OpenAIChat) -> None:
    gates = (Gate(), Gate())
    server.script(*(Stream((gate, f"answer {n}")) for n, gate in enumerate(gates)))
    tasks = [asyncio.create_task(ask(chat)) for _ in gates]
    for gate in gates:
        await happens_at(gate)
    for gate in reversed(gates):
        gate.open()
    assert {answer.text for answer in await asyncio.gather(*tasks)} == {"answer 0", "answer 1"}


async def test_an_endless_answer_is_stopped_at_the_limit(server: ChatServer) -> None:
    server.script(Stream(itertools.chain([Thinking("x" * 50)], itertools.repeat("y" * 50))))
    model = OpenAIChat(server.url, "some-model", max_answer_characters=220)
    answer = Answer()
    with pytest.raises(ModelError, match="passed 220 characters"):
        await ask(model, into=answer)
    await model.close()
    assert (len(answer.thinking), len(answer.text)) == (50, 150)
    await happens(server.chats[0].disconnected)


async def test_fifty_megabytes_without_a_line_end_are_not_kept(server: ChatServer, chat: OpenAIChat) -> None:
    server.script(Body(b"data: " + b"x" * 50_000_000))
    with pytest.raises(ModelError, match="far more than an answer"):
        await ask(chat)


async def test_a_huge_error_is_not_kept(server: ChatServer, chat: OpenAIChat) -> None:
    server.script(Body(b"x\n" * 5_000_000, status=400))
    with pytest.raises(ModelError, match="far more than an answer"):
        await ask(chat)


async def test_an_answer_of_many_small_lines_passes_the_line_limit(
    server: ChatServer, chat: OpenAIChat, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "MAX_LINE_BYTES", 1000)
    server.script(Stream(["word "] * 50))
    assert (await ask(chat)).text == "word " * 50


async def test_garbage_after_text_keeps_the_text(server: ChatServer, chat: OpenAIChat) -> None:
    server.script(Stream(("Blue", Raw(b"data: {not json\n\n"), "never")))
    answer = Answer()
    with pytest.raises(ModelError, match="not in the chat completions format"):
        await ask(chat, into=answer)
    assert answer.text == "Blue"


def test_making_a_model_does_not_import_what_sends() -> None:
    code = (
        "import sys, assistant.llm.registry as r; r.build_chat_model(r.ModelConfig(provider='openai', name='m', "
        "base_url='http://127.0.0.1:1/v1')); print([m for m in ('httpx2', 'xllamacpp') if m in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


async def happens_at(gate: Gate) -> None:
    await happens(gate.reached)
