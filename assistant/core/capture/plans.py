"""Until when a plan holds: the end of the last time that it names, which lies ahead of when it was said."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Final

from memory_store.times.expressions import FAR_FUTURE, TimeSpan, time_spans
from memory_store.times.windows import shifted

_WEEKDAY: Final = re.compile(
    r"(?:mon|tues|wednes|thurs|fri|satur|sun)day|周[一二三四五六日天末]|星期|礼拜", re.IGNORECASE
)
_YEAR: Final = re.compile(r"\d{4}|[二两][〇零]")
_PAST: Final = re.compile(
    r"\b(?:last|ago|yesterday|past|previous)\b|(?<![早晚马])上(?![午海学班])|前天|昨|去年|前年|过去"
)
_MONTH_DAY: Final = re.compile(r"^\d{1,2}(?:st|nd|rd|th)$|^\d{1,2}[号日]$")
_WEEK: Final = timedelta(days=7)
_COUNTED: Final = re.compile(
    r"\b(?:in|for|within)\s+(?P<n>an?|one|two|three|four|five|six|seven|eight|nine|ten|a few|a couple of|\d+)\s+"
    r"(?P<unit>day|week|month|year)s?\b|(?P<zh>[一二两三四五六七八九十半\d]+)个?(?P<zhunit>天|周|星期|礼拜|月|年)(?:之|以)?后"
)
_NUMBERS: Final = {
    **dict(zip("一二三四五六七八九十", range(1, 11), strict=True)),
    **{"两": 2, "半": 1, "a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7},
    **{"eight": 8, "nine": 9, "ten": 10, "a few": 4, "a couple of": 2},
}
_DAYS: Final = {
    **{"day": 1, "week": 7, "month": 31, "year": 366},
    **{"天": 1, "周": 7, "星期": 7, "礼拜": 7, "月": 31, "年": 366},
}


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
    if _MONTH_DAY.match(span.words):
        return shifted(end, "month", 1)
    if _YEAR.search(span.words):
        return end
    while end <= said_at:
        end = shifted(end, "year", 1)
    return end


def _days(found: re.Match[str]) -> int:
    number, unit = found["n"] or found["zh"], found["unit"] or found["zhunit"]
    count = int(number) if number.isdigit() else _NUMBERS.get(number, 1)
    return min(count, 1000) * _DAYS[unit] + 1
