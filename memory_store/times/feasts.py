"""Feasts and public holidays, where they fall in the user's country; each language names them in its feasts.txt.

Those of one day everywhere are listed here; all others, those of the moon too, are computed by `holidays`, which is
imported when a query names one of them.
"""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Final, NamedTuple

from memory_store.languages import patterns
from memory_store.times.windows import Window

_DAY: Final = timedelta(days=1)
_ZONE_FILE: Final = Path("/etc/localtime")
_ZONES: Final = Path("/usr/share/zoneinfo/zone.tab")
_TERRITORY: Final = re.compile(r"^[A-Za-z]{2,3}_([A-Za-z]{2})\b")


class _Public(NamedTuple):
    """A holiday by its name in `holidays`: a pattern of the English one, and where to look if there is none at home.

    `after` is how many days after it the feast is that is meant.
    """

    pattern: str
    countries: tuple[str, ...]
    after: int = 0


# Month and day, for feasts on one day of every year.
_FIXED: Final[Mapping[str, tuple[int, int]]] = {
    "new year's eve": (12, 31),
    "new year's day": (1, 1),
    "christmas eve": (12, 24),
    "christmas day": (12, 25),
    "boxing day": (12, 26),
    "valentine's day": (2, 14),
    "saint patrick's day": (3, 17),
    "april fools' day": (4, 1),
    "halloween": (10, 31),
    "all saints' day": (11, 1),
    "guy fawkes night": (11, 5),
    "bastille day": (7, 14),
    "women's day": (3, 8),
    "youth day": (5, 4),
    "children's day": (6, 1),
    "teachers' day": (9, 10),
    "singles' day": (11, 11),
}
# First and last day, counted from Easter Sunday.
_BY_EASTER: Final[Mapping[str, tuple[int, int]]] = {
    "easter sunday": (0, 0),
    "easter monday": (1, 1),
    "good friday": (-2, -2),
    "palm sunday": (-7, -7),
    "ash wednesday": (-46, -46),
    "shrove tuesday": (-47, -47),
    "ascension day": (39, 39),
    "pentecost": (49, 49),
    "pentecost monday": (50, 50),
    "corpus christi": (60, 60),
    "easter": (-2, 1),
}
# Month, weekday (Monday is 0) and which of the month.
_BY_WEEKDAY: Final[Mapping[str, tuple[int, int, int]]] = {
    "mother's day": (5, 6, 2),
    "father's day": (6, 6, 3),
    "black friday": (11, 4, 4),
}
_PUBLIC: Final[Mapping[str, _Public]] = {
    "thanksgiving day": _Public(r"^thanksgiving", ("US",)),
    "labour day": _Public(r"^(?:international )?labou?r day|^workers' day", ("US",)),
    "memorial day": _Public(r"^memorial day", ("US",)),
    "independence day": _Public(r"independence day", ("US",)),
    "veterans day": _Public(r"^veterans", ("US",)),
    "presidents day": _Public(r"washington's birthday|presidents", ("US",)),
    "columbus day": _Public(r"columbus|indigenous", ("US",)),
    "martin luther king day": _Public(r"^martin luther king", ("US",)),
    "juneteenth": _Public(r"^juneteenth", ("US",)),
    "canada day": _Public(r"^canada day", ("CA",)),
    "australia day": _Public(r"^australia day", ("AU",)),
    "anzac day": _Public(r"^anzac day", ("AU", "NZ")),
    "waitangi day": _Public(r"^waitangi day", ("NZ",)),
    "german unity day": _Public(r"german unity", ("DE",)),
    "republic day": _Public(r"^republic day", ("IN",)),
    "national day": _Public(r"^national day", ("CN",)),
    "diwali": _Public(r"^(?:diwali|deepavali)", ("IN", "SG")),
    "holi": _Public(r"^holi\b", ("IN",)),
    "vesak day": _Public(r"^vesak|buddha", ("SG",)),
    "eid al adha": _Public(r"^eid al-adha", ("SG", "SA")),
    "eid al fitr": _Public(r"^eid al-fitr", ("SG", "SA")),
    "passover": _Public(r"^pesach", ("IL",)),
    "rosh hashanah": _Public(r"^rosh hashanah", ("IL",)),
    "yom kippur": _Public(r"^yom kippur", ("IL",)),
    "chanukkah": _Public(r"hanukkah", ("IL",)),
    "chinese new year's eve": _Public(r"^chinese new year's eve", ("CN",)),
    "chinese new year": _Public(r"^(?:second day of |third day of )?chinese new year(?!'s eve)", ("CN",)),
    "lantern festival": _Public(r"^chinese new year(?!'s eve)", ("CN",), after=14),
    "qingming festival": _Public(r"^tomb-sweeping", ("CN",)),
    "dragon boat festival": _Public(r"^dragon boat", ("CN",)),
    "mid autumn festival": _Public(r"^mid-autumn", ("CN",)),
    "double ninth festival": _Public(r"^double ninth", ("HK",)),
    "tet holiday": _Public(r"^lunar new year$", ("VN",)),
    "seollal": _Public(r"^korean new year", ("KR",)),
    "chuseok": _Public(r"^chuseok", ("KR",)),
}


