"""How often and after how long a request that failed is sent again."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Exponential backoff with jitter. Times are in seconds.

    The n-th pause is between half of and the whole of `first_pause_s * 2**n`, never above `longest_pause_s`; half is
    random so that clients that failed together do not come back together. A pause the server asks for is kept, up to
    the same limit.
    """

    max_retries: int = 3
    first_pause_s: float = 0.5
    longest_pause_s: float = 30.0
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    jitter: Callable[[], float] = random.random

    def pause_s(self, attempt: int, asked_s: float | None = None) -> float:
        """Return the pause after attempt number `attempt` (from 0) failed; `asked_s` is what the server asked for."""
        if asked_s is not None:
            return min(max(asked_s, 0.0), self.longest_pause_s)
        # The exponent is bounded so that a large `max_retries` can't overflow a float.
        whole = min(self.first_pause_s * 2.0 ** min(attempt, 32), self.longest_pause_s)
        return whole * (0.5 + 0.5 * self.jitter())
