"""Asks an endpoint which models it has, what each costs and reads, and tries what one can: a real answer first."""

from __future__ import annotations

import asyncio
import base64
import json
import re
import struct
import time
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from assistant.errors import CredentialError, ModelError
from assistant.llm.base import ChatMessage, ChatModel, ChatRequest, Retrying, TextDelta
from assistant.llm.prices import Price, price_of, window_of
from assistant.llm.providers import service_at
from assistant.llm.transport import http_client
from memory_store.models import Role
from memory_store.network import display_url, endpoint_url

if TYPE_CHECKING:
    import httpx2

_MOST: Final = 1000
_HINT: Final = "Type the model's name as the service writes it."
# What services and servers call the window in their lists: OpenRouter and Together, Groq, vLLM, LM Studio and Mistral.
_WINDOW_KEYS: Final = (
    "context_length",
    "context_window",
    "max_model_len",
    "loaded_context_length",
    "max_context_length",
)
_OLLAMA_DEFAULT: Final = 4096  # what it reads where neither the model nor its user says more
_NUM_CTX: Final = re.compile(r"^num_ctx\s+(\d+)", re.MULTILINE)
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
class ListedModel:
    """A model that an endpoint names; its window in tokens and its price where they are known."""

    name: str
    context_tokens: int | None = None
    price: Price | None = None


async def list_models(base_url: str, api_key: str | None, timeout_s: float = 5.0) -> list[ListedModel]:
    """Return an endpoint's models in the order of the alphabet. Raises ModelError with what went wrong.

    A key that is missing or was refused is a CredentialError.
    """
    async with await _client(base_url, api_key, timeout_s) as client:
        import httpx2

        try:
            answer = await client.get(endpoint_url(base_url, "/models"))
            body = await answer.aread()
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise ModelError(f"{display_url(base_url)} can't be reached: {type(error).__name__}.", _HINT) from error
    if answer.status_code in {401, 403}:
        raise CredentialError(
            f"{display_url(base_url)} did not accept the key: it answered {answer.status_code}."
            if api_key
            else f"{display_url(base_url)} wants a key.",
            "Check the key: it may be mistyped, revoked, or for another service.",
        )
    if not answer.is_success:
        raise ModelError(f"{display_url(base_url)} did not list its models: it answered {answer.status_code}.", _HINT)
    found = {model.name: model for model in _read_list(body, base_url)}
    if not found:
        raise ModelError(f"{display_url(base_url)} named no models.", _HINT)
    return await asyncio.to_thread(lambda: [_add_known(found[name], base_url) for name in sorted(found)[:_MOST]])


async def find_window(base_url: str, name: str, api_key: str | None, timeout_s: float = 2.0) -> int | None:
    """Return how many tokens a model reads at an endpoint, as its server says it; None where nobody does.

    Asked are, at the address without `/v1`, Ollama (`/api/ps` of a model that is loaded, `/api/show`), llama.cpp
    (`/props`) and LM Studio (`/api/v0/models`), then the list of models; of a known service only that. Last comes the
    list of prices, which has windows too.
    """
    root = endpoint_url(base_url, "").partition("?")[0].removesuffix("/v1")
    async with await _client(base_url, api_key, timeout_s) as client:
        if service_at(base_url) is None and (window := await _window_of_server(client, root, name)):
            return window
        for entry in _entries(await _json(client, endpoint_url(base_url, "/models")), "data"):
            if entry.get("id") == name and (window := _window(entry)):
                return window
    return await asyncio.to_thread(window_of, name, base_url)


async def _window_of_server(client: httpx2.AsyncClient, root: str, name: str) -> int | None:
    loaded = await _json(client, f"{root}/api/ps")
    for entry in _entries(loaded, "models"):
        if name in {entry.get("name"), entry.get("model")} and (window := _count(entry.get("context_length"))):
            return window
    if loaded is not None and (shown := await _json(client, f"{root}/api/show", {"model": name})) is not None:
        return _ollama_window(shown)
    props = await _json(client, f"{root}/props")
    settings = props.get("default_generation_settings") if props else None
    if isinstance(settings, Mapping) and (window := _count(settings.get("n_ctx"))):
        return window
    found = _entries(await _json(client, f"{root}/api/v0/models"), "data")
    return next((window for entry in found if entry.get("id") == name and (window := _window(entry))), None)


