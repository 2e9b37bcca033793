"""Full text: how text becomes searchable words, how a query becomes an expression, and the ranked search."""

from __future__ import annotations

import functools
import re
import sqlite3
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from memory_store.database.filters import NO_FILTER, FilterSql
from memory_store.folding import EMOJI, TOKEN, UNSPACED_RUN, WORD, bigrams, fold, spellings
from memory_store.languages import Rule, word_list

STOP_WORDS: Final = word_list("query", "stop words")
_STOP_SIGNS: Final = Rule("query", "stop signs")
_MAX_QUERY_TERMS: Final = 64
# Letters that the index may fold by itself. It knows Unicode 6.1; others are stored as folded.
_LETTERS_OF_INDEX: Final = re.compile(
    "[\u00c0-\u017f\u0391-\u03c9\u0400-\u045f\u05d0-\u05ea\u0621-\u064a\u1ea0-\u1ef9]"
)
# What recall searches, and what is searched only for what was asked or answered: each has its own counts of words.
PASSAGES, ECHOES = "passages_fts", "echoes_fts"
TABLES: Final = (PASSAGES, ECHOES)


def to_searchable(text: str) -> str | None:
    """Return the folded text with unspaced runs as overlapping bigrams, or None when it can be indexed as it stands.

    Each run ends in its last sign alone, so every sign starts a token and one-sign queries work by prefix.
    """
    if text.isascii() or all(map(_index_folds, set(text))):
        return None
    apart = EMOJI.sub(lambda sign: f" {sign.group()} ", fold(text))
    return UNSPACED_RUN.sub(lambda run: " " + " ".join(bigrams(run.group())) + " ", apart)


@functools.lru_cache(maxsize=16_384)
def _index_folds(sign: str) -> bool:
    """Return whether the full-text index folds a sign as we do: it knows letter case, and accents on Latin letters."""
    if sign.isascii():
        return True
    category, alike = unicodedata.category(sign), fold(sign)
    if category[0] in "PZS" or category == "Cc":
        return category != "So" and WORD.search(alike) is None
    apart = unicodedata.normalize("NFD", sign)
    by_index = apart[0].lower() if apart[0].isascii() else sign.lower()
    return alike == by_index and _LETTERS_OF_INDEX.match(sign) is not None


def query_terms(query: str) -> list[str]:
    """Return the words worth searching for, folded and without repeats: stop words out, unspaced runs as bigrams.

    A term that ends in `*` is a prefix. Where only stop words were typed, they are searched for after all.
    """
    kept: list[str] = []
    stopped: list[str] = []
    query = unicodedata.normalize("NFKC", query)
    for spelling in reversed(list(spellings(query))):
        if spelling.local:  # how its beginning is written says nothing, nor do its pieces
            kept.extend((spelling.whole, spelling.local) if spelling.whole[0].isalpha() else (spelling.local,))
            query = f"{query[: spelling.start]} {query[spelling.end :]}"
        else:
            kept.extend(word for word in spelling.words if word not in STOP_WORDS)
    for token in TOKEN.findall(fold(query)):
        if not token.isascii() and UNSPACED_RUN.fullmatch(token):
            kept.extend(_terms_of_run(token))
        else:
            (stopped if token in STOP_WORDS else kept).append(token)
    return list(dict.fromkeys(kept or stopped))[:_MAX_QUERY_TERMS]


def _terms_of_run(run: str) -> list[str]:
    """Return the bigrams of what stands between words that carry no topic; where that is one sign, its prefix.

    Such a sign may be half of a word that only looks like one of those: its pairs with its neighbours count too.
    """
    found: list[str] = []
    at = 0
    for stop in [*_STOP_SIGNS.finditer(run), None]:
        end = stop.start() if stop else len(run)
        if end - at > 1:
            found.extend(bigrams(run[at:end])[:-1])
        elif end > at:
            found.append(run[at] + "*")
            found.extend(pair for pair in (run[max(0, at - 1) : end], run[at : end + 1]) if len(pair) > 1)
        at = stop.end() if stop else end
    return found or bigrams(run)[:-1] or [run + "*"]


class Sought(NamedTuple):
    """What a text must hold: one of these alternatives, each of terms that stand for it together.

    `number` is the whole of a long number or account; one of the alternatives is then only the end of it.
    """

    alternatives: tuple[tuple[str, ...], ...]
    number: str = ""


