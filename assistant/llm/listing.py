"""Asks an endpoint which models it has."""

from __future__ import annotations

import asyncio
import json
from typing import Any, Final

from assistant.errors import ModelError
from assistant.llm.transport import endpoint_url, http_client
from memory_store.network import display_url

_MOST: Final = 1000
_HINT: Final = "Type the model's name as the service writes it."


async def models_at(base_url: str, api_key: str | None, timeout_s: float = 5.0) -> list[str]:
    """Return the names of an endpoint's models in the order of the alphabet. Raises ModelError with what went wrong."""
    client = await asyncio.to_thread(
        lambda: http_client(base_url, api_key, connect_timeout_s=timeout_s, read_timeout_s=timeout_s)
    )
    import httpx2

    async with client:
        try:
            answer = await client.get(endpoint_url(base_url, "/models"))
            body = await answer.aread()
        except httpx2.HTTPError as error:
            raise ModelError(f"{display_url(base_url)} can't be reached: {type(error).__name__}.", _HINT) from error
    if not answer.is_success:
        raise ModelError(f"{display_url(base_url)} did not list its models: it answered {answer.status_code}.", _HINT)
    names = _names(body)
    if not names:
        raise ModelError(f"{display_url(base_url)} named no models.", _HINT)
    return sorted(names)[:_MOST]


def _names(body: bytes) -> set[str]:
    try:
        answer: Any = json.loads(body)
    except (ValueError, RecursionError):
        return set()
    entries = answer.get("data") if isinstance(answer, dict) else None
    found = [one.get("id") for one in entries if isinstance(one, dict)] if isinstance(entries, list) else []
    return {one for one in found if isinstance(one, str) and one.strip()}
