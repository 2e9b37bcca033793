"""Signals: what can be said for a passage as an answer to a query. Each is a pure function of query and pool."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from memory_store.database.passages import RankedPassage
from memory_store.expression import Expression
from memory_store.folding import CJK, CJK_RUN
from memory_store.languages import Rule
from memory_store.models import AuthorKind, SourceKind
from memory_store.retrieval.pool import AROUND, BEFORE, Pool, Values, z_scores
from memory_store.retrieval.query import Query, Wanted

_QUESTION: Final = re.compile(r"[?？][\"'”’)]*\s*$")
_SPOKEN_QUESTION: Final = Rule("query", "question")
_TIME_WORDS: Final = Rule("query", "tells time", re.IGNORECASE)
_NUMBERS: Final = Rule("query", "tells number", re.IGNORECASE)
_TITLES: Final = Expression('"[^"]+"|《|「|“')
_NAMES: Final = Expression(rf"(?<=[a-z,] )[A-Z][a-z]+|[{CJK}]")
_MOST_OF_THE_WORDS: Final = 0.75
_LONGEST: Final = 60
_BEST_OF_A_SITTING: Final = 3


@dataclass(frozen=True, slots=True)
class Signal:
    """A named function, whether only differences within one recall mean something, and what it must weigh: + or -."""

    name: str
    compute: Callable[[Query, Pool], Values]
    relative: bool
    sign: int = 1


def words(query: Query, pool: Pool) -> Values:
    """BM25 of the passage with its context."""
    return pool.bm25()


def words_before(query: Query, pool: Pool) -> Values:
    """BM25 of the passage and the one before it: an answer, with the question that it answers."""
    return pool.bm25((-1,))


def words_around(query: Query, pool: Pool) -> Values:
    """BM25 of the passage, the two before it and the two after it."""
    return pool.bm25(AROUND)


def coverage(query: Query, pool: Pool) -> Values:
    """The part of the query's words, weighted by rarity, that the passage holds."""
    return pool.coverage()


def coverage_before(query: Query, pool: Pool) -> Values:
    """The part of the query's words, weighted by rarity, in the passage and the two before it."""
    return pool.coverage(BEFORE)


def quoted(query: Query, pool: Pool) -> Values:
    """How many of the names and phrases that the query puts in quotation marks stand in the passage."""
    return _containing(query.quoted, pool)


def codes(query: Query, pool: Pool) -> Values:
    """How many of the query's numbers and codes (an order number, a date in digits) stand in the passage."""
    return _containing(query.codes, pool)


def _containing(pieces: Sequence[str], pool: Pool) -> Values:
    if not pieces:
        return np.zeros(len(pool))
    return np.array([sum(piece in pool.texts[at] for piece in pieces) for at in pool.chosen], dtype=float)


def meaning(query: Query, pool: Pool) -> Values:
    """Cosine of the query, without the persons it names, and the passage."""
    return pool.cosines()


def meaning_before(query: Query, pool: Pool) -> Values:
    """Cosine of the query and the sum of the vectors of the passage and the two before it."""
    return pool.cosines(BEFORE)


def meaning_after(query: Query, pool: Pool) -> Values:
    """Cosine of the query and the sum of the vectors of the passage and the one after it."""
    return pool.cosines((1,))


def meaning_around(query: Query, pool: Pool) -> Values:
    """Cosine of the query and the sum of the vectors of the passage, the two before it and the two after it."""
    return pool.cosines(AROUND)


def sitting(query: Query, pool: Pool) -> Values:
    """The mean of the best three of the passage's document, or day of its conversation, in words and meaning."""
    base = z_scores(words_around(query, pool)) + z_scores(meaning(query, pool))
    order = np.lexsort((-base, pool.groups))
    groups = pool.groups[order]
    place = np.arange(len(groups)) - np.searchsorted(groups, groups)
    best = order[place < _BEST_OF_A_SITTING]
    sums = np.bincount(pool.groups[best], base[best])
    return np.asarray((sums / np.bincount(pool.groups[best]))[pool.groups])


def speaker(query: Query, pool: Pool) -> Values:
    """1 where the passage was said by the one person whom the query names."""
    if len(query.people) != 1:
        return np.zeros(len(pool))
    return _by(pool.candidates, query)


def partner(query: Query, pool: Pool) -> Values:
    """1 where a person whom the query names speaks in the passage or right beside it."""
    if not query.people:
        return np.zeros(len(pool))
    beside = [_by(pool.beside(offset), query) for offset in AROUND]
    return np.asarray(np.maximum.reduce([_by(pool.candidates, query), *beside]))


def _by(passages: Sequence[RankedPassage | None], query: Query) -> Values:
    return np.array([passage is not None and passage.author_name in query.people for passage in passages], dtype=float)


def first_person(query: Query, pool: Pool) -> Values:
    """1 where the query says "I" or "my" and the passage is by the user."""
    return _made_by(AuthorKind.USER, pool) if query.first_person else np.zeros(len(pool))


def second_person(query: Query, pool: Pool) -> Values:
    """1 where the query asks what "you" said and the passage is by the assistant."""
    return _made_by(AuthorKind.MODEL, pool) if query.second_person else np.zeros(len(pool))


def assistant_unasked(query: Query, pool: Pool) -> Values:
    """1 where the passage is by the assistant and nobody asked for its words: what it knows stands in its sources."""
    return np.zeros(len(pool)) if query.second_person else _made_by(AuthorKind.MODEL, pool)


def _made_by(author: AuthorKind, pool: Pool) -> Values:
    return np.array([passage.author_kind == author for passage in pool.candidates], dtype=float)


