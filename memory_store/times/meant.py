"""The dates that relative words mean in what was said at a known moment: "tomorrow", "on Monday", 下周三."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from memory_store.languages import Rule
from memory_store.times.expressions import TimeSpan, time_spans

_MOST: Final = 3
_MOST_CHARS: Final = 600
# "In summer" and "last year" are as plain as a date would be.
_LONGEST: Final = timedelta(days=40)
# A feast further away may as well be the next one.
_NEAR: Final = timedelta(days=62)
# Far enough that whatever is relative means another day then.
_MUCH_LATER: Final = timedelta(days=400)
# Without a word that says which: a plan means the coming one, a story the last.
_BARE_WEEKDAY: Final = Rule("times", "bare weekday", re.IGNORECASE)


def dates_meant(text: str, said_at: datetime) -> tuple[tuple[str, str], ...]:
    """Return the relative words of a text that was said at an aware moment, each with its date or dates, a few at most.

    Dates are of the zone of that moment, as `2026-11-30`, `2026-11-23 to 2026-11-29`, or, for a weekday that may be the
    last or the coming one, `2026-11-23 or 2026-11-30`.
    """
    text = text[:_MOST_CHARS]
    found = [
        span
        for span in time_spans(text, said_at)
        if not span.yearly and span.end - span.start <= _LONGEST and abs(span.start - said_at) <= _NEAR
    ]
    if not found:
        return ()
    fixed = {(span.words, span.start) for span in time_spans(text, said_at + _MUCH_LATER)}
    relative = [span for span in found if (span.words, span.start) not in fixed]
    return tuple({span.words: " ".join(_dates(span)) for span in relative[:_MOST]}.items())


def _dates(span: TimeSpan) -> Iterator[str]:
    first, last = span.start, span.end - timedelta(microseconds=1)
    yield f"{first:%Y-%m-%d}"
    if _BARE_WEEKDAY.fullmatch(span.words):
        yield f"or {first + timedelta(days=7):%Y-%m-%d}"
    elif last.date() != first.date():
        yield f"to {last:%Y-%m-%d}"
