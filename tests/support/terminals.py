"""Reads what a program writes to its terminal."""

from __future__ import annotations

import os
import select
import time

PATIENCE_SECONDS = 30.0


def read_until(terminal: int, *wanted: bytes, before: bytes = b"") -> bytes:
    """Read what the program writes to its terminal until one of these stands in it, or across what came before."""
    seen = b""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not any(one in before + seen for one in wanted):
        left = deadline - time.monotonic()
        assert left > 0, f"{wanted!r} did not come; there was {seen[-2000:]!r}"
        if select.select([terminal], [], [], left)[0]:
            seen += os.read(terminal, 65536)
    return seen
