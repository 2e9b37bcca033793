"""The times that a query speaks of, in each language that is known, resolved against the time of asking."""

from __future__ import annotations

import functools
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from memory_store.expression import Expression
from memory_store.folding import CJK_RUN, simplified_signs
from memory_store.languages import Rule, groups
from memory_store.times.rules import FLAGS, TimeRules, read_distance, rules_of_languages
from memory_store.times.windows import Window, ago, in_other_year, part_of_day, shifted, third_of
from memory_store.times.words import DATE_WORDS, FOLD, THIRDS

# The open ends of "before 2020" and "since March", in local time: far from the ends of the calendar, so that a change
# of zone never leaves it. What a query names beyond them is ignored.
FAR_PAST: Final = datetime(1000, 1, 1)
FAR_FUTURE: Final = datetime(3000, 1, 1)
_DAY: Final = timedelta(days=1)
# How far before a time the words that belong to it may begin, in characters.
_LEAD: Final = 48
# How many times one language may name; a pasted calendar must not hold up a recall.
_MOST: Final = 64

_THIRD_BEFORE: Final = Rule("times", "third before", FLAGS)
_EDGE_BEFORE: Final = Rule("times", "edge before", FLAGS)
_THIRD_AFTER: Final = Rule("times", "third after", FLAGS)
_PART_AFTER: Final = Rule("times", "part after", FLAGS)
_CONNECTOR: Final = Rule("times", "connector", FLAGS)
_RANGE_BEFORE: Final = Rule("times", "range before", FLAGS)
_RANGE_AFTER: Final = Rule("times", "range after", FLAGS)
_NEXT_TO: Final = Rule("times", "next to", FLAGS)
_SO_FAR_BEHIND: Final = Rule("times", "so far behind", FLAGS)
_OPEN_BEFORE: Final = Rule("times", "open before", FLAGS)
_OPEN_AFTER: Final = Rule("times", "open after", FLAGS)
# What asks for words by the time at which they were written.
_ASKS_WHEN: Final = Rule("times", "asks when", FLAGS)
_SAID: Final = Rule("times", "said", FLAGS)
_WORKS: Final = Rule("times", "works", FLAGS)
_RECORD_BEFORE: Final = Rule("times", "record before", FLAGS)
_RECORD_AFTER: Final = Rule("times", "record after", FLAGS)
_TOPIC_BEFORE: Final = Rule("times", "topic before", FLAGS)
_SELF_BEFORE: Final = Rule("times", "self before", FLAGS)
_SAID_AFTER: Final = Rule("times", "said after", FLAGS)


@dataclass(frozen=True, slots=True)
class TimeSpan:
    """From `start` inclusive to `end` exclusive, aware, in the zone of the time of asking.

    `words` is the expression as it stands in the query, without "in" or "on". `yearly`: no year was named ("in May",
    "5月2日"); `start` and `end` are then the latest that has begun, and the same days of every year are meant as well.
    """

    start: datetime
    end: datetime
    words: str
    yearly: bool = False

    def contains(self, moment: datetime) -> bool:
        """Return whether an aware moment lies in the span; in any year for a yearly one."""
        wall = self._wall(moment)
        return any(window.start <= wall < window.end for window in self._windows(wall))

    def distance_days(self, moment: datetime) -> float:
        """Return 0 inside, else the days from an aware moment to the nearest edge, in any year for a yearly span."""
        wall = self._wall(moment)
        return min(max((window.start - wall) / _DAY, (wall - window.end) / _DAY, 0.0) for window in self._windows(wall))

    def _wall(self, moment: datetime) -> datetime:
        return moment.astimezone(self.start.tzinfo).replace(tzinfo=None)

    def _windows(self, wall: datetime) -> Iterator[Window]:
        """Yield the span, and for a yearly one its repetitions around a moment."""
        window = Window(self.start.replace(tzinfo=None), self.end.replace(tzinfo=None))
        yield window
        if self.yearly:
            for year in range(wall.year - 1, wall.year + 2):
                repeated = in_other_year(window, year - window.start.year)
                if repeated is not None:
                    yield repeated


@dataclass(frozen=True, slots=True)
class _Phrase:
    """A window, and where its words stand in the text."""

    window: Window
    first: int
    last: int


class _Grammar:
    """Rules of one language, found in one pass: one expression tells which rule matches, then that rule reads.

    Expressions are compiled at their first use: all of them together take 70 ms.
    """

    def __init__(self, known: TimeRules) -> None:
        self._rules = known.rules
        self._edge = known.edge
        self._telling = Expression(known.telling, FLAGS)

    @functools.cached_property
    def _finder(self) -> re.Pattern[str]:
        nameless = (re.sub(r"\(\?P<\w+>", "(?:", pattern) for pattern, _ in self._rules)
        return re.compile(f"{self._edge}(?:{'|'.join(f'({pattern})' for pattern in nameless)})", FLAGS)

    def phrases(self, text: str, now: datetime) -> Iterator[_Phrase]:
        """Yield the single times in their order; what is no time after all ("31 February") is passed over."""
        if not self._telling.search(text):
            return
        for match in self._finder.finditer(text):
            pattern, rule = self._rules[(match.lastindex or 1) - 1]
            found = _compiled(pattern).match(text, match.start())
            try:
                window = rule(found, now) if found else None
            except (ValueError, OverflowError):
                continue  # there is no such day, or it is beyond the calendar
            if window is not None:
                yield _Phrase(window, match.start(), match.end())


