"""Recall: candidates, one order by the signals, what is nearly the same taken together, and the reasons."""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np

from memory_store.asking import may_ask
from memory_store.database import passages
from memory_store.database.connection import Database
from memory_store.database.filters import may_be_shown
from memory_store.models import AuthorKind, Hit, RecallFilters, SourceKind
from memory_store.retrieval.candidates import VectorSide, gather, understood
from memory_store.retrieval.dismissed import dismissed_for
from memory_store.retrieval.diversity import Group, grouped
from memory_store.retrieval.pool import Pool
from memory_store.retrieval.query import Query
from memory_store.retrieval.ranking import Ranked, rank, reasons
from memory_store.retrieval.words import matching_in
from memory_store.times.expressions import asks_for_time_of_writing


@dataclass(frozen=True, slots=True)
class _Found:
    """The candidates for a query under these filters, and their places in the pool in the order of their scores."""

    query: Query
    pool: Pool
    ranked: Ranked
    order: list[int]
    filters: RecallFilters


@dataclass(frozen=True, slots=True)
class Recall:
    """What is recalled: the k passages that answer a query best, as of the moment when it is asked.

    A query for what was written at some time is answered from that time alone, if there is anything.
    """

    database: Database
    text: str
    k: int
    side: VectorSide | None
    executor: Executor
    asked_at: datetime

    def find_best(self, filters: RecallFilters) -> list[Hit]:
        """Return the k best passages, best first."""
        found = self._find(filters)
        return self._read(found, found.order) if found else []

    def find_apart(self, filters: RecallFilters) -> tuple[list[Hit], list[Hit]]:
        """Return the k best passages of those that are not private, and what is private of the k best of all.

        Both come of one look. Where most of what was found is private, what is not is looked for by itself as well.
        """
        found = self._find(replace(filters, include_private=True))
        if found is None:
            return [], []
        not_private = [at for at in found.order if not found.pool.candidates[at].private]
        public = replace(found, filters=replace(found.filters, include_private=False))
        if len(not_private) == len(found.order):
            return self._read(public, found.order), []
        private = [hit for hit in self._read(found, found.order) if hit.private]
        if 2 * len(not_private) < len(found.order):
            return self.find_best(replace(filters, include_private=False)), private
        return self._read(public, not_private), private

    def _find(self, filters: RecallFilters) -> _Found | None:
        if self.k <= 0 or not self.text.strip():
            return None
        query = understood(self.database, self.text, self.asked_at)
        if query.second_person or SourceKind.CONVERSATION in filters.kinds:
            filters = replace(filters, echoes=True)
        narrowed = _narrowed(query, filters)
        for tried in (narrowed, filters) if narrowed != filters else (filters,):
            pool = gather(self.database, query, self.k, tried, self.side, self.executor)
            if len(pool):
                return _ranked(self.database, query, pool, self.k, tried, self.asked_at)
        return None

    def _read(self, found: _Found, order: list[int]) -> list[Hit]:
        return _hits(self.database, found, order, self.k)


def _narrowed(query: Query, filters: RecallFilters) -> RecallFilters:
    """Return the filters with the time that the query clearly asks for, unless they bound time already."""
    if filters.since is not None or filters.until is not None or len(query.spans) != 1:
        return filters
    (span,) = query.spans
    return replace(filters, since=span.start, until=span.end) if asks_for_time_of_writing(query.text) else filters


def _ranked(database: Database, query: Query, pool: Pool, k: int, filters: RecallFilters, asked_at: datetime) -> _Found:
    ranked = rank(query, pool)
    rows = np.array([candidate.row for candidate in pool.candidates])
    with database.read() as connection:
        questions = passages.find_dismissed(connection, rows.tolist())
    left_out = dismissed_for(query, questions, asked_at)
    order = [int(at) for at in np.lexsort((rows, -ranked.scores)) if int(rows[at]) not in left_out]
    if not filters.echoes and may_ask(query.text):
        order = _answers_first(pool, order, k)
    return _Found(query, pool, ranked, order, filters)


def _hits(database: Database, found: _Found, order: list[int], k: int) -> list[Hit]:
    """Return the k best of some of what was found, in this order, nearly the same taken together."""
    candidates = found.pool.candidates
    groups = grouped(found.pool, order, k)
    with database.read() as connection:
        rows = passages.by_rows(connection, [candidates[at].row for group in groups for at in group])
    # What was erased, superseded or marked private since it was ranked is left out.
    read = {row: passage for row, passage in rows.items() if may_be_shown(passage, found.filters)}
    return [
        _hit(found.query, found.pool, found.ranked, group, read) for group in groups if candidates[group[0]].row in read
    ]


def _answers_first(pool: Pool, order: list[int], k: int) -> list[int]:
    """Put behind the k best what the user said that may be a question too, though that was not sure enough to leave it.

    Questions without their sign are near to any other question, and answer none.
    """
    best = order[: 2 * k]
    asked = {at for at in best if _may_be_asked(pool.candidates[at])}
    answers = [at for at in best if at not in asked]
    return [*answers[:k], *sorted(asked, key=best.index), *answers[k:], *order[2 * k :]]


def _may_be_asked(passage: passages.RankedPassage) -> bool:
    """Say whether this is what the user said, and may be a question."""
    by_user = passage.author_kind == AuthorKind.USER and passage.author_name is None
    return by_user and passage.kind == SourceKind.CONVERSATION and may_ask(passage.text)


def _hit(query: Query, pool: Pool, ranked: Ranked, group: Group, read: dict[int, passages.StoredPassage]) -> Hit:
    best = group[0]
    passage = read[pool.candidates[best].row]
    others = [read[row].source for at in group[1:] if (row := pool.candidates[at].row) in read]
    return Hit(
        id=passage.id,
        kind=passage.source.kind,
        text=passage.text,
        score=float(ranked.scores[best]),
        source=passage.source,
        locator=passage.locator,
        author=passage.author,
        created_at=passage.created_at,
        private=passage.private,
        reasons=reasons(ranked, best),
        matched=matching_in(pool.texts[pool.chosen[best]], pool.matcher),
        message_id=passage.message_id,
        relevance=float(ranked.relevance[best]),
        also_in=tuple(dict.fromkeys(source for source in others if source != passage.source)),
        may_ask=_may_be_asked(pool.candidates[best]),
    )
