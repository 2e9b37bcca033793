"""Reads calendars (iCalendar): each event, task or journal entry a block, its date and repetition in words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime, timedelta

from assistant.errors import ReadError
from assistant.ingestion.base import About, Block, BlockKind, ReadDocument, ReadLimits, SourceFile
from assistant.ingestion.readers.contentlines import Component, Property, components, decode_head
from assistant.ingestion.readers.markup import parse, walk
from memory_store.models import Locator

_KINDS = {"VEVENT": "event", "VTODO": "task", "VJOURNAL": "entry", "VFREEBUSY": "times"}
_HEAD_BYTES = 8192
_ANSWERS = ("accepted", "declined", "tentative", "delegated")
_STATUS = {"CANCELLED": "cancelled", "TENTATIVE": "tentative"}
_LINKS = ("CONFERENCE", "X-GOOGLE-CONFERENCE", "X-MICROSOFT-SKYPETEAMSMEETINGURL")
_TAGS = re.compile(r"</?(?:html|body|p|br|div|span|a|b|i|u|ul|ol|li|table|h[1-6])\b[^<>]*>", re.IGNORECASE)
_ADDRESS = re.compile(r'href="(https?://[^"\s]{1,2000})"', re.IGNORECASE)
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


class IcsReader:
    """ICS, as Apple's and Google's calendars export it; alarms and zones are passed over."""

    media_type = "text/calendar"
    suffixes = (".ics", ".ical", ".ifb")
    about = About(
        "Calendar",
        "events, tasks and entries: time, repetition, place, people, description",
        "`event 3: Dentist`, lines",
        "the calendar's name",
    )

    def read(self, file: SourceFile, limits: ReadLimits) -> ReadDocument:
        """Return the events as they are consumed. An event's date stands in its text: it may lie in the future."""
        with file.open() as stream:
            head = decode_head(stream.read(_HEAD_BYTES))
        # An event alone is what some programs attach to a mail.
        if not head.upper().startswith(("BEGIN:VCALENDAR", *(f"BEGIN:{kind}" for kind in _KINDS))):
            raise ReadError("not a calendar: it does not begin with BEGIN:VCALENDAR", "Export the calendar again.")
        name = next(
            (line.partition(":")[2].strip() for line in head.splitlines() if line.startswith("X-WR-CALNAME")), ""
        )
        return ReadDocument(name or file.stem, self.media_type, _events(file, limits))


def _events(file: SourceFile, limits: ReadLimits) -> Iterator[Block]:
    for number, event in enumerate(components(file, limits, tuple(_KINDS)), start=1):
        text = _text(event)
        if text:
            summary = " ".join(event.text("SUMMARY").split())[:80]
            part = f"{_KINDS[event.kind]} {number}" + (f": {summary}" if summary else "")
            locator = Locator(part=part, line_start=event.first_line, line_end=event.last_line)
            yield Block(text, locator, BlockKind.PARAGRAPH)


def _text(event: Component) -> str:
    people = [_person(entry.parameters.get("CN", ""), entry.text, _answer(entry)) for entry in event.all("ATTENDEE")]
    organizer = event.first("ORGANIZER")
    progress = event.text("PERCENT-COMPLETE")
    rows = [
        ("", event.text("SUMMARY")),
        ("When", when(event)),
        ("Replaces", moment_text(event.first("RECURRENCE-ID"))),
        ("Repeats", repeats(event)),
        ("Due", moment_text(event.first("DUE"))),
        ("Done", moment_text(event.first("COMPLETED")) or (f"{progress} %" if progress.isdecimal() else "")),
        ("Where", event.text("LOCATION")),
        ("Organized by", _person(organizer.parameters.get("CN", ""), organizer.text) if organizer else ""),
        ("With", ", ".join(person for person in people if person)),
        ("Contact", _each(event, "CONTACT")),
        ("Status", _STATUS.get(event.text("STATUS").upper(), "")),
        ("Tags", _each(event, "CATEGORIES")),
        ("Resources", _each(event, "RESOURCES")),
        ("Link", _each(event, "URL", *_LINKS)),
        ("Attached", _each(event, "ATTACH")),
        ("", _description(event)),
        ("Comment", _each(event, "COMMENT")),
        ("Busy", busy(event)),
    ]
    return "\n".join(f"{label}: {value}" if label else value for label, value in rows if value)


def _each(event: Component, *names: str) -> str:
    # What is attached may be the file itself, as Base64, which is no text.
    found = [
        entry.text
        for name in names
        for entry in event.all(name)
        if entry.parameters.get("VALUE", "").upper() != "BINARY"
    ]
    return ", ".join(dict.fromkeys(text for text in found if text))


def _description(event: Component) -> str:
    """Return the description without tags, which some programs write into it."""
    text = event.text("DESCRIPTION")
    if not text:
        text = next(
            (entry.text for entry in event.all("X-ALT-DESC") if "html" in entry.parameters.get("FMTTYPE", "")), ""
        )
    if not _TAGS.search(text):
        return text
    shown = "\n".join(piece.text for piece in walk(parse(text)))
    addresses = [item for item in dict.fromkeys(_ADDRESS.findall(text)) if item not in shown]
    return "\n".join((shown, *addresses))


def _person(name: str, address: str, answer: str = "") -> str:
    shown = name.strip() or address.removeprefix("mailto:").removeprefix("MAILTO:")
    return f"{shown} ({answer})" if shown and answer else shown


def _answer(attendee: Property) -> str:
    """Return what someone who is invited said to it; nothing while they said nothing."""
    answer = attendee.parameters.get("PARTSTAT", "").lower()
    return answer if answer in _ANSWERS else ""


def when(event: Component) -> str:
    """Return an event's time, such as `2025-03-04 (Tuesday) 10:00–11:00, Europe/Berlin`; empty if it names none.

    Times stay as the calendar writes them, in the zone it names: that is how the person knows them. Their forms are
    those of RFC 5545, sections 3.3.4 to 3.3.10.
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
