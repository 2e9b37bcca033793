"""The scores of rankings are the ones that a person reckons by hand."""

from __future__ import annotations

import pytest

from benchmarks.dialogues import Question
from benchmarks.ranking_metrics import COLUMNS, Ranking, scores, table

SESSIONS = {f"{session}:{turn}": session for session in "abcdefghijkl" for turn in range(1, 4)}


def ranking(ranked: list[str], *evidence: set[str]) -> Ranking:
    question = Question("When?", 1, tuple(frozenset(piece) for piece in evidence))
    return Ranking(question, "one", "LoCoMo", "English", tuple(ranked), SESSIONS)


def fill(count: int) -> list[str]:
    """Turns that answer nothing, all of sessions a to h."""
    return [f"{session}:{turn}" for session in "abcdefgh" for turn in range(1, 4)][:count]


def test_a_question_scores_the_share_of_its_evidence_among_the_first() -> None:
    ranked = ["k:1", *fill(7), "k:2", *fill(20)[7:], "l:1"]
    got = scores([ranking(ranked, {"k:1"}, {"k:2"}, {"l:1"}, {"k:3"})])

    assert got["R@5"] == pytest.approx(25)
    assert got["R@10"] == pytest.approx(50)
    assert got["R@20"] == pytest.approx(50), "the 23rd turn is past 20"
    assert got["hit@10"] == 100
    assert got["all@10"] == 0


def test_the_last_place_of_each_cut_counts() -> None:
    for k in (5, 10, 20):
        assert scores([ranking([*fill(k - 1), "k:1"], {"k:1"})])[f"R@{k}"] == 100
        assert scores([ranking([*fill(k), "k:1"], {"k:1"})])[f"R@{k}"] == 0


def test_any_turn_of_a_piece_finds_it_and_two_do_not_count_twice() -> None:
    got = scores([ranking(["k:2", "k:1"], {"k:1", "k:2"}, {"l:1"})])

    assert got["R@5"] == 50
    assert scores([ranking(["k:2"], {"k:1", "k:2"})])["all@10"] == 100


def test_the_reciprocal_rank_is_of_the_first_turn_that_counts() -> None:
    assert scores([ranking([*fill(3), "k:1", "l:1"], {"l:1"}, {"k:1"})])["MRR"] == pytest.approx(25)
    assert scores([ranking(fill(3), {"k:1"})])["MRR"] == 0


def test_a_session_ranks_as_its_best_turn() -> None:
    four_sessions = fill(12)
    got = scores([ranking([*four_sessions, "l:1"], {"l:3"})])
    assert got["session@5"] == 100, "the fifth session, though its first turn is the 13th"
    assert got["R@20"] == 0, "a neighbour of the evidence is no evidence"

    five_sessions = fill(15)
    got = scores([ranking([*five_sessions, "l:1"], {"l:3"})])
    assert (got["session@5"], got["session@10"]) == (0, 100)


def test_scores_are_means_over_questions_not_over_evidence() -> None:
    got = scores([ranking(["k:1"], {"k:1"}), ranking(["a:1"], {"k:1"}, {"k:2"}, {"k:3"})])

    assert got["R@10"] == 50
    assert tuple(got) == COLUMNS


def test_an_empty_answer_scores_nothing_and_no_rankings_have_no_scores() -> None:
    assert set(scores([ranking([], {"k:1"})]).values()) == {0.0}
    assert scores([]) == {}


def test_a_question_without_evidence_is_an_error() -> None:
    with pytest.raises(ValueError, match="No turn is known to answer"):
        scores([ranking(["k:1"])])


def test_a_table_has_a_row_a_group_and_a_dash_for_what_one_lacks() -> None:
    assert table({"one": {"R@5": 12.345, "MRR": 50}, "two": {"R@5": 1}}).splitlines() == [
        "|  | R@5 | MRR |",
        "|---|--:|--:|",
        "| one | 12.3 | 50.0 |",
        "| two | 1.0 | – |",
    ]
