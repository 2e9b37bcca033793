"""What people say of themselves is told apart by kind, what it is about, and until when; and what they take back."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from assistant.core.capture import Ended, Statement, statements
from assistant.core.planned import until
from memory_store.models import MemoryKind

SAID_AT = datetime(2026, 11, 24, 15, 30, tzinfo=UTC)  # a Tuesday
FACT, PREFERENCE, GOAL, EVENT, NOTE = (
    MemoryKind.FACT,
    MemoryKind.PREFERENCE,
    MemoryKind.GOAL,
    MemoryKind.EVENT,
    MemoryKind.NOTE,
)


@pytest.mark.parametrize(
    ("said", "kept", "kind", "about"),
    [
        ("hey i moved to lyon last month, any good bakeries?", "I moved to lyon last month", FACT, "home"),
        ("My brother lives in Graz, how far is that?", "My brother lives in Graz", FACT, "home of brother"),
        ("I have a dog, his name is Rex", "I have a dog, his name is Rex", FACT, ""),
        ("I'm a software engineer at Spotify", "I'm a software engineer at Spotify", FACT, "profession"),
        ("Im severely allergic to peanuts, so no satay pls", "Im severely allergic to peanuts", FACT, ""),
        ("I've been vegan for two years", "I've been vegan for two years", FACT, "diet"),
        ("I drive a red Toyota", "I drive a red Toyota", FACT, "car"),
        ("I can't stand coriander", "I can't stand coriander", PREFERENCE, "taste coriander"),
        ("My favourite colour is green", "My favourite colour is green", PREFERENCE, "favourite colour"),
        ("My locker code is 4411", "My locker code is 4411", FACT, "locker code"),
        ("I'm trying to quit smoking", "I'm trying to quit smoking", GOAL, ""),
        ("My exam is on Friday", "My exam is on Friday", EVENT, "exam"),
        (
            "note: my dentist is Dr. Haas on Mill Street",
            "My dentist is Dr. Haas on Mill Street",
            FACT,
            "name of dentist",
        ),
        ("我上个月搬到杭州了，帮我推荐几家火锅店吧", "我上个月搬到杭州了", FACT, "home"),
        ("我弟住在绵阳，坐高铁到成都多久？", "我弟住在绵阳", FACT, "home of 弟"),
        ("我养了一只猫，叫团子", "我养了一只猫，叫团子", FACT, ""),
        ("我从腾讯跳槽到了字节", "我从腾讯跳槽到了字节", FACT, "work"),
        ("我对花生过敏，有什么零食推荐吗？", "我对花生过敏", FACT, ""),
        ("我最喜欢的颜色是绿色", "我最喜欢的颜色是绿色", PREFERENCE, "favourite 颜色"),
        ("我在准备雅思考试", "我在准备雅思考试", GOAL, ""),
        ("我下周五要去上海出差", "我下周五要去上海出差", EVENT, ""),
        ("下个月搬到上海，要准备什么", "我下个月搬到上海", EVENT, ""),
        ("记住，备用钥匙放在楼下王阿姨那里", "备用钥匙放在楼下王阿姨那里", NOTE, ""),
    ],
)
def test_statement_is_told_by_kind_and_what_it_is_about(said: str, kept: str, kind: MemoryKind, about: str) -> None:
    [one] = statements(said, SAID_AT)
    assert isinstance(one, Statement)
    assert (one.text, one.kind, one.about) == (kept, kind, about)


def test_several_things_in_one_sentence_are_several_statements() -> None:
    found = statements("i live in porto and work at acme. My sister Ana is a nurse", SAID_AT)
    assert [one.text for one in found] == ["I live in porto", "I work at acme.", "My sister Ana is a nurse"]
    assert [one.text for one in statements("我叫小安，住在成都，在医院工作")] == [
        "我叫小安",
        "我住在成都",
        "我在医院工作",
    ]


def test_goal_has_its_reason_and_horizon() -> None:
    [goal] = statements("I want to run a marathon this year because I turned 40.", SAID_AT)
    assert isinstance(goal, Statement)
    assert (goal.text, goal.why, goal.horizon) == ("I want to run a marathon this year", "I turned 40", "this year")


@pytest.mark.parametrize(
    ("said", "words", "about"),
    [
        ("forget what I said about the marathon, I dropped it", "the marathon", ""),
        ("I don't drink coffee any more", "coffee", ""),
        ("I sold the car", "car", ""),
        ("I quit my job", "job", ""),
        ("The Oslo trip is cancelled.", "oslo trip", ""),
        ("I'm not going to Oslo after all", "oslo", ""),
        ("Piano's gone, gave it to my niece.", "piano", ""),
        ("我把车卖了", "车", ""),
        ("我辞职了", "", "work"),
        ("奥斯陆的行程取消了", "奥斯陆的行程", ""),
        ("老家那个wifi密码不用记了，路由器都换了", "老家那个wifi密码", ""),
        ("骗你的，把我住灯塔那条删了吧", "住灯塔", ""),
    ],
)
def test_what_is_taken_back_is_told_from_what_is_stated(said: str, words: str, about: str) -> None:
    ended = [one for one in statements(said, SAID_AT) if isinstance(one, Ended)]
    assert (ended[0].words, ended[0].about) == (words, about)


@pytest.mark.parametrize(
    "said",
    [
        "I live in Porto, right?",
        "I might move to Lyon",
        "When I win the lottery I'll buy a vineyard and quit my job",
        "She goes I've joined a gym, I'm doing spin on Thursdays",
        'Proofread: "My name is Tomek. My dad works on a ship."',
        "What's wrong in this log?\n\nCustomer: I live in Hull\nAgent: I'm from Leeds myself!",
        "Got this today, can you shorten it?\n\nDear Ms. Hart,\nMy name is Karen and I live in Dublin.",
        "I have a PhD in procrastination",
        "I'm 400 years old, just kidding",
        "My name is Bond. James Bond. 😂",
        "I won't give up, I promise!",
        "Remember, just do it!",
        "I love the dark sky and green scenery.",
        "So much energy and love everywhere.",
        "I've decided to use your first idea",
        "I like me!",
        "二选一：我有一条龙但只能住帐篷，或者我有一座城堡",
        "教我学英语自我介绍，中文大意比如：我叫小明，今年十岁",
        "我是秦始皇，打钱😂 说正事，excel怎么合并单元格",
        "我知道他喜欢旅游，喜欢尝试新的美食",
        "我们暑假没打算去日本，票也没订",
        "我决定先去爬山",
    ],
)
def test_what_is_not_said_of_the_user_in_earnest_is_passed_over(said: str) -> None:
    assert [one for one in statements(said, SAID_AT) if isinstance(one, Statement)] == []


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("on 12 May", "2027-05-13"),
        ("on Friday", "2026-11-28"),
        ("in two weeks", "2026-12-09"),
        ("from 3 to 7 June 2027", "2027-06-08"),
        ("3月4号早上", "2027-03-04"),
        ("下周五", "2026-12-05"),
        ("last week", None),
        ("since Monday", None),
        ("in 2019", None),
        ("", None),
    ],
)
def test_plan_holds_until_the_last_time_that_it_names_is_over(text: str, day: str | None) -> None:
    end = until(text, SAID_AT)
    assert (None if end is None else f"{end:%Y-%m-%d}") == day


@pytest.fixture
def patience() -> Iterator[None]:
    """Fail, rather than hang, where a rule backtracks without end."""

    def enough(*_: object) -> None:
        raise AssertionError("the rules do not come to an end")

    before = signal.signal(signal.SIGALRM, enough)
    signal.alarm(60)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.mark.usefixtures("patience")
@pytest.mark.parametrize(
    "words", ["and so ", "现在", "刚", "i now ", "my wife ", "我的", "a ", "the-", "5月", "lately, ", "“i "]
)
def test_no_message_keeps_the_rules_busy_without_end(words: str) -> None:
    for said in (words * 80, f'I loved "Home" {words * 60} it\'s good', f"我{words * 60}了", f"I {words * 60} in Lyon"):
        statements(said[:2000], SAID_AT + timedelta(days=1))
