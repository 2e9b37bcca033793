"""Scores rankings of turns against the turns that answer each question, for whatever system ranked them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from benchmarks.dialogues import Question

COLUMNS = ("R@5", "R@10", "R@20", "hit@10", "all@10", "MRR", "session@5", "session@10")
"""The keys of `scores`, in the order of a table's columns."""


@dataclass(frozen=True, slots=True)
class Ranking:
    """What one system answered to one question: the ids of turns, best first, none twice.

    `session_of` maps the id of a turn to the id of its session.
    """

    question: Question
    dialogue: str
    dataset: str
    language: str
    ranked: tuple[str, ...]
    session_of: Mapping[str, str]


def scores(rankings: Sequence[Ranking]) -> dict[str, float]:
    """Return each measure of `COLUMNS` in percent, the mean over the rankings; empty for none.

    `R@k` is the fraction of a question's pieces of evidence found among the first k turns, a piece being found by any
    of its ids. `hit@k`: at least one is found; `all@k`: every one. `MRR`: 1 / rank of the first turn that counts, 0 if
    none does. `session@k`: any session with evidence is among the first k, a session ranking as its best turn.
    Raises ValueError for a question without evidence.
    """
    if not rankings:
        return {}
    each = [_score(ranking) for ranking in rankings]
    return {name: 100 * fmean(one[name] for one in each) for name in COLUMNS}


def table(rows: Mapping[str, Mapping[str, float]]) -> str:
    """Return a Markdown table, one row a group, the rows' keys as columns; a figure that a row lacks is a dash."""
    names = list(dict.fromkeys(name for row in rows.values() for name in row))
    lines = [_line(["", *names]), "|---|" + "--:|" * len(names)]
    lines += [
        _line([group, *(f"{row[name]:.1f}" if name in row else "–" for name in names)]) for group, row in rows.items()
    ]
    return "\n".join(lines)


def _score(ranking: Ranking) -> dict[str, float]:
    evidence = ranking.question.evidence
    if not evidence:
        raise ValueError(f"No turn is known to answer {ranking.question.text!r}, so its ranking has no score.")
    counting = frozenset[str]().union(*evidence)
    sessions = list(dict.fromkeys(ranking.session_of[turn] for turn in ranking.ranked))
    wanted = {ranking.session_of[turn] for turn in counting if turn in ranking.session_of}
    found = {k: _found(evidence, ranking.ranked[:k]) for k in (5, 10, 20)}
    first = next((place for place, turn in enumerate(ranking.ranked, 1) if turn in counting), None)
    return {
        **{f"R@{k}": number / len(evidence) for k, number in found.items()},
        "hit@10": float(found[10] > 0),
        "all@10": float(found[10] == len(evidence)),
        "MRR": 1 / first if first else 0.0,
        **{f"session@{k}": float(not wanted.isdisjoint(sessions[:k])) for k in (5, 10)},
    }


def _found(evidence: Sequence[frozenset[str]], turns: Sequence[str]) -> int:
    """Return how many pieces of evidence have one of their turns among these."""
    return sum(not piece.isdisjoint(turns) for piece in evidence)


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"
