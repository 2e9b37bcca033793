"""Recall as a store grows, without embedding the query: `python -m benchmarks.scale [SIZE…] [--json]`.

Beside it in the same run: Chroma alone, FTS5 alone, an exact scan of float32 vectors, and Chroma with a `where` filter.
"""

from __future__ import annotations

import argparse
import json
import sqlite3
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any, Final
from unittest.mock import patch

import numpy as np

from benchmarks.filled_store import (
    LARGEST_BARE,
    FilledStore,
    bare_collection,
    bare_full_text,
    fill,
    middle_of_time,
    stored_vectors,
)
from benchmarks.measure import Figure, Stopwatch, milliseconds, table
from benchmarks.synthetic import SyntheticEmbedder
from memory_store import IndexKind, IndexSettings, Store
from memory_store.database import fulltext, passages
from memory_store.embedding.base import Vectors
from memory_store.models import RecallFilters
from memory_store.retrieval import candidates, ranking, signals
from memory_store.vector_index.chroma import ChromaIndex
from memory_store.vector_index.scan import ScanIndex

GOAL: Final = 1.5
GOAL_FILTERED: Final = 2.0
# Where there is no bare collection, recall is held against the exact scan, which grows with the store.
GOAL_LARGE: Final = 0.3
_K: Final = 10
_UNMEASURED: Final = 5


def measure_all(filled: FilledStore, index: IndexSettings | None = None) -> list[Figure]:
    """Return recall against its goal, and filtered recall against the unfiltered."""
    embedder = SyntheticEmbedder()
    questions = filled.questions
    vectors = embedder.prepare(questions)
    filters = RecallFilters(since=middle_of_time(filled.size))
    with ExitStack() as stack:
        store = stack.enter_context(Store.open(filled.memory, embedder, index))
        details = {"open to first recall, ms": milliseconds(lambda: store.recall(questions[0], _K))}
        details["building the index, s"] = milliseconds(store.update_index) / 1000
        bare = _Bare(stack, filled, questions, vectors)
        watch = Stopwatch()
        sides: dict[str, Callable[[int], object]] = {
            "recall": lambda at: store.recall(questions[at], _K),
            "recall filtered by time": lambda at: store.recall(questions[at], _K, filters),
            "bare FTS5": bare.full_text,
        }
        if bare.has_collection:
            sides["bare Chroma"] = bare.chroma
        # These keep every core busy beyond their own time, so they have rounds of their own.
        alone: dict[str, Callable[[int], object]] = {"exact float32 scan": bare.scan}
        if bare.has_collection:
            alone["bare Chroma with where"] = bare.filtered
        for group in (sides, *({name: side} for name, side in alone.items())):
            for at in range(len(questions)):
                for name, side in group.items():
                    watch.timed(name, side)(at)
        details |= _parts(sides["recall"], len(questions))
    taken = {name: watch.taken[name][_UNMEASURED:] for name in sides | alone}
    middle = {name: median(times) for name, times in taken.items()}
    details |= {f"{name}, ms": time for name, time in middle.items()}
    details |= {f"recall p{share}, ms": float(np.percentile(taken["recall"], share)) for share in (95, 99)}
    details |= {f"filling: {step}, s": spent for step, spent in filled.seconds.items()}
    details["database, MB"] = _megabytes(filled.memory, "keepsake.db*")
    details["index, MB"] = _megabytes(filled.memory, "index/**/*")
    if bare.has_collection:
        bare_time, goal = middle["bare Chroma"] + middle["bare FTS5"], GOAL
    else:
        bare_time, goal = middle["exact float32 scan"], GOAL_LARGE
    name = f"recall at {filled.size:,}"
    return [
        Figure(name, "ms, p50", middle["recall"], bare_time, goal, details=details),
        Figure(f"{name}, filtered", "ms, p50", middle["recall filtered by time"], middle["recall"], GOAL_FILTERED),
    ]


class _Bare:
    """The parts alone: ten nearest vectors of one collection, ten best rows of the full-text table, every vector."""

    def __init__(self, stack: ExitStack, filled: FilledStore, questions: list[str], vectors: list[Vectors]) -> None:
        self.has_collection = filled.size <= LARGEST_BARE
        self._collection: Any = stack.enter_context(bare_collection(filled)) if self.has_collection else None
        self._connection: sqlite3.Connection = stack.enter_context(bare_full_text(filled))
        self._expressions = [fulltext.match_expression(fulltext.query_terms(one)) for one in questions]
        self._vectors = vectors
        self._matrix = np.concatenate([part for _, part in stored_vectors(filled)])
        self._half = filled.size // 2

    def chroma(self, at: int) -> None:
        self._collection.query(query_embeddings=[self._vectors[at]], n_results=_K, include=["distances"])

    def filtered(self, at: int) -> None:
        self._collection.query(
            query_embeddings=[self._vectors[at]],
            n_results=_K,
            where={"number": {"$gte": self._half}},
            include=["distances"],
        )

    def full_text(self, at: int) -> None:
        self._connection.execute(
            "SELECT rowid, rank FROM passages_fts WHERE passages_fts MATCH ? ORDER BY rank LIMIT ?",
            (self._expressions[at], _K),
        ).fetchall()

    def scan(self, at: int) -> None:
        scores = self._matrix @ self._vectors[at]
        best = np.argpartition(scores, -_K)[-_K:]
        best[np.argsort(-scores[best])]


def _parts(recall: Callable[[int], object], count: int) -> dict[str, float]:
    """Return the median milliseconds of the steps of recall."""
    watch = Stopwatch()
    steps: list[tuple[object, Callable[..., Any], str]] = [
        (fulltext, fulltext.search, "full text"),
        (fulltext, fulltext.frequencies, "word frequencies"),
        (ChromaIndex, ChromaIndex.search, "Chroma, beside full text"),
        (ScanIndex, ScanIndex.search, "scan, beside full text"),
        (passages, passages.read_for_ranking, "reading candidates, each of two reads"),
        (ranking, signals.values, "signals"),
        (ranking, ranking.evidence, "relevance"),
        (candidates, candidates.gather, "gathering, with all above but signals"),
        (passages, passages.by_rows, "reading hits"),
    ]
    with ExitStack() as stack:
        for owner, step, label in steps:
            stack.enter_context(patch.object(owner, step.__name__, watch.timed(label, step)))
        for at in range(count):
            with watch.measuring("all"):
                recall(at)
    return watch.medians("part of recall: ")


def _megabytes(folder: Path, pattern: str) -> float:
    return sum(path.stat().st_size for path in folder.glob(pattern) if path.is_file()) / 1e6


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure each size and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale", description=__doc__)
    parser.add_argument("sizes", nargs="*", type=int, default=[10_000, 100_000])
    parser.add_argument("--json", action="store_true", help="print one JSON document instead of a table")
    parser.add_argument("--kind", choices=[kind.value for kind in IndexKind], default="auto", help="of index")
    parser.add_argument("--url", default="", help="of a Chroma server")
    options = parser.parse_args(arguments)
    index = IndexSettings(IndexKind(options.kind), options.url)
    figures: list[Figure] = []
    for size in options.sizes:
        with TemporaryDirectory() as folder:
            figures += measure_all(fill(Path(folder), size, index), index)
        print(f"{size:,}: {json.dumps(figures[-2].as_json(), ensure_ascii=False)}", file=sys.stderr, flush=True)
    print(json.dumps([one.as_json() for one in figures], indent=2) if options.json else table(figures))
    return 0


if __name__ == "__main__":
    sys.exit(main())
