"""Tools over the protocol: how they are offered, how calls come in pieces, and how what came of them goes back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from assistant.llm.base import ChatMessage, ToolCall, ToolCalled, ToolSpec
from assistant.llm.openai_chat import OpenAIChat
from memory_store.models import Role
from tests.llm.conftest import a_request, ask
from tests.llm.test_endpoint_habits import events
from tests.support.chat_server import Body, ChatServer, Failure, Stream

WEATHER = ToolSpec("weather", "Tells the weather.", {"type": "object", "properties": {"town": {"type": "string"}}})
REQUEST = replace(a_request(), tools=(WEATHER,))


@pytest.fixture
async def chat(server: ChatServer) -> AsyncIterator[OpenAIChat]:
    model = OpenAIChat(server.url, "m")
    yield model
    await model.close()


def delta(**values: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": values}]}


def piece(index: int | None, identifier: str | None, name: str | None, arguments: Any) -> dict[str, Any]:
    call: dict[str, Any] = {"function": {"name": name, "arguments": arguments}, "id": identifier, "index": index}
    return {key: value for key, value in call.items() if value is not None}


END = {"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]}
LYON = ToolCall("a", "weather", '{"town": "Lyon"}')
PORTO = ToolCall("b", "weather", '{"town": "Porto"}')


async def calls(chat: OpenAIChat) -> list[ToolCall]:
    answer = await ask(chat, REQUEST)
    assert answer.finished is not None
    return [event.call for event in answer.events if isinstance(event, ToolCalled)]


@pytest.mark.parametrize(
    ("chunks", "expected"),
    [
        (  # OpenAI: the name first, the arguments in pieces, two calls by their index
            [
                delta(tool_calls=[piece(0, "a", "weather", "")]),
                delta(tool_calls=[piece(0, None, None, '{"town"')]),
                delta(tool_calls=[piece(1, "b", "weather", '{"town": "Porto"}'), piece(0, None, None, ': "Lyon"}')]),
                END,
            ],
            [LYON, PORTO],
        ),
        (  # whole calls, each numbered 0
            [
                delta(tool_calls=[piece(0, "a", "weather", '{"town": "Lyon"}')]),
                delta(tool_calls=[piece(0, "b", "weather", '{"town": "Porto"}')]),
                END,
            ],
            [LYON, PORTO],
        ),
        (  # an object for arguments, and no numbers
            [delta(tool_calls=[piece(None, "a", "weather", {"town": "Lyon"})]), END],
            [LYON],
        ),
        (  # halves of a sign, in two pieces and alone
            [
                delta(tool_calls=[piece(0, "a", "weather\udc00", '{"town": "\ud83d')]),
                delta(tool_calls=[piece(0, None, None, '\ude00"}')]),
                END,
            ],
            [ToolCall("a", "weather\ufffd", '{"town": "😀"}')],
        ),
        ([delta(tool_calls="nothing"), delta(tool_calls=[None, 7]), END], None),
    ],
    ids=["pieces", "all 0", "object", "halves", "nonsense"],
)
async def test_calls_are_put_together(
    server: ChatServer, chat: OpenAIChat, chunks: list[dict[str, Any]], expected: list[ToolCall] | None
) -> None:
    server.script(Body(events(*chunks)))
    found = await calls(chat)
    assert found == expected if expected is not None else all(not call.name for call in found)


async def test_tools_are_offered_and_what_came_of_a_call_goes_back_to_its_number(
    server: ChatServer, chat: OpenAIChat
) -> None:
    asked = ChatMessage(Role.ASSISTANT, "", calls=(LYON,))
    result = ChatMessage(Role.USER, "Sun.", call_id="a")
    server.script(Stream())
    await ask(chat, replace(REQUEST, messages=(*REQUEST.messages, asked, result)))
    sent = server.chats[-1].json
    assert sent["tools"][0]["function"]["name"] == "weather"
    assert sent["messages"][1]["tool_calls"][0]["function"] == {"name": "weather", "arguments": '{"town": "Lyon"}'}
    assert sent["messages"][2] == {"role": "tool", "tool_call_id": "a", "content": "Sun."}


@pytest.mark.parametrize("given", ["", "{broken", "[1]", "[" * 100_000])
async def test_what_is_no_object_goes_back_as_an_empty_one(server: ChatServer, chat: OpenAIChat, given: str) -> None:
    asked = ChatMessage(Role.ASSISTANT, "", calls=(ToolCall("a", "weather", given),))
    server.script(Stream())
    await ask(chat, replace(REQUEST, messages=(*REQUEST.messages, asked, ChatMessage(Role.USER, "No.", call_id="a"))))
    assert server.chats[-1].json["messages"][1]["tool_calls"][0]["function"]["arguments"] == "{}"


async def test_endpoint_that_refuses_tools_or_effort_is_asked_without(server: ChatServer, chat: OpenAIChat) -> None:
    server.script(
        Failure(400, "Unknown parameter: reasoning_effort"), Failure(400, "tools are not supported here"), Stream()
    )
    await ask(chat, replace(REQUEST, reasoning="high"))
    assert server.chats[0].json["reasoning_effort"] == "high"
    assert not {"tools", "reasoning_effort"} & set(server.chats[-1].json)
