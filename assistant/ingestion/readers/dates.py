"""Reads the dates that documents give themselves, and nothing that is not clearly a date."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

_PDF_DATE = re.compile(r"D:(\d{4})(\d\d)?(\d\d)?(\d\d)?(\d\d)?(\d\d)?(?:Z|([+-])(\d\d)'?(\d\d)?'?)?")
_YEAR_MONTH_DAY = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?$")

_CLOCK = (
    r"(?:,?\s*(?:星期.|[（(].[)）])?\s*(?:at|um|à|a las|às|alle|kl\.?|om)?\s*(?P<before>上午|下午|午前|午後)?\s*"
    r"(?P<hour>\d{1,2}):(?P<minute>\d\d)(?::(?P<second>\d\d))?\s*(?P<half>[AaPp]\.?[Mm]\.?)?\s*(?P<zone>[A-Za-z]{3,5})?)?"
)
# A date in numbers whose order is plain, with or without a time of day.
_NUMBERS = re.compile(
    r"(?:(?P<year>\d{4})[-/.年]\s?(?P<month>\d{1,2})[-/.月]\s?(?P<day>\d{1,2})日?|"
    r"\b(?P<first>\d{1,2})\.\s?(?P<middle>\d{1,2})\.\s?(?P<last>\d{4}))" + _CLOCK
)
# "5 January 2025", "January 5th, 2025", "5 de enero de 2025".
_NAMED = re.compile(
    r"(?:\b(?P<day>\d{1,2})(?:st|nd|rd|th|er|º|\.)?\s*(?:de\s+|of\s+)?(?P<month>[^\W\d_]{3,12}\.?),?\s*(?:de\s+)?(?P<year>\d{4})|"
    r"\b(?P<month2>[^\W\d_]{3,12}\.?)\s+(?P<day2>\d{1,2})(?:st|nd|rd|th)?,?\s+(?P<year2>\d{4}))" + _CLOCK
)
_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "january jan januar jänner janvier janv enero ene gennaio gen janeiro januari stycznia ledna января ocak",
            "february feb februar février févr febrero febbraio fevereiro fev februari lutego února февраля şubat",
            "march mar märz mär mars marzo março maart mrt marca března марта mart",
            "april apr avril avr abril abr aprile kwietnia dubna апреля nisan",
            "may mai mayo maggio mag maio mei maj maja května мая mayıs",
            "june jun juni juin junio giugno giu junho czerwca června июня haziran",
            "july jul juli juillet juil julio luglio lug julho lipca července июля temmuz",
            "august aug août agosto ago augustus augusti sierpnia srpna августа ağustos",
            "september sep sept septembre septiembre settembre set setembro września září сентября eylül",
            "october oct oktober okt octobre octubre ottobre ott outubro out października října октября ekim",
            "november nov novembre noviembre novembro listopada listopadu ноября kasım",
            "december dec dezember dez décembre déc diciembre dic dicembre dezembro grudnia prosince декабря aralık",
        ),
        start=1,
    )
    for name in names.split()
}
_AFTERNOON = frozenset(("pm", "下午", "午後"))
_ZONES = {
    **{"cet": 1, "mez": 1, "bst": 1, "cest": 2, "mesz": 2, "eet": 2, "eest": 3, "msk": 3, "hkt": 8, "jst": 9, "kst": 9},
    **{"edt": -4, "est": -5, "cdt": -5, "cst": -6, "mdt": -6, "mst": -7, "pdt": -7, "pst": -8},
}


def parse_date(text: str | None) -> datetime | None:
    """Return an ISO date or time in UTC, or None. A time without zone counts as UTC: nothing says otherwise."""
    if not text:
        return None
    words = text.strip().strip("\"'")
    if match := _YEAR_MONTH_DAY.match(words):
        words = "-".join(part.zfill(2) for part in match.groups())
    try:
        return to_utc(datetime.fromisoformat(words))
    except ValueError:
        return None  # Words such as "last summer" date nothing; the file's own time will do.


def parse_words(text: str | None) -> datetime | None:
    """Return a date or time that is written in numbers, or with the name of a month, in UTC, or None."""
    words = " ".join((text or "").replace("\u202f", " ").split())
    if found := parse_date(words):
        return found
    if not 6 <= len(words) <= 120 or not any(character.isdigit() for character in words):
        return None
    if match := _NUMBERS.search(words):
        return _of_numbers(match, words)
    for match in _NAMED.finditer(words.casefold()):
        month = _MONTHS.get((match["month"] or match["month2"]).rstrip("."))
        if month is not None:
            year, day = int(match["year"] or match["year2"]), int(match["day"] or match["day2"])
            return _add_clock(year, month, day, match, match["zone"] or "")
    return None


def _of_numbers(match: re.Match[str], words: str) -> datetime | None:
    if match["first"]:
        year, month, day = int(match["last"]), int(match["middle"]), int(match["first"])
    else:
        year, month, day = int(match["year"]), int(match["month"]), int(match["day"])
    zone = (match["zone"] or "").casefold()
    return _add_clock(year, month, day, match, "hkt" if "年" in words and zone == "cst" else zone)


def _add_clock(year: int, month: int, day: int, match: re.Match[str], zone: str) -> datetime | None:
    """Return a day with the time that a match holds, if any; zones are as their letters say, else UTC."""
    hour, minute, second = (int(match[name] or 0) for name in ("hour", "minute", "second"))
    half = (match["half"] or match["before"] or "").casefold().replace(".", "")
    if half and hour <= 12:
        hour = hour % 12 + 12 * (half in _AFTERNOON)
    offset = timezone(timedelta(hours=_ZONES.get(zone, 0)))
    try:
        return to_utc(datetime(year, month, day, hour, minute, second, tzinfo=offset))
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


def to_utc(moment: datetime) -> datetime | None:
    """Return `moment` as an aware UTC time, or None where a zone would push it out of the calendar."""
    try:
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except OverflowError:
        return None  # Year 1 or 9999: a placeholder, not a date.
