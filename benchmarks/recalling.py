"""Recall, without embedding the query, against Chroma alone plus the same words on FTS5 alone."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import ExitStack
from statistics import median
from typing import Any, Final
from unittest.mock import patch

from benchmarks.filled_store import FilledStore, bare_collection, bare_full_text, middle_of_time
from benchmarks.measure import Figure, Stopwatch, alternate
from benchmarks.synthetic import SyntheticEmbedder
from memory_store import Store
from memory_store.database import fulltext, passages
from memory_store.embedding.base import Vectors
from memory_store.models import RecallFilters
from memory_store.vector_index.exact import ExactIndex
from memory_store.vector_index.segments import SegmentedIndex

GOAL: Final = 3.0
_K: Final = 10
_UNMEASURED: Final = 5


def measure(filled: FilledStore) -> Figure:
    """Return the median recall against the sum of the medians of its two bare parts."""
    embedder = SyntheticEmbedder()
    questions = filled.questions
    vectors = embedder.prepare(questions)
    filters = RecallFilters(since=middle_of_time(filled.size))
    details: dict[str, float] = {}
    with ExitStack() as stack:
        store = stack.enter_context(Store.open(filled.memory, embedder))
        bare = _Bare(stack, filled, questions, vectors)
        # A process that does not own the index scans exactly: so does this one, until it takes the index.
        exact, _ = alternate(len(questions), lambda at: store.recall(questions[at], _K), bare.nothing, _UNMEASURED)
        filtered, _ = alternate(
            len(questions), lambda at: store.recall(questions[at], _K, filters), bare.nothing, _UNMEASURED
        )
        store.update_index()
        chroma = Stopwatch()
        words = Stopwatch()
        ours, _ = alternate(
            len(questions),
            lambda at: store.recall(questions[at], _K),
            lambda at: (chroma.timed("t", bare.chroma)(at), words.timed("t", bare.full_text)(at)),
            _UNMEASURED,
        )
        parts = _parts(lambda at: store.recall(questions[at], _K), len(questions))
    bare_chroma = median(chroma.taken["t"][_UNMEASURED:])
    bare_words = median(words.taken["t"][_UNMEASURED:])
    details["bare Chroma, ms"] = bare_chroma
    details["bare FTS5, ms"] = bare_words
    details["recall p95, ms"] = sorted(ours)[int(len(ours) * 0.95)]
    details["recall with the exact scan alone, ms"] = median(exact)
    details["recall filtered by time, ms"] = median(filtered)
    details.update(parts)
    details.update({f"filling: {step}, s": taken for step, taken in filled.seconds.items()})
    return Figure(
        f"recall at {filled.size:,}", "ms, p50", median(ours), bare_chroma + bare_words, GOAL, details=details
    )


class _Bare:
    """The two parts alone: ten nearest vectors of one collection, ten best rows of the full-text table."""

    def __init__(self, stack: ExitStack, filled: FilledStore, questions: list[str], vectors: list[Vectors]) -> None:
        self._collection: Any = stack.enter_context(bare_collection(filled))
        self._connection: sqlite3.Connection = stack.enter_context(bare_full_text(filled))
        self._expressions = [fulltext.match_expression(fulltext.query_terms(one)) for one in questions]
        self._vectors = vectors

    def chroma(self, at: int) -> None:
        self._collection.query(query_embeddings=[self._vectors[at]], n_results=_K, include=["distances"])

    def full_text(self, at: int) -> None:
        self._connection.execute(
            "SELECT rowid, rank FROM passages_fts WHERE passages_fts MATCH ? ORDER BY rank LIMIT ?",
            (self._expressions[at], _K),
        ).fetchall()

    def nothing(self, at: int) -> None:
        """Stand in where there is no other side."""


def _parts(recall: Callable[[int], object], count: int) -> dict[str, float]:
    """Return the median milliseconds of the steps of recall."""
    watch = Stopwatch()
    steps = [
        (fulltext, "search", "full text"),
        (SegmentedIndex, "search", "index"),
        (SegmentedIndex, "is_current", "index is current?"),
        (ExactIndex, "search", "exact scan"),
        (passages, "by_rows", "reading candidates"),
        (fulltext, "matched_words", "matched words"),
    ]
    with ExitStack() as stack:
        for owner, name, label in steps:
            if hasattr(owner, name):
                stack.enter_context(patch.object(owner, name, watch.timed(label, getattr(owner, name))))
        for at in range(count):
            with watch.measuring("all"):
                recall(at)
    return watch.medians("part of recall: ")