def only_asks(query: Query, pool: Pool) -> Values:
    """1 where what was said ends in a question: it asks what another passage answers."""
    return np.array(
        [
            passage.kind == SourceKind.CONVERSATION
            and bool(_QUESTION.search(passage.text) or _SPOKEN_QUESTION.search(passage.text))
            for passage in pool.candidates
        ],
        dtype=float,
    )


def asks_too(query: Query, pool: Pool) -> Values:
    """1 where what was said holds a question anywhere."""
    return np.array(
        [
            passage.kind == SourceKind.CONVERSATION and ("?" in passage.text or "？" in passage.text)
            for passage in pool.candidates
        ],
        dtype=float,
    )


def repeats(query: Query, pool: Pool) -> Values:
    """1 where the user, not another person by name, once asked this very question, and it is told elsewhere.

    This very question: most of its words. Where nothing else holds as many, the question is what is looked for.
    """
    asks, covers = only_asks(query, pool), pool.coverage() >= _MOST_OF_THE_WORDS
    if not (covers & (asks == 0)).any():
        return np.zeros(len(pool))
    by_user = np.array(
        [passage.author_kind == AuthorKind.USER and not passage.author_name for passage in pool.candidates]
    )
    return asks * (by_user & covers)


def length(query: Query, pool: Pool) -> Values:
    """The logarithm of the passage's words, up to 60: "Sure!" answers little."""
    return np.log(np.minimum(pool.lengths, _LONGEST))


def tells_time(query: Query, pool: Pool) -> Values:
    """1 where the query asks when and the passage holds an expression of time."""
    return _holding(_TIME_WORDS, Wanted.TIME, query, pool)


def tells_number(query: Query, pool: Pool) -> Values:
    """1 where the query asks how many and the passage holds a number."""
    return _holding(_NUMBERS, Wanted.NUMBER, query, pool)


def tells_title(query: Query, pool: Pool) -> Values:
    """1 where the query asks for a book, a film or what something is called, and the passage quotes a name."""
    return _holding(_TITLES, Wanted.TITLE, query, pool)


def tells_names(query: Query, pool: Pool) -> Values:
    """1 where the query asks who, where or which and the passage holds a name, or is in a script without capitals."""
    return _holding(_NAMES, Wanted.NAME, query, pool)


def other_script(query: Query, pool: Pool) -> Values:
    """1 where only one of query and passage is in Chinese, Japanese or Korean: such embeddings lie further apart."""
    asked = CJK_RUN.search(query.bare) is not None
    return np.asarray(pool.in_cjk != asked, dtype=float)


def _holding(pattern: Expression, wanted: Wanted, query: Query, pool: Pool) -> Values:
    if wanted not in query.wanted:
        return np.zeros(len(pool))
    return np.array([pattern.search(passage.text) is not None for passage in pool.candidates], dtype=float)


def in_time(query: Query, pool: Pool) -> Values:
    """1 where the passage was made in a time that the query names."""
    if not query.spans:
        return np.zeros(len(pool))
    return np.array([any(span.contains(moment) for span in query.spans) for moment in pool.moments], dtype=float)


def near_time(query: Query, pool: Pool) -> Values:
    """Falls from 1 to 0 with the weeks between the passage and a time that the query names."""
    if not query.spans:
        return np.zeros(len(pool))
    days = [min(span.distance_days(moment) for span in query.spans) for moment in pool.moments]
    return np.exp(-np.array(days) / 7)


SIGNALS: Final = (
    Signal("words", words, relative=True),
    Signal("words with the one before", words_before, relative=True),
    Signal("words around", words_around, relative=True),
    Signal("coverage", coverage, relative=True),
    Signal("coverage with the two before", coverage_before, relative=True),
    Signal("quoted words", quoted, relative=False),
    Signal("numbers and codes", codes, relative=False),
    Signal("meaning", meaning, relative=True),
    Signal("meaning with the two before", meaning_before, relative=True),
    Signal("meaning with the one after", meaning_after, relative=True),
    Signal("meaning around", meaning_around, relative=True),
    Signal("document or sitting", sitting, relative=True),
    Signal("said by the one named", speaker, relative=False),
    Signal("in talk with the one named", partner, relative=False),
    Signal("said by me", first_person, relative=False),
    Signal("said by the assistant", second_person, relative=False),
    Signal("by the assistant, unasked", assistant_unasked, relative=False, sign=-1),
    Signal("only asks", only_asks, relative=False, sign=-1),
    Signal("repeats the question", repeats, relative=False, sign=-1),
    Signal("asks too", asks_too, relative=False, sign=-1),
    Signal("length", length, relative=True),
    Signal("tells a time", tells_time, relative=False),
    Signal("tells a number", tells_number, relative=False),
    Signal("quotes a title", tells_title, relative=False),
    Signal("holds names", tells_names, relative=False),
    Signal("in another script", other_script, relative=False),
    Signal("made at that time", in_time, relative=False),
    Signal("made near that time", near_time, relative=False),
)


def values(query: Query, pool: Pool, signals: Sequence[Signal] = SIGNALS) -> Values:
    """Return what each signal says of each candidate, shape (candidates, signals)."""
    if not len(pool):
        return np.zeros((0, len(signals)))
    return np.stack([signal.compute(query, pool) for signal in signals], axis=1)


def scaled(raw: Values, signals: Sequence[Signal] = SIGNALS) -> Values:
    """Return the values as they are weighed: relative signals as z-scores over the candidates."""
    columns = [z_scores(raw[:, at]) if signal.relative else raw[:, at] for at, signal in enumerate(signals)]
    return np.stack(columns, axis=1) if columns else raw
