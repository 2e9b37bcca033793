"""Feasts and public holidays by their names in English and Chinese, where they fall in the user's country.

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
    r"new\s+year'?s?\s+eve|hogmanay|跨年夜?": (12, 31),
    r"new\s+year'?s?\s+day": (1, 1),
    r"christmas\s+eve|xmas\s+eve|平安夜": (12, 24),
    r"christmas\s+day|xmas\s+day": (12, 25),
    r"boxing\s+day": (12, 26),
    r"valentine'?s?(?:\s+day)?|情人节": (2, 14),
    r"(?:saint|st\.?)\s+patrick'?s\s+day": (3, 17),
    r"april\s+fools?'?(?:\s+day)?|愚人节": (4, 1),
    r"hallowe'?en|万圣节": (10, 31),
    r"all\s+saints'?\s+day": (11, 1),
    r"(?:guy\s+fawkes|bonfire)\s+night": (11, 5),
    r"bastille\s+day": (7, 14),
    r"妇女节|三八节": (3, 8),
    r"青年节": (5, 4),
    r"儿童节": (6, 1),
    r"教师节": (9, 10),
    r"双十一|光棍节": (11, 11),
}
# First and last day, counted from Easter Sunday.
_BY_EASTER: Final[Mapping[str, tuple[int, int]]] = {
    r"easter\s+sunday": (0, 0),
    r"easter\s+monday": (1, 1),
    r"good\s+friday": (-2, -2),
    r"palm\s+sunday": (-7, -7),
    r"ash\s+wednesday": (-46, -46),
    r"(?:shrove\s+tuesday|pancake\s+day|mardi\s+gras)": (-47, -47),
    r"ascension\s+day": (39, 39),
    r"(?:pentecost|whit\s+sunday)": (49, 49),
    r"(?:pentecost|whit)\s+monday": (50, 50),
    r"corpus\s+christi": (60, 60),
    r"easter|复活节": (-2, 1),
}
# Month, weekday (Monday is 0) and which of the month.
_BY_WEEKDAY: Final[Mapping[str, tuple[int, int, int]]] = {
    r"mother'?s'?\s+day|母亲节": (5, 6, 2),
    r"father'?s'?\s+day|父亲节": (6, 6, 3),
    r"black\s+friday": (11, 4, 4),
}
_PUBLIC: Final[Mapping[str, _Public]] = {
    r"thanksgiving(?:\s+day)?|感恩节": _Public(r"^thanksgiving", ("US",)),
    r"labou?r\s+day|劳动节|五一(?![班号路])": _Public(r"^(?:international )?labou?r day|^workers' day", ("US",)),
    r"memorial\s+day": _Public(r"^memorial day", ("US",)),
    r"independence\s+day": _Public(r"independence day", ("US",)),
    r"veterans'?\s+day": _Public(r"^veterans", ("US",)),
    r"presidents'?\s+day": _Public(r"washington's birthday|presidents", ("US",)),
    r"columbus\s+day|indigenous\s+peoples'?\s+day": _Public(r"columbus|indigenous", ("US",)),
    r"martin\s+luther\s+king(?:,?\s+jr\.?)?(?:\s+day)?|mlk\s+day": _Public(r"^martin luther king", ("US",)),
    r"juneteenth": _Public(r"^juneteenth", ("US",)),
    r"canada\s+day": _Public(r"^canada day", ("CA",)),
    r"australia\s+day": _Public(r"^australia day", ("AU",)),
    r"anzac\s+day": _Public(r"^anzac day", ("AU", "NZ")),
    r"waitangi\s+day": _Public(r"^waitangi day", ("NZ",)),
    r"german\s+unity\s+day|day\s+of\s+german\s+unity": _Public(r"german unity", ("DE",)),
    r"republic\s+day": _Public(r"^republic day", ("IN",)),
    r"national\s+day|国庆节?": _Public(r"^national day", ("CN",)),
    r"diwali|deepavali|排灯节": _Public(r"^(?:diwali|deepavali)", ("IN", "SG")),
    r"holi": _Public(r"^holi\b", ("IN",)),
    r"vesak(?:\s+day)?": _Public(r"^vesak|buddha", ("SG",)),
    r"eid\s+al[- ]adha|古尔邦节": _Public(r"^eid al-adha", ("SG", "SA")),
    r"eid(?:\s+al[- ]fitr)?|开斋节": _Public(r"^eid al-fitr", ("SG", "SA")),
    r"passover|pesach": _Public(r"^pesach", ("IL",)),
    r"rosh\s+hashanah?": _Public(r"^rosh hashanah", ("IL",)),
    r"yom\s+kippur": _Public(r"^yom kippur", ("IL",)),
    r"(?:c?hanukk?ah|hanuka)": _Public(r"hanukkah", ("IL",)),
    r"(?:chinese|lunar)\s+new\s+year'?s?\s+eve|除夕|年三十|大年夜": _Public(r"^chinese new year's eve", ("CN",)),
    r"(?:chinese|lunar)\s+new\s+year|spring\s+festival|春节|大年初一|过年(?=[时那的])": _Public(
        r"^(?:second day of |third day of )?chinese new year(?!'s eve)", ("CN",)
    ),
    r"lantern\s+festival|元宵节?": _Public(r"^chinese new year(?!'s eve)", ("CN",), after=14),
    r"qingming(?:\s+festival)?|tomb[- ]sweeping\s+day|清明节?": _Public(r"^tomb-sweeping", ("CN",)),
    r"dragon\s+boat\s+festival|端午节?": _Public(r"^dragon boat", ("CN",)),
    r"mid[- ]autumn(?:\s+festival)?|moon\s+festival|中秋节?": _Public(r"^mid-autumn", ("CN",)),
    r"double\s+ninth(?:\s+festival)?|重阳节?": _Public(r"^double ninth", ("HK",)),
    r"tet(?:\s+holiday)?": _Public(r"^lunar new year$", ("VN",)),
    r"seollal": _Public(r"^korean new year", ("KR",)),
    r"chuseok": _Public(r"^chuseok", ("KR",)),
}
# Of a longer name and a shorter one that begins it, the longer one counts.
_NAMES: Final = (*_FIXED, *_BY_EASTER, *_BY_WEEKDAY, *_PUBLIC)


def _alternatives(chinese: bool) -> str:
    """Return what matches any feast's name in one language."""
    pieces = (piece for name in _NAMES for piece in re.split(r"\|(?![^(]*\))", name))
    return "|".join(piece for piece in pieces if piece.isascii() is not chinese)


ENGLISH: Final = _alternatives(chinese=False)
CHINESE: Final = _alternatives(chinese=True)


def feast(year: int, name: str) -> Window:
    """Return the days of a feast in a year, given a name that ENGLISH or CHINESE matches.

    Raises ValueError where it is not known for that year.
    """
    key = next(key for key in _NAMES if re.fullmatch(key, name, re.IGNORECASE | re.ASCII))
    if fixed := _FIXED.get(key):
        return _from(date(year, *fixed))
    if offsets := _BY_EASTER.get(key):
        from dateutil.easter import easter  # type: ignore[import-untyped]

        sunday = easter(year)
        return _from(sunday + offsets[0] * _DAY, sunday + offsets[1] * _DAY)
    if nth := _BY_WEEKDAY.get(key):
        return _from(_nth(year, *nth))
    return _public(year, _PUBLIC[key])


def is_feast(name: str) -> bool:
    """Say whether this is the English name of a feast."""
    return re.fullmatch(ENGLISH, name, re.IGNORECASE | re.ASCII) is not None


def is_yearly(name: str) -> bool:
    """Say whether a feast is on the same day of every year."""
    return any(re.fullmatch(key, name, re.IGNORECASE | re.ASCII) for key in _FIXED)


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
