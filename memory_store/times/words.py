"""The words of times of all languages together."""

from __future__ import annotations

from collections import ChainMap
from importlib import import_module
from typing import Final

from memory_store.languages import LANGUAGES
from memory_store.languages.times import TimeWords

_ALL: Final[tuple[TimeWords, ...]] = tuple(
    import_module(f"memory_store.languages.{language}.words").WORDS for language in LANGUAGES
)
NUMBERS: Final = ChainMap(*(dict(known.numbers) for known in _ALL))
DIGITS: Final = ChainMap(*(dict(known.digits) for known in _ALL))
UNITS: Final = ChainMap(*(dict(known.units) for known in _ALL))
FEW: Final = frozenset().union(*(known.few for known in _ALL))
AHEAD: Final = frozenset().union(*(known.ahead for known in _ALL))
SEASONS: Final = ChainMap(*(dict(known.seasons) for known in _ALL))
DAY_PARTS: Final = ChainMap(*(dict(known.day_parts) for known in _ALL))
DAYS: Final = ChainMap(*(dict(known.days) for known in _ALL))
YEARS: Final = ChainMap(*(dict(known.years) for known in _ALL))
WHICH: Final = ChainMap(*(dict(known.which) for known in _ALL))
THIRDS: Final = ChainMap(*(dict(known.thirds) for known in _ALL))
DATE_WORDS: Final = tuple(known.date_words for known in _ALL)

# Units that are so many of another one.
MULTIPLES: Final = {"fortnight": (2, "week"), "decade": (10, "year")}
# Half a unit, as a number of a smaller one.
HALVES: Final = {
    "year": (6, "month"),
    "month": (2, "week"),
    "week": (3, "day"),
    "day": (12, "hour"),
    "hour": (30, "minute"),
    "minute": (1, "minute"),
}
# Signs that are read as another one of the same length: full-width digits, spaces, dashes, apostrophes.
FOLD: Final = {0xFF10 + digit: str(digit) for digit in range(10)} | str.maketrans(
    "\u00a0\u3000\u2018\u2019\u02bc\u2010\u2011\u2012\u2013\u2014\u2015\uff0d\uff0f\uff0c\uff5e\u301c\uff1f",
    "  '''-------/,~~?",
)
