"""Until when a plan holds: the end of the last time that it names, which lies ahead of when it was said."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Final

from memory_store.languages import Rule, groups
from memory_store.times.expressions import FAR_FUTURE, TimeSpan, time_spans
from memory_store.times.rules import read_distance
from memory_store.times.windows import shifted

_WEEKDAY: Final = Rule("times", "weekday", re.IGNORECASE)
_YEAR: Final = Rule("times", "year")
_PAST: Final = Rule("times", "past")
_DAY_OF_MONTH: Final = Rule("times", "day of month")
_COUNTED: Final = Rule("times", "counted")
_WEEK: Final = timedelta(days=7)
_DAYS: Final = {"hour": 0, "day": 1, "week": 7, "month": 31, "year": 366}
_MOST_DAYS: Final = 36600


def find_end(text: str, said_at: datetime) -> datetime | None:
    """Return when the last time that a text names is over; None if it names none that lies ahead of `said_at`.

    A day without a year, or a day of the week, is the next one: plans are of what is to come. `said_at` is aware.
    """
    local = said_at.astimezone()
    ends = [moment for span in time_spans(text, local) if (moment := _end(span, local)) is not None]
    ends += [said_at + timedelta(days=_days(found)) for found in _COUNTED.finditer(text)]
    ahead = [end for end in ends if end > said_at]
    return max(ahead) if ahead else None


def _end(span: TimeSpan, said_at: datetime) -> datetime | None:
    end = span.end
    if end.year >= FAR_FUTURE.year:  # "since Monday", "after the holidays": it has no end
        return None
    if end > said_at or _PAST.search(span.words):
        return end
    if _WEEKDAY.search(span.words):
        return end + _WEEK
    if _DAY_OF_MONTH.match(span.words):
        return shifted(end, "month", 1)
    if _YEAR.search(span.words):
        return end
    while end <= said_at:
        end = shifted(end, "year", 1)
    return end


def _days(found: re.Match[str]) -> int:
    counted = groups(found)
    _, most, unit = read_distance(counted["count"], counted["unit"])
    return min(most * _DAYS[unit], _MOST_DAYS) + 1