@functools.cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, FLAGS)


_GRAMMARS: Final = tuple(map(_Grammar, rules_of_languages()))


def time_spans(query: str, asked_at: datetime) -> tuple[TimeSpan, ...]:
    """Return the times that a query speaks of, in their order and without overlaps; none for a query without any.

    "since", "before" and their like reach to FAR_FUTURE and FAR_PAST. Raises ValueError for an `asked_at` without zone.
    """
    if asked_at.tzinfo is None:
        raise ValueError("the time of asking needs a zone")
    zone = asked_at.tzinfo
    return tuple(
        TimeSpan(
            phrase.window.start.replace(tzinfo=zone),
            phrase.window.end.replace(tzinfo=zone),
            query[phrase.first : phrase.last],
            phrase.window.yearly,
        )
        for phrase in _phrases(_folded(query), asked_at.replace(tzinfo=None))
        if FAR_PAST <= phrase.window.start < phrase.window.end <= FAR_FUTURE
    )


def asks_for_time_of_writing(query: str) -> bool:
    """Return whether the query clearly asks for what was said, written or discussed in the time that it names.

    "What did I write yesterday?" and "my notes from last week" do; "What happened in 2019?" asks for the time of an
    event, and so do "When …?", "What did I say about 2019?" and "Did I mention that I moved in 2019?".
    """
    text = _folded(query)
    if _ASKS_WHEN.search(text):
        return False
    # Any day serves: only where the times stand in the text is asked for.
    phrases = _phrases(text, datetime(2024, 6, 15))
    around = [(text[max(0, phrase.first - 2 * _LEAD) : phrase.first], text[phrase.last :]) for phrase in phrases]
    if any(_RECORD_BEFORE.search(before) or _RECORD_AFTER.match(after) for before, after in around):
        return True
    if not around or _WORKS.search(text) or any(_TOPIC_BEFORE.search(before) for before, _ in around):
        return False
    return bool(_SAID.search(text)) or any(
        _SELF_BEFORE.search(before) and _SAID_AFTER.match(after) for before, after in around
    )


def _folded(query: str) -> str:
    """Return a query as the rules read it, sign for sign: straight marks, simplified Chinese."""
    text = query.translate(FOLD)
    if CJK_RUN.search(text):
        for sign in set(text) & simplified_signs().keys():
            text = text.replace(sign, simplified_signs()[sign])
    return text


def date_words(moment: datetime) -> str:
    """Return the ways people type the day of a moment, each word once: for the full-text index."""
    return " ".join(write(moment) for write in DATE_WORDS)


def _phrases(text: str, now: datetime) -> list[_Phrase]:
    """Return the times of a folded text: singles made narrower, joined to ranges, or opened to one side."""
    singles: list[_Phrase] = []
    found = [phrase for known in _GRAMMARS for phrase in itertools.islice(known.phrases(text, now), _MOST)]
    for phrase in sorted(found, key=lambda phrase: (phrase.first, -phrase.last)):
        if not singles or phrase.first >= singles[-1].last:
            singles.append(phrase)
    firsts = [phrase.first for phrase in singles[1:]] + [len(text)]
    floor = 0
    for at, phrase in enumerate(singles):
        singles[at] = _narrowed(text, phrase, floor, firsts[at])
        floor = singles[at].last
    result: list[_Phrase] = []
    at = floor = 0
    while at < len(singles):
        phrase, ceiling = singles[at], firsts[at]
        if at + 1 < len(singles):
            joined = _joined(text, phrase, singles[at + 1], floor)
            if joined is not None:
                at += 1
                phrase, ceiling = joined, firsts[at]
        at += 1
        try:
            result.append(_opened(text, phrase, floor, ceiling))
        except (ValueError, OverflowError):
            continue  # "the year before" the first one
        floor = result[-1].last
    return result


