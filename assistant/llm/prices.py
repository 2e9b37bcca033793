"""What models of services cost and read, by the list in the package `genai-prices`; nothing is asked anywhere."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from memory_store.network import is_loopback

_MILLION: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Price:
    """List prices in US dollars per million tokens. What one pays may differ: caching, tiers, taxes."""

    input: float
    output: float

    def cost(self, input_tokens: int, output_tokens: int) -> float:
        """Return what so many tokens cost, in US dollars."""
        return (input_tokens * self.input + output_tokens * self.output) / _MILLION


FREE: Final = Price(0.0, 0.0)


@lru_cache(maxsize=1024)
def price_of(name: str, base_url: str) -> Price | None:
    """Return the price of a model at an endpoint: nothing on this machine, None where the list does not know it.

    The first call loads the list, which takes about half a second.
    """
    if is_loopback(base_url):
        return FREE
    from genai_prices import Usage, calc_price

    try:
        found = calc_price(
            Usage(input_tokens=_MILLION, output_tokens=_MILLION), model_ref=name, provider_api_url=base_url
        )
    except (LookupError, ValueError):
        return None  # the list knows the endpoint or the model not, or prices it in another way
    return Price(float(found.input_price), float(found.output_price))


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
