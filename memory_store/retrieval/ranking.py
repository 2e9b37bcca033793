"""Ranking: one score from the signals, by weights that were fitted and lie in one small file beside this module."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from memory_store.folding import CJK_RUN
from memory_store.models import Reason, SourceKind
from memory_store.retrieval.pool import BEFORE, Pool, Values
from memory_store.retrieval.queries import commonness, small_talk_chance
from memory_store.retrieval.query import Query
from memory_store.retrieval.signals import SIGNALS, Signal, scaled, values

WEIGHTS_FILE: Final = "weights.json"
WORDS_ALONE: Final = "words alone"
# What says, on a scale that holds for every store, how much a passage has to do with a query.
EVIDENCE: Final = (
    "cosine",
    "cosine with the two before",
    "coverage",
    "coverage with the two before",
    "matched",
    "named speaker",
    "other script",
    "both CJK",
    "document",
)


@dataclass(frozen=True, slots=True)
class Standout:
    """What a cosine must stand above to mean anything, where no word is shared: what it usually is for this query.

    That is the mean over the candidates in the passage's script; `usual` (and `usual_other_script`) is what it is where
    there are no others to tell, and counts as so many of them. Below `least` above that, the chance falls by `slope`.
    """

    usual: float
    usual_other_script: float
    others: float
    least: float
    slope: float


@dataclass(frozen=True, slots=True)
class Relevance:
    """A logistic function: a weight for each kind of evidence that counts, and what stands before all evidence."""

    evidence: Mapping[str, float]
    bias: float
    standout: Standout | None = None


@dataclass(frozen=True, slots=True)
class Weights:
    """The fitted numbers: one for each signal in use, and logistic functions from evidence to relevance.

    There is one of those for each embedder whose cosines were looked at, since each has a scale of its own, and one for
    words alone under WORDS_ALONE.
    """

    signals: Mapping[str, float]
    relevance: Mapping[str, Relevance]


@dataclass(frozen=True, slots=True)
class Ranked:
    """Scores and relevances, shape (candidates,); what each signal said and added, shape (candidates, signals)."""

    scores: Values
    relevance: Values
    raw: Values
    contributions: Values
    signals: tuple[Signal, ...]


@functools.cache
def fitted_weights() -> Weights:
    """Return the weights that `benchmarks/fit_ranker.py` wrote."""
    data = json.loads(Path(__file__).with_name(WEIGHTS_FILE).read_text("utf-8"))
    relevance = {
        name: Relevance(
            item["evidence"], item["bias"], Standout(**item["standout"]) if item.get("standout") is not None else None
        )
        for name, item in data["relevance"].items()
    }
    return Weights(data["signals"], relevance)


def rank(query: Query, pool: Pool) -> Ranked:
    """Score the candidates of a pool."""
    weights = fitted_weights()
    signals = tuple(signal for signal in SIGNALS if weights.signals.get(signal.name))
    raw = values(query, pool, signals)
    contributions = scaled(raw, signals) * np.array([weights.signals[signal.name] for signal in signals])
    relevance = _relevance(query, pool, weights) * (1 - small_talk_chance(pool.vector, pool.embedder_name))
    return Ranked(contributions.sum(axis=1), relevance, raw, contributions, signals)


def _relevance(query: Query, pool: Pool, weights: Weights) -> Values:
    """Return the relevance of each candidate; one that still waits for its vector is judged by its words alone."""
    shown = evidence(query, pool)
    chances = []
    for name in (pool.embedder_name or WORDS_ALONE, WORDS_ALONE):
        logistic = weights.relevance.get(name, weights.relevance[WORDS_ALONE])
        factors = np.array([logistic.evidence.get(kind, 0.0) for kind in EVIDENCE])
        exact = shown @ factors + logistic.bias
        if logistic.standout is not None:
            exact += _standing_out(query, pool, logistic.standout)
        chances.append(1 / (1 + np.exp(-exact)))
    return np.asarray(np.where(pool.embedded, chances[0], chances[1]))


def _standing_out(query: Query, pool: Pool, standout: Standout) -> Values:
    """Return what is taken from each candidate that shares no word with the query and is no nearer than others, ≤ 0.

    Every text is somewhat near to every other, and the more so the shorter both are: a greeting is near to all.
    """
    matrix, held = pool.vectors
    common = np.where(held[pool.chosen], commonness(matrix[pool.chosen], pool.embedder_name), 0.0)
    cosines, other = pool.cosines() - common, pool.in_cjk != (CJK_RUN.search(query.bare) is not None)
    usual = np.zeros(len(pool))
    for script, expected in ((False, standout.usual), (True, standout.usual_other_script)):
        there = cosines[(other == script) & pool.embedded]
        shrunk = (there.sum() + standout.others * expected) / (len(there) + standout.others)
        # Few of another script among many are the nearest of theirs: their own mean says too little.
        usual[other == script] = max(shrunk, cosines.mean()) if len(there) <= len(pool) / 2 else shrunk
    fallen = standout.slope * np.minimum(0.0, cosines - usual - standout.least)
    return np.asarray(np.where(pool.coverage(BEFORE) > 0, 0.0, fallen))


def evidence(query: Query, pool: Pool) -> Values:
    """Return the values of EVIDENCE, shape (candidates, 9).

    `matched` is the logarithm of one more than the idf that the passage and the two before it hold, over what a rare
    word has. Scripts shift the scale of cosines: embeddings of two languages lie further apart.
    """
    size = len(pool)
    around = pool.coverage(BEFORE)
    total = float(pool.idf.sum()) if len(pool.idf) else 0.0
    asked_in_cjk = CJK_RUN.search(query.bare) is not None
    columns = [
        pool.cosines(),
        pool.cosines(BEFORE),
        pool.coverage(),
        around,
        np.log1p(around * total / 5),
        np.array([candidate.author_name in query.people for candidate in pool.candidates], dtype=float),
        (pool.in_cjk != asked_in_cjk).astype(float),
        (pool.in_cjk & asked_in_cjk).astype(float),
        np.array([candidate.kind == SourceKind.DOCUMENT for candidate in pool.candidates], dtype=float),
    ]
    return np.stack(columns, axis=1) if size else np.zeros((0, len(EVIDENCE)))


def reasons(ranked: Ranked, at: int) -> tuple[Reason, ...]:
    """Return what was said of the candidate at a position, what spoke most for it first."""
    found = [
        Reason(signal.name, float(ranked.raw[at, column]), float(ranked.contributions[at, column]))
        for column, signal in enumerate(ranked.signals)
        if abs(ranked.raw[at, column]) > 1e-9
    ]
    return tuple(sorted(found, key=lambda reason: -reason.contribution))
