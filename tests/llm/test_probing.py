"""A trial of an endpoint: a real answer, and what it shows that it can."""

from __future__ import annotations

import asyncio
import json
from itertools import count
from types import SimpleNamespace

import pytest

from assistant.errors import ModelError
from assistant.llm import probing
from assistant.llm.base import Retrying
from assistant.llm.openai_chat import OpenAIChat, RetryPolicy
from assistant.llm.probing import probe
from assistant.llm.scripted import ScriptedChat
from tests.support.chat_server import Body, ChatServer, Failure, RecordedRequest, Reply, Stream


def capable(request: RecordedRequest) -> Reply:
    """Answer as a model that can all that is tried."""
    sent = request.json
    if sent.get("stream"):
        return Stream(("Fresh grass ", "is green."), usage=(9, 6))
    message = {"content": json.dumps({"colour": "green"}) if "response_format" in sent else "It is Red."}
    if "tools" in sent:
        message = {"tool_calls": [{"function": {"name": "weather", "arguments": "{}"}}]}  # type: ignore[dict-item]
    return Body(json.dumps({"choices": [{"message": message}]}).encode(), 200, "application/json")


def incapable(request: RecordedRequest) -> Reply:
    """Answer as a model that takes all and does nothing of it, or refuses."""
    if request.json.get("stream"):
        return Stream(("Green.",), usage=None)
    if "tools" in request.json:
        return Failure(400, "tools are not supported")
    return Body(b'{"choices": [{"message": {"content": "Green."}}]}', 200, "application/json")


async def test_what_an_endpoint_does_is_what_it_can() -> None:
    with ChatServer(capable, pages={"/props": {"default_generation_settings": {"n_ctx": 5000}}}) as server:
        tried = await probe(OpenAIChat(server.url, "m", "sk-x"), server.url, "sk-x")
        assert (tried.answer, tried.output_tokens) == ("Fresh grass is green.", 6)
        assert tried.can == ["stream", "schema", "tools", "images"]
        assert tried.context_tokens == 5000
        assert tried.tokens_per_s
        picture = server.chats[-1].json["messages"][0]["content"][1]["image_url"]["url"]
        assert picture.startswith("data:image/png;base64,iVBOR")


async def test_taking_a_request_is_not_doing_it() -> None:
    with ChatServer(incapable) as server:
        tried = await probe(OpenAIChat(server.url, "m"), server.url, None)
        assert (tried.can, tried.context_tokens, tried.tokens_per_s) == ([], None, None)


async def test_no_answer_is_an_error() -> None:
    with ChatServer(lambda request: Failure(404, "model not found")) as server:
        with pytest.raises(ModelError, match="knows no model"):
            await probe(OpenAIChat(server.url, "m", retry=RetryPolicy(max_retries=0)), server.url, None)
        assert len(server.chats) == 1


async def test_request_that_is_made_again_is_no_first_word(monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = [count(1.0)]
    monkeypatch.setattr(probing, "time", SimpleNamespace(monotonic=lambda: next(ticks[-1])))
    again = asyncio.Event()
    model = ScriptedChat([Retrying("It takes no more requests.", 7.0), again, "Green."])
    trying = asyncio.create_task(probe(model, None, None))
    await model.waiting.wait()
    ticks.append(count(8.0))
    again.set()
    assert (await trying).first_s == 7.0
