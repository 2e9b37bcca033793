"""Reads in words when somebody is to be reminded: a day and a clock, a distance, a repetition; English and Chinese.

What may mean several times gives all of them, for the user to choose; a day or a clock that is not named is asked for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from enum import Enum, auto
from typing import Final

from assistant.core.repetition import WEEKDAYS, repeat
from memory_store.languages import Rule, groups, patterns
from memory_store.times import words
from memory_store.times.expressions import FAR_FUTURE, FAR_PAST, TimeSpan, time_spans
from memory_store.times.rules import FLAGS, read_distance, read_number
from memory_store.times.windows import shifted

_TOPIC: Final = "reminders"
_DAY: Final = timedelta(days=1)
_LONGEST_FEAST: Final = 3 * _DAY
_MOST_CHARS: Final = 1000
_MOST_WISH_CHARS: Final = 300
_MOST_TIMES: Final = 6
# As of so many days later what names no year, month or week means the coming one, or the one after today.
_LATER: Final = (7, 8, 31, 32, 366, 367, 1461)
# As far ahead as the first time of a rule may lie: the 29th of February may be eight years away.
_FAR: Final = timedelta(days=9 * 366)
_FREQUENCIES: Final = {"day": "DAILY", "week": "WEEKLY", "month": "MONTHLY", "year": "YEARLY"}
_NTH: Final = {"nth1": 1, "nth2": 2, "nth3": 3, "nth4": 4, "nthlast": -1}
_FIXED_RULES: Final = tuple(name for name in patterns(_TOPIC) if name.startswith("FREQ="))
_OTHER_RULES: Final = ("every some", "days of week", "nth of month", "day of month")
_FIXED_CLOCKS: Final = tuple(name for name in patterns(_TOPIC) if name[:2].isdigit())
_CLOCK: Final = Rule(_TOPIC, "clock", FLAGS)
_DISTANCE: Final = Rule(_TOPIC, "distance", FLAGS)
_TIMES: Final = Rule(_TOPIC, "times", FLAGS)
_NEXT_WEEKDAY: Final = Rule(_TOPIC, "next weekday", FLAGS)
_WISH: Final = Rule(_TOPIC, "wish", FLAGS)
_AGAIN: Final = Rule(_TOPIC, "again", FLAGS)
_EVENT: Final = Rule(_TOPIC, "event", FLAGS)
_JOINT: Final = Rule(_TOPIC, "joint", FLAGS)
_LEAD: Final = Rule(_TOPIC, "lead", FLAGS)
_LIMIT: Final = Rule(_TOPIC, "limit", FLAGS)
_DAY_NUMBER: Final = re.compile(r"\d+|[一二三四五六七八九十]+")
_UNCLEAR: Final = Rule(_TOPIC, "unclear", FLAGS)
_QUARTERS: Final = {"quarter": 15, "一刻": 15, "三刻": 45}
_AROUND: Final = " ,;:-?\uff0c\u3002\uff1f"
_PAST: Final = Rule("times", "past", FLAGS)


class Lack(Enum):
    """What of a time is not named."""

    TIME = auto()
    """Nothing of it."""
    DAY = auto()
    CLOCK = auto()
    PAST = auto()
    """It is over."""


@dataclass(frozen=True, slots=True)
class Time:
    """The first time as a clock shows it, without a zone, and the rule by which it comes again, if it does."""

    begins: datetime
    rule: str | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """What a day is counted from that only memory knows: three days before the notice date. Where that stands."""

    words: str
    first: int
    last: int
    unit: str
    count: int

    def settle(self, text: str, day: datetime) -> str:
        """Return the text that was read, with the day in it that is counted from when the event is."""
        return f"{text[: self.first]} {shifted(day, self.unit, self.count):%Y-%m-%d} {text[self.last :]}"


@dataclass(frozen=True, slots=True)
class Reading:
    """What some words may mean, the earliest first, and the words that speak of no time; else what is lacking."""

    times: tuple[Time, ...]
    rest: str
    lack: Lack | None = None
    event: Event | None = None


def find_days(text: str, now: datetime) -> list[tuple[datetime, str]]:
    """Return the days to come that a text names by a date, each with its words; none of "tomorrow" and its like.

    Of "by 1 March" and "until the 5th of May" the last day counts, of "from 1 March" the first.
    """
    today = now.replace(tzinfo=None, hour=0, minute=0, second=0, microsecond=0)
    lasting = {(span.words, _day_named(span)) for span in time_spans(text, now + 400 * _DAY)}
    found: list[tuple[datetime, str]] = []
    for span in time_spans(text, now):
        day = _day_named(span)
        if day is not None and (span.yearly or (span.words, day) in lasting):
            while span.yearly and day < today:
                day = shifted(day, "year", 1)
            if day >= today:
                found.append((day, span.words))
    return found


def _day_named(span: TimeSpan) -> datetime | None:
    """Return the day that a span is, or that its open side begins or ends with; None for what is longer."""
    start, end = span.start.replace(tzinfo=None), span.end.replace(tzinfo=None)
    if start == FAR_PAST:
        return end - _DAY
    return start if end == FAR_FUTURE or end - start == _DAY else None


def find_wish(text: str) -> str | None:
    """Return what follows "remind me" in a message that asks for that alone; None for any other message."""
    found = _WISH.match(text) if len(text) <= _MOST_WISH_CHARS and "\n" not in text.strip() else None
    return text[found.end() :].strip() if found else None


def says_again(text: str) -> bool:
    """Say whether what is to be said is what was said last."""
    return _AGAIN.fullmatch(text) is not None


def read_time(text: str, now: datetime, *, repeated: bool = False) -> Reading:
    """Return the times that a text speaks of, as of an aware moment in the zone of who wrote it.

    With `repeated` they come again, also where no word such as "every" says so.
    """
    if len(text) > _MOST_CHARS:  # no time is looked for in what is beyond, but it is to be said as well
        last = text.rfind(" ", 1, _MOST_CHARS)
        last = last if last > 0 else _MOST_CHARS
        reading = read_time(text[:last], now, repeated=repeated)
        return replace(reading, rest=f"{reading.rest} {' '.join(text[last:].split())}".strip())
    if not repeated:
        return _read(text, now)
    readings = [_read(f"{word}{text}", now) for _, word in (("", ""), *patterns(_TOPIC)["every word"])]
    found = (reading for reading in readings if any(time.rule for time in reading.times))
    return next(found, Reading((), text, Lack.TIME))


def _read(text: str, now: datetime) -> Reading:
    try:
        return _Reader(text, now).read()
    except (ValueError, OverflowError):
        return Reading((), text, Lack.TIME)  # beyond the calendar


@dataclass(frozen=True, slots=True)
class _Day:
    """A day that is named, or a part of it."""

    start: datetime
    end: datetime

    def at(self, clock: time) -> datetime:
        """Return when a clock shows this on the day; of a night that may be after midnight."""
        moment = datetime.combine(self.start.date(), clock)
        return moment + _DAY if self.start <= moment + _DAY < self.end else moment

    def covers(self, moment: datetime) -> bool:
        """Say whether a moment lies in it."""
        return self.start <= moment < self.end


class _Reader:
    """Reads one text; what was read is blanked, so that nothing else reads it."""

    def __init__(self, text: str, now: datetime) -> None:
        self._whole = self._text = text
        self._left = text.translate(words.FOLD)
        self._now = now
        self._wall = now.replace(tzinfo=None)

    def read(self) -> Reading:
        """Return what it may mean."""
        rule = self._rule()
        times = self._take(_TIMES) if rule else None
        distance = self._distance()
        clocks = self._clocks()
        counted, event = self._counted()
        days, until, unfit = self._days()
        days = counted or days
        if times is not None:
            rule += f";COUNT={_number(times['count'])}"
        if rule and until is not None:
            rule += f";UNTIL={until - timedelta(seconds=1):%Y%m%dT%H%M%S}"
        rest = self._rest()
        if distance is not None:
            there, exact = distance
            if exact:
                alone = not (rule or clocks or days)
                return Reading((Time(there),), rest) if alone else Reading((), rest, Lack.DAY)
            days = [_Day(there, there + _DAY)]
        if rule and _LIMIT.search(rest):
            return Reading((), self._whole, Lack.TIME)
        if event is not None:
            return Reading((), rest, Lack.DAY, event)
        if unfit is None and not days and (not rule or rule.startswith("FREQ=YEARLY")):
            unfit = Lack.DAY if rule or _UNCLEAR.search(rest) else None if clocks else Lack.TIME
        if unfit is not None and not days:
            return Reading((), rest, unfit)
        if not clocks:
            return Reading((), rest, Lack.CLOCK)
        found = self._combine(rule, days, clocks)
        return Reading(tuple(found), rest, None if found else Lack.PAST)

    def _combine(self, rule: str, days: Sequence[_Day], clocks: Sequence[Sequence[time]]) -> list[Time]:
        """Return each day with each clock, as far as that is to come; without a day, the next time of the clock."""
        today = datetime.combine(self._wall.date(), time())
        soon: set[datetime] = set()
        for choices in clocks:
            for day in days or [_Day(today, today + _DAY)]:
                moments = [day.at(clock) for clock in choices]
                fitting = [moment for moment in moments if day.covers(moment)] or moments
                if rule or not days:
                    found = (self._first(rule or "FREQ=DAILY", moment) for moment in fitting)
                    soon |= {moment for moment in found if moment is not None}
                else:
                    soon |= {moment for moment in fitting if moment > self._wall}
        # Of what comes again the clock as it was written comes first, however soon the other half of the day is.
        ordered = sorted(soon, key=lambda moment: (moment.time() if rule else time(), moment))
        return [Time(moment, rule or None) for moment in ordered[:_MOST_TIMES]]

    def _first(self, rule: str, begins: datetime) -> datetime | None:
        """Return the first time of a rule that is to come; every other one is counted from there."""
        plain = ";".join(part for part in rule.split(";") if not part.startswith(("INTERVAL", "COUNT")))
        zone = self._now.tzinfo
        assert zone is not None
        return next((moment for moment in repeat(plain, begins, zone, begins + _FAR) if moment > self._wall), None)

    # -- what is read ------------------------------------------------------------------------------------------

    def _rule(self) -> str:
        """Return the rule of a repetition; empty where there is none."""
        found = [(match, name) for name in _FIXED_RULES if (match := _rule(name).search(self._left))]
        for name in _OTHER_RULES:
            match = _rule(name).search(self._left)
            if match and (rule := _rule_of(groups(match), self._now)):
                found.append((match, rule))
        if not found:
            return ""
        match, rule = max(found, key=lambda item: (item[0].end() - item[0].start(), -item[0].start()))  # says most
        self._blank(match.start(), match.end())
        return rule

    def _distance(self) -> tuple[datetime, bool] | None:
        """Return what lies so far ahead, and whether that is a moment (in 20 minutes) or a day (in three days)."""
        found = self._take(_DISTANCE)
        if found is None:
            return None
        unit = "minute" if found["unit"].lower() == "min" else found["unit"]
        least, most, unit = read_distance(found["count"], unit)
        there = shifted(self._wall.replace(microsecond=0), unit, most)
        if unit == "hour":  # and a half, and 20 minutes
            there += timedelta(minutes=30 if "half" in found else read_distance(found.get("more", "0"), "minute")[1])
        if unit in ("minute", "hour"):
            return (there, True) if least == most else None
        return datetime.combine(there.date(), time()), False

    def _counted(self) -> tuple[list[_Day], Event | None]:
        """Return the days that are counted from another one, or what they are counted from where that is no day."""
        match = _EVENT.search(self._left)
        if match is None:
            return [], None
        found = groups(match)
        least, most, unit = read_distance(found.get("count", "a"), found["unit"])
        if least != most:
            return [], None
        count, words = (-most if "before" in found else most), found["event"]
        for span in time_spans(words, self._now):
            if span.end - span.start <= _LONGEST_FEAST:
                days = [shifted(day.start, unit, count) for day in self._coming(span, words)]
                first = self._left.index(words, match.start())
                at = first + words.index(span.words)
                for piece in ((match.start(), first), (at, at + len(span.words)), (first + len(words), match.end())):
                    self._blank(*piece)
                return [_Day(day, day + _DAY) for day in days], None
        self._blank(match.start(), match.end())
        return [], Event(words.strip(), match.start(), match.end(), unit, count)

    def _clocks(self) -> list[list[time]]:
        """Return the clocks that are named, each with all that it may mean: 8 in the morning or in the evening."""
        found: list[list[time]] = []
        for name in _FIXED_CLOCKS:
            while match := _rule(name).search(self._left):
                self._blank(match.start(), match.end())
                found.append([time.fromisoformat(name)])
        for match in list(_CLOCK.finditer(self._left)):
            if clock := _clock_of(groups(match)):
                self._blank(match.start(), match.end())
                found.append(clock)
        return found

    def _days(self) -> tuple[list[_Day], datetime | None, Lack | None]:
        """Return the days that are named, the end of a repetition, and what is wrong with other times."""
        text = self._left
        days: list[_Day] = []
        until: datetime | None = None
        unfit: Lack | None = None
        for span in time_spans(text, self._now):
            start, end = span.start.replace(tzinfo=None), span.end.replace(tzinfo=None)
            if start == FAR_PAST:
                until = end if end > self._wall else self._coming_end(span, text) or end
            elif end == FAR_FUTURE:
                days.append(_Day(start, start + _DAY))
            elif end - start <= _DAY:
                coming = list(self._coming(span, text))
                if not coming:
                    unfit = Lack.PAST
                    continue
                days += coming
            else:
                unfit = Lack.PAST if _PAST.search(span.words) else Lack.DAY
                continue
            at = self._left.find(span.words)
            self._blank(at, at + len(span.words))
        return days, until, unfit

    def _coming(self, span: TimeSpan, text: str) -> Iterator[_Day]:
        """Yield the day that is meant, and others that may be: a day that names no week, month or year is to come."""
        today = datetime.combine(self._wall.date(), time())
        start, end = span.start.replace(tzinfo=None), span.end.replace(tzinfo=None)
        if start >= today:
            yield _Day(start, end)
            monday = today - today.weekday() * _DAY
            if start < monday + 7 * _DAY and _NEXT_WEEKDAY.fullmatch(span.words):
                yield _Day(start + 7 * _DAY, end + 7 * _DAY)
            return
        if _PAST.search(span.words):
            return
        seen = {start}
        for days in _LATER:
            for later in time_spans(text, self._now + days * _DAY):
                there, over = later.start.replace(tzinfo=None), later.end.replace(tzinfo=None)
                if later.words == span.words and over > self._wall and there not in seen:
                    seen.add(there)
                    yield _Day(there, over)
                    if there > today:
                        return

    def _coming_end(self, span: TimeSpan, text: str) -> datetime | None:
        """Return the next end that is meant by "until Christmas", whose last one is over."""
        later = (other for days in _LATER for other in time_spans(text, self._now + days * _DAY))
        ends = (other.end.replace(tzinfo=None) for other in later if other.words == span.words)
        return next((end for end in ends if self._wall < end < FAR_FUTURE), None)

    # -- what is left ------------------------------------------------------------------------------------------

    def _take(self, wanted: Rule) -> dict[str, str] | None:
        match = wanted.search(self._left)
        if match is None:
            return None
        self._blank(match.start(), match.end())
        return groups(match)

    def _blank(self, first: int, last: int) -> None:
        """Take out what was read, with the word before it that leads to it."""
        joint = _JOINT.search(self._left[:first]) if first < last else None
        first = joint.start() if joint else first
        # By what ends a part of a sentence: it is no word, and what stands around it belongs to nothing beyond it.
        self._left = f"{self._left[:first]}{';' * (last - first)}{self._left[last:]}"
        self._text = f"{self._text[:first]}{' ' * (last - first)}{self._text[last:]}"

    def _rest(self) -> str:
        """Return what is to be said."""
        return _LEAD.sub("", " ".join(self._text.split()), count=1).strip(_AROUND)


def _rule(name: str) -> Rule:
    return Rule(_TOPIC, name, FLAGS)


def _rule_of(found: Mapping[str, str], now: datetime) -> str:
    """Return the rule of what a repetition names; empty for what is none."""
    days = [WEEKDAYS[day] for day in _weekdays(found.get("days", ""), now)]
    nth = next((number for name, number in _NTH.items() if name in found), None)
    every = ";INTERVAL=2" if "two" in found else ""
    if nth is not None:
        return f"FREQ=MONTHLY;BYDAY={nth}{days[0]}" if days else ""
    if "days" in found:
        return f"FREQ=WEEKLY{every};BYDAY={','.join(days)}" if days else ""
    if "day" in found:
        numbers = sorted({read_number(day) for day in _DAY_NUMBER.findall(found["day"])})
        fits = bool(numbers) and 1 <= numbers[0] <= numbers[-1] <= 31
        return f"FREQ=MONTHLY;BYMONTHDAY={','.join(map(str, numbers))}" if fits else ""
    least, most, unit = read_distance(found.get("count", "2"), found["unit"])
    if least != most or most < 1 or unit not in _FREQUENCIES:
        return ""
    return f"FREQ={_FREQUENCIES[unit]}" + (f";INTERVAL={most}" if most > 1 else "")


def _weekdays(text: str, now: datetime) -> list[int]:
    """Return the weekdays that are named, Monday is 0; Monday to Friday are five."""
    found: list[int] = []
    for span in time_spans(text, now):
        length = min((span.end - span.start) // _DAY, 7)
        found += [(span.start + number * _DAY).weekday() for number in range(length)]
    return sorted(set(found))


def _number(text: str) -> int:
    return words.NUMBERS[text.lower()] if text.lower() in words.NUMBERS else read_number(text)


def _clock_of(found: Mapping[str, str]) -> list[time]:
    """Return what a clock may mean; an hour alone is one of the morning or of the evening. Nothing for what is none."""
    try:
        hour = _number(found["hour"])
        minute = 30 if "half" in found else _QUARTERS.get(found.get("quarter", "")) or _number(found.get("minute", "0"))
        if "am" in found or "pm" in found:
            hours = [hour % 12 + (12 if "pm" in found else 0)] if 1 <= hour <= 12 else [hour]
        else:
            hours = [hour, (hour + 12) % 24] if 1 <= hour <= 12 and "minute" not in found else [hour]
        return [time(hour, minute) for hour in hours]
    except ValueError:
        return []
