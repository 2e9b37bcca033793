"""The English words of times."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from memory_store.languages.times import TimeWords

_MONTHS: Final = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
_WEEKDAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
# By their first three letters.
MONTHS: Final = {name[:3].lower(): number for number, name in enumerate(_MONTHS, start=1)}
WEEKDAYS: Final = {name[:3].lower(): number for number, name in enumerate(_WEEKDAYS)}
_NUMBERS: Final = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen"
_ORDINALS: Final = (
    "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth fifteenth "
    "sixteenth seventeenth eighteenth nineteenth twentieth twenty-first twenty-second twenty-third twenty-fourth "
    "twenty-fifth twenty-sixth twenty-seventh twenty-eighth twenty-ninth thirtieth thirty-first"
)
ORDINALS: Final = {word: number for number, word in enumerate(_ORDINALS.split(), start=1)}
_DECADES: Final = "thirties forties fifties sixties seventies eighties nineties"
DECADES: Final = {word: 10 * number for number, word in enumerate(_DECADES.split(), start=3)}


def _date_words(moment: datetime) -> str:
    number = moment.day
    ending = "th" if 11 <= number <= 13 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{_WEEKDAYS[moment.weekday()]} {number} {_MONTHS[moment.month - 1]} {number}{ending} {moment.year}"


WORDS: Final = TimeWords(
    numbers={"a": 1, "an": 1, "twenty": 20, "thirty": 30}
    | {word: number for number, word in enumerate(_NUMBERS.split(), start=1)},
    few=frozenset({"several"}),
    ahead=frozenset({"next", "coming"}),
    seasons={
        "spring": (3, 1, 6, 1),
        "summer": (6, 1, 9, 1),
        "autumn": (9, 1, 12, 1),
        "fall": (9, 1, 12, 1),
        "winter": (12, 1, 3, 1),
        "christmas": (12, 24, 12, 27),
    },
    day_parts={"morning": (4, 12), "afternoon": (12, 18), "evening": (17, 24), "night": (18, 28)},
    days={"today": 0, "yesterday": -1, "tomorrow": 1},
    which={"last": -1, "previous": -1, "past": -1, "this": 0, "current": 0, "next": 1, "coming": 1},
    thirds={"early": 0, "beginning": 0, "start": 0, "mid": 1, "middle": 1, "late": 2, "end": 2},
    date_words=_date_words,
)
