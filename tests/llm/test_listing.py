"""Asking an endpoint for its models: names, windows and prices come, and what can't be had is told with what to do."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from assistant.errors import ConfigError, ModelError
from assistant.llm.prices import FREE, Price, window_of
from assistant.llm.probing import ListedModel, find_window, list_models
from assistant.llm.providers import complete_address
from tests.support.chat_server import Body, ChatServer


async def test_the_models_of_an_endpoint_are_named_and_the_key_goes_to_it_alone(server: ChatServer) -> None:
    assert await list_models(server.url, "sk-here") == [ListedModel("scripted-model", None, FREE)]
    (request,) = server.requests
    assert request.headers["authorization"] == "Bearer sk-here"


@pytest.mark.parametrize(
    ("entry", "window"),
    [
        ({"context_length": 4000}, 4000),
        ({"context_window": 4000}, 4000),
        ({"max_model_len": 4000}, 4000),
        ({"meta": {"n_ctx": 4000}}, 4000),
        ({"context_length": "much"}, None),
    ],
)
async def test_windows_and_prices_are_read_from_the_list(entry: dict[str, Any], window: int | None) -> None:
    pricing = {"prompt": "0.0000005", "completion": "0.000002"}
    with ChatServer(models=[{"id": "b", **entry}, {"id": "models/a", "pricing": pricing}]) as server:
        assert await list_models(server.url, None) == [
            ListedModel("a", None, Price(0.5, 2.0)),
            ListedModel("b", window, FREE),
        ]
        assert await find_window(server.url, "b", None) == window


@pytest.mark.parametrize(
    ("pages", "window"),
    [
        ({"/api/ps": {"models": [{"name": "m", "context_length": 16384}]}}, 16384),
        ({"/api/ps": {"models": []}, "/api/show": {"model_info": {"qwen3.context_length": 40960}}}, 4096),
        (
            {
                "/api/ps": {"models": []},
                "/api/show": {"parameters": "stop x\nnum_ctx 9000", "model_info": {"llama.context_length": 8192}},
            },
            8192,
        ),
        ({"/props": {"default_generation_settings": {"n_ctx": 6000}}}, 6000),
        ({"/api/v0/models": {"data": [{"id": "m", "loaded_context_length": 5000, "max_context_length": 90000}]}}, 5000),
        ({"/props": [1], "/api/ps": "x"}, None),
        ({}, None),
    ],
)
async def test_servers_at_home_say_how_much_they_read(pages: dict[str, Any], window: int | None) -> None:
    with ChatServer(pages=pages) as server:
        assert await find_window(server.url, "m", None) == window


def test_the_window_of_a_model_of_a_service_is_in_the_list_of_prices() -> None:
    assert window_of("gpt-4o-mini", "https://api.openai.com/v1") == 128_000
    assert window_of("gpt-4o-mini", "http://127.0.0.1:1/v1") is None
    assert window_of("nobody-knows-this", "https://api.openai.com/v1") is None


async def test_an_endpoint_without_such_a_list_says_what_to_do(server: ChatServer) -> None:
    with pytest.raises(ModelError, match="answered 404") as caught:
        await list_models(f"{server.url}/elsewhere", None)
    assert "Type the model's name" in caught.value.hint


async def test_an_endpoint_that_is_not_there_is_told() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    with pytest.raises(ModelError, match="can't be reached"):
        await list_models(f"http://127.0.0.1:{port}/v1", None)
    assert await find_window(f"http://127.0.0.1:{port}/v1", "m", None) is None


@pytest.mark.parametrize("body", [b"<html>", b"[]", b'{"data": 1}', b'{"data": [1, {"id": 7}, {"id": " "}]}'])
async def test_an_answer_of_another_form_names_nothing(body: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    with ChatServer() as server:
        monkeypatch.setattr(server, "_reply_to", lambda request: Body(body))
        with pytest.raises(ModelError, match="named no models"):
            await list_models(server.url, None)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("https://a.example/v1", "https://a.example/v1"),
        (" https://a.example ", "https://a.example/v1"),
        ("a.example/api", "https://a.example/api"),
        ("localhost:8080", "http://localhost:8080/v1"),
        ("127.0.0.1:1", "http://127.0.0.1:1/v1"),
        ("http://box:8080/v1?api-version=1", "http://box:8080/v1?api-version=1"),
    ],
)
def test_an_address_is_completed(typed: str, meant: str) -> None:
    assert complete_address(typed) == meant


@pytest.mark.parametrize(
    "typed", ["", "ftp://a.example", "http://", "a b.example", "http://a.example:port", "http://[::1", "gpt", "sk-hush"]
)
def test_what_is_no_address_is_refused_with_an_example(typed: str) -> None:
    with pytest.raises(ConfigError) as caught:
        complete_address(typed)
    assert "https://api.example.com/v1" in caught.value.hint
