"""When a card is due follows from how well it was known, and from nothing else."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from assistant.core.cards.scheduling import SOON, describe_wait, next_due
from memory_store import CardReview, Grade

MOMENT = datetime(2026, 3, 2, 9, tzinfo=UTC)


def reviews(*grades: Grade, apart: timedelta = timedelta(days=10)) -> list[CardReview]:
    return [CardReview("crd_a", MOMENT + apart * number, grade) for number, grade in enumerate(grades)]


def test_what_was_not_known_comes_again_soon_and_what_was_known_in_days() -> None:
    assert next_due(reviews(Grade.AGAIN)) == MOMENT + SOON
    waits = [next_due(reviews(grade)) - MOMENT for grade in (Grade.HARD, Grade.GOOD, Grade.EASY)]
    assert waits == sorted(waits)
    assert timedelta(days=1) <= waits[1] < waits[2]


def test_each_time_it_is_known_it_waits_longer_and_a_lapse_brings_it_back() -> None:
    known = reviews(Grade.GOOD, Grade.GOOD, Grade.GOOD)
    waits = [next_due(known[: count + 1]) - known[count].reviewed_at for count in range(3)]
    assert waits == sorted(waits)
    assert waits[0] < waits[2]
    lapsed = [*known, CardReview("crd_a", MOMENT + timedelta(days=90), Grade.AGAIN)]
    assert next_due(lapsed) == MOMENT + timedelta(days=90) + SOON


def test_the_same_grades_give_the_same_day() -> None:
    assert len({next_due(reviews(Grade.GOOD, Grade.EASY)) for _ in range(5)}) == 1


@pytest.mark.parametrize(
    ("wait", "words"),
    [
        (timedelta(0), "in 1 minute"),
        (timedelta(minutes=10), "in 10 minutes"),
        (timedelta(hours=5), "in 5 hours"),
        (timedelta(hours=23, minutes=59), "in 1 day"),
        (timedelta(days=2, hours=3), "in 2 days"),
        (timedelta(days=90), "in 3 months"),
    ],
)
def test_a_wait_is_told_in_words(wait: timedelta, words: str) -> None:
    assert describe_wait(MOMENT, MOMENT + wait) == words


def test_the_scheduler_is_loaded_when_a_card_is_graded_and_not_before() -> None:
    code = "import sys, assistant.core.conversation.cards; assert 'fsrs' not in sys.modules"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
