"""Tells what a cell of a table holds by its text: a word, a number, a date, an address, a code."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from enum import Enum, auto
from typing import Final

_MONEY: Final = r"(?:[€$£¥₹]|EUR|USD|GBP|CHF|JPY|CNY|RMB|SEK|NOK|DKK|PLN|CZK|元|円)"
_NUMBER: Final = re.compile(
    rf"{_MONEY}?\s*[(+−–-]?\s*{_MONEY}?\s*\d[\d.,'’\s]*\)?(?:%|‰|°C?|{_MONEY})?(?:[eE][+-]?\d+)?",
    re.IGNORECASE,
)
_YEAR: Final = re.compile(r"(?:FY\s?)?(?:1[89]|20|21)\d\d(?:\s?[/–-]\s?\d{2,4})?年?")
_DATE: Final = re.compile(
    r"\d{1,4}([./-])\s?\d{1,2}\1\s?\d{0,4}(?:[T\s,]+\d{1,2}:\d{2}(?::\d{2})?.*)?|(?:\d{2,4}年)?\d{1,2}月\d{1,2}日|\d{2,4}年\d{1,2}月"
)
_TIME: Final = re.compile(r"\d{1,3}:\d{2}(?::\d{2})?(?:\s?[ap]\.?m\.?)?", re.IGNORECASE)
_TRUTH: Final = re.compile(r"true|false|yes|no|ja|nein|oui|non|是|否|[xX✓✔✗☐☑☒–-]", re.IGNORECASE)
_LABEL: Final = re.compile(r"(\D*?)[ _.-]?(\d{1,4})")
_MOST_CHARS: Final = 60
_DIGITS, _LETTERS = re.compile(r"\d+"), re.compile(r"[^\W\d_]+")


class Kind(Enum):
    """What a cell holds."""

    TEXT = auto()
    NUMBER = auto()
    YEAR = auto()
    DATE = auto()
    TIME = auto()
    TRUTH = auto()
    ADDRESS = auto()
    CODE = auto()


def kind_of(cell: str) -> Kind:
    """Return what a cell holds; it is text where nothing else is plain."""
    text = cell.strip()
    if len(text) > _MOST_CHARS:
        return Kind.TEXT
    if "://" in text or ("@" in text and " " not in text):
        return Kind.ADDRESS
    if not any(character.isdigit() for character in text):
        return Kind.TRUTH if _TRUTH.fullmatch(text) else Kind.TEXT
    for pattern, kind in ((_YEAR, Kind.YEAR), (_DATE, Kind.DATE), (_TIME, Kind.TIME), (_NUMBER, Kind.NUMBER)):
        if pattern.fullmatch(text):
            return kind
    return Kind.CODE if len(text.split()) == 1 or sum(map(str.isdigit, text)) * 2 > len(text) else Kind.TEXT


def shape_of(cell: str) -> str:
    """Return what a cell looks like, such as `A0-0` for `KX-5512/3`: codes of one column look alike."""
    return _LETTERS.sub("A", _DIGITS.sub("0", cell))


def are_labels(cells: Sequence[str]) -> bool:
    """Say whether most of the cells are counted on, as in `q1, q2, q3` or `Item, 1, 2, 3`."""
    found = [(match[1], int(match[2])) for cell in cells if (match := _LABEL.fullmatch(cell.strip()))]
    if len(found) < 3 or len(found) * 2 < len(cells):
        return False
    pairs = list(itertools.pairwise(found))
    counted_on = sum(pair[0] == other[0] and other[1] == pair[1] + 1 for pair, other in pairs)
    return bool(counted_on >= 0.9 * len(pairs))
