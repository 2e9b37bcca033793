"""The dialogues about capture are whole and say what was said; captures are scored as they are described."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime

import pytest

from benchmarks.dialogues import Dialogue as Talked
from benchmarks.dialogues import Talk
from benchmarks.dialogues import Turn as Said
from benchmarks.learning.dialogue_set import CATEGORIES, FITTED, FRESH, SETS, THIRD, Dialogue, Turn, read_all
from benchmarks.learning.noise import stretches
from benchmarks.learning.scoring import (
    FIRST,
    FROM_NEGATIVES,
    INVENTED,
    OF_LIVING,
    OF_REMEMBERED,
    PRECISION,
    RECALL,
    SUPERSESSION,
    Outcome,
    Share,
    holds,
    judged,
    summed,
)
from memory_store.models import Author, AuthorKind, Role

BY_SET = {name: read_all(folder) for name, folder in SETS.items()}
ALL = [one for dialogues in BY_SET.values() for one in dialogues]
MOVED = Dialogue.model_validate(
    {
        "language": "en",
        "category": "update",
        "id": "moved",
        "turns": [
            ["2025-01-01", "user", "I live in Porto."],
            ["2025-02-01", "assistant", "How is Porto?"],
            ["2025-02-01", "user", "I live in Lyon now, not in Porto."],
        ],
        "living": [["Lyon"]],
        "ended": [["porto"]],
        "question": "Where do I live?",
        "first": ["lyon"],
    }
)
THANKED = Dialogue.model_validate(
    {
        "language": "en",
        "category": "suggestion",
        "id": "thanked",
        "turns": [["2025-01-01", "assistant", "Try running."], ["2025-01-01", "user", "Thanks, I like that."]],
        "allowed": [["like that"]],
    }
)


@pytest.mark.parametrize(("name", "least"), [(FITTED, 168), (FRESH, 144), (THIRD, 144)])
def test_there_are_enough_dialogues_of_each_kind_in_both_languages(name: str, least: int) -> None:
    dialogues = BY_SET[name]
    counted = Counter((one.language, one.category) for one in dialogues)
    assert set(counted) == {(language, category) for language in ("en", "zh") for category in CATEGORIES}
    assert min(counted.values()) >= 6
    assert len(dialogues) >= least
    assert sum(one.language == "zh" for one in dialogues) * 2 == len(dialogues)


def test_no_two_dialogues_of_either_set_have_one_name() -> None:
    assert [name for name, number in Counter(one.name for one in ALL).items() if number > 1] == []


def test_what_should_be_remembered_was_said_by_the_user() -> None:
    for one in ALL:
        said = [turn.text for turn in one.turns if turn.role is Role.USER]
        for words in (*one.living, *one.ended, *one.allowed, one.first):
            assert any(holds(text, words) for text in said), f"{one.name}: {words}"


def test_days_of_a_dialogue_follow_each_other() -> None:
    for one in ALL:
        days = [turn.day for turn in one.turns]
        assert days == sorted(days), one.name


def test_what_a_new_statement_makes_untrue_must_be_gone() -> None:
    right = judged(
        Outcome(
            MOVED,
            ("I live in Porto.", "I live in Lyon now, not in Porto."),
            ("I live in Lyon now, not in Porto.",),
            "I live in Lyon now",
        )
    )
    assert right.complaints == []
    assert {name: share.value for name, share in right.shares.items() if share.whole} == {
        PRECISION.name: 1,
        RECALL.name: 1,
        SUPERSESSION.name: 1,
        OF_REMEMBERED.name: 1,
        FIRST.name: 1,
        OF_LIVING.name: 1,
        INVENTED.name: 0,
    }
    both = ("I live in Porto.", "I live in Lyon now")
    beside = judged(Outcome(MOVED, both, both, "I live in Porto."))
    assert (beside.shares[SUPERSESSION.name], beside.shares[FIRST.name]) == (Share(0, 1), Share(0, 1))
    assert beside.shares[RECALL.name] == Share(2, 2)
    never = judged(Outcome(MOVED))
    assert (never.shares[SUPERSESSION.name], never.shares[OF_REMEMBERED.name]) == (Share(0, 1), Share())
    assert (never.shares[RECALL.name], never.shares[OF_LIVING.name]) == (Share(0, 2), Share())


def test_what_nobody_said_is_counted_and_what_is_allowed_is_not() -> None:
    verdict = judged(Outcome(THANKED, ("I like that.", "Running"), ("I like that.",)))
    assert verdict.shares[PRECISION.name] == Share(0, 1)
    assert verdict.shares[FROM_NEGATIVES.name] == Share(1, 1)
    assert verdict.shares[INVENTED.name] == Share(1, 2)
    assert verdict.complaints == ["false positive: Running"]
    total = summed([verdict, judged(Outcome(THANKED))])
    assert total[FROM_NEGATIVES.name] == Share(1, 2)
    assert (FROM_NEGATIVES.met(total[FROM_NEGATIVES.name]), PRECISION.met(Share(97, 100))) == (False, True)


def test_latin_words_are_matched_whole_and_chinese_anywhere() -> None:
    assert holds("ANA's a nurse", ("Ana", "nurse"))
    assert not holds("a banana", ("ana",))
    assert not holds("on May 14", ("may 1",))
    assert holds("我5月12号飞Oslo啦", ("5月12号", "oslo"))


def test_a_turn_is_a_day_a_role_and_a_text() -> None:
    assert Turn.model_validate(["2025-03-02", "assistant", "Hello."]).role is Role.ASSISTANT
    with pytest.raises(ValueError, match="shorter"):
        Turn.model_validate(["2025-03-02", "user"])


def test_stretches_are_the_same_each_time_and_either_speaker_is_the_user() -> None:
    turns = tuple(Said(f"D1:{n}", Author(AuthorKind.USER, "AB"[n % 2]), f"text {n}", "") for n in range(6))
    talk = Talk("S1", datetime(2025, 3, 2, tzinfo=UTC), turns)
    chosen = stretches([Talked("one", "LoCoMo", ("A", "B"), (talk,), {})], 3)
    assert chosen == stretches([Talked("one", "LoCoMo", ("A", "B"), (talk,), {})], 3)
    assert {one.user for one in chosen} == {"A", "B"}
    assert len(chosen) == 3
