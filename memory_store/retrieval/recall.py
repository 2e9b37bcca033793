"""Recall: candidates from full text and vectors, one look into the record, one order, and the reasons."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from typing import Final

import numpy as np

from memory_store.database import fulltext, passages
from memory_store.database.connection import Database
from memory_store.database.filters import filter_sql
from memory_store.embedding.base import Embedder, Vectors
from memory_store.errors import EmbeddingError, IndexUnavailableError
from memory_store.models import Hit, Reason, RecallFilters
from memory_store.retrieval.fusion import fuse
from memory_store.retrieval.signals import is_asked
from memory_store.vector_index.base import VectorHit, VectorIndex

# How many each list offers. What is superseded or in view is dropped afterwards, so more than k are needed.
CANDIDATES: Final = 100
_MAX_QUERY_CHARS: Final = 2000
# In standard deviations of one list; enough to put what answers before what only asks.
_ASKED_PENALTY: Final = 3.0
TEXT_LIST: Final = "full text"
VECTOR_LIST: Final = "meaning"


@dataclass(frozen=True, slots=True)
class VectorSide:
    """The vectors that may be searched: who embeds the query, under which number, and the indexes to ask in turn."""

    embedder: Embedder
    embedder_id: int
    indexes: Callable[[RecallFilters], Sequence[VectorIndex]]


def recall(
    database: Database,
    query: str,
    k: int,
    filters: RecallFilters,
    side: VectorSide | None,
    executor: Executor,
    vector: Vectors | None = None,
) -> list[Hit]:
    """Return the k passages that answer the query best. `vector` saves embedding the query again."""
    query = query[:_MAX_QUERY_CHARS]
    if k <= 0 or not query.strip():
        return []
    embedding: Future[Vectors] | None = None
    if side is not None and vector is None:
        embedding = executor.submit(side.embedder.embed_query, query)  # overlaps with full text
    terms = fulltext.query_terms(query)
    with database.read() as connection:
        text_hits = fulltext.search(connection, terms, max(CANDIDATES, 2 * k), filter_sql(filters))
    if embedding is not None:
        try:
            vector = embedding.result()
        except EmbeddingError:
            vector = None  # an endpoint that does not answer costs the vectors, never the recall
    vector_hits = _vector_hits(side, vector, max(CANDIDATES, 2 * k), filters)
    rows = list(dict.fromkeys([hit.row for hit in text_hits] + [hit.row for hit in vector_hits]))
    with database.read() as connection:
        found = passages.by_rows(connection, rows)
    rows = [row for row in rows if row in found and _wanted(found[row], filters)]
    words = {hit.row: hit.score for hit in text_hits}
    cosines = _cosines(found, rows, vector, side)
    scores = fuse(rows, words, cosines)
    for row in rows:
        if is_asked(found[row].source.kind, found[row].author.kind, found[row].text):
            scores[row] -= _ASKED_PENALTY
    best = sorted(rows, key=lambda row: (-scores[row], row))[:k]
    with database.read() as connection:
        matched = fulltext.matched_words(connection, terms, [row for row in best if row in words])
    ranks = (_ranks(words), _ranks(cosines))
    return [_hit(found[row], scores[row], words, cosines, ranks, matched) for row in best]


def _vector_hits(
    side: VectorSide | None, vector: Vectors | None, limit: int, filters: RecallFilters
) -> list[VectorHit]:
    if side is None or vector is None:
        return []
    for index in side.indexes(filters):
        try:
            return index.search(vector, limit, filters)
        except IndexUnavailableError:
            continue  # the next one answers from the record itself
    return []


def _wanted(passage: passages.StoredPassage, filters: RecallFilters) -> bool:
    """Drop what was superseded, what is in view, and what was marked private since the lists were made."""
    in_view = passage.message_id is not None and passage.message_id in filters.exclude_message_ids
    return not passage.superseded and not in_view and (filters.include_private or not passage.private)


def _cosines(
    found: dict[int, passages.StoredPassage], rows: list[int], vector: Vectors | None, side: VectorSide | None
) -> dict[int, float]:
    """Return the exact cosine of every candidate that has a vector of this embedder."""
    if vector is None or side is None:
        return {}
    embedded = [row for row in rows if found[row].vector is not None and found[row].embedder_id == side.embedder_id]
    if not embedded:
        return {}
    matrix = np.frombuffer(b"".join(found[row].vector or b"" for row in embedded), dtype="<f4")
    scores = matrix.reshape(len(embedded), -1) @ vector
    # A passage that still waits for its vector stands at the middle: its words alone decide.
    middle = float(scores.mean())
    cosines = dict.fromkeys(rows, middle)
    cosines.update(zip(embedded, scores.tolist(), strict=True))
    return cosines


def _ranks(scores: dict[int, float]) -> dict[int, int]:
    order = sorted(scores, key=lambda row: -scores[row])
    return {row: rank for rank, row in enumerate(order, start=1)}


def _hit(
    passage: passages.StoredPassage,
    score: float,
    words: dict[int, float],
    cosines: dict[int, float],
    ranks: tuple[dict[int, int], dict[int, int]],
    matched: dict[int, tuple[str, ...]],
) -> Hit:
    reasons: list[Reason] = []
    row = passage.row
    if row in words:
        reasons.append(Reason(TEXT_LIST, ranks[0][row], words[row], matched.get(row, ())))
    if row in cosines and passage.vector is not None:
        reasons.append(Reason(VECTOR_LIST, ranks[1][row], cosines[row]))
    return Hit(
        id=passage.id,
        kind=passage.source.kind,
        text=passage.text,
        score=score,
        source=passage.source,
        locator=passage.locator,
        author=passage.author,
        created_at=passage.created_at,
        private=passage.private,
        reasons=tuple(reasons),
        message_id=passage.message_id,
    )
