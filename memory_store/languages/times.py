"""What a language knows of times: its words, and the rules that read them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

# First month and day, then month and day after the last one.
Season = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class TimeWords:
    """The words of times in lower case, each with what it means; names of units and seasons are the English ones.

    `numbers` are words, `digits` signs that are one figure each. `few` are words for an unknown small number, `ahead`
    for a time that begins now. `seasons` are of the northern half of the earth, by whole months, and feasts of some
    days. `day_parts` are hours from midnight; a night ends on the next day. `days`, `years` and `which` are distances
    from the present one; `thirds` name the first (0), middle or last third of a longer time.
    """

    numbers: Mapping[str, int] = field(default_factory=dict)
    digits: Mapping[str, int] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    few: frozenset[str] = frozenset()
    ahead: frozenset[str] = frozenset()
    seasons: Mapping[str, Season] = field(default_factory=dict)
    day_parts: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    days: Mapping[str, int] = field(default_factory=dict)
    years: Mapping[str, int] = field(default_factory=dict)
    which: Mapping[str, int] = field(default_factory=dict)
    thirds: Mapping[str, int] = field(default_factory=dict)
    # The ways in which people type the day of a moment, for the full-text index.
    date_words: Callable[[datetime], str] = str
