"""Tries an endpoint: a real answer, how fast it came, and what else the endpoint can."""

from __future__ import annotations

import base64
import json
import struct
import time
import zlib
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Final, Literal

from assistant.llm.base import ChatMessage, ChatModel, ChatRequest, TextDelta
from assistant.llm.listing import window_at
from assistant.llm.transport import http_client
from memory_store.models import Role
from memory_store.network import endpoint_url

QUESTION: Final = "What colour is fresh grass? Answer in one short sentence."
_MOST_TOKENS: Final = 512  # a model that thinks first needs room for that
_SIDE: Final = 16
_SCHEMA: Final = {
    "type": "object",
    "properties": {"colour": {"type": "string"}},
    "required": ["colour"],
    "additionalProperties": False,
}
_TOOL: Final = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "Tells the weather in a town.",
        "parameters": {"type": "object", "properties": {"town": {"type": "string"}}, "required": ["town"]},
    },
}


Ability = Literal["stream", "schema", "tools", "images"]


@dataclass(frozen=True, slots=True)
class Probe:
    """What came of a trial. Times in seconds; `can` has some of `stream`, `schema`, `tools` and `images`.

    `context_tokens` is the window where the server or a list tells it.
    """

    answer: str
    first_s: float
    total_s: float
    output_tokens: int | None
    can: list[Ability]
    context_tokens: int | None

    @property
    def tokens_per_s(self) -> float | None:
        """The speed of the answer, where its tokens were counted."""
        return self.output_tokens / max(self.total_s, 1e-3) if self.output_tokens else None


async def probe(model: ChatModel, base_url: str | None, api_key: str | None, *, timeout_s: float = 60.0) -> Probe:
    """Ask a model for a short answer and, at an endpoint, try what else it can. Raises ModelError for no answer."""
    messages = (ChatMessage(Role.USER, QUESTION),)
    begun = time.monotonic()
    first, pieces, tokens = 0.0, list[str](), None
    async with aclosing(model.stream(ChatRequest(messages, _MOST_TOKENS))) as events:  # type: ignore[type-var]
        async for event in events:
            first = first or time.monotonic() - begun
            if isinstance(event, TextDelta):
                pieces.append(event.text)
            tokens = getattr(event, "output_tokens", tokens)
    total = time.monotonic() - begun
    answer = "".join(pieces).strip()
    can: list[Ability] = ["stream"] if len(pieces) > 1 else []
    window = None
    if base_url is not None:
        can += await _abilities(base_url, model.info.name, api_key, timeout_s)
        window = await window_at(base_url, model.info.name, api_key)
    return Probe(answer, first, total, tokens, can, window)


async def _abilities(base_url: str, name: str, api_key: str | None, timeout_s: float) -> list[Ability]:
    """Return what an endpoint shows that it can: it must do it, not merely take the request."""
    import asyncio

    client = await asyncio.to_thread(
        lambda: http_client(base_url, api_key, connect_timeout_s=timeout_s, read_timeout_s=timeout_s)
    )
    picture = f"data:image/png;base64,{base64.b64encode(_red_square()).decode()}"
    seen = [
        {"type": "text", "text": "What colour is this? One word."},
        {"type": "image_url", "image_url": {"url": picture}},
    ]
    form = {"type": "json_schema", "json_schema": {"name": "answer", "schema": _SCHEMA, "strict": True}}
    async with client:
        url = endpoint_url(base_url, "/chat/completions")
        trials: Sequence[tuple[Ability, Any, Mapping[str, Any]]] = (
            ("schema", QUESTION, {"response_format": form}),
            ("tools", "What is the weather in Porto? Use the tool.", {"tools": [_TOOL]}),
            ("images", seen, {}),
        )
        can: list[Ability] = []
        for ability, content, more in trials:
            message = await _message(
                client, url, {"model": name, "messages": [{"role": "user", "content": content}], **more}
            )
            if message is not None and _shows(ability, message):
                can.append(ability)
    return can


async def _message(client: Any, url: str, body: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the message that answers; None for a refusal, which is the answer to whether it can."""
    import httpx2

    try:
        answer = await client.post(url, json=body)
        message = answer.json()["choices"][0]["message"] if answer.is_success else None
    except (httpx2.HTTPError, ValueError, LookupError, TypeError, RecursionError):
        return None
    return message if isinstance(message, Mapping) else None


def _shows(ability: Ability, message: Mapping[str, Any]) -> bool:
    content = message.get("content")
    text = content if isinstance(content, str) else ""
    match ability:
        case "schema":
            try:
                value = json.loads(text)
            except (ValueError, RecursionError):
                return False
            return isinstance(value, dict) and isinstance(value.get("colour"), str)
        case "tools":
            calls = message.get("tool_calls")
            return isinstance(calls, list) and bool(calls)
        case _:
            return "red" in text.casefold()


def _red_square() -> bytes:
    """Return a small PNG (RFC 2083), all red."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = (b"\0" + b"\xff\0\0" * _SIDE) * _SIDE
    header = struct.pack(">IIBBBBB", _SIDE, _SIDE, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
