"""Looks through the imported calendars: what happens from one day to another, repetitions and exceptions included."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Final

from pydantic import BaseModel, Field

from assistant.core.assembling import without_private_titles
from assistant.core.repetition import beginning_of, find_zone, in_zone, local_zone, repeat
from assistant.core.tools.tool import Bench, Effect, Tool, ToolError
from assistant.ingestion.readers.icalendar_times import read_length
from memory_store.models import Hit

_MOST_DAYS: Final = 400
_MOST_SHOWN: Final = 60
_EARLIEST_YEAR: Final = 1900
_LINE: Final = re.compile(r'([A-Z-]+)((?:;[A-Z]+="[^"]*")*):(.*)')
_ZONE: Final = re.compile(r';TZID="([^"]*)"')


class ListEvents(BaseModel):
    """From when to when."""

    since: date = Field(description="The first day, as 2026-03-01.")
    until: date = Field(description="The last day; the same for one day.")


@dataclass(frozen=True, slots=True)
class Occurrence:
    """Something in a calendar, once: when it begins and ends in the zone of this machine, and the passage of it."""

    begins: datetime
    ends: datetime
    all_day: bool
    hit: Hit

    def describe(self) -> str:
        """Return it on a line."""
        day = f"{self.begins:%Y-%m-%d (%A)}"
        if self.all_day:
            last = self.ends - timedelta(days=1)
            clock = "all day" if last <= self.begins else f"to {last:%Y-%m-%d}, all day"
        elif self.ends > self.begins:
            end = f"–{self.ends:%H:%M}" if self.ends.date() == self.begins.date() else f" to {self.ends:%Y-%m-%d %H:%M}"
            clock = f"{self.begins:%H:%M}{end}"
        else:
            clock = f"{self.begins:%H:%M}"
        due = ", due" if (self.hit.locator.part or "").startswith("task") else ""
        return f"{day} {clock}{due}: {self.hit.text.splitlines()[0]}"


@dataclass(slots=True)
class _Event:
    """The times of one event as its own clock shows them; `left_out` and `replaces` are moments of the world."""

    hit: Hit
    begins: datetime
    length: timedelta
    zone: tzinfo
    all_day: bool
    rule: str = ""
    also: list[datetime] = field(default_factory=list)
    left_out: set[datetime | date] = field(default_factory=set)
    replaces: datetime | None = None
    cancelled: bool = False
    series: tuple[str, str] = ("", "")


def find_occurrences(hits: Iterable[Hit], since: date, until: date) -> list[Occurrence]:
    """Return what happens from one day to another, both included, the earliest first.

    Rules are followed in the zone that the event names, as RFC 5545 says; what repeats by the hour or faster is there
    once.
    """
    events: dict[tuple[str, str | None], _Event] = {}
    for hit in hits:  # of an event that is cut into passages the first tells what it is
        event = _read(hit) if (hit.source.id, hit.locator.part) not in events else None
        if event is not None:
            events[hit.source.id, hit.locator.part] = event
    replaced: dict[tuple[str, str], set[datetime | date]] = {}
    for event in events.values():
        if event.replaces is not None:
            replaced.setdefault(event.series, set()).add(event.replaces)
    first, last = _of_day(since), _of_day(until + timedelta(days=1))
    found: list[Occurrence] = []
    for event in events.values():
        if event.replaces is None:
            event.left_out |= replaced.get(event.series, set())
        if not event.cancelled:
            found += _occurrences_of(event, first, last)
    return sorted(found, key=lambda item: (item.begins, item.hit.id))


def _occurrences_of(event: _Event, first: datetime, last: datetime) -> list[Occurrence]:
    found = []
    try:
        for moment in _moments(event, first - event.length, last):
            begins = _local(moment, event)
            ends = begins + event.length
            if begins.astimezone(UTC) in event.left_out or moment.date() in event.left_out:
                continue
            if begins < last and (ends > first or begins >= first):
                found.append(Occurrence(begins, ends, event.all_day, event.hit))
    except OverflowError:
        return []  # at the ends of the calendar
    return found


def _read(hit: Hit) -> _Event | None:
    """Return the event of a passage; None where it says nothing of when, or of the ends of the calendar."""
    try:
        return _read_times(hit)
    except OverflowError:
        return None


def _read_times(hit: Hit) -> _Event | None:
    lines = [match.groups() for line in (hit.locator.times or "").splitlines() if (match := _LINE.fullmatch(line))]
    texts = {name: value for name, _, value in reversed(lines)}
    parameters_of = {name: parameters for name, parameters, _ in reversed(lines)}
    name = "DTSTART" if "DTSTART" in texts else "DUE"
    start = texts.get(name, "")
    found = beginning_of(start)
    if found is None or found.year < _EARLIEST_YEAR:
        return None
    all_day = "T" not in start
    zone = _zone_of(parameters_of[name], start)
    length = read_length(texts.get("DURATION", "")) or (timedelta(days=1) if all_day else timedelta())
    end = beginning_of(texts.get("DTEND", ""))
    if end is not None:
        written = zone if all_day else _zone_of(parameters_of["DTEND"], texts["DTEND"])
        length = max(in_zone(end, written, zone) - found, timedelta())
    event = _Event(hit, found, min(length, timedelta(days=_MOST_DAYS)), zone, all_day)
    event.rule = texts.get("RRULE", "")
    event.cancelled = texts.get("STATUS", "").upper() == "CANCELLED"
    event.series = (hit.source.id, texts.get("UID", ""))
    for name, parameters, value in lines:
        if name not in ("RDATE", "EXDATE", "RECURRENCE-ID"):
            continue
        for part, moment in _each(value):
            written = zone if "T" not in part else _zone_of(parameters, part)
            instant = moment.replace(tzinfo=written).astimezone(UTC)
            if name == "RDATE":
                event.also.append(in_zone(moment, written, zone))
            elif name == "RECURRENCE-ID":
                event.replaces = instant
            else:  # a day alone leaves out all of that day
                event.left_out.add(instant if "T" in part or all_day else moment.date())
    return event


def _moments(event: _Event, first: datetime, last: datetime) -> Iterator[datetime]:
    """Yield when an event begins, without a zone, as its own clock shows it; a day more than asked for on each side."""
    from_here = first.replace(tzinfo=None) - timedelta(days=1)
    to_there = last.replace(tzinfo=None) + timedelta(days=1)
    moments: Iterable[datetime] = [event.begins]
    if event.rule and event.replaces is None:
        moments = itertools.chain(moments, repeat(event.rule, event.begins, event.zone, to_there))
    within = itertools.takewhile(lambda moment: moment < to_there, moments)
    for moment in dict.fromkeys((*event.also, *within)):
        if from_here <= moment < to_there:
            yield moment


def _each(value: str) -> Iterator[tuple[str, datetime]]:
    """Yield the moments of a list, each with how it is written; of a period its beginning."""
    for part in value.split(","):
        moment = beginning_of(part.partition("/")[0])
        if moment is not None:
            yield part, moment


def _zone_of(parameters: str, text: str) -> tzinfo:
    """Return the zone in which a moment is written; what names none, or one that nobody knows, is meant here."""
    named = _ZONE.search(parameters)
    if text.split("/")[0].endswith("Z"):
        return UTC
    return (named and find_zone(named[1])) or local_zone()


def _local(moment: datetime, event: _Event) -> datetime:
    """Return a moment of an event as this machine's clock shows it; a day is a day everywhere."""
    zone = local_zone() if event.all_day else event.zone
    return moment.replace(tzinfo=zone).astimezone(local_zone())


