"""Full text: how text becomes searchable words, how a query becomes an expression, and the ranked search."""

from __future__ import annotations

import re
import sqlite3
import unicodedata
from collections.abc import Sequence
from typing import Final

from memory_store.database.filters import NO_FILTER, FilterSql

# Han, kana, hangul and their extensions: scripts that unicode61 can't split into words.
CJK: Final = (
    "\u3005\u3007\u3041-\u3096\u30a1-\u30fa\u30fc\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\uf900-\ufaff"
    "\U00020000-\U000323af"
)
CJK_RUN: Final = re.compile(f"[{CJK}]+")
TOKEN: Final = re.compile(f"[{CJK}]+|[^\\W_{CJK}]+")

# The commonest English words: an OR over them reads most of the index and ranks nothing (105 ms against 15 ms at
# 100,000 passages).
STOP_WORDS: Final = frozenset(
    re.findall(
        r"\w+",
        "a an and are as at be been but by can could did do does for from had has have he her his how i if in into is "
        "it its me my no not of on or our she so than that the their them then there these they this to us was we were "
        "what when where which who whom whose why will with would you your",
    )
)
# Function words and question words that carry no topic in Chinese; bigrams inside them are left out of queries.
_CJK_STOP: Final = re.compile(
    "什么时候|为什么|什么|怎么样|怎么|哪一个|哪一|哪个|哪些|哪里|哪儿|多少|是不是|有没有|能不能|可不可以|我们|你们|他们|她们|"
    "的|了|吗|呢|吧|啊|是|我|你|他|她|它|在|和|与|把|被|这|那"
)
_MAX_QUERY_TERMS: Final = 64
# What recall searches, and what is searched only for what was asked or answered: each has its own counts of words.
PASSAGES, ECHOES = "passages_fts", "echoes_fts"
TABLES: Final = (PASSAGES, ECHOES)


def searchable(text: str) -> str | None:
    """Return the text with CJK runs as overlapping bigrams, or None when it can be indexed as it stands.

    Each run ends in its last sign alone, so every sign starts a token and one-sign queries work by prefix.
    """
    folded = unicodedata.normalize("NFKC", text)
    if not CJK_RUN.search(folded):
        return None if folded == text else folded
    return CJK_RUN.sub(lambda run: " " + " ".join(bigrams(run.group())) + " ", folded)


def bigrams(run: str) -> list[str]:
    """Return the overlapping pairs of signs of a CJK run, and its last sign alone."""
    return [run[at : at + 2] for at in range(len(run))]


def query_terms(query: str) -> list[str]:
    """Return the words worth searching for, folded and without repeats: stop words out, CJK runs as bigrams.

    A term that ends in `*` is a prefix. Where only stop words were typed, they are searched for after all.
    """
    folded = unicodedata.normalize("NFKC", query).lower()
    kept: list[str] = []
    stopped: list[str] = []
    for token in TOKEN.findall(folded):
        if not CJK_RUN.fullmatch(token):
            (stopped if token in STOP_WORDS else kept).append(token)
            continue
        pieces = [piece for piece in _CJK_STOP.split(token) if piece] or [token]
        for piece in pieces:
            kept.extend(bigrams(piece)[:-1] if len(piece) > 1 else [piece + "*"])
    return list(dict.fromkeys(kept or stopped))[:_MAX_QUERY_TERMS]


def match_expression(terms: list[str]) -> str:
    """Return the FTS5 expression that finds any of the terms, each quoted, so no syntax gets through."""
    return " OR ".join(f'"{term[:-1]}" *' if term.endswith("*") else f'"{term}"' for term in terms)


def search(
    connection: sqlite3.Connection, terms: list[str], limit: int, filters: FilterSql, table: str = PASSAGES
) -> list[int]:
    """Return the rows of the `limit` passages with the highest BM25 for any of the terms, best first."""
    return _matching(connection, table, match_expression(terms), "f.rank", limit, filters) if terms else []


def together(
    connection: sqlite3.Connection, terms: list[str], beside: list[str], limit: int, filters: FilterSql
) -> list[int]:
    """Return the latest `limit` rows that hold one of the terms and one of those beside them, unranked.

    BM25 would read every passage of every word, to know how rare it is: too many for common words.
    """
    if not terms or not beside:
        return []
    expression = f"({match_expression(terms)}) AND ({match_expression(beside)})"
    return _matching(connection, PASSAGES, expression, "f.rowid DESC", limit, filters)


def all_of(connection: sqlite3.Connection, terms: list[str]) -> list[int]:
    """Return every row that holds all of the terms, the latest first, echoes too."""
    expression = " AND ".join(match_expression([term]) for term in terms)
    found = [row for table in TABLES for row in _matching(connection, table, expression, "f.rowid", -1, NO_FILTER)]
    return sorted(found, reverse=True) if terms else []


def _matching(
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
