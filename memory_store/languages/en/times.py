"""Single times in English text: the words that name a day, a month, a season, a year or a distance."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Final

from memory_store.languages.en.words import DECADES, MONTHS, ORDINALS, WEEKDAYS, WORDS
from memory_store.times import feasts, windows, words
from memory_store.times import rules as shared
from memory_store.times.rules import FLAGS, Found, Rules, TimeRules
from memory_store.times.windows import Window

_MONTH: Final = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?"
    r"|nov(?:ember)?|dec(?:ember)?)\b"
)
_WEEKDAY: Final = r"(?:mon|tues|wednes|thurs|fri|satur|sun)day\b"
_FEAST: Final = feasts.names("en")
_SEASON: Final = r"(?:spring|summer|autumn|fall|winter|christmas)\b"
_UNIT: Final = r"(?:minute|hour|day|week|fortnight|month|year|decade)s?\b"
COUNT: Final = (
    r"(?:\d{1,4}|(?:a\s+)?(?:couple(?:\s+of)?|few)|several|half\s+an?|"
    + "|".join(sorted(WORDS.numbers, key=len, reverse=True))
    + ")"
)
_ORDINAL: Final = "|".join(sorted(ORDINALS, key=len, reverse=True))
# A number that counts things is no day and no year.
_UNCOUNTED: Final = (
    r"(?!\s*(?:%|[€$£元块个人米步字万]|(?:euros?|dollars?|pounds?|usd|eur|people|persons?|guests?|words?|pages?|steps?|"
    r"times|calories|kcal|kms?|kilomet(?:er|re)s?|miles?|met(?:er|re)s?|kg|grams?|minutes|hours|days|weeks|months|years|"
    r"points|items|files|photos)\b))"
)
_DAY: Final = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?\b"
_UNTIL_DAY: Final = r"\s*(?:to|until|till|through|and|-)\s*(?:the\s+)?(?P<until>\d{1,2})(?:st|nd|rd|th)?\b"
# What may follow a day of the month that stands alone; "the 14th century", "the 3rd floor" are no days.
_AFTER_A_DAY: Final = (
    "at|in|and|or|was|is|were|did|do|does|had|has|have|will|we|i|you|he|she|they|it|for|with|to|until|when|that|because|"
    "morning|afternoon|evening|night"
)
_NAMED_YEAR: Final = r"(?:last|this|next)\s+year\b"
_YEAR: Final = rf"(?:(?:,\s*|\s+)(?:of\s+|in\s+)?(?P<year>\d{{4}}\b{_UNCOUNTED}|{_NAMED_YEAR}))?"

# "May" and "March" are months after one of these; a person may come after the weak ones as well.
_SURE_CUE: Final = (
    r"(?:^|\W)(?:in|during|since|throughout|until|till|between|early|mid|late|(?:end|start|middle) of)[\s-]+$"
)
_WEAK_CUE: Final = r"(?:^|\W)(?:from|by|of|before|after|beginning)\s+$"
_PERSON_AFTER: Final = (
    r"'s\b|\s+(?:is|was|has|had|do|does|did|will|would|can|could|might|says?|said|tells?|told|asks?|wants?|likes?|loves?|"
    r"needs?|lives?|works?|go|goes|went|gets?|got|comes?|came|gives?|gave|thinks?|thought|knows?|knew|calls?|makes?|made|"
    r"moves?|\w+ed)\b"
)
_PERSON_BEFORE: Final = (
    r"(?:^|\W)(?:is|are|was|were|do|does|did|has|have|can|could|will|would|with|and|my|your|our|dear|aunt|tell|ask|told|"
    r"asked|to|for|saw|see|met|meet|call|called|know|about|who)\s+$"
)
_SURE_MONTHS: Final = frozenset({"january", "february", "july", "september", "october", "november", "december"})
_PERSON_MONTHS: Final = frozenset({"april", "june", "august"})
# "this may rain", "the last may be"; "this May" and "last may in Rome" are months.
_MODAL_THIS: Final = re.compile(r"may\s+\w")
_MODAL_LAST: Final = re.compile(r"may\s+(?:be|have|not|also|never|still|even)\b", re.IGNORECASE)
_SEASON_CUE: Final = r"\b(?:in|during|over|since|until|till|before|after|by|early|mid|late|of)[\s-]+(?:the\s+)?$"
_DECADE_CUE: Final = r"(?:\b(?:the|early|mid|late)[\s-]+|')$"
_NOT_A_WEEKDAY: Final = r"\b(?:every|each|good|black|ash|easter|palm)\s+$"
_NOT_A_YEAR: Final = (
    r"(?:[$€£#.,:/+*=_-]|\b(?:room|flight|number|no\.|version|page|bus|train|model|windows|office)\s+)$"
)


def _day_but_one(found: Found, now: datetime) -> Window:
    return windows.day(now + timedelta(days=-2 if found["past"] else 2))


def _unit_before_last(found: Found, now: datetime) -> Window:
    return windows.calendar_unit(now, found["unit"].lower(), -2)


def _tonight(found: Found, now: datetime) -> Window:
    return windows.part_of_day(windows.day(now), "night")


def _day_of_last(found: Found, now: datetime) -> Window:
    """this day last year, yesterday last week"""
    there = now + timedelta(days=words.DAYS[(found["name"] or "today").lower()])
    return windows.day(windows.shifted(there, found["unit"].lower(), -1))


def _time_of_last(found: Found, now: datetime) -> Window:
    """this time last year: as blurred as a year ago, but for its month at most"""
    unit = found["unit"].lower()
    middle = windows.shifted(now, unit, -1)
    return windows.ago(middle, 0, 0, "month" if unit == "year" else "week" if unit == "month" else "day")


def _weekday_of_day(found: Found, now: datetime) -> Window:
    """Monday the 5th, Friday the 13th: the latest such day that has begun"""
    number, day = WEEKDAYS[found["weekday"][:3].lower()], int(found["day"])
    return windows.weekday_of_day(now, number, day)


def _iso_week(found: Found, now: datetime) -> Window:
    """2026-W12, 2026W12-3 (ISO 8601)"""
    return windows.iso_week(int(found["year"]), int(found["week"]), int(found["day"]) if found["day"] else None)


def _week_of_year(found: Found, now: datetime) -> Window:
    return shared.in_year(found, now, lambda year: windows.iso_week(year, int(found["week"])))


def _which(found: Found, now: datetime) -> Window | None:
    """last week, this past weekend, next May, last Monday, this spring"""
    which, thing = words.WHICH[found["which"].split()[-1].lower()], found["thing"].lower()
    if thing == "may" and (_MODAL_LAST if which else _MODAL_THIS).match(found["thing"] + shared.after(found)):
        return None
    feast = feasts.identify(found, "thing")
    if feast is not None:
        return windows.occurrence(now, lambda year: feasts.feast(year, feast), which)
    if thing in words.SEASONS:
        return windows.occurrence(now, lambda year: windows.season(year, thing), which)
    if thing in ("week", "weekend", "month", "quarter", "year"):
        return windows.calendar_unit(now, thing, which)
    if thing.endswith("day"):
        return windows.weekday(now, WEEKDAYS[thing[:3]], which)
    month = MONTHS[thing[:3]]
    return windows.occurrence(now, lambda year: windows.months(year, month, month), which)


def _weekday(found: Found, now: datetime) -> Window | None:
    if re.search(_NOT_A_WEEKDAY, shared.before(found), FLAGS):
        return None
    number = WEEKDAYS[found["weekday"][:3].lower()]
    if found["week"]:
        return windows.weekday_of_week(now, number, words.WHICH[found["week"].lower()])
    return windows.weekday(now, number, None)


def _date(found: Found, now: datetime) -> Window:
    """7 May, May 7th 2023, from 3 to 9 May, the first of May last year"""
    month, first = MONTHS[found["month"][:3].lower()], found["day"].lower()
    day = ORDINALS[first] if first in ORDINALS else int(first)
    last = int(found.groupdict().get("until") or day)
    return shared.in_year(found, now, lambda year: windows.days(year, month, day, last))


def _month_range(found: Found, now: datetime) -> Window:
    first, last = (MONTHS[found[name][:3].lower()] for name in ("month", "until"))
    return shared.in_year(found, now, lambda year: windows.months(year, first, last))


def _month(found: Found, now: datetime) -> Window | None:
    if found["year"] is None and not _is_month(found):
        return None
    month = MONTHS[found["month"][:3].lower()]
    return shared.in_year(found, now, lambda year: windows.months(year, month, month))


def _is_month(found: Found) -> bool:
    """Tell the month from the verb ("may", "march") and from a person of that name."""
    name, before, after = found["month"].lower(), shared.before(found), shared.after(found)
    if re.search(_SURE_CUE, before, FLAGS):
        return True
    person = re.match(_PERSON_AFTER, after, FLAGS) or re.match(r"\s+[A-Z][a-z]", after)
    if re.search(_WEAK_CUE, before, FLAGS):
        return not person
    if name in _SURE_MONTHS:
        return True
    return name in _PERSON_MONTHS and not person and not re.search(_PERSON_BEFORE, before, FLAGS)


def _season(found: Found, now: datetime) -> Window | None:
    name = found["season"].lower()
    if found["year"] is None and name != "christmas" and not re.search(_SEASON_CUE, shared.before(found), FLAGS):
        return None
    return shared.in_year(found, now, lambda year: windows.season(year, name))


def _day_of_month(found: Found, now: datetime) -> Window:
    return windows.day_of_month(now, int(found["day"]))


def _decade(found: Found, now: datetime) -> Window | None:
    """the 90s, the early 1990s, the nineties: of the last century where two figures are named"""
    text = found["decade"].lower()
    if len(text) == 2 and not re.search(_DECADE_CUE, shared.before(found), FLAGS):
        return None
    number = DECADES[text] if text in DECADES else int(text)
    return windows.years(number if number > 99 else 1900 + number, 10)


def _part_of_year(found: Found, now: datetime) -> Window:
    """Q3 2024, the third quarter of 2024, the first half of last year"""
    name = found["number"].lower()
    number = ORDINALS[name] if name in ORDINALS else int(name)
    length = 6 if found.groupdict().get("part", "").lower() == "half" else 3
    first, last = (number - 1) * length + 1, number * length
    return shared.in_year(found, now, lambda year: windows.months(year, first, last))


def _plain_year(found: Found, now: datetime) -> Window | None:
    if re.search(_NOT_A_YEAR, shared.before(found), FLAGS):
        return None
    return windows.years(int(found["year"]))


def _years(found: Found, now: datetime) -> Window:
    first, last = int(found["year"]), int(found["until"])
    return windows.years(first, last + 1 - first)


def _iso_date(found: Found, now: datetime) -> Window:
    year, month, day = int(found["year"]), int(found["month"]), int(found["day"])
    return windows.days(year, month, day, day)


def _iso_month(found: Found, now: datetime) -> Window:
    month = int(found["month"])
    return windows.months(int(found["year"]), month, month)


def _numeric_date(found: Found, now: datetime) -> Window | None:
    """07/05/2023 may be in May or in July and is left out; 13/05, 05/13, 05/05 and, day first, 7.5.2023 are clear."""
    first, second = int(found["first"]), int(found["second"])
    if found["mark"] != "." and first <= 12 and second <= 12 and first != second:
        return None
    day, month = (second, first) if second > 12 else (first, second)
    return windows.days(int(found["year"]), month, day, day)


# Whatever a rule matches has one of these somewhere in it.
_TELLING: Final = (
    r"\d|day|tomorrow|night|morning|noon|evening|minute|hour|week|month|year|quarter|half|ties"
    r"|spring|summer|autumn|fall|winter|christmas|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec"
    r"|fortnight|decade|\beve\b|easter|hallow|thanks|valentine|fools|hogmanay|luther|pentecost|christi|whit|gras|diwali"
    r"|deepavali|holi|vesak|\beid|passover|pesach|hashana|kippur|nuk|festival|qingming|autumn|ninth|tet|seollal|chuseok"
)
# Each pattern begins and ends at the edge of a word.
_RULES: Final[Rules] = (
    (r"(?P<year>\d{4})[-/.](?P<month>\d{1,2})[-/.](?P<day>\d{1,2})(?!\d)", _iso_date),
    (r"(?P<first>\d{1,2})(?P<mark>[-/.])(?P<second>\d{1,2})[-/.](?P<year>\d{4})\b", _numeric_date),
    (r"(?P<year>(?:19|20)\d\d)-?w(?P<week>[0-5]\d)(?:-?(?P<day>[1-7]))?\b", _iso_week),
    (
        rf"(?:calendar\s+)?week\s+(?P<week>[1-5]?\d)\b(?=(?:,\s*|\s+)(?:of\s+|in\s+)?(?:(?:19|20)\d\d\b|{_NAMED_YEAR})){_YEAR}",
        _week_of_year,
    ),
    (r"(?P<year>(?:19|20)\d\d)[-/](?P<month>0[1-9]|1[0-2])\b(?![-/.]\d)", _iso_month),
    (r"(?:the\s+)?day\s+(?:(?P<past>before\s+yesterday)|after\s+tomorrow)\b", _day_but_one),
    (r"(?P<name>today|yesterday|tomorrow)\b", shared.named_day),
    (r"tonight\b", _tonight),
    (r"(?P<name>this|last)\s+(?P<part>morning|afternoon|evening|night)\b", shared.part_of_named_day),
    (
        rf"(?P<count>{COUNT})\s+(?P<unit>{_UNIT})\s+ago\s+(?P<name>today|yesterday|tomorrow)\b",
        shared.same_day_ago,
    ),
    (rf"(?P<count>{COUNT})\s+(?P<unit>{_UNIT})\s+ago\b", shared.some_ago),
    (r"(?:this\s+day|(?P<name>today|yesterday)),?\s+(?P<which>last)\s+(?P<unit>week|month|year)\b", _day_of_last),
    (r"(?:around\s+)?this\s+time\s+last\s+(?P<unit>week|month|year)\b", _time_of_last),
    (rf"(?:the\s+)?(?P<which>last|past|next|coming)\s+(?P<count>{COUNT})\s+(?P<unit>{_UNIT})", shared.rolling),
    (
        r"(?P<which>the\s+last|(?:the\s+)?past)\s+(?P<count>)(?P<unit>hour|day|week|fortnight|month|year|decade)\b(?!\s+of\b)",
        shared.rolling,
    ),
    (r"the\s+(?P<unit>week|weekend|month|quarter|year)\s+before\s+last\b", _unit_before_last),
    (
        r"(?P<which>(?:(?:this|the)\s+)?(?:last|previous|this|past|current|next|coming))\s+"
        rf"(?P<thing>(?:weekend|week|month|quarter|year)\b(?!\s+of\b)|(?:{_FEAST})\b|{_WEEKDAY}|{_SEASON}|{_MONTH})",
        _which,
    ),
    (rf"(?:the\s+)?(?P<feast>{_FEAST})\b{_YEAR}", shared.feast),
    (r"(?:the|this)\s+weekend\b", shared.weekend),
    (
        rf"(?P<weekday>{_WEEKDAY}),?\s+(?:the\s+)?(?P<day>\d{{1,2}})(?:st|nd|rd|th)\b(?!\s+(?:of\s+)?{_MONTH})",
        _weekday_of_day,
    ),
    (rf"(?P<weekday>{_WEEKDAY})(?:\s+(?:of\s+)?(?P<week>last|this|next)\s+week\b)?", _weekday),
    (rf"(?:the\s+)?{_DAY}{_UNTIL_DAY}\s+(?:of\s+)?(?P<month>{_MONTH})\.?{_YEAR}", _date),
    (rf"(?:the\s+)?{_DAY}\s+(?:of\s+)?(?P<month>{_MONTH})(?!\s+(?:be|have|not)\b)\.?{_YEAR}", _date),
    (rf"(?:the\s+)?(?P<day>{_ORDINAL})\s+of\s+(?P<month>{_MONTH})\.?{_YEAR}", _date),
    (rf"(?P<month>{_MONTH})\.?\s+(?:the\s+)?{_DAY}{_UNTIL_DAY}(?![:.%/]\d){_UNCOUNTED}{_YEAR}", _date),
    (rf"(?P<month>{_MONTH})\.?\s+(?:the\s+)?{_DAY}(?![:.%/]\d){_UNCOUNTED}{_YEAR}", _date),
    (
        rf"(?P<month>{_MONTH})\s*(?:to|until|till|through|-)\s*(?P<until>{_MONTH})(?!\s*\d{{1,2}}\b){_YEAR}",
        _month_range,
    ),
    (rf"between\s+(?P<month>{_MONTH})\s+and\s+(?P<until>{_MONTH})(?!\s*\d{{1,2}}\b){_YEAR}", _month_range),
    (rf"(?P<month>{_MONTH})\.?{_YEAR}", _month),
    (rf"(?P<season>{_SEASON}){_YEAR}", _season),
    (r"(?P<decade>(?:19|20)\d0|[3-9]0)'?s\b", _decade),
    (rf"(?:the\s+)?(?P<decade>{'|'.join(DECADES)})\b", _decade),
    (rf"q(?P<number>[1-4])\b{_YEAR}", _part_of_year),
    (
        rf"(?:the\s+)?(?P<number>first|second|third|fourth)\s+(?P<part>quarter|half)"
        rf"(?=\s+(?:of\s+)?(?:\d{{4}}\b|{_NAMED_YEAR})){_YEAR}",
        _part_of_year,
    ),
    (
        r"(?<=\bthe )(?P<day>\d{1,2})(?:st|nd|rd|th)\b"
        rf"(?=\s*(?:$|[?.,!;:)])|\s+(?:{_AFTER_A_DAY})\b)",
        _day_of_month,
    ),
    (r"(?P<year>(?:19|20)\d\d)\s*-\s*(?P<until>(?:19|20)\d\d)\b(?![-/.]\d)", _years),
    (rf"(?P<year>(?:19|20)\d\d)\b(?![-/.:,]?\d|'?s\b){_UNCOUNTED}", _plain_year),
)
RULES: Final = TimeRules(_RULES, edge=r"\b", telling=_TELLING)
