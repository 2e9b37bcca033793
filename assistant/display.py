"""Makes foreign text safe to show: no terminal escapes, no control characters, no direction overrides."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Final

# The first screen is painted with this module, before memory is loaded.
if TYPE_CHECKING:
    from memory_store.models import Reason

# CSI and OSC sequences whole, then whatever other control characters and bidi overrides are left.
_ESCAPES: Final = re.compile(
    r"\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[P^_X][^\x1b]*(?:\x1b\\)?|[\x1b\x9b]\[?[0-?]*[ -/]*[@-~]?"
)
_CONTROLS: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufffe\ufeff\U000e0000-\U000e007f]"
)

# On one line; `search --explain` shows all.
_MOST_SIGNALS: Final = 3


def plain(text: str, *, one_line: bool = False) -> str:
    """Return the text as it may go to a terminal. With `one_line`, white space of any kind becomes single spaces."""
    cleaned = _CONTROLS.sub("", _ESCAPES.sub("", text.replace("\r\n", "\n").replace("\r", "\n")))
    cleaned = cleaned.encode("utf-8", "replace").decode("utf-8")
    return " ".join(cleaned.split()) if one_line else cleaned


def excerpt(text: str, length: int) -> str:
    """Return the beginning of a text on one line, at most `length` characters, an ellipsis where it was cut."""
    line = plain(text, one_line=True)
    return line if len(line) <= length else line[: length - 1].rstrip() + "…"


def path_end(path: str, length: int) -> str:
    """Return the end of a path, which tells files apart, at most `length` characters, an ellipsis where it was cut."""
    line = plain(path, one_line=True)
    return line if len(line) <= length else "…" + line[1 - length :]


def main_signals(reasons: Iterable[Reason]) -> list[str]:
    """Return the names of the few signals that spoke most for a hit, the strongest first, from its ordered reasons."""
    return [reason.signal for reason in reasons if reason.contribution > 0][:_MOST_SIGNALS]


def day(at: datetime) -> str:
    """Return the day in the user's zone."""
    return f"{at.astimezone():%Y-%m-%d}"


def moment(at: datetime) -> str:
    """Return the day and the minute in the user's zone."""
    return f"{at.astimezone():%Y-%m-%d %H:%M}"
