"""Reads the dates that documents give themselves, and nothing that is not clearly a date."""

from __future__ import annotations

import re
from datetime import UTC, datetime

_PDF_DATE = re.compile(r"D:(\d{4})(\d\d)?(\d\d)?(\d\d)?(\d\d)?(\d\d)?(?:Z|([+-])(\d\d)'?(\d\d)?'?)?")
_YEAR_MONTH_DAY = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?$")


def parse_date(text: str | None) -> datetime | None:
    """Return an ISO date or time in UTC, or None. A time without zone counts as UTC: nothing says otherwise."""
    if not text:
        return None
    words = text.strip().strip("\"'")
    if match := _YEAR_MONTH_DAY.match(words):
        words = "-".join(part.zfill(2) for part in match.groups())
    try:
        return in_utc(datetime.fromisoformat(words))
    except ValueError:
        return None  # Words such as "last summer" date nothing; the file's own time will do.


def parse_pdf_date(text: str | None) -> datetime | None:
    """Return a date as PDF writes it (`D:20250601093000+02'00'`, ISO 32000 7.9.4) in UTC, or None."""
    match = _PDF_DATE.match(text or "")
    if match is None:
        return None
    year, month, day, hour, minute, second, sign, zone_hour, zone_minute = match.groups()
    zone = f"{sign}{zone_hour}:{zone_minute or '00'}" if sign else "+00:00"
    date = f"{year}-{month or '01'}-{day or '01'}T{hour or '00'}:{minute or '00'}:{second or '00'}{zone}"
    return parse_date(date)


def in_utc(moment: datetime) -> datetime | None:
    """Return `moment` as an aware UTC time, or None where a zone would push it out of the calendar."""
    try:
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except OverflowError:
        return None  # Year 1 or 9999: a placeholder, not a date.
