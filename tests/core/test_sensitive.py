"""Health, mood and money are told from what is said in general, in stories, in code and in figures of speech."""

from __future__ import annotations

from pathlib import Path

import pytest

from assistant.core.sensitive import Topic, is_low, topics_of


def cases() -> list[tuple[str, frozenset[Topic]]]:
    """Return the table's texts with their topics."""
    lines = Path(__file__).with_name("sensitive.txt").read_text("utf-8").splitlines()
    rows = [line.partition(": ") for line in lines if line and not line.startswith("#")]
    return [(text, frozenset(Topic(one) for one in topics.split() if one != "-")) for topics, _, text in rows]


def test_every_text_of_the_table_has_its_topics_and_no_others() -> None:
    wrong = [(text, sorted(topics_of(text))) for text, topics in cases() if topics_of(text) != topics]
    assert wrong == []


def test_the_table_is_large_and_half_of_it_speaks_of_nothing_sensitive_or_chinese() -> None:
    table = cases()
    chinese = [text for text, _ in table if any("\u4e00" <= sign <= "\u9fff" for sign in text)]
    assert len(table) >= 350
    assert len(chinese) >= 120
    assert sum(not topics for _, topics in table) >= 150
    assert {topic for _, topics in table for topic in topics} == set(Topic)


@pytest.mark.parametrize(
    ("text", "low"),
    [
        ("I feel so lonely since she left.", True),
        ("我好难过", True),
        ("I feel much happier today", False),
        ("今天我很开心！", False),
        ("I'm allergic to penicillin.", False),
        ("In my novel, I feel so lonely, says the hero.", False),
    ],
)
def test_a_mood_that_is_hard_to_bear_is_told_from_any_other(text: str, low: bool) -> None:
    assert is_low(text) is low


def test_a_long_paste_is_read_at_its_two_ends_alone() -> None:
    paste = "The boiler was checked and found to be in order. " * 20_000
    assert topics_of(f"{paste} I feel so lonely.") == {Topic.MOOD}
    assert topics_of(f"{paste} I feel so lonely. {paste}") == frozenset()