@functools.cache
def names(language: str) -> str:
    """Return the pattern of any feast's name in a language."""
    return "|".join(text for pairs in patterns("feasts").values() for spoken, text in pairs if spoken == language)


def identify(found: re.Match[str], group: str) -> str | None:
    """Return which feast a group of a match names, as it is called here; None for none."""
    begin, end = found.span(group)
    for name, pairs in patterns("feasts").items():
        matches = (re.compile(text, re.IGNORECASE | re.ASCII).match(found.string, begin) for _, text in pairs)
        if any(match is not None and match.end() == end for match in matches):
            return name
    return None


def feast(year: int, name: str) -> Window:
    """Return the days in a year of a feast by what it is called here. Raises ValueError where that is not known."""
    if fixed := _FIXED.get(name):
        return _from(date(year, *fixed))
    if offsets := _BY_EASTER.get(name):
        from dateutil.easter import easter

        sunday = easter(year)
        return _from(sunday + offsets[0] * _DAY, sunday + offsets[1] * _DAY)
    if nth := _BY_WEEKDAY.get(name):
        return _from(_nth(year, *nth))
    return _public(year, _PUBLIC[name])


def is_yearly(name: str) -> bool:
    """Say whether a feast is on the same day of every year."""
    return name in _FIXED


def _from(first: date, last: date | None = None) -> Window:
    start = datetime(first.year, first.month, first.day)
    return Window(start, start + ((last or first) - first + _DAY))


def _nth(year: int, month: int, weekday: int, which: int) -> date:
    first = date(year, month, 1)
    return first + ((weekday - first.weekday()) % 7 + 7 * (which - 1)) * _DAY


def _public(year: int, wanted: _Public) -> Window:
    for country in dict.fromkeys((home(), *wanted.countries)):
        days = [day for day, name in _holidays_of(country, year) if re.search(wanted.pattern, name)]
        if days:
            if wanted.after:
                return _from(days[0] + wanted.after * _DAY)
            return _from(*_longest(days))
    raise ValueError(f"no country near has it in {year}")


def _longest(days: list[date]) -> tuple[date, date]:
    """Return the ends of the longest run of days: the eight of a feast, not the last two of that of the year before."""
    runs = [(first, next(day for day in days if day >= first and day + _DAY not in days)) for first in days]
    return max(runs, key=lambda run: run[1] - run[0])


@functools.lru_cache(maxsize=64)
def _holidays_of(country: str, year: int) -> tuple[tuple[date, str], ...]:
    """Return a country's holidays of a year in their order, with their names in English and lower case."""
    import holidays

    try:
        known = holidays.country_holidays(country)
        language = "en_US" if "en_US" in known.supported_languages else known.default_language
        found = holidays.country_holidays(country, years=year, language=language, categories=known.supported_categories)
    except NotImplementedError:
        return ()  # no calendar is known of this country
    return tuple(
        (day, name.lower())
        for day, names in sorted(found.items())
        for name in names.split("; ")
        if "observed" not in name
    )


@functools.cache
def home() -> str:
    """Return the country that the system's time zone lies in, else that of its locale, by two letters; "" for none."""
    return _of_zone(_system_zone()) or _of_locale()


def _system_zone() -> str:
    named = os.environ.get("TZ", "").removeprefix(":")
    if named:
        return named
    try:
        return str(_ZONE_FILE.readlink()).partition("zoneinfo/")[2]
    except OSError:  # a copy instead of a link, or another platform: the locale tells then
        return ""


def _of_zone(zone: str) -> str:
    try:
        lines = _ZONES.read_text("utf-8").splitlines()
    except OSError:  # a system without the list
        return ""
    rows = (line.split("\t") for line in lines if not line.startswith("#"))
    return next((row[0] for row in rows if len(row) > 2 and row[2] == zone), "")


def _of_locale() -> str:
    value = next((os.environ[name] for name in ("LC_ALL", "LC_TIME", "LANG") if os.environ.get(name)), "")
    territory = _TERRITORY.match(value)
    return territory.group(1).upper() if territory else ""
