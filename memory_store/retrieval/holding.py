"""Every passage that holds some words: not the best of them, as in a recall, but all, history and twins too."""

from __future__ import annotations

from typing import Final

from memory_store.database import fulltext, passages
from memory_store.database.connection import Database
from memory_store.database.passages import StoredPassage
from memory_store.retrieval.words import folded, matching_words, stem

_BATCH: Final = 500


def all_holding(database: Database, words: str) -> list[StoredPassage]:
    """Return all passages that hold each of these words, in the text or in its title and headings, the latest first.

    A word may have another ending there, but not a shorter one: `key` is found in "keys". Words such as "the" are
    passed over; Chinese, Japanese and Korean are looked for as pairs of signs.
    """
    terms = fulltext.query_terms(words)
    wanted = {folded(term.removesuffix("*")) for term in terms}
    wanted_stems = [one if fulltext.CJK_RUN.match(one) else stem(one) for one in wanted]
    found: list[StoredPassage] = []
    with database.read() as connection:
        rows = fulltext.all_of(connection, terms)
        for at in range(0, len(rows), _BATCH):
            by_row = passages.by_rows(connection, rows[at : at + _BATCH])
            found += [by_row[row] for row in rows[at : at + _BATCH] if row in by_row]
    return [one for one in found if _holds(one, wanted, wanted_stems)]


def _holds(passage: StoredPassage, wanted: set[str], stems: list[str]) -> bool:
    # The index also holds dates in words, which are not the passage's own; and a stem is shared by different words.
    there = matching_words(f"{passage.text}\n{passage.context}", stems)
    return all(any(term in word for word in there) for term in wanted)
