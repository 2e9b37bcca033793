"""Writes the dates of a calendar's event, and how it repeats, in words (RFC 5545, sections 3.3.4 to 3.3.10)."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta

from assistant.ingestion.readers.contentlines import Component, Property

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_BY_CODE = {name[:2].upper(): name for name in _DAYS}
MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
_ORDINALS = {1: "first", 2: "second", 3: "third", 4: "fourth", 5: "fifth", -1: "last", -2: "second last"}
_UNITS = {"SECONDLY": "second", "MINUTELY": "minute", "HOURLY": "hour", "DAILY": "day", "WEEKLY": "week",
          "MONTHLY": "month", "YEARLY": "year"}  # fmt: skip
_MOMENT = re.compile(r"(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)(\d\d)?(Z)?)?$")
_DURATION = re.compile(r"\+?P(?:(\d{1,5})W)?(?:(\d{1,6})D)?(?:T(?:(\d{1,6})H)?(?:(\d{1,7})M)?(?:(\d{1,8})S)?)?$")
_WEEKDAY = re.compile(r"([+-]?\d{1,2})?(MO|TU|WE|TH|FR|SA|SU)$")
_NUMBER = re.compile(r"\s*([+-]?[0-9]{1,9})\s*")


def when(event: Component) -> str:
    """Return an event's time, such as `2025-03-04 (Tuesday) 10:00–11:00, Europe/Berlin`; empty if it names none.

    Times stay as the calendar writes them, in the zone it names: that is how the person knows them.
    """
    start = event.first("DTSTART")
    begin = _moment(start)
    if start is None or begin is None:
        return start.text if start is not None else ""  # as it is written, where it is no date
    end = _moment(event.first("DTEND"))
    if end is None and (length := _DURATION.match(event.text("DURATION"))) and any(length.groups()):
        weeks, days, hours, minutes, seconds = (int(piece or 0) for piece in length.groups())
        try:
            end = begin + timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)
        except OverflowError:
            end = None  # A length that leaves the calendar says nothing.
    zone = ", UTC" if start.value.strip().endswith("Z") else ""
    zone = f", {start.parameters['TZID']}" if start.parameters.get("TZID") else zone
    if not isinstance(begin, datetime):
        last = _date(end) - timedelta(days=1) if end is not None and _date(end) > begin else begin  # DTEND is exclusive
        return _day(begin) + (f" to {_day(last)}" if last > begin else "") + ", all day"
    clock = f"{begin:%H:%M}"
    if isinstance(end, datetime) and end > begin:
        same = end.date() == begin.date()
        clock += f"–{end:%H:%M}" if same else f" to {_day(end.date())} {end:%H:%M}"
    return f"{_day(begin.date())} {clock}{zone}"


def moment_text(found: Property | None) -> str:
    """Return a single date or time in words, such as a task's due date; empty if there is none."""
    moment = _moment(found)
    if moment is None:
        return found.text if found is not None else ""
    return f"{_day(_date(moment))} {moment:%H:%M}" if isinstance(moment, datetime) else _day(moment)


def busy(event: Component) -> str:
    """Return the periods in which someone is busy, such as `2025-03-04 (Tuesday) 10:00 to 11:00`; empty if none."""
    spoken = []
    for found in event.all("FREEBUSY"):
        if found.parameters.get("FBTYPE", "").upper() == "FREE":
            continue
        for period in found.value.split(",")[:200]:
            start, _, end = period.partition("/")
            begin, until = (_moment(Property("FREEBUSY", {}, text)) for text in (start, end))
            if isinstance(begin, datetime):
                clock = f" to {until:%H:%M}" if isinstance(until, datetime) else ""
                spoken.append(f"{_day(begin.date())} {begin:%H:%M}{clock}")
    return ", ".join(spoken)


def repeats(event: Component) -> str:
    """Return how an event repeats, such as `every 2 weeks on Monday and Friday, until 2025-06-01`; empty if not."""
    pieces = []
    rule = event.first("RRULE")
    if rule is not None and (words := _rule(rule.value)):
        pieces.append(words)
    extra = [text for entry in event.all("RDATE") for text in _dates(entry)]
    if extra:
        pieces.append("also on " + _listed(extra[:50]))
    left_out = [text for entry in event.all("EXDATE") for text in _dates(entry)]
    if left_out and pieces:
        pieces.append("except on " + _listed(left_out[:50]))
    return ", ".join(pieces)


def _rule(value: str) -> str:
    parts = {key.upper(): text.upper() for key, _, text in (piece.partition("=") for piece in value.split(";"))}
    unit = _UNITS.get(parts.get("FREQ", ""))
    if unit is None:
        return ""
    interval = _number(parts.get("INTERVAL", "")) or 1
    words = f"every {interval} {unit}s" if interval > 1 else f"every {unit}"
    months = [MONTHS[number - 1] for number in _numbers(parts.get("BYMONTH", "")) if 1 <= number <= 12]
    if months:
        words += " in " + _listed(months)
    position = _number(parts.get("BYSETPOS", ""))
    days = [text for part in parts.get("BYDAY", "").split(",") if (text := _weekday(part, position))]
    if days:
        words += " on " + _listed(days)
    month_days = [_month_day(number) for number in _numbers(parts.get("BYMONTHDAY", "")) if number]
    if month_days:
        words += " on " + _listed(month_days)
    if (count := _number(parts.get("COUNT", ""))) is not None and count > 0:
        words += f", {count} times"
    if until := _moment(Property("UNTIL", {}, parts.get("UNTIL", ""))):
        words += f", until {_date(until).isoformat()}"
    return words


def _numbers(text: str) -> list[int]:
    """Return the whole numbers of a list; what is none is left out."""
    return [number for part in text.split(",") if (number := _number(part)) is not None]


def _number(text: str) -> int | None:
    match = _NUMBER.fullmatch(text)
    return int(match[1]) if match else None


def _weekday(code: str, position: int | None) -> str:
    match = _WEEKDAY.match(code.strip())
    if match is None:
        return ""
    ordinal = _ORDINALS.get(int(match[1]) if match[1] else position or 0)
    return f"the {ordinal} {_BY_CODE[match[2]]}" if ordinal else _BY_CODE[match[2]]


def _month_day(day: int) -> str:
    return "the last day" if day == -1 else f"day {day}" if day > 0 else f"day {-day} from the end"


def _dates(found: Property) -> list[str]:
    moments = (_moment(Property(found.name, found.parameters, part)) for part in found.value.split(","))
    return [_date(moment).isoformat() for moment in moments if moment is not None]


def _moment(found: Property | None) -> date | datetime | None:
    match = _MOMENT.match(found.value.strip()) if found else None
    if match is None:
        return None
    year, month, day, hour, minute = (int(piece) if piece else 0 for piece in match.groups()[:5])
    try:
        return datetime(year, month, day, hour, minute) if match[4] else date(year, month, day)
    except ValueError:
        return None  # Day 31 of February, month 13.


def _date(moment: date | datetime) -> date:
    return moment.date() if isinstance(moment, datetime) else moment


def _day(day: date) -> str:
    return f"{day.isoformat()} ({_DAYS[day.weekday()]})"


def _listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " and " + words[-1]