def _of_day(day: date) -> datetime:
    return datetime.combine(day, time(), local_zone())


def _list_events(bench: Bench, asked: ListEvents) -> str:
    if not asked.since <= asked.until <= asked.since + timedelta(days=_MOST_DAYS):
        raise ToolError(f"The last day has to be the first or one of the {_MOST_DAYS} behind it.")
    hits = _events(bench)
    try:
        found = find_occurrences(hits, asked.since, asked.until)
    except OverflowError as error:
        raise ToolError("That is beyond the calendar.") from error
    if hits and not any(hit.locator.times for hit in hits):
        return "The imported calendars were read by an earlier version. `keepsake import --again` reads their times."
    if not found:
        return "Nothing stands in the imported calendars for these days."
    lines = [bench.cite(item.hit, item.describe()) for item in found[:_MOST_SHOWN]]
    if len(found) > _MOST_SHOWN:
        lines.append(f"({len(found) - _MOST_SHOWN} more: ask for fewer days.)")
    return "\n".join(lines)


def _events(bench: Bench) -> Sequence[Hit]:
    passages = bench.store.passages_of_calendars()
    hits = [passage.as_hit() for passage in passages if bench.include_private or not passage.private]
    return hits if bench.include_private else without_private_titles(bench.store, hits)


LIST_EVENTS: Final = Tool(
    "list_events",
    "Lists what stands in the user's imported calendars from one day to another, repeated events included. Use it for "
    "what is on, when something is, and whether the user is free. What it lists is cited by its number.",
    ListEvents,
    Effect.READ,
    _list_events,
)
