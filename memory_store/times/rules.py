"""What the rules of all languages share: how a rule is written, and how counts and years are read."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib import import_module
from typing import Final

from memory_store.languages import LANGUAGES
from memory_store.times import feasts, windows, words
from memory_store.times.windows import Window

FLAGS: Final = re.ASCII | re.IGNORECASE
# How far a rule looks for cues around a word, in characters.
_NEAR: Final = 16


Found = re.Match[str]
# Returns the window that a match names; None, or ValueError or OverflowError, where it names none.
Rule = Callable[[Found, datetime], Window | None]
# Patterns and what they mean; of those that match at one place, the first counts.
Rules = tuple[tuple[str, Rule], ...]


@dataclass(frozen=True, slots=True)
class TimeRules:
    """The rules of a language: what they find begins at an `edge`, and holds something that is `telling`."""

    rules: Rules
    edge: str
    telling: str


def rules_of_languages() -> tuple[TimeRules, ...]:
    """Return the rules of each language."""
    return tuple(import_module(f"memory_store.languages.{language}.times").RULES for language in LANGUAGES)


def read_number(text: str) -> int:
    """Return the number of digits or Chinese numerals (十二, 二十三, 二〇二三). Raises ValueError for neither."""
    if text.isascii():
        return int(text)
    tens, ten, ones = text.partition("十")
    if not ten:
        return int("".join(str(words.DIGITS[sign]) for sign in text))
    if len(tens) > 1 or len(ones) > 1 or ones == "十":
        raise ValueError(f"{text} is no number")
    return (words.DIGITS[tens] if tens else 1) * 10 + (words.DIGITS[ones] if ones else 0)


def read_distance(count: str, unit: str) -> tuple[int, int, str]:
    """Return a distance as the least and the greatest number of a unit."""
    count, unit = count.lower(), unit.lower().removeprefix("个")
    unit = words.UNITS[unit] if unit in words.UNITS else unit.removesuffix("s")
    if unit in words.MULTIPLES:
        times, smaller = words.MULTIPLES[unit]
        least, most, _ = read_distance(count, smaller) if not count.startswith("half") else (1, 1, smaller)
        return times * least, times * most, smaller
    if count.startswith(("half", "半")):
        number, unit = words.HALVES[unit]
        return number, number, unit
    if "couple" in count:
        return 2, 3, unit
    if "few" in count or count in words.FEW:
        return 2, 6, unit
    number = words.NUMBERS[count] if count in words.NUMBERS else read_number(count)
    return number, number, unit


def read_year(found: Found, now: datetime) -> int | None:
    """Return the year that a date names, or None where it names none."""
    text: str | None = found["year"]
    if not text:
        return None
    if text in words.YEARS:
        return now.year + words.YEARS[text]
    if text.lower().endswith("year"):
        return now.year + words.WHICH[text.split()[0].lower()]
    number = read_number(text.removesuffix("年"))
    if len(text) > 3:
        return number
    return number + (1900 if number >= 70 else 2000)  # 98年5月, 23年5月


def in_year(found: Found, now: datetime, make: Callable[[int], Window]) -> Window:
    """Return what `make` gives for the year that a match names, or the latest begun where it names none."""
    year = read_year(found, now)
    return windows.occurrence(now, make, None) if year is None else make(year)


def feast(found: Found, now: datetime) -> Window | None:
    """Thanksgiving, New Year's Eve 2024, 去年春节"""
    name = feasts.identify(found, "feast")
    if name is None:
        return None
    window = in_year(found, now, lambda year: feasts.feast(year, name))
    return Window(window.start, window.end, window.yearly and feasts.is_yearly(name))


def before(found: Found) -> str:
    """Return the text close before a match."""
    return found.string[max(0, found.start() - _NEAR) : found.start()]


def after(found: Found) -> str:
    """Return the text close after a match."""
    return found.string[found.end() : found.end() + _NEAR]


def some_ago(found: Found, now: datetime) -> Window:
    """two weeks ago, a few days ago, 三天前"""
    return windows.ago(now, *read_distance(found["count"], found["unit"]))


def same_day_ago(found: Found, now: datetime) -> Window:
    """a year ago today, 两年前的今天: not blurred, because the day is named"""
    _, most, unit = read_distance(found["count"], found["unit"])
    return windows.day(windows.shifted(now + timedelta(days=words.DAYS[found["name"].lower()]), unit, -most))


def rolling(found: Found, now: datetime) -> Window:
    """the last two weeks, past month, 最近三天, 接下来两周"""
    _, most, unit = read_distance(found["count"] or "a", found["unit"])
    return windows.rolling(now, -most if found["which"].lower() in words.AHEAD else most, unit)


def named_day(found: Found, now: datetime) -> Window:
    """yesterday, 大前天"""
    return windows.day(now + timedelta(days=words.DAYS[found["name"].lower()]))


def part_of_named_day(found: Found, now: datetime) -> Window:
    """this morning, last night, 昨晚"""
    name = found["name"].lower()
    distance = words.DAYS[name] if name in words.DAYS else words.WHICH[name]
    return windows.part_of_day(windows.day(now + timedelta(days=distance)), found["part"].lower())


def weekend(found: Found, now: datetime) -> Window:
    """the weekend, 周末: the present one, or else the latest"""
    return windows.calendar_unit(now, "weekend", 0 if now.weekday() >= 5 else -1)
