"""Asking an endpoint for its models: the names come, and what can't be had is told with the next step."""

from __future__ import annotations

import socket

import pytest

from assistant.errors import ModelError
from assistant.llm.listing import _names, models_at
from tests.support.chat_server import ChatServer


async def test_the_models_of_an_endpoint_are_named_and_the_key_goes_to_it_alone(server: ChatServer) -> None:
    assert await models_at(server.url, "sk-here") == ["scripted-model"]
    (request,) = server.requests
    assert request.headers["authorization"] == "Bearer sk-here"


async def test_an_endpoint_without_such_a_list_says_what_to_do(server: ChatServer) -> None:
    with pytest.raises(ModelError, match="answered 404") as caught:
        await models_at(f"{server.url}/elsewhere", None)
    assert "Type the model's name" in caught.value.hint


async def test_an_endpoint_that_is_not_there_is_told() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    with pytest.raises(ModelError, match="can't be reached"):
        await models_at(f"http://127.0.0.1:{port}/v1", None)


def test_an_answer_of_another_form_names_nothing() -> None:
    for body in (b"<html>", b"[]", b'{"data": 1}', b'{"data": [1, {"id": 7}, {"id": " "}]}', b"[" * 100_000):
        assert _names(body) == set()
