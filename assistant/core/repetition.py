"""Follows the rules by which something comes again and again (RFC 5545), however hostile they are; finds its zone."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from datetime import MAXYEAR, UTC, datetime, time, tzinfo
from functools import cache
from typing import Final
from zoneinfo import ZoneInfo

from assistant.ingestion.readers.icalendar_times import read_moment

WEEKDAYS: Final = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
"""The days of the week as a rule has them, from Monday on."""
_MOST_REPETITIONS: Final = 20_000
_MOST_CHARS: Final = 1000
_MOST_ZONE_CHARS: Final = 200
_MOST_DAYS_OF_MONTH: Final = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
# After so many years the calendar is the same again, weekdays and leap days and all.
_CALENDAR_YEARS: Final = 400
# Which parts of a rule each frequency may have (RFC 5545, section 3.3.10). Others would make a rule that never holds.
_PARTS: Final = {
    "DAILY": {"BYMONTH", "BYMONTHDAY", "BYDAY"},
    "WEEKLY": {"BYMONTH", "BYDAY", "WKST"},
    "MONTHLY": {"BYMONTH", "BYMONTHDAY", "BYDAY", "BYSETPOS", "WKST"},
    "YEARLY": {"BYMONTH", "BYMONTHDAY", "BYDAY", "BYSETPOS", "BYYEARDAY", "BYWEEKNO", "WKST"},
}
_OF_ALL: Final = {"FREQ", "INTERVAL", "COUNT", "UNTIL"}


def repeat(rule: str, begins: datetime, zone: tzinfo, before: datetime) -> Iterator[datetime]:
    """Yield when a rule holds, from its beginning to before a moment, all as a clock of the zone shows it.

    A rule that can't be followed, never holds, or comes by the hour or faster yields nothing more. None keeps it long:
    where a rule never holds, it is followed to the end of the calendar, so it is followed as close to that as goes.
    """
    years = max(0, MAXYEAR - 1 - before.year) // _CALENDAR_YEARS * _CALENDAR_YEARS
    if begins >= before or len(rule) > _MOST_CHARS or not (followed := _clean(rule, begins, zone, years)):
        return
    from dateutil.rrule import rrulestr

    try:
        repeated = rrulestr(followed, dtstart=begins.replace(year=begins.year + years))
        for moment in itertools.islice(repeated, _MOST_REPETITIONS):
            there = moment.replace(year=moment.year - years)
            if there >= before:
                return
            yield there
    except (ValueError, OverflowError):
        return  # it can't be followed


@cache
def find_zone(name: str) -> tzinfo | None:
    """Return a zone by the name that a calendar gives it: the world's, Windows' own, or with a maker's prefix."""
    from tzlocal.windows_tz import win_tz

    pieces = name.strip("/").split("/") if len(name) <= _MOST_ZONE_CHARS else []
    for candidate in (win_tz.get(name, ""), *("/".join(pieces[at:]) for at in range(len(pieces)))):
        try:
            return ZoneInfo(candidate)
        except (ValueError, OSError, KeyError):  # no such zone, or no name of one
            continue
    return None


def local_zone() -> tzinfo:
    """Return the zone of this machine."""
    from tzlocal import get_localzone

    return get_localzone()


def in_zone(moment: datetime, written: tzinfo, zone: tzinfo) -> datetime:
    """Return what the clock of a zone shows at a moment that is written in another one."""
    return moment if written is zone else moment.replace(tzinfo=written).astimezone(zone).replace(tzinfo=None)


def beginning_of(text: str) -> datetime | None:
    """Return a moment of iCalendar, of a day its beginning; None for what is neither."""
    found = read_moment(text)
    return found if found is None or isinstance(found, datetime) else datetime.combine(found, time())


def _clean(rule: str, begins: datetime, zone: tzinfo, years: int) -> str:
    """Return a rule as it is so many years later, without what its frequency must not have.

    It is empty where it never holds, or is too fast to count.
    """
    parts = {name: value for name, _, value in (part.partition("=") for part in rule.upper().split(";"))}
    allowed = _PARTS.get(parts.get("FREQ", ""))
    if allowed is None:
        return ""
    kept = {name: value for name, value in parts.items() if name in allowed | _OF_ALL}
    if re.fullmatch(r"0*[1-9]\d*", kept.get("INTERVAL", "1")) is None:
        return ""  # it would stay where it is for ever
    months, days = _numbers(kept.get("BYMONTH", "")), _numbers(kept.get("BYMONTHDAY", ""))
    longest = max((_MOST_DAYS_OF_MONTH[month - 1] for month in months if 1 <= month <= 12), default=31)
    if months and not any(1 <= month <= 12 for month in months):
        return ""
    if days and all(abs(day) > longest or not day for day in days):
        return ""
    until = beginning_of(kept.get("UNTIL", ""))
    if until is not None:
        # A day alone means all of it; a moment of the world is one of the event's own clock.
        written = kept["UNTIL"]
        until = in_zone(until, UTC, zone) if written.endswith("Z") else until
        until = until if "T" in written else datetime.combine(until, time.max)
        kept["UNTIL"] = f"{until.replace(year=min(until.year + years, MAXYEAR)):%Y%m%dT%H%M%S}"
    return ";".join(f"{name}={value}" for name, value in kept.items())


def _numbers(text: str) -> list[int]:
    return [int(part) for part in text.split(",") if re.fullmatch(r"[+-]?\d{1,3}", part)]
