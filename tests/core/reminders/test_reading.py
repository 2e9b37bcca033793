"""When somebody is to be reminded, read in words of two languages: one time, several that are meant, or what lacks."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.core.reminders.reading import Lack, Time, find_days, read_time

MONDAY = datetime(2026, 11, 30, 12, 0, tzinfo=ZoneInfo("Europe/Berlin"))


def times(words: str, *, repeated: bool = False) -> list[str]:
    return [
        f"{when.begins:%a %d %b %Y %H:%M}{f' {when.rule}' if when.rule else ''}"
        for when in read_time(words, MONDAY, repeated=repeated).times
    ]


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        ("tomorrow 8:00", ["Tue 01 Dec 2026 08:00"]),
        ("at 15:00", ["Mon 30 Nov 2026 15:00"]),
        ("at 9", ["Mon 30 Nov 2026 21:00", "Tue 01 Dec 2026 09:00"]),
        ("in 20 minutes", ["Mon 30 Nov 2026 12:20"]),
        ("in half an hour", ["Mon 30 Nov 2026 12:30"]),
        ("in three days at 10:00", ["Thu 03 Dec 2026 10:00"]),
        ("on Friday at 3 pm", ["Fri 04 Dec 2026 15:00"]),
        ("Monday 8:00", ["Mon 07 Dec 2026 08:00"]),
        ("Monday 18:00", ["Mon 30 Nov 2026 18:00", "Mon 07 Dec 2026 18:00"]),
        ("next Friday at 9am", ["Fri 04 Dec 2026 09:00", "Fri 11 Dec 2026 09:00"]),
        ("the 15th at 10:00", ["Tue 15 Dec 2026 10:00"]),
        ("5 May at 10:00", ["Wed 05 May 2027 10:00"]),
        ("three days before Christmas at 9:00", ["Mon 21 Dec 2026 09:00"]),
        ("a week before 1 March 2027 at 9:00", ["Mon 22 Feb 2027 09:00"]),
        ("2027-03-01前三天9:00", ["Fri 26 Feb 2027 09:00"]),
        ("tonight at 9", ["Mon 30 Nov 2026 21:00"]),
        ("half past 8 in the morning tomorrow", ["Tue 01 Dec 2026 08:30"]),
        ("every Monday at 8:00", ["Mon 07 Dec 2026 08:00 FREQ=WEEKLY;BYDAY=MO"]),
        ("every other Tuesday 18:30", ["Tue 01 Dec 2026 18:30 FREQ=WEEKLY;INTERVAL=2;BYDAY=TU"]),
        ("every Monday and Thursday at 18:00", ["Mon 30 Nov 2026 18:00 FREQ=WEEKLY;BYDAY=MO,TH"]),
        ("every Monday to Friday at 8:00", ["Tue 01 Dec 2026 08:00 FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR"]),
        ("every weekday at 7:15 until 1 March 2027", [
            "Tue 01 Dec 2026 07:15 FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR;UNTIL=20270301T235959"
        ]),
        ("every 2 weeks on Monday at 8:00", ["Mon 07 Dec 2026 08:00 FREQ=WEEKLY;INTERVAL=2"]),
        ("every day at noon 5 times", ["Tue 01 Dec 2026 12:00 FREQ=DAILY;COUNT=5"]),
        ("every first Monday of the month at 9:00", ["Mon 07 Dec 2026 09:00 FREQ=MONTHLY;BYDAY=1MO"]),
        ("every month on the last day at 18:00", ["Mon 30 Nov 2026 18:00 FREQ=MONTHLY;BYMONTHDAY=-1"]),
        ("every month on the 31st at 9:00", ["Thu 31 Dec 2026 09:00 FREQ=MONTHLY;BYMONTHDAY=31"]),
        ("every 5 May at 9:00", ["Wed 05 May 2027 09:00 FREQ=YEARLY"]),
        ("in an hour and a half", ["Mon 30 Nov 2026 13:30"]),
        ("in 2 hours 30 min", ["Mon 30 Nov 2026 14:30"]),
        ("five minutes from now", ["Mon 30 Nov 2026 12:05"]),
        ("on Monday morning at 8", ["Mon 07 Dec 2026 08:00"]),
        ("every Monday until Christmas at 8:00", ["Mon 07 Dec 2026 08:00 FREQ=WEEKLY;BYDAY=MO;UNTIL=20261226T235959"]),
        ("every month on the 15th and 30th at 9:00", ["Tue 15 Dec 2026 09:00 FREQ=MONTHLY;BYMONTHDAY=15,30"]),
        ("每月1号和15号9:00", ["Tue 01 Dec 2026 09:00 FREQ=MONTHLY;BYMONTHDAY=1,15"]),
        ("每两周的周二晚上六点半", ["Tue 01 Dec 2026 18:30 FREQ=WEEKLY;INTERVAL=2;BYDAY=TU"]),
        ("一个半小时后", ["Mon 30 Nov 2026 13:30"]),
        ("两小时三十分钟后", ["Mon 30 Nov 2026 14:30"]),
        ("每天早上七点一刻", ["Tue 01 Dec 2026 07:15 FREQ=DAILY"]),
        ("明天七点十五", ["Tue 01 Dec 2026 07:15"]),
        ("明早8点", ["Tue 01 Dec 2026 08:00"]),
        ("今晚8点", ["Mon 30 Nov 2026 20:00"]),
        ("明天下午三点半", ["Tue 01 Dec 2026 15:30"]),
        ("半小时后", ["Mon 30 Nov 2026 12:30"]),
        ("12月24日晚上8点", ["Thu 24 Dec 2026 20:00"]),
        ("每周一早上8点", ["Mon 07 Dec 2026 08:00 FREQ=WEEKLY;BYDAY=MO"]),
        ("每天8点", ["Tue 01 Dec 2026 08:00 FREQ=DAILY", "Mon 30 Nov 2026 20:00 FREQ=DAILY"]),
        ("每月15号9:00", ["Tue 15 Dec 2026 09:00 FREQ=MONTHLY;BYMONTHDAY=15"]),
    ],
)  # fmt: skip
def test_words_and_all_that_they_may_mean(words: str, meant: list[str]) -> None:
    assert times(words) == meant


def test_words_that_are_there_to_repeat_need_no_every() -> None:
    assert times("Monday 8:00", repeated=True) == ["Mon 07 Dec 2026 08:00 FREQ=WEEKLY;BYDAY=MO"]
    assert times("day at 9pm", repeated=True) == ["Mon 30 Nov 2026 21:00 FREQ=DAILY"]
    assert times("hour", repeated=True) == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("remind me to water the plants tomorrow at 8:00", "water the plants"),
        ("every Monday at 8:00 water the plants", "water the plants"),
        ("call Ines on Friday at 15:00", "call Ines"),
        ("tomorrow 8:00 send the report of March 2026", "send the report of March 2026"),
        ("提醒我每周一早上8点浇花", "浇花"),
        ("/recipe weekly-review every Friday at 17:00", "/recipe weekly-review"),
        ("weekly sync every Friday at 17:00", "weekly sync"),
    ],
)
def test_what_speaks_of_no_time_is_what_is_said(words: str, said: str) -> None:
    assert read_time(words, MONDAY).rest == said


@pytest.mark.parametrize(
    ("words", "lack"),
    [
        ("buy milk", Lack.TIME),
        ("tomorrow tea", Lack.CLOCK),
        ("every Monday", Lack.CLOCK),
        ("next month at 8:00", Lack.DAY),
        ("pay rent on 30 February at 9:00", Lack.DAY),
        ("2月30日9:00", Lack.DAY),
        ("every year at 9:00", Lack.DAY),
        ("every day except Sunday at 8:00", Lack.TIME),
        ("每天除了周日8:00", Lack.TIME),
        ("三个半月后9:00", Lack.DAY),
        ("03/04/2027 at 8:00", Lack.DAY),
        ("the day before the exam at 8:00", Lack.DAY),
        ("yesterday at 8:00", Lack.PAST),
        ("this morning at 8", Lack.PAST),
        ("2020-01-01 8:00", Lack.PAST),
        ("in a few hours", Lack.TIME),
    ],
)
def test_what_is_not_named_is_never_guessed(words: str, lack: Lack) -> None:
    reading = read_time(words, MONDAY)
    assert (reading.times, reading.lack) == ((), lack)


@pytest.mark.parametrize("word", ["water ", "浇水"])
def test_long_text_is_said_whole(word: str) -> None:
    reading = read_time(f"tomorrow 8:00 {word * 600}the ferns", MONDAY)
    assert len(reading.times) == 1
    assert "".join(reading.rest.split()) == f"{word.strip() * 600}theferns"


def test_day_that_is_counted_from_what_only_memory_knows_is_put_into_the_text() -> None:
    text = "cancel the gym three days before the notice date at 9:00"
    reading = read_time(text, MONDAY)
    assert reading.event is not None
    assert (reading.rest, reading.event.words) == ("cancel the gym", "the notice date")
    settled = read_time(reading.event.settle(text, datetime(2027, 3, 1)), MONDAY)
    assert (settled.times, settled.rest) == ((Time(datetime(2027, 2, 26, 9, 0)),), "cancel the gym")


def test_dates_of_a_text_are_those_that_mean_the_same_day_whenever_it_is_read() -> None:
    text = "Ines' birthday is on 5 May. The notice is due on 1 March 2027, said tomorrow; it began on 2 May 2020."
    found = [(f"{day:%Y-%m-%d}", words) for day, words in find_days(text, MONDAY)]
    assert found == [("2027-05-05", "5 May."), ("2027-03-01", "1 March 2027")]


PIECES = (
    "every Monday and at 8 8:00 the first of month 每 周 一 前 三天 之后 in 20 minutes before after May 5 2027 "
    "tomorrow next until times again noon ; , a 两 号 点 半 99999999999 9999-12-31 0001-01-01"
)


@given(
    st.one_of(
        st.lists(st.sampled_from(PIECES.split()), max_size=12).map(" ".join),
        st.lists(st.sampled_from(PIECES.split()), max_size=12).map("".join),
    )
)
def test_any_words_name_times_to_come_or_say_what_lacks(words: str) -> None:
    for repeated in (False, True):
        reading = read_time(words, MONDAY, repeated=repeated)
        assert bool(reading.times) == (reading.lack is None)
        assert all(when.begins >= MONDAY.replace(tzinfo=None) for when in reading.times)
