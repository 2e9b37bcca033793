"""Calendar arithmetic for the times a text speaks of: days, weeks, seasons and distances as windows of local time.

Weeks begin on Monday. "Last" is the latest one that is over, "next" the first one that has not begun. A date without
a year is the latest one that has begun. A distance ("two weeks ago") is as blurred as its unit is long: one unit,
centred on the day.
"""

from __future__ import annotations

from calendar import isleap, monthrange
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import MAXYEAR, datetime, time, timedelta
from typing import Final

from memory_store.times.words import DAY_PARTS, SEASONS

_DAY: Final = timedelta(days=1)
# The 29th of February may be eight years away (1896 to 1904).
_YEARS_TO_TRY: Final = 9
# Each weekday falls on each day of a month within this time: the 31st too.
_MONTHS_TO_TRY: Final = 60
# Half of a unit, for what lies some of them ago.
_BLUR: Final = {
    "minute": timedelta(minutes=1),
    "hour": timedelta(minutes=30),
    "day": timedelta(),
    "week": 3 * _DAY,
    "month": 15 * _DAY,
    "year": 182 * _DAY,
}


@dataclass(frozen=True, slots=True)
class Window:
    """From `start` inclusive to `end` exclusive, in the local time of asking, without a zone.

    `yearly`: no year was named.
    """

    start: datetime
    end: datetime
    yearly: bool = False


def day(moment: datetime) -> Window:
    """Return the calendar day of a moment."""
    start = datetime.combine(moment.date(), time())
    return Window(start, start + _DAY)


def days(year: int, month: int, first: int, last: int) -> Window:
    """Return some days of a month, both ends included. Raises ValueError for a day that the month doesn't have."""
    return Window(datetime(year, month, first), datetime(year, month, last) + _DAY)


def part_of_day(window: Window, name: str) -> Window:
    """Return the morning, the night … of a window's first day."""
    first, last = (timedelta(hours=hour) for hour in DAY_PARTS[name])
    return Window(window.start + first, window.start + last, window.yearly)


def months(year: int, first: int, last: int) -> Window:
    """Return the months from `first` to `last` of `year`; where the first comes later, it is of the year before."""
    return Window(datetime(year - (first > last), first, 1), shifted(datetime(year, last, 1), "month", 1))


def years(first: int, count: int = 1) -> Window:
    """Return `count` calendar years."""
    return Window(datetime(first, 1, 1), datetime(first + count, 1, 1))


def season(year: int, name: str) -> Window:
    """Return the season or feast that begins in a year; winter ends in the next."""
    month, first, end_month, end_day = SEASONS[name]
    return Window(datetime(year, month, first), datetime(year + (end_month < month), end_month, end_day))


