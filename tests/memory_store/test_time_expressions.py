"""Times in queries: what is found, what is no time after all, and what a span says about a moment."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from memory_store.languages.en.times import RULES
from memory_store.times import feasts
from memory_store.times.expressions import (
    FAR_FUTURE,
    FAR_PAST,
    TimeSpan,
    asks_for_time_of_writing,
    date_words,
    time_spans,
)
from memory_store.times.rules import FLAGS

ZONE = timezone(timedelta(hours=8))
ASKED_AT = datetime(2026, 11, 24, 15, 30, tzinfo=ZONE)  # a Tuesday
HOME = feasts.home.__wrapped__
PAST, FUTURE = FAR_PAST.isoformat(), FAR_FUTURE.isoformat()


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZONE)


def span(query: str) -> TimeSpan:
    (found,) = time_spans(query, ASKED_AT)
    return found


# The query with its expression in brackets, from when, to when; "*": of every year.
ENGLISH = [
    ("What did I eat [today]?", "2026-11-24", "2026-11-25"),
    ("what did I write [yesterday]", "2026-11-23", "2026-11-24"),
    ("What is on [tonight]?", "2026-11-24T18:00", "2026-11-25T04:00"),
    ("What did I do [this morning]?", "2026-11-24T04:00", "2026-11-24T12:00"),
    ("Who wrote [the day before yesterday]?", "2026-11-22", "2026-11-23"),
    ("What is due [tomorrow]?", "2026-11-25", "2026-11-26"),
    ("What is due [the day after tomorrow]?", "2026-11-26", "2026-11-27"),
    ("Where was I [last night]?", "2026-11-23T18:00", "2026-11-24T04:00"),
    ("Who came [yesterday evening]?", "2026-11-23T17:00", "2026-11-24"),
    ("What did we decide on [Monday morning]?", "2026-11-23T04:00", "2026-11-23T12:00"),
    ("[three days ago] I saw her", "2026-11-21", "2026-11-22"),
    ("what I read [10 days ago]", "2026-11-14", "2026-11-15"),
    ("[A WEEK AGO]", "2026-11-14", "2026-11-21"),
    ("we met [two weeks ago]", "2026-11-07", "2026-11-14"),
    ("[a couple of weeks ago]", "2026-10-31", "2026-11-14"),
    ("[a few days ago]", "2026-11-18", "2026-11-23"),
    ("[several months ago]", "2026-05-09", "2026-10-10"),
    ("[a month ago]", "2026-10-09", "2026-11-09"),
    ("[half a year ago]", "2026-05-09", "2026-06-09"),
    ("where I lived [2 years ago]", "2024-05-26", "2025-05-26"),
    ("[an hour ago]", "2026-11-24T14:00", "2026-11-24T15:00"),
    ("What happened [last week]?", "2026-11-16", "2026-11-23"),
    ("[this week]", "2026-11-23", "2026-11-30"),
    ("[next week]", "2026-11-30", "2026-12-07"),
    ("[the week before last]", "2026-11-09", "2026-11-16"),
    ("[last month]", "2026-10-01", "2026-11-01"),
    ("[last year]", "2025-01-01", "2026-01-01"),
    ("[last weekend]", "2026-11-21", "2026-11-23"),
    ("plans for [this weekend]", "2026-11-28", "2026-11-30"),
    ("what did I do over [the weekend]", "2026-11-21", "2026-11-23"),
    ("What did I do [last Monday]?", "2026-11-23", "2026-11-24"),
    ("Who called on [Tuesday]?", "2026-11-17", "2026-11-18"),
    ("the call on [Sunday]", "2026-11-22", "2026-11-23"),
    ("[this Friday]", "2026-11-27", "2026-11-28"),
    ("[next Tuesday]", "2026-12-01", "2026-12-02"),
    ("[Tuesday of last week]", "2026-11-17", "2026-11-18"),
    ("[from Monday to Friday]", "2026-11-16", "2026-11-21"),
    ("[this spring]", "2026-03-01", "2026-06-01"),
    ("[last summer]", "2026-06-01", "2026-09-01"),
    ("[last autumn]", "2025-09-01", "2025-12-01"),
    ("the cold in [winter 2022]", "2022-12-01", "2023-03-01"),
    ("in [summer]", "2026-06-01", "2026-09-01*"),
    ("presents at [Christmas]", "2025-12-24", "2025-12-27*"),
    ("music of the [90s]", "1990-01-01", "2000-01-01"),
    ("[the early 1990s]", "1990-01-01", "1993-05-01"),
    ("[the nineties]", "1990-01-01", "2000-01-01"),
    ("What happened in [2019]?", "2019-01-01", "2020-01-01"),
    ("the [2019] budget", "2019-01-01", "2020-01-01"),
    ("What did I read in [May]?", "2026-05-01", "2026-06-01*"),
    ("Where was I in [December]?", "2025-12-01", "2026-01-01*"),
    ("a letter from [March]", "2026-03-01", "2026-04-01*"),
    ("the [October] meeting", "2026-10-01", "2026-11-01*"),
    ("trip in [May 2023]", "2023-05-01", "2023-06-01"),
    ("on [7 May]", "2026-05-07", "2026-05-08*"),
    ("[May 7th]", "2026-05-07", "2026-05-08*"),
    ("on [the 7th of May 2023]", "2023-05-07", "2023-05-08"),
    ("[the first of April 2024]", "2024-04-01", "2024-04-02"),
    ("[Sept. 5, 2021]", "2021-09-05", "2021-09-06"),
    ("on [29 February]", "2024-02-29", "2024-03-01*"),
    ("what happened on the [7th]?", "2026-11-07", "2026-11-08"),
    ("[2023-05-07]", "2023-05-07", "2023-05-08"),
    ("[13/05/2023]", "2023-05-13", "2023-05-14"),
    ("[05/13/2023]", "2023-05-13", "2023-05-14"),
    ("[05/05/2023]", "2023-05-05", "2023-05-06"),
    ("[7.5.2023]", "2023-05-07", "2023-05-08"),
    ("[2023-05]", "2023-05-01", "2023-06-01"),
    ("in [early May]", "2026-05-01", "2026-05-11*"),
    ("[mid-June 2024]", "2024-06-11", "2024-06-21"),
    ("[late last year]", "2025-09-01", "2026-01-01"),
    ("at [the end of March 2025]", "2025-03-21", "2025-04-01"),
    ("[the first week of May]", "2026-05-01", "2026-05-08*"),
    ("[since March]", "2026-03-01", FUTURE),
    ("[since last Monday]", "2026-11-23", FUTURE),
    ("[from 2019 onwards]", "2019-01-01", FUTURE),
    ("[before 2020]", PAST, "2020-01-01"),
    ("[after 3 June 2024]", "2024-06-04", FUTURE),
    ("[until May 2022]", PAST, "2022-06-01"),
    ("[the day before 7 May]", "2026-05-06", "2026-05-07"),
    ("[between May and July 2023]", "2023-05-01", "2023-08-01"),
    ("[between November and February 2023]", "2022-11-01", "2023-03-01"),
    ("[between 2019 and 2021]", "2019-01-01", "2022-01-01"),
    ("[2019-2021]", "2019-01-01", "2022-01-01"),
    ("from [3 to 9 May]", "2026-05-03", "2026-05-10*"),
    ("[May 3–9, 2024]", "2024-05-03", "2024-05-10"),
    ("[from 28 December to 3 January]", "2025-12-28", "2026-01-04*"),
    ("[from 20 December to 3 January 2024]", "2023-12-20", "2024-01-04"),
    ("[from 3 May 2023 to 9 June]", "2023-05-03", "2023-06-10"),
    ("in [the last two weeks]", "2026-11-10", "2026-11-25"),
    ("[past month]", "2026-10-24", "2026-11-25"),
    ("over [the past few days]", "2026-11-18", "2026-11-25"),
    ("[the next three days]", "2026-11-24", "2026-11-28"),
    ("[Q3 2024]", "2024-07-01", "2024-10-01"),
    ("[last quarter]", "2026-07-01", "2026-10-01"),
    ("[the second half of 2023]", "2023-07-01", "2024-01-01"),
    ("What was planned [this May]", "2026-05-01", "2026-06-01"),
    ("[next May]", "2027-05-01", "2027-06-01"),
    ("[May last year]", "2025-05-01", "2025-06-01"),
]
CHINESE = [
    ("[今天]吃了什么", "2026-11-24", "2026-11-25"),
    ("我[昨天]写了什么", "2026-11-23", "2026-11-24"),
    ("[前天]谁来了", "2026-11-22", "2026-11-23"),
    ("[大前天]", "2026-11-21", "2026-11-22"),
    ("[明天]要做什么", "2026-11-25", "2026-11-26"),
    ("[昨晚]", "2026-11-23T18:00", "2026-11-24T04:00"),
    ("[今早]", "2026-11-24T04:00", "2026-11-24T12:00"),
    ("[昨天下午]我在哪里", "2026-11-23T12:00", "2026-11-23T18:00"),
    ("[上周]", "2026-11-16", "2026-11-23"),
    ("[上周三]我们聊了什么", "2026-11-18", "2026-11-19"),
    ("[上个星期天]", "2026-11-22", "2026-11-23"),
    ("[这周]", "2026-11-23", "2026-11-30"),
    ("[本周五]", "2026-11-27", "2026-11-28"),
    ("[下周一]", "2026-11-30", "2026-12-01"),
    ("[周三]开会", "2026-11-18", "2026-11-19"),
    ("[上周]三次会议", "2026-11-16", "2026-11-23"),
    ("[周一到周五]", "2026-11-16", "2026-11-21"),
    ("[上个周末]", "2026-11-21", "2026-11-23"),
    ("[上个月]", "2026-10-01", "2026-11-01"),
    ("[这个月]", "2026-11-01", "2026-12-01"),
    ("[上个月5号]", "2026-10-05", "2026-10-06"),
    ("[去年]", "2025-01-01", "2026-01-01"),
    ("[前年]", "2024-01-01", "2025-01-01"),
    ("[今年]", "2026-01-01", "2027-01-01"),
    ("[去年十月]我在哪里", "2025-10-01", "2025-11-01"),
    ("[今年五月]", "2026-05-01", "2026-06-01"),
    ("[2023年]", "2023-01-01", "2024-01-01"),
    ("[2023年5月]", "2023-05-01", "2023-06-01"),
    ("[23年5月]", "2023-05-01", "2023-06-01"),
    ("[5月2日]", "2026-05-02", "2026-05-03*"),
    ("[五月二号]", "2026-05-02", "2026-05-03*"),
    ("[二〇二三年五月七日]", "2023-05-07", "2023-05-08"),
    ("[２０２３年５月７日]", "2023-05-07", "2023-05-08"),
    ("[三天前]", "2026-11-21", "2026-11-22"),
    ("[两周前]", "2026-11-07", "2026-11-14"),
    ("[半年前]", "2026-05-09", "2026-06-09"),
    ("[一个月前]", "2026-10-09", "2026-11-09"),
    ("[几天前]", "2026-11-18", "2026-11-23"),
    ("[最近三天]", "2026-11-21", "2026-11-25"),
    ("[过去一周]", "2026-11-17", "2026-11-25"),
    ("[春天]", "2026-03-01", "2026-06-01*"),
    ("[去年夏天]", "2025-06-01", "2025-09-01"),
    ("[5月初]", "2026-05-01", "2026-05-11*"),
    ("[5月中旬]", "2026-05-11", "2026-05-21*"),
    ("[5月底]", "2026-05-21", "2026-06-01*"),
    ("[去年年底]", "2025-09-01", "2026-01-01"),
    ("[十二月]", "2025-12-01", "2026-01-01*"),
    ("[2020年以前]", PAST, "2020-01-01"),
    ("[2020年之后]", "2021-01-01", FUTURE),
    ("[3月以来]", "2026-03-01", FUTURE),
    ("[从3月开始]", "2026-03-01", FUTURE),
    ("[5月到7月]", "2026-05-01", "2026-08-01*"),
    ("[5月2日到9日]", "2026-05-02", "2026-05-10*"),
    ("[去年5月到今年7月]", "2025-05-01", "2026-08-01"),
    ("[2019年到2021年之间]", "2019-01-01", "2022-01-01"),
    ("[90年代]", "1990-01-01", "2000-01-01"),
    ("[2024年第三季度]", "2024-07-01", "2024-10-01"),
    ("[去年上半年]", "2025-01-01", "2025-07-01"),
]


# Named days: by another day, by their number, by a week's, by a feast.
NAMED_DAYS = [
    ("What did I plant [a month ago today]?", "2026-10-24", "2026-10-25"),
    ("[two weeks ago yesterday]", "2026-11-09", "2026-11-10"),
    ("[this day last year]", "2025-11-24", "2025-11-25"),
    ("[a fortnight ago]", "2026-11-07", "2026-11-14"),
    ("[the past fortnight]", "2026-11-10", "2026-11-25"),
    ("who called on [Friday the 13th]", "2026-11-13", "2026-11-14"),
    ("[Saturday, the 31st]", "2026-10-31", "2026-11-01"),
    ("what was due the [22nd]?", "2026-11-22", "2026-11-23"),
    ("did it rain on the [3rd in the evening]", "2026-11-03T17:00", "2026-11-04"),
    ("the meeting in [2025-W07]", "2025-02-10", "2025-02-17"),
    ("[2026W07-2]", "2026-02-10", "2026-02-11"),
    ("[week 30 of last year]", "2025-07-21", "2025-07-28"),
    ("[3 days before Halloween]", "2026-10-28", "2026-10-29"),
    ("[two days after Easter Monday]", "2026-04-08", "2026-04-09"),
    ("[a week before Christmas]", "2025-12-14", "2025-12-21"),
    ("what did we eat on [Christmas Eve 2024]", "2024-12-24", "2024-12-25"),
    ("[Good Friday]", "2026-04-03", "2026-04-04"),
    ("[Easter 2024]", "2024-03-29", "2024-04-02"),
    ("[last Labor Day]", "2026-09-07", "2026-09-08"),
    ("[Thanksgiving]", "2025-11-27", "2025-11-28"),
    ("what is planned for [next Thanksgiving]", "2026-11-26", "2026-11-27"),
    ("[Mother's Day]", "2026-05-10", "2026-05-11"),
    ("[Lunar New Year 2025]", "2025-01-29", "2025-02-01"),
    ("[the Mid-Autumn Festival]", "2026-09-25", "2026-09-26"),
    ("[Diwali]", "2026-11-08", "2026-11-09"),
    ("[Hanukkah 2025]", "2025-12-15", "2025-12-23"),
    ("[前年今天]写了什么", "2024-11-24", "2024-11-25"),
    ("[三个月前的今天]", "2026-08-24", "2026-08-25"),
    ("[上个月的今天]", "2026-10-24", "2026-10-25"),
    ("[一昨日]の予定", "2026-11-22", "2026-11-23"),
    ("[二十号]买了什么", "2026-11-20", "2026-11-21"),
    ("[去年端午节]去了哪", "2025-05-31", "2025-06-01"),
    ("[元宵节]", "2026-03-03", "2026-03-04"),
    ("[除夕]和谁吃饭", "2026-02-16", "2026-02-17"),
    ("[国庆]出游", "2026-10-01", "2026-10-04"),
    ("[中秋节前两天]", "2026-09-23", "2026-09-24"),
    ("[去年春節]", "2025-01-29", "2025-02-01"),  # traditional signs too
    ("[兩週前的昨天]", "2026-11-09", "2026-11-10"),
    ("[這個週末]", "2026-11-28", "2026-11-30"),
]
YEARLY_FEASTS = [
    ("[New Year's Eve]", "2025-12-31", "2026-01-01"),
    ("[Valentine's Day]", "2026-02-14", "2026-02-15"),
    ("[儿童节]", "2026-06-01", "2026-06-02"),
]


@pytest.fixture(autouse=True)
def _from_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feasts, "home", lambda: "")


@pytest.mark.parametrize(("marked", "start", "end"), NAMED_DAYS)
def test_a_named_day_is_that_day(marked: str, start: str, end: str) -> None:
    found = span(marked.replace("[", "").replace("]", ""))
    assert (found.start, found.end) == (local(start), local(end))
    assert found.words == marked[marked.index("[") + 1 : marked.index("]")]


@pytest.mark.parametrize(("marked", "start", "end"), YEARLY_FEASTS)
def test_a_feast_of_one_day_is_that_of_every_year(marked: str, start: str, end: str) -> None:
    found = span(marked.strip("[]"))
    assert (found.start, found.end, found.yearly) == (local(start), local(end), True)


@pytest.mark.parametrize(
    ("country", "query", "start"),
    [
        ("CA", "Thanksgiving", "2026-10-12"),
        ("NZ", "Labour Day", "2026-10-26"),
        ("TW", "国庆节", "2026-10-10"),
        ("IN", "Independence Day", "2026-08-15"),
        ("ZZ", "Memorial Day", "2026-05-25"),
    ],
)
def test_a_public_holiday_is_that_of_the_users_country(
    monkeypatch: pytest.MonkeyPatch, country: str, query: str, start: str
) -> None:
    monkeypatch.setattr(feasts, "home", lambda: country)
    assert span(query).start == local(start)


def test_a_feast_is_known_by_what_follows_its_name() -> None:
    found, same = span("过年时我们吃了什么"), span("春节")
    assert (found.words, found.start, found.end) == ("过年", same.start, same.end)
    assert time_spans("过年好", ASKED_AT) == ()


def test_the_users_country_is_that_of_the_time_zone_or_else_of_the_locale(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Nowhere/At_all")
    for name in ("LC_ALL", "LC_TIME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", "de_AT.UTF-8")
    assert HOME() == "AT"


@pytest.mark.parametrize(
    "query",
    [
        "the 14th century",
        "the 3rd floor",
        "坐三号线",
        "住在十四号楼",
        "thanks for the eve",
        "a decade of music",
        "week 12",
    ],
)
def test_a_number_that_counts_something_else_is_no_day(query: str) -> None:
    assert time_spans(query, ASKED_AT) == ()


@pytest.mark.parametrize(("marked", "start", "end"), ENGLISH + CHINESE)
def test_an_expression_names_its_span(marked: str, start: str, end: str) -> None:
    before, _, rest = marked.partition("[")
    words, _, after = rest.partition("]")
    expected = TimeSpan(local(start), local(end.rstrip("*")), words, yearly=end.endswith("*"))
    assert time_spans(before + words + after, ASKED_AT) == (expected,)


@pytest.mark.parametrize(
    "query",
    [
        "",
        "Where are my keys?",
        "What may I eat?",
        "it may rain",
        "this may be wrong",
        "we march 7 km",
        "Did you see the sun for a second?",
        "What did May say?",
        "Tell June to call",
        "Does April like it?",
        "April's birthday",
        "a letter from May Parker",
        "How did Jan fall?",
        "every Monday",
        "On the 7th floor",
        "2000 euros for room 2012",
        "07/05/2023",
        "31 February",
        "30 February 2024",
        "7 May 0000",
        "0005-05-07",
        "2023-13-01",
        "month 13 in the year 0",
        "9999 years ago",
        "99999999999999999999 years ago",
        "3 May 9999",
        "一周三次",
        "每周三",
        "三个月",
        "三年级",
        "13月5日",
        "2月30日",
        "0000年",
        "附近三天",
    ],
)
def test_what_is_no_time_is_left_alone(query: str) -> None:
    assert time_spans(query, ASKED_AT) == ()


def test_several_times_come_in_their_order() -> None:
    found = time_spans("昨天 or last May, or 2 days ago, but not before 2020", ASKED_AT)
    assert [one.words for one in found] == ["昨天", "last May", "2 days ago", "before 2020"]


def test_the_day_is_that_of_the_zone_of_asking() -> None:
    asked_at = datetime(2026, 11, 24, 1, 0, tzinfo=ZONE)  # still the 23rd in UTC
    (today,) = time_spans("today", asked_at)
    assert today.start == datetime(2026, 11, 23, 16, 0, tzinfo=UTC)
    assert today.contains(datetime(2026, 11, 23, 16, 0, tzinfo=UTC))
    assert not today.contains(datetime(2026, 11, 23, 15, 59, tzinfo=UTC))


def test_a_time_of_asking_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="zone"):
        time_spans("today", datetime(2026, 11, 24))


@pytest.mark.parametrize(
    ("asked_on", "query", "start"),
    [
        ("2026-11-28", "the weekend", "2026-11-28"),  # a Saturday
        ("2026-11-28", "last weekend", "2026-11-21"),
        ("2026-11-23", "last Monday", "2026-11-16"),
        ("2026-01-10", "this winter", "2025-12-01"),
        ("2026-07-10", "last summer", "2025-06-01"),
        ("2026-05-10", "last May", "2025-05-01"),
        ("2026-03-31", "last month", "2026-02-01"),
    ],
)
def test_last_and_this_depend_on_where_the_asker_stands(asked_on: str, query: str, start: str) -> None:
    (found,) = time_spans(query, local(asked_on))
    assert found.start == local(start)


@pytest.mark.parametrize(
    ("query", "moment", "inside"),
    [
        ("May 2023", "2023-05-01", True),
        ("May 2023", "2023-06-01", False),
        ("May 2023", "2022-05-10", False),
        ("in May", "2019-05-31T23:59", True),
        ("in winter", "2021-01-15", True),
        ("in winter", "2021-12-15", True),
        ("in winter", "2021-03-01", False),
        ("in February", "2024-02-29", True),
        ("28 February", "2024-02-29", False),
        ("29 February", "2023-02-28", False),
        ("29 February", "2020-02-29", True),
        ("28 December to 3 January", "2010-01-02", True),
        ("28 December to 3 January", "2010-01-04", False),
        ("since March", "2026-11-24", True),
        ("before 2020", "2019-12-31T23:59", True),
        ("before 2020", "2020-01-01", False),
    ],
)
def test_a_span_contains_its_days_and_a_yearly_one_those_of_every_year(query: str, moment: str, inside: bool) -> None:
    assert span(query).contains(local(moment)) is inside


@pytest.mark.parametrize(
    ("query", "moment", "days"),
    [
        ("May 2023", "2023-05-20", 0.0),
        ("May 2023", "2023-04-29", 2.0),
        ("May 2023", "2023-06-02T12:00", 1.5),
        ("on 7 May", "2015-05-07T12:00", 0.0),
        ("on 7 May", "2015-05-05", 2.0),
        ("on 7 May", "2015-05-10", 2.0),
        ("on 1 January", "2015-12-31", 1.0),
        ("on 31 December", "2015-01-03", 2.0),
        ("since March", "2026-02-19", 10.0),
    ],
)
def test_the_distance_is_that_to_the_nearest_edge(query: str, moment: str, days: float) -> None:
    assert span(query).distance_days(local(moment)) == days


@pytest.mark.parametrize(
    ("query", "asks"),
    [
        ("What did I write yesterday?", True),
        ("What did I say last week about the boiler?", True),
        ("my notes from last week", True),
        ("notes about the garden from last summer", True),
        ("What did we talk about on 7 May?", True),
        ("What did you tell me two days ago?", True),
        ("Did I mention the dentist last month?", True),
        ("what was discussed yesterday", True),
        ("yesterday’s notes", True),
        ("What have I noted since March?", True),
        ("我上周说过什么", True),
        ("昨天聊了什么", True),
        ("上周我们讨论了哪些问题？", True),
        ("我昨天有没有提到牙医", True),
        ("上个月的笔记", True),
        ("What happened in 2019?", False),
        ("When did I move after 2020?", False),
        ("When did I mention the dentist last week?", False),
        ("What did I say about 2019?", False),
        ("Did I mention that I moved in 2019?", False),
        ("Which book did I write in 2019?", False),
        ("What did I say I would do next week?", False),
        ("What did I say to Anna last week?", False),
        ("What did Anna say last week?", False),
        ("What did I write?", False),
        ("去年我在哪里", False),
        ("什么时候我说过去年搬家", False),
        ("关于2019年我说过什么", False),
        ("我2019年写了什么书", False),
        ("小陈上周说了什么", False),
    ],
)
def test_only_a_question_for_what_was_said_then_asks_for_the_time_of_writing(query: str, asks: bool) -> None:
    assert asks_for_time_of_writing(query) is asks


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        ("2023-05-02", "Tuesday 2 May 2nd 2023 2023年5月2日 星期二 周二"),
        ("2024-12-21", "Saturday 21 December 21st 2024 2024年12月21日 星期六 周六"),
        ("2026-11-12", "Thursday 12 November 12th 2026 2026年11月12日 星期四 周四"),
        ("2026-11-22", "Sunday 22 November 22nd 2026 2026年11月22日 星期日 周日"),
    ],
)
def test_date_words_are_the_ways_to_type_a_day(day: str, expected: str) -> None:
    assert date_words(local(day)) == expected


PIECES = (
    "a few 0 2 29 31 99 2023 9999 0000 - / . , : ' the of in on from to and between since before after last this next "
    "past early end may May march february monday weekend week month years ago day before yesterday summer quarter q3 "
    "90s nineties first second night 年 月 日 号 十 二十 〇 一 两 半 几 个 上 下 这 周 星期 末 底 初 中旬 前 后 天 今 "
    "昨 去年 前年 5月 到 至 从 自 以来 以前 之间 最近 季度 第三 春 冬天 年代 晚上 ０ ９ İ ſ K ’ –"
)


@pytest.mark.parametrize("query", ["5 May to 0001-01-01", "from 9999-12-31 to 2 May", "2 May until 0001-01-02"])
def test_range_whose_other_end_is_beyond_the_calendar_is_no_range(query: str) -> None:
    assert all(local(PAST) <= found.start < found.end <= local(FUTURE) for found in time_spans(query, ASKED_AT))


@given(
    st.one_of(
        st.text(max_size=200),
        st.lists(st.sampled_from(PIECES.split()), max_size=12).map(" ".join),
        st.lists(st.sampled_from(PIECES.split()), max_size=12).map("".join),
    ),
    st.datetimes(timezones=st.just(ZONE)),
)
def test_any_text_gives_spans_in_order_that_end_after_their_start(query: str, asked_at: datetime) -> None:
    at = 0
    for found in time_spans(query, asked_at):
        assert local(PAST) <= found.start < found.end <= local(FUTURE)
        at = query.index(found.words, at) + len(found.words)
        found.contains(ASKED_AT)
        assert found.distance_days(ASKED_AT) >= 0
    asks_for_time_of_writing(query)


@pytest.mark.parametrize("pattern", [pattern for pattern, _ in RULES.rules])
def test_whatever_a_rule_matches_has_a_word_for_which_the_rules_are_asked_at_all(pattern: str) -> None:
    @settings(max_examples=10, suppress_health_check=list(HealthCheck))
    @given(st.from_regex(re.compile(rf"\b(?:{pattern})", FLAGS)))
    def has_one(text: str) -> None:
        for match in re.finditer(pattern, text, FLAGS):
            assert re.search(RULES.telling, match.group(), FLAGS)

    has_one()
