"""What is found at first start, with servers on ports of their own."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from assistant.llm import detection
from assistant.llm.detection import FoundModel, detect
from assistant.llm.providers import LocalServer
from assistant.llm.registry import build_chat_model
from assistant.llm.settings import ModelConfig
from tests.support.chat_server import ChatServer


@pytest.fixture(autouse=True)
def nothing_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(detection, "is_supported", lambda: False)


@contextmanager
def answering(answer: bytes, *, hold: bool = False) -> Iterator[int]:
    """Serve one connection with these bytes; `hold` keeps it open until the client leaves."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.settimeout(10)
                connection.recv(65536)
                connection.sendall(answer)
                if hold:
                    connection.recv(1)

        thread = threading.Thread(target=serve)
        thread.start()
        yield listening.getsockname()[1]
        thread.join(10)


def http(body: bytes, status: str = "200 OK", *headers: str) -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status}", *headers, "", ""]).encode() + body


async def test_servers_on_this_machine_are_found_with_their_models() -> None:
    tags = json.dumps({"models": [{"name": "qwen3:4b"}, {"name": "llama3.2"}]}).encode()
    with ChatServer(models=["gemma"]) as server, answering(http(tags)) as ollama:
        servers = [
            LocalServer("ollama", "Ollama", ollama, "/api/tags", "models", "name"),
            LocalServer("lm-studio", "LM Studio", server.port),
        ]
        found = await detect(5.0, servers=servers, environ={})
    where = f"Ollama at 127.0.0.1:{ollama}"
    assert found == [
        FoundModel("openai", "qwen3:4b", f"http://127.0.0.1:{ollama}/v1", where),
        FoundModel("openai", "llama3.2", f"http://127.0.0.1:{ollama}/v1", where),
        FoundModel("openai", "gemma", server.url, f"LM Studio at 127.0.0.1:{server.port}"),
    ]
    usable = build_chat_model(ModelConfig("openai", found[0].name, found[0].base_url or ""))
    assert usable is not None
    assert usable.info.is_private


async def test_a_server_that_keeps_the_connection_is_not_waited_for() -> None:
    body = b'{"data": [{"id": "m"}]}'
    with answering(http(body, "200 OK", f"Content-Length: {len(body)}"), hold=True) as port:
        found = await detect(5.0, servers=[LocalServer("x", "X", port)], environ={})
    assert [model.name for model in found] == ["m"]


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"\x00\xff garbage",
        http(b"<html>", "200 OK"),
        http(b'{"data": [{"id": "m"}]}', "404 Not Found"),
        http(b"[1, 2]"),
        http(b'{"data": 7}'),
        http(b'{"data": [7, {}, {"id": 8}, {"id": ""}]}'),
        http(b"[" * 200_000),
        b"SSH-2.0-OpenSSH_9.6\r\n",
    ],
)
async def test_whatever_else_listens_there_is_no_model(answer: bytes) -> None:
    with answering(answer) as port:
        assert await detect(5.0, servers=[LocalServer("x", "X", port)], environ={}) == []


async def test_silence_and_closed_ports_are_no_error() -> None:
    with answering(b"", hold=True) as silent, socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        servers = [LocalServer("a", "A", silent), LocalServer("b", "B", closed.getsockname()[1])]
        assert await detect(0.05, servers=servers, environ={}) == []


async def test_keys_in_the_environment_are_found_and_not_shown() -> None:
    environ = {"OPENROUTER_API_KEY": "sk-hush", "OPENAI_API_KEY": " ", "OTHER_API_KEY": "sk-hush"}
    (found,) = await detect(servers=(), environ=environ)
    assert found.api_key_env == "OPENROUTER_API_KEY"
    assert found.base_url == "https://openrouter.ai/api/v1"
    assert "sk-hush" not in repr(found)


async def test_support_for_files_alone_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(detection, "is_supported", lambda: True)
    (found,) = await detect(servers=(), environ={})
    assert (found.provider, found.name) == ("embedded", "")
