"""Reads the dates that documents give themselves, and nothing that is not clearly a date."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

_PDF_DATE = re.compile(r"D:(\d{4})(\d\d)?(\d\d)?(\d\d)?(\d\d)?(\d\d)?(?:Z|([+-])(\d\d)'?(\d\d)?'?)?")
_YEAR_MONTH_DAY = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?$")

# A date in numbers whose order is plain, with or without a time of day.
_NUMBERS = re.compile(
    r"(?:(?P<year>\d{4})[-/.年]\s?(?P<month>\d{1,2})[-/.月]\s?(?P<day>\d{1,2})日?|"
    r"\b(?P<first>\d{1,2})\.\s?(?P<middle>\d{1,2})\.\s?(?P<last>\d{4}))"
    r"(?:,?\s*(?:星期.|[（(].[)）])?\s*(?P<before>上午|下午|午前|午後)?\s*(?P<hour>\d{1,2}):(?P<minute>\d\d)(?::(?P<second>\d\d))?"
    r"\s*(?P<half>[AaPp]\.?[Mm]\.?)?\s*(?P<zone>[A-Z]{3,5})?)?"
)
_AFTERNOON = frozenset(("pm", "下午", "午後"))
_ZONES = {"CET": 1, "MEZ": 1, "CEST": 2, "MESZ": 2, "EET": 2, "EEST": 3, "BST": 1, "JST": 9, "KST": 9, "HKT": 8}


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


def parse_words(text: str | None) -> datetime | None:
    """Return a date or time that is written in words or numbers of any language, in UTC, or None."""
    words = " ".join((text or "").replace("\u202f", " ").split())
    if found := parse_date(words):
        return found
    if not 6 <= len(words) <= 80 or not any(character.isdigit() for character in words):
        return None
    if match := _NUMBERS.search(words):
        return _of_numbers(match, words)
    import dateparser  # 0.1 s for the first date of a language

    found = dateparser.parse(words, settings={"RETURN_AS_TIMEZONE_AWARE": True, "STRICT_PARSING": True})
    return in_utc(found) if found else None


def _of_numbers(match: re.Match[str], words: str) -> datetime | None:
    if match["first"]:
        year, month, day = int(match["last"]), int(match["middle"]), int(match["first"])
    else:
        year, month, day = int(match["year"]), int(match["month"]), int(match["day"])
    hour, minute, second = (int(match[name] or 0) for name in ("hour", "minute", "second"))
    half = (match["half"] or match["before"] or "").casefold().replace(".", "")
    if half and hour <= 12:
        hour = hour % 12 + 12 * (half in _AFTERNOON)
    zone = 8 if "年" in words and match["zone"] == "CST" else _ZONES.get(match["zone"] or "", 0)
    try:
        return in_utc(datetime(year, month, day, hour, minute, second, tzinfo=timezone(timedelta(hours=zone))))
    except (ValueError, OverflowError):
        return None


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