def calendar_unit(now: datetime, unit: str, which: int) -> Window:
    """Return the week, weekend, month, quarter or year `which` units after the present one."""
    if unit in ("week", "weekend"):
        start = day(now).start + (7 * which - now.weekday()) * _DAY
        return Window(start + 5 * _DAY if unit == "weekend" else start, start + 7 * _DAY)
    if unit == "year":
        return years(now.year + which)
    length = 3 if unit == "quarter" else 1
    start = shifted(datetime(now.year, (now.month - 1) // length * length + 1, 1), "month", length * which)
    return Window(start, shifted(start, "month", length))


def iso_week(year: int, week: int, number: int | None = None) -> Window:
    """Return a week of a year as ISO 8601 counts them, or a day of it (1 to 7). Raises ValueError for no such week."""
    start = datetime.fromisocalendar(year, week, number or 1)
    return Window(start, start + (1 if number else 7) * _DAY)


def weekday_of_day(now: datetime, number: int, of_month: int) -> Window:
    """Return the latest day before tomorrow with this weekday and day of the month. Raises ValueError for none."""
    for back in range(_MONTHS_TO_TRY):
        first = shifted(datetime(now.year, now.month, 1), "month", -back)
        if of_month <= monthrange(first.year, first.month)[1]:
            found = first + (of_month - 1) * _DAY
            if found <= now and found.weekday() == number:
                return Window(found, found + _DAY)
    raise ValueError("no such day in years")


def weekday(now: datetime, number: int, which: int | None) -> Window:
    """Return the latest such day before today (None, -1), this week's (0), or the first after today (1)."""
    if which == 0:
        return weekday_of_week(now, number, 0)
    ahead = (number - now.weekday() - 1) % 7 + 1  # 1 to 7
    if which == 1:
        return day(now + ahead * _DAY)
    return day(now + (ahead - 7 if ahead < 7 else -7) * _DAY)


def weekday_of_week(now: datetime, number: int, which: int) -> Window:
    """Return a day (Monday is 0) of the week `which` weeks after the present one."""
    return day(calendar_unit(now, "week", which).start + number * _DAY)


def day_of_month(now: datetime, number: int) -> Window:
    """Return the latest day of that number that is not ahead. Raises ValueError where no month has it."""
    for back in range(12):
        start = shifted(datetime(now.year, now.month, 1), "month", -back)
        if 1 <= number <= monthrange(start.year, start.month)[1] and start.replace(day=number) <= now:
            return day(start.replace(day=number))
    raise ValueError(f"no month has a day {number}")


def occurrence(now: datetime, make: Callable[[int], Window], which: int | None) -> Window:
    """Return the last (-1), this (0) or next (1) of something that comes every year; None: the latest begun, yearly.

    `make` returns that of one year, and raises ValueError in a year that doesn't have it; so does this function where
    no year near does.
    """
    if which == 0:
        around = [window for window in _made(make, (now.year - 1, now.year)) if window.start <= now < window.end]
        return around[0] if around else make(now.year)
    if which == 1:
        ahead = range(now.year, now.year + _YEARS_TO_TRY)
        found = next((window for window in _made(make, ahead) if window.start > now), None)
    else:
        back = range(now.year, now.year - _YEARS_TO_TRY, -1)
        begun = (window for window in _made(make, back) if window.start <= now)
        found = next((window for window in begun if which is None or window.end <= now), None)
    if found is None:
        raise ValueError("no year near has it")
    return Window(found.start, found.end, yearly=which is None)


def _made(make: Callable[[int], Window], numbers: Iterable[int]) -> Iterable[Window]:
    for year in numbers:
        try:
            yield make(year)
        except ValueError:
            continue  # the 29th of February of a common year: the next one may have it


def shifted(moment: datetime, unit: str, count: int) -> datetime:
    """Return the moment `count` units later; the 31st becomes the last day of a shorter month."""
    if unit in ("month", "year"):
        total = moment.year * 12 + moment.month - 1 + count * (12 if unit == "year" else 1)
        year, month = divmod(total, 12)
        if not 1 <= year <= 9999:
            raise ValueError(f"the year {year} is beyond the calendar")
        return moment.replace(year=year, month=month + 1, day=min(moment.day, monthrange(year, month + 1)[1]))
    return moment + timedelta(**{unit + "s": count})


def in_other_year(window: Window, distance: int) -> Window | None:
    """Return the same days some years later; None for the 29th of February in a year that has none, or beyond all."""
    start, end = window.start, window.end
    if not (start.year + distance >= 1 and end.year + distance <= MAXYEAR):
        return None
    if (start.month, start.day) == (2, 29) and not isleap(start.year + distance):
        return None
    moved = shifted(start, "year", distance)
    short = end - start <= _DAY  # the 28th of February doesn't grow in a leap year, a whole February does
    return Window(moved, moved + (end - start) if short else shifted(end, "year", distance), window.yearly)


def third_of(window: Window, third: int) -> Window:
    """Return the first (0), middle (1) or last (2) third: four months of a year; days 1 to 10, 11 to 20 or the rest."""
    start, end = window.start, window.end
    if (start.month, start.day) == (end.month, end.day):
        unit, length = "month", 4 * (end.year - start.year)
    else:
        unit, length = "day", max(1, (end - start).days // 3)
    cuts = (start, shifted(start, unit, length), shifted(start, unit, 2 * length), end)
    return Window(cuts[third], cuts[third + 1], window.yearly)


def ago(now: datetime, least: int, most: int, unit: str) -> Window:
    """Return what lies between `least` and `most` units back, with half a unit of blur at both ends."""
    early, late = shifted(now, unit, -most) - _BLUR[unit], shifted(now, unit, -least) + _BLUR[unit]
    if unit in ("minute", "hour"):
        return Window(early, late)
    return Window(day(early).start, day(late).end)


def rolling(now: datetime, count: int, unit: str) -> Window:
    """Return the `count` units that end with today, or for a negative count those that begin with it."""
    other = shifted(now, unit, -count)
    early, late = min(now, other), max(now, other)
    return Window(early, late) if unit in ("minute", "hour") else Window(day(early).start, day(late).end)
