"""Looks for models that could be used as they are: servers on this machine, keys in the environment, files."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from assistant.llm.embedded import is_supported
from assistant.llm.providers import LOCAL_SERVERS, SERVICES, LocalServer
from assistant.llm.settings import Provider

_HOST = "127.0.0.1"
_MAX_BYTES = 2**20
_MAX_MODELS = 50


@dataclass(frozen=True, slots=True)
class FoundModel:
    """Something that can answer. `provider`, `name`, `base_url`, `model_path` and `api_key_env` are settings as they
    stand; an empty `name` is for the user to choose. `detail` says in words where it was found."""

    provider: Provider
    name: str
    base_url: str | None
    detail: str
    model_path: Path | None = None
    api_key_env: str | None = None


async def detect(
    timeout_s: float = 0.3,
    *,
    servers: Sequence[LocalServer] = LOCAL_SERVERS,
    environ: Mapping[str, str] | None = None,
) -> list[FoundModel]:
    """Return what is there, servers first. It never raises, and takes little longer than `timeout_s` seconds."""
    answers = await asyncio.gather(*(_ask_server(server, timeout_s) for server in servers))
    found = [model for models in answers for model in models]
    return [*found, *_keys(os.environ if environ is None else environ), *_files()]


def _keys(environ: Mapping[str, str]) -> list[FoundModel]:
    return [
        FoundModel(
            "openai",
            "",
            service.base_url,
            f"{service.title}: {service.key_name} is set in the environment",
            api_key_env=service.key_name,
        )
        for service in SERVICES
        if environ.get(service.key_name, "").strip()
    ]


def _files() -> list[FoundModel]:
    if is_supported():
        return [FoundModel("embedded", "", None, "any GGUF file can be run in this process")]
    return []


async def _ask_server(server: LocalServer, timeout_s: float) -> list[FoundModel]:
    # Whatever listens on such a port may answer anything or nothing; then there is simply no model there.
    with suppress(OSError, TimeoutError, ValueError, asyncio.IncompleteReadError, RecursionError):
        async with asyncio.timeout(timeout_s):
            names = _names(await _get(server.port, server.list_path), server)
        base_url = f"http://{_HOST}:{server.port}/v1"
        detail = f"{server.title} at {_HOST}:{server.port}"
        return [FoundModel("openai", name, base_url, detail) for name in names[:_MAX_MODELS]]
    return []


def _names(body: bytes, server: LocalServer) -> list[str]:
    answer = json.loads(body)
    entries = answer.get(server.list_key) if isinstance(answer, dict) else None
    if not isinstance(entries, list):
        return []
    found = [entry.get(server.name_key) for entry in entries if isinstance(entry, dict)]
    return [name for name in found if isinstance(name, str) and name]


async def _get(port: int, path: str) -> bytes:
    """Return the body of a GET on this machine. Written out, because an HTTP library takes longer to import than this
    takes to run, and would look for proxies. HTTP/1.0 keeps the answer in one piece, without chunks."""
    reader, writer = await asyncio.open_connection(_HOST, port)
    try:
        writer.write(f"GET {path} HTTP/1.0\r\nHost: {_HOST}:{port}\r\nAccept: application/json\r\n\r\n".encode())
        answer = bytearray()
        while len(answer) <= _MAX_BYTES and (piece := await reader.read(65536)):
            answer += piece
            if _is_complete(answer):
                break
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
    head, _, body = bytes(answer).partition(b"\r\n\r\n")
    status = head.split(b" ", 2)[1:2]
    if status != [b"200"]:
        raise ValueError("not an answer to such a question")
    return body


def _is_complete(answer: bytearray) -> bool:
    """Return whether a body has the length its head announced: some servers keep the connection open regardless."""
    head, separator, body = bytes(answer).partition(b"\r\n\r\n")
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if separator and name.strip().lower() == b"content-length" and value.strip().isdigit():
            return len(body) >= int(value)
    return False
