"""Asks an endpoint which models it has, what each costs and how much it can read."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from assistant.errors import CredentialError, ModelError
from assistant.llm.prices import Price, price_of, window_of
from assistant.llm.providers import service_at
from assistant.llm.transport import http_client
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


@dataclass(frozen=True, slots=True)
class ListedModel:
    """A model that an endpoint names; its window in tokens and its price where they are known."""

    name: str
    context_tokens: int | None = None
    price: Price | None = None


async def models_at(base_url: str, api_key: str | None, timeout_s: float = 5.0) -> list[ListedModel]:
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
    found = {model.name: model for model in _listed(body, base_url)}
    if not found:
        raise ModelError(f"{display_url(base_url)} named no models.", _HINT)
    return await asyncio.to_thread(lambda: [_completed(found[name], base_url) for name in sorted(found)[:_MOST]])


async def window_at(base_url: str, name: str, api_key: str | None, timeout_s: float = 2.0) -> int | None:
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


def _listed(body: bytes, base_url: str) -> Iterator[ListedModel]:
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


def _completed(listed: ListedModel, base_url: str) -> ListedModel:
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
