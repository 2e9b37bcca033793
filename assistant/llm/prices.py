"""What models of services cost and read, by the list in the package `genai-prices`; nothing is asked anywhere."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from memory_store.network import is_loopback

_MILLION: Final = 1_000_000
_IN_BATCH: Final = {"processing": "batch"}  # as the list calls it, which has it from the services' price pages


@dataclass(frozen=True, slots=True)
class Price:
    """Prices in US dollars per million tokens. What one pays may differ: tiers, taxes.

    `cached` is that of input which the endpoint had read before; None is the same as any input.
    """

    input: float
    output: float
    cached: float | None = None

    def cost(self, input_tokens: int, output_tokens: int, cached_tokens: int = 0) -> int:
        """Return what so many tokens cost, in millionths of a US dollar; those cached are part of the input."""
        cached = self.input if self.cached is None else self.cached
        fresh = max(input_tokens - cached_tokens, 0)
        return math.ceil(fresh * self.input + cached_tokens * cached + output_tokens * self.output)


FREE: Final = Price(0.0, 0.0)


@lru_cache(maxsize=1024)
def price_of(name: str, base_url: str, *, in_batch: bool = False) -> Price | None:
    """Return the price of a model at an endpoint: nothing on this machine, None where the list does not know it.

    It is that of a batch `in_batch`, where the list has one. The first call loads the list, which takes about half a
    second.
    """
    if is_loopback(base_url):
        return FREE
    from genai_prices import Usage, calc_price

    try:
        found = calc_price(
            Usage(input_tokens=_MILLION, output_tokens=_MILLION),
            model_ref=name,
            provider_api_url=base_url,
            price_context=_IN_BATCH if in_batch else None,
        )
    except (LookupError, ValueError):
        return None  # the list knows the endpoint or the model not, or prices it in another way
    return Price(float(found.input_price), float(found.output_price))


def cost_of(
    name: str,
    base_url: str | None,
    input_tokens: int,
    output_tokens: int,
    cached_tokens: int = 0,
    own: Mapping[str, Price] = {},
    *,
    in_batch: bool = False,
) -> int | None:
    """Return what a request costs, in millionths of a US dollar, by the user's `own` prices, else by the list.

    The list knows the lower prices of batches at some services (`in_batch`); elsewhere they cost as much as any
    request. Nothing on this machine, where `base_url` is None or a loopback address; None where the list does not know
    it.
    """
    cached_tokens = min(cached_tokens, input_tokens)  # some count what was read before beside the input
    if name in own:
        return own[name].cost(input_tokens, output_tokens, cached_tokens)
    if base_url is None or is_loopback(base_url):
        return 0
    from genai_prices import Usage, calc_price

    used = Usage(input_tokens=input_tokens, cache_read_tokens=cached_tokens, output_tokens=output_tokens)
    try:
        context = _IN_BATCH if in_batch else None
        found = calc_price(used, model_ref=name, provider_api_url=base_url, price_context=context)
        return math.ceil(found.total_price * _MILLION)
    except (LookupError, ValueError):
        return None  # the list knows the endpoint or the model not, or prices it in another way


@lru_cache(maxsize=1024)
def window_of(name: str, base_url: str) -> int | None:
    """Return how many tokens a model of a service reads, by the same list; None where it does not know."""
    if is_loopback(base_url):
        return None
    from genai_prices.data_snapshot import get_snapshot

    try:
        return get_snapshot().find_provider_model(name, None, None, base_url)[1].context_window
    except (LookupError, ValueError):
        return None  # the list knows the endpoint or the model not
