"""Whether most of the last days were heavy ones, by what the user wrote: counted when asked, and kept nowhere."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import Final

from assistant.core.sensitive import is_low
from memory_store.models import Message

WINDOW_DAYS: Final = 14
HEAVY_DAYS: Final = 10


def is_often(days: Iterable[date], today: date) -> bool:
    """Say whether so many of the last days were heavy, today among them."""
    first = today - timedelta(days=WINDOW_DAYS - 1)
    return sum(first <= day <= today for day in set(days)) >= HEAVY_DAYS


def is_due(days: Iterable[date], today: date) -> bool:
    """Say whether a heavy message today is the one to be followed by a note: the first in its ISO week that may be.

    `days` are the earlier heavy ones. They alone decide: nothing has to be kept of what was shown, and a message that
    is answered again has the same note.
    """
    known = set(days)
    monday = today - timedelta(days=today.weekday())
    earlier = [day for day in sorted(known) if monday <= day]
    return is_often({*known, today}, today) and not any(is_often(known, day) for day in earlier)


def heavy_days(messages: Sequence[Message]) -> set[date]:
    """Return the days, in the user's zone, on which one of these messages speaks of a mood that is hard to bear."""
    found: set[date] = set()
    for message in messages:
        day = message.created_at.astimezone().date()
        if day not in found and is_low(message.text):
            found.add(day)
    return found
