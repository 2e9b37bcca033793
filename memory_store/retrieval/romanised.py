"""Chinese names that a query spells in Latin letters: "Kunming" finds 昆明, where no passage holds that spelling."""

from __future__ import annotations

import functools
import itertools
import re
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

from memory_store.database import fulltext, passages
from memory_store.languages import read_data
from memory_store.retrieval.query import Query
from memory_store.retrieval.words import stems

# A name, and not the beginning of a sentence in small letters.
_NAME: Final = re.compile(r"\b[A-Z][a-z]{3,17}\b")
_MOST_NAMES: Final = 3
_SYLLABLES: Final = (2, 3)
_LONGEST: Final = 6
_MOST_PAIRS: Final = 3000
# A name stands in few passages: "Women" spells 我们 as well.
_MOST_OFTEN: Final = 0.02
_ALWAYS: Final = 3


def with_names(connection: sqlite3.Connection, query: Query) -> Query:
    """Return a query that looks for the Chinese signs of its names, where the store holds them and not the names."""
    names = [item for item in dict.fromkeys(_NAME.findall(query.text)) if item.lower() in query.search_terms]
    if not names:
        return query
    known = fulltext.frequencies(connection, [stem for item in names for stem in stems(item.lower())])
    for name in names[:_MOST_NAMES]:
        stemmed = stems(name.lower())
        if any(stem in known for stem in stemmed):
            continue
        found = _signs_of(connection, name.lower())
        if found:
            query = replace(
                query,
                terms=(*(term for term in query.terms if term not in stemmed), *found),
                search_terms=(*(term for term in query.search_terms if term != name.lower()), *found),
            )
    return query


def _signs_of(connection: sqlite3.Connection, name: str) -> tuple[str, ...]:
    """Return the pairs of signs, as the index has them, that a name spells and the store holds most often."""
    most = max(_ALWAYS, int(_MOST_OFTEN * passages.latest_row(connection)))
    best: tuple[int, tuple[str, ...]] = (0, ())
    for syllables in _split(name):
        signs = [signs_of(syllable) for syllable in syllables]
        pairs = [text + other for left, right in itertools.pairwise(signs) for text in left for other in right]
        if len(pairs) > _MOST_PAIRS:
            continue
        held = {pair: count for pair, count in fulltext.frequencies(connection, pairs).items() if count <= most}
        for word in _words(signs, held):
            best = max(best, (min(held[text] for text in word), word))
    return best[1]


def _words(signs: list[str], held: Mapping[str, int]) -> Iterator[tuple[str, ...]]:
    """Yield the rows of held pairs that go through all syllables, each pair beginning with the sign before it."""
    rows: list[tuple[str, ...]] = [(pair,) for pair in held if pair[0] in signs[0] and pair[1] in signs[1]]
    for following in signs[2:]:
        rows = [(*row, pair) for row in rows for pair in held if pair[0] == row[-1][1] and pair[1] in following]
    yield from rows


def _split(name: str) -> Iterator[list[str]]:
    """Yield the ways to read a name as two or three syllables of pinyin."""
    for count in _SYLLABLES:
        for ends in itertools.combinations(range(1, len(name)), count - 1):
            pieces = [name[begin:end] for begin, end in itertools.pairwise((0, *ends, len(name)))]
            if all(len(piece) <= _LONGEST and signs_of(piece) for piece in pieces):
                yield pieces


def signs_of(syllable: str) -> str:
    """Return the signs that a syllable spells; none for what is no syllable."""
    return _table().get(syllable, "")


@functools.cache
def _table() -> Mapping[str, str]:
    text = read_data("zh", "pinyin.txt")
    rows = (line.split(" ", 1) for line in text.splitlines() if line and not line.startswith("#"))
    return {row[0]: row[1] for row in rows}
