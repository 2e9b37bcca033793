"""A month of chats: moves, changed jobs and tastes, plans made and taken back; the profile is right on each day."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from assistant.core.conversation.session import Session, TurnSettings
from assistant.core.learning.answering import Answer, answer
from assistant.core.learning.consolidation import consolidate
from assistant.core.learning.learner import learn
from assistant.core.profile import ProfileLine, profile
from assistant.llm.roles import Models
from assistant.llm.scripted import ScriptedChat
from memory_store import Store, clock
from memory_store.models import RecallFilters, SourceKind
from tests.support.embedder import HashEmbedder

FIRST_DAY = datetime(2026, 3, 1, 9, tzinfo=UTC)
# What is said on each day, the first being 1. On days that are not here nothing is.
SAID: dict[int, tuple[str, ...]] = {
    1: ("Hi! My name is Ada Moreno. I live in Porto.", "What can you remember?"),
    2: ("I work at Acme, in the warehouse.", "If I lived in Paris I'd eat croissants all day."),
    3: ("I love coffee. My sister Inês is a vet.",),
    4: ("I'm flying to Oslo on 20 March.", "My boss said “I'm moving to Berlin in May”, can you believe it?"),
    5: ("I want to run a marathon this year because I turned 40.",),
    6: ("我最喜欢的颜色是绿色。", "She goes: I have three yachts. Who says such things?"),
    7: ("I drive a Golf, it's older than me.",),
    8: ("Should I learn Norwegian?", "Thanks, I like the second idea."),
    9: ("I have asthma, so no running in the cold for me.",),
    10: ("No, I moved to Lyon last weekend. Any good bakeries?",),
    11: ("I'm learning Norwegian now.",),
    12: ("I don't drink coffee any more, it keeps me awake.", "I prefer tea these days."),
    14: ("I quit my job at Acme.",),
    15: ("I'm not going to Oslo after all.", "The whole trip cost a fortune, forget about the Oslo trip."),
    16: ("I work at Zenith now, as a planner.",),
    18: ("不对，我最喜欢的颜色是蓝色。",),
    19: ("My salary is applause, lol.", "Translate into French: I live in Nice and I have two dogs."),
    20: ("I sold the Golf yesterday.",),
    21: ("My dentist appointment is on 28 March at 9.",),
    22: ("I gave up on the marathon, my knee says no.",),
    24: ("We've moved, I live in Nantes now.",),
    26: ("I bought a red canoe.", "Do I live in Lyon or in Nantes?"),
    27: ("Remember that the spare key is with Rui.",),
    29: ("I live in Nantes.",),
    30: ("My sister Inês is a vet.",),
}
NAME, VET = "My name is Ada Moreno.", "My sister Inês is a vet."
ASTHMA, DENTIST = "I have asthma, so no running in the cold for me.", "My dentist appointment is on 28 March at 9."
PORTO, LYON, NANTES = (
    "I live in Porto.",
    "No, I moved to Lyon last weekend.",
    "We've moved, I live in Nantes now.",
)
ACME, ZENITH = "I work at Acme, in the warehouse.", "I work at Zenith now, as a planner."
COFFEE, TEA = "I love coffee.", "I prefer tea these days."
GREEN, BLUE = "我最喜欢的颜色是绿色。", "不对，我最喜欢的颜色是蓝色。"
OSLO, MARATHON = "I'm flying to Oslo on 20 March.", "I want to run a marathon this year because I turned 40."
GOLF, KEY = "I drive a Golf, it's older than me.", "the spare key is with Rui"
# What is true on a day, and what is true no more.
KNOWN_ON = {
    1: ({NAME, PORTO}, set[str]()),
    3: ({NAME, PORTO, ACME, COFFEE, VET}, set[str]()),
    9: ({NAME, PORTO, ACME, COFFEE, VET, OSLO, MARATHON, GREEN, GOLF}, set[str]()),
    10: ({NAME, LYON, ACME, COFFEE, VET, OSLO, MARATHON, GREEN, GOLF}, {PORTO}),
    12: ({NAME, LYON, ACME, TEA, VET, OSLO, MARATHON, GREEN, GOLF}, {PORTO, COFFEE}),
    14: ({NAME, LYON, TEA, VET, OSLO, MARATHON, GREEN, GOLF}, {PORTO, COFFEE, ACME}),
    18: ({NAME, LYON, ZENITH, TEA, VET, BLUE, GOLF}, {PORTO, ACME, OSLO, GREEN}),
    24: ({NAME, NANTES, ZENITH, TEA, VET, BLUE}, {LYON, ACME, GREEN, GOLF, MARATHON}),
    30: ({NAME, NANTES, ZENITH, TEA, VET, BLUE, KEY}, {PORTO, LYON, ACME, COFFEE, GREEN, GOLF, MARATHON}),
}


class Day:
    """The clock of the store, set by hand."""

    def __init__(self) -> None:
        self.moment = FIRST_DAY

    def now(self, _zone: object = None) -> datetime:
        self.moment += timedelta(seconds=1)
        return self.moment


@pytest.fixture
def day(monkeypatch: pytest.MonkeyPatch) -> Day:
    day = Day()

    class Clock(datetime):
        now = staticmethod(day.now)  # type: ignore[assignment]

    monkeypatch.setattr(clock, "datetime", Clock)
    return day


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the month is kept for all tests once it was lived."""
    return tmp_path_factory.mktemp("month") / "memory"


