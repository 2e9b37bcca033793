"""The scripted model does exactly as it is told."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest

from assistant.errors import ModelError
from assistant.llm.base import Finished, TextDelta, ThinkingDelta
from assistant.llm.scripted import ScriptedChat
from tests.llm.conftest import Answer, a_request, ask


async def test_it_plays_its_scripts_in_order_and_records_requests() -> None:
    model = ScriptedChat(["Hi", ThinkingDelta("hm")], ["Bye", Finished("length", "other", 1, 2)], otherwise=["Again"])
    first, second = await ask(model, a_request("one")), await ask(model, a_request("two"))
    assert first.events == [TextDelta("Hi"), ThinkingDelta("hm"), Finished("stop", "scripted")]
    assert second.finished == Finished("length", "other", 1, 2)
    assert [(await ask(model)).text for _ in range(2)] == ["Again", "Again"]
    assert [request.messages[-1].content for request in model.requests[:2]] == ["one", "two"]
    assert model.stopped == 0


async def test_an_error_comes_after_what_stands_before_it() -> None:
    answer = Answer()
    with pytest.raises(ModelError, match="cut"):
        await ask(ScriptedChat(["Hi", ModelError("cut")]), into=answer)
    assert (answer.text, answer.finished) == ("Hi", None)


async def test_a_gate_holds_the_answer_and_a_cancel_is_counted() -> None:
    gate = asyncio.Event()
    model = ScriptedChat(["Hi", gate, " there"], ["Hi", asyncio.Event()])
    task = asyncio.create_task(ask(model))
    await model.waiting.wait()
    gate.set()
    assert (await task).text == "Hi there"
    task = asyncio.create_task(ask(model))
    await model.waiting.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert model.stopped == 1


async def test_closing_the_iterator_is_counted_too() -> None:
    model = ScriptedChat(["a", "b"])
    async with aclosing(model.stream(a_request())) as events:
        await anext(events)
    await model.close()
    assert (model.stopped, model.closed) == (1, True)


async def test_without_a_script_it_refuses() -> None:
    with pytest.raises(ModelError, match="No script is left"):
        await ask(ScriptedChat())