async def _client(base_url: str, api_key: str | None, timeout_s: float) -> httpx2.AsyncClient:
    return await asyncio.to_thread(
        lambda: http_client(base_url, api_key, connect_timeout_s=timeout_s, read_timeout_s=timeout_s)
    )


async def _json(client: httpx2.AsyncClient, url: str, sent: Mapping[str, str] | None = None) -> dict[str, Any] | None:
    """Return the table that an address answers with; None where there is none: most servers have few of these."""
    import httpx2

    try:
        answer = await (client.get(url) if sent is None else client.post(url, json=sent))
        value = answer.json() if answer.is_success else None
    except (httpx2.HTTPError, httpx2.InvalidURL, ModelError, ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _read_list(body: bytes, base_url: str) -> Iterator[ListedModel]:
    try:
        answer: Any = json.loads(body)
    except (ValueError, RecursionError):
        return
    entries = answer if isinstance(answer, list) else answer.get("data") if isinstance(answer, dict) else None
    for entry in entries if isinstance(entries, list) else ():
        name = entry.get("id") if isinstance(entry, dict) else None
        if isinstance(name, str) and name.strip():
            # Gemini writes `models/` before each name and takes it without.
            yield ListedModel(name.removeprefix("models/"), _window(entry), _price(entry.get("pricing")))


def _add_known(listed: ListedModel, base_url: str) -> ListedModel:
    """Return a model with what the list of prices knows of it, where its endpoint says nothing."""
    return ListedModel(
        listed.name,
        listed.context_tokens or window_of(listed.name, base_url),
        listed.price or price_of(listed.name, base_url),
    )


def _entries(answer: Mapping[str, Any] | None, key: str) -> list[dict[str, Any]]:
    entries = answer.get(key) if answer is not None else None
    return [entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []


def _window(entry: Mapping[str, Any]) -> int | None:
    meta = entry.get("meta")  # llama.cpp's
    found = [entry.get(key) for key in _WINDOW_KEYS] + ([meta.get("n_ctx")] if isinstance(meta, Mapping) else [])
    return next((count for item in found if (count := _count(item))), None)


def _ollama_window(shown: Mapping[str, Any]) -> int:
    """Return what Ollama would read with a model that is not loaded: what was set, at most what it was made for."""
    parameters, info = shown.get("parameters"), shown.get("model_info")
    set_to = _NUM_CTX.search(parameters) if isinstance(parameters, str) else None
    made_for = [_count(value) for key, value in info.items() if str(key).endswith(".context_length")] if info else []
    most = next((number for number in made_for if number), _OLLAMA_DEFAULT)
    return min(int(set_to.group(1)) if set_to else _OLLAMA_DEFAULT, most)


def _price(pricing: object) -> Price | None:
    """Return OpenRouter's price, which is in US dollars per token."""
    if not isinstance(pricing, Mapping):
        return None
    try:
        return Price(float(pricing["prompt"]) * 1e6, float(pricing["completion"]) * 1e6)
    except (KeyError, TypeError, ValueError):
        return None  # in a form of somebody else's


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None


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
            if not isinstance(event, Retrying):
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
        window = await find_window(base_url, model.info.name, api_key)
    return Probe(answer, first, total, tokens, can, window)


async def _abilities(base_url: str, name: str, api_key: str | None, timeout_s: float) -> list[Ability]:
    """Return what an endpoint shows that it can: it must do it, not merely take the request."""
    picture = f"data:image/png;base64,{base64.b64encode(_red_square()).decode()}"
    seen = [
        {"type": "text", "text": "What colour is this? One word."},
        {"type": "image_url", "image_url": {"url": picture}},
    ]
    form = {"type": "json_schema", "json_schema": {"name": "answer", "schema": _SCHEMA, "strict": True}}
    async with await _client(base_url, api_key, timeout_s) as client:
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