@pytest.fixture
def store(tmp_path: Path, kept: Path, day: Day) -> Iterator[Store]:
    """The memory after the month: a copy, which each test may change."""
    if not kept.exists():
        with Store.open(tmp_path / "lived", HashEmbedder()) as lived:
            asyncio.run(live(lived, day))
        (tmp_path / "lived").rename(kept)
    shutil.copytree(kept, tmp_path / "memory")
    day.moment = FIRST_DAY + timedelta(days=29, hours=3)
    with Store.open(tmp_path / "memory", HashEmbedder()) as opened:
        yield opened


async def live(store: Store, day: Day) -> None:
    model = ScriptedChat(otherwise=["Noted."])
    for number in range(1, 31):
        day.moment = FIRST_DAY + timedelta(days=number - 1)
        session = Session(store, Models(model), TurnSettings(titles=False))
        for text in SAID.get(number, ()):
            async for _event in session.turn(text):
                pass
            async for _noted in learn(store, Models()):
                pass
    day.moment = FIRST_DAY + timedelta(days=29, hours=3)
    async for _done in consolidate(store, Models(model)):
        pass


def lines(store: Store, as_of: datetime | None = None) -> dict[str, ProfileLine]:
    return {line.memory.text: line for section in profile(store, as_of) for line in section.lines}


def test_every_line_of_the_profile_is_right_and_has_its_source(store: Store) -> None:
    known = lines(store)
    for line in known.values():
        assert line.sources  # the title of the chat that it was said in
        (ground, *_others) = store.memories.grounds(line.memory.id)
        said = store.conversations.message(ground.source_id)
        assert line.memory.text in said.text
    assert known[NANTES].earlier == (LYON, PORTO)
    assert known[BLUE].earlier == (GREEN,)


def test_of_health_nothing_is_a_line_without_a_yes(store: Store) -> None:
    asthma, dentist = store.learning.questions.all()
    assert (asthma.memory.text, dentist.memory.text) == (ASTHMA, DENTIST)
    answer(store, asthma, Answer.YES)
    answer(store, dentist, Answer.NO)
    assert ASTHMA in lines(store)
    assert DENTIST not in lines(store)


def test_as_of_any_day_the_answer_is_what_was_true_then(store: Store) -> None:
    homes = {PORTO, LYON, NANTES}
    for number, (known, over) in KNOWN_ON.items():
        evening = FIRST_DAY + timedelta(days=number - 1, hours=10)
        assert known <= set(lines(store, evening)), number
        assert not over & set(lines(store, evening)), number
        filters = RecallFilters(kinds=frozenset({SourceKind.MEMORY}), as_of=evening)
        found = {hit.text for hit in store.recall("Where do I live? Porto Lyon Nantes", 30, filters)}
        assert found & homes == known & homes, number
