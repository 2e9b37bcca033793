"""Reads the times of iCalendar: a day, a moment, a length (RFC 5545, sections 3.3.4 to 3.3.6)."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from typing import Final

_MOMENT: Final = re.compile(r"(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)(\d\d)?(Z)?)?$")
_LENGTH: Final = re.compile(r"\+?P(?:(\d{1,5})W)?(?:(\d{1,6})D)?(?:T(?:(\d{1,6})H)?(?:(\d{1,7})M)?(?:(\d{1,8})S)?)?$")


def read_moment(text: str) -> date | datetime | None:
    """Return a day or a moment, to the minute and without its zone; None for what is neither."""
    match = _MOMENT.match(text.strip())
    if match is None:
        return None
    year, month, day, hour, minute = (int(piece) if piece else 0 for piece in match.groups()[:5])
    try:
        return datetime(year, month, day, hour, minute) if match[4] else date(year, month, day)
    except ValueError:
        return None  # Day 31 of February, month 13.


def read_length(text: str) -> timedelta | None:
    """Return a length such as `P1DT2H`; None for what is none."""
    match = _LENGTH.match(text)
    if match is None or not any(match.groups()):
        return None
    weeks, days, hours, minutes, seconds = (int(piece or 0) for piece in match.groups())
    return timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)