def words_to_hold(words: str) -> list[Sought]:
    """Return what a text holds that holds all of some words.

    A name that is written in several ways is there as one word, or in its parts.
    """
    words = unicodedata.normalize("NFKC", words)
    found: list[Sought] = []
    outside, at = "", 0
    for spelling in spellings(words):
        ways = [way for way in ((spelling.whole,), spelling.parts, (spelling.local,)) if way and all(way)]
        found.append(Sought(tuple(ways), spelling.whole if spelling.local else ""))
        outside, at = f"{outside} {words[at : spelling.start]}", spelling.end
    terms = query_terms(f"{outside} {words[at:]}")
    return found + [Sought(((term,),)) for term in terms if not found or term not in STOP_WORDS]


def match_expression(terms: list[str]) -> str:
    """Return the FTS5 expression that finds any of the terms, each quoted, so no syntax gets through."""
    return " OR ".join(f'"{term[:-1]}" *' if term.endswith("*") else f'"{term}"' for term in terms)


def search(
    connection: sqlite3.Connection, terms: list[str], limit: int, filters: FilterSql, table: str = PASSAGES
) -> list[int]:
    """Return the rows of the `limit` passages with the highest BM25 for any of the terms, best first."""
    return _match_rows(connection, table, match_expression(terms), "f.rank", limit, filters) if terms else []


def find_together(
    connection: sqlite3.Connection, terms: list[str], beside: list[str], limit: int, filters: FilterSql
) -> list[int]:
    """Return the latest `limit` rows that hold one of the terms and one of those beside them, unranked.

    BM25 would read every passage of every word, to know how rare it is: too many for common words.
    """
    if not terms or not beside:
        return []
    expression = f"({match_expression(terms)}) AND ({match_expression(beside)})"
    return _match_rows(connection, PASSAGES, expression, "f.rowid DESC", limit, filters)


def find_all(connection: sqlite3.Connection, sought: Sequence[Sought]) -> list[int]:
    """Return every row that holds all that is sought, the latest first, echoes too."""
    expression = " AND ".join(f"({' OR '.join(map(_together, wanted.alternatives))})" for wanted in sought)
    found = [row for table in TABLES for row in _match_rows(connection, table, expression, "f.rowid", -1, NO_FILTER)]
    return sorted(found, reverse=True) if sought else []


def _together(terms: Iterable[str]) -> str:
    return "(" + " AND ".join(match_expression([term]) for term in terms) + ")"


def _match_rows(
    connection: sqlite3.Connection, table: str, expression: str, order: str, limit: int, filters: FilterSql
) -> list[int]:
    joined = "JOIN passages AS p ON p.row = f.rowid" if filters else ""
    condition = f"AND {filters.where}" if filters else ""
    found = connection.execute(
        f"SELECT f.rowid FROM {table} AS f {joined} WHERE {table} MATCH ? {condition} ORDER BY {order} LIMIT ?",
        [expression, *filters.parameters, limit],
    )
    return [int(row[0]) for row in found]


def frequencies(connection: sqlite3.Connection, stems: Sequence[str]) -> dict[str, int]:
    """Return in how many passages each stem stands, by the full-text index's own dictionary."""
    marks = ", ".join("?" for _ in stems)
    found = connection.execute(f"SELECT term, doc FROM passages_vocabulary WHERE term IN ({marks})", list(stems))
    return {row[0]: int(row[1]) for row in found}


def merge(connection: sqlite3.Connection) -> None:
    """Write all pages of the full-text index into new ones, without what was deleted (a fifth of a rebuild's time)."""
    there = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE name LIKE '%_fts'")}
    for table in sorted(there.intersection(TABLES)):  # a copy of an older schema has one of them
        connection.execute(f"INSERT INTO {table} ({table}) VALUES ('optimize')")


def rebuild(connection: sqlite3.Connection) -> None:
    """Write the full-text index anew from the living rows: a deletion alone leaves erased words in its b-trees."""
    for table in TABLES:
        connection.execute(f"INSERT INTO {table} ({table}) VALUES ('rebuild')")


def check(connection: sqlite3.Connection) -> str | None:
    """Return what is wrong with the full-text index against its rows, or None."""
    try:
        for table in TABLES:
            connection.execute(f"INSERT INTO {table} ({table}, rank) VALUES ('integrity-check', 1)")
    except sqlite3.DatabaseError as error:
        return str(error)
    return None