def _narrowed(text: str, phrase: _Phrase, floor: int, ceiling: int) -> _Phrase:
    """Take in a part of a day after it, or a part of a longer time around it: early May, 昨天下午, 去年年底."""
    window, first, last = phrase.window, phrase.first, phrase.last
    if window.end - window.start == _DAY:
        part = _PART_AFTER.match(text, last, ceiling)
        if part is None:
            return phrase
        return _Phrase(part_of_day(window, groups(part)["part"].lower()), first, part.end())
    if window.end - window.start < 3 * _DAY:
        return phrase
    lead = text[max(floor, first - _LEAD) : first]
    if edge := _EDGE_BEFORE.search(lead):
        named = groups(edge)
        length = _DAY if named["unit"].lower() == "day" else 7 * _DAY
        last_one = named["edge"].lower() == "last"
        start = window.end - length if last_one else window.start
        return _Phrase(Window(start, start + length, window.yearly), first - len(lead) + edge.start(), last)
    if third := _THIRD_BEFORE.search(lead):
        name = groups(third)["third"].lower()
        return _Phrase(third_of(window, THIRDS[name]), first - len(lead) + third.start(), last)
    if after := _THIRD_AFTER.match(text, last, ceiling):
        return _Phrase(third_of(window, THIRDS[groups(after)["third"]]), first, after.end())
    return phrase


def _joined(text: str, left: _Phrase, right: _Phrase, floor: int) -> _Phrase | None:
    """Return the range from one time to the next where the words between say so; "and" needs a "between"."""
    connector = _CONNECTOR.fullmatch(text, left.last, right.first)
    if connector is None:
        return None
    lead = text[max(floor, left.first - _LEAD) : left.first]
    before, after = _RANGE_BEFORE.search(lead), _RANGE_AFTER.match(text, right.last)
    if "and" in groups(connector) and not (after or (before and "both" in groups(before))):
        return None
    window = _range(left.window, right.window)
    if window is None:
        return None
    first = left.first - len(lead) + before.start() if before else left.first
    return _Phrase(window, first, after.end() if after else right.last)


def _range(left: Window, right: Window) -> Window | None:
    """Return the range between two times; one that names no year takes it from the other, so that it fits."""
    start: Window | None = left
    end: Window | None = right
    if left.yearly:
        years = 0 if right.yearly else right.start.year - left.start.year
        start = in_other_year(left, years)
        if start is not None and start.start > right.start:
            start = in_other_year(left, years - 1)
    elif right.yearly:
        end = in_other_year(right, left.start.year - right.start.year)
        if end is not None and end.end <= left.start:
            end = in_other_year(right, left.start.year - right.start.year + 1)
    elif left.end - left.start == right.end - right.start == _DAY and timedelta() < left.start - right.start < 7 * _DAY:
        start = Window(
            left.start - 7 * _DAY, left.end - 7 * _DAY
        )  # "Monday to Friday" on a Tuesday: of the week before
    if start is None or end is None or start.start >= end.end:
        return None
    return Window(start.start, end.end, left.yearly and right.yearly)


def _opened(text: str, phrase: _Phrase, floor: int, ceiling: int) -> _Phrase:
    """Take in the words that open a time to one side: since March, before 2020, 3月以来; or that name its neighbour."""
    window = phrase.window
    lead = text[max(floor, phrase.first - _LEAD) : phrase.first]
    start_of_lead = phrase.first - len(lead)
    if neighbour := _NEXT_TO.search(lead):
        named = groups(neighbour)
        unit, first = named["unit"].lower(), start_of_lead + neighbour.start()
        before_it = "before" in named
        if "count" in named:
            return _Phrase(_so_far_from(window, named["count"], unit, before_it), first, phrase.last)
        if before_it:
            return _Phrase(Window(shifted(window.start, unit, -1), window.start), first, phrase.last)
        return _Phrase(Window(window.end, shifted(window.end, unit, 1)), first, phrase.last)
    if far := _SO_FAR_BEHIND.match(text, phrase.last, ceiling):
        named = groups(far)
        before_it = "before" in named
        return _Phrase(_so_far_from(window, named["count"], named["unit"], before_it), phrase.first, far.end())
    before, after = _OPEN_BEFORE.search(lead), _OPEN_AFTER.match(text, phrase.last, ceiling)
    side = _side(before, after)
    if side is None:
        return phrase
    opened = {
        "since": Window(window.start, FAR_FUTURE),
        "after": Window(window.end, FAR_FUTURE),
        "before": Window(FAR_PAST, window.start),
        "until": Window(FAR_PAST, window.end),
    }[side]
    first = start_of_lead + before.start() if before else phrase.first
    return _Phrase(opened, first, after.end() if after else phrase.last)


def _so_far_from(window: Window, count: str, unit: str, before: bool) -> Window:
    """Return what lies so many units before a time, or after it: two days before Christmas, 春节前三天."""
    least, most, unit = read_distance(count, unit)
    found = ago(window.start, least, most, unit) if before else ago(window.end - _DAY, -most, -least, unit)
    return Window(found.start, found.end, window.yearly)


def _side(before: re.Match[str] | None, after: re.Match[str] | None) -> str | None:
    """Return "since", "after", "before" or "until" as the words around a time say, or None where they say nothing."""
    behind = next(iter(groups(after)), None) if after else None
    ahead = next(iter(groups(before)), None) if before else None
    if ahead == behind == "beginning":
        return "since"
    return next((side for side in (behind, ahead) if side not in (None, "beginning")), None)
