"""Salvage: out of a damaged database, into a new store, every row that can still be read."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from memory_store.database.connection import Database
from memory_store.database.migrations import migrate
from memory_store.errors import CorruptStoreError, StoreError
from memory_store.transfer import archive

_NAME: Final = "keepsake.db"
_PIECE: Final = 256


@dataclass(frozen=True, slots=True)
class Salvage:
    """What was saved and what was lost, in rows a table. `lost` is by the highest number a row had: a lower bound."""

    saved: Mapping[str, int]
    lost: Mapping[str, int]


def salvage(damaged: Path, folder: Path) -> Salvage:
    """Copy what can be read of a damaged store's folder into a new store in `folder`; the damaged one is not touched.

    Rows whose owner is lost go with it; the full text is made anew, the index at the next opening. Raises
    CorruptStoreError if not even the schema can be read, and StoreError if `folder` holds a store already.
    """
    if (folder / _NAME).exists():
        raise StoreError(f"{folder} holds a store already.", "Name a new folder.")
    saved: dict[str, int] = {}
    lost: dict[str, int] = {}
    with closing(sqlite3.connect(f"file:{damaged / _NAME}?mode=ro", uri=True)) as source:
        try:
            present = {row[0] for row in source.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        except sqlite3.DatabaseError as error:
            raise CorruptStoreError(
                f"Nothing can be read of {damaged / _NAME}: {error}.", "Restore a backup or an archive."
            ) from error
        database = Database(folder / _NAME)
        try:
            migrate(database)
            with database.write() as target:
                target.execute("PRAGMA defer_foreign_keys=ON")
                _keys(source, target)
                for table in archive.TABLES:
                    if table.name in present:
                        saved[table.name], lost[table.name] = _copy(source, target, table)
                _settle(target, saved, lost)
        finally:
            database.close()
    return Salvage(saved, lost)


def _keys(source: sqlite3.Connection, target: sqlite3.Connection) -> None:
    """Take over the key of the tombstones, if it can be read."""
    try:
        row = source.execute("SELECT value FROM meta WHERE key = 'tombstone_key'").fetchone()
    except sqlite3.DatabaseError:
        return  # the tombstones say nothing then; what was erased is not in the damaged file either
    if row:
        target.execute("UPDATE meta SET value = ? WHERE key = 'tombstone_key'", (row[0],))


def _copy(source: sqlite3.Connection, target: sqlite3.Connection, table: archive.Table) -> tuple[int, int]:
    """Copy the readable rows of a table; return how many were saved, and at least how many were lost."""
    known = {row[1] for row in source.execute(f"PRAGMA table_info({table.name})")}
    columns = [name for name in table.columns if name in known]
    marks = ", ".join("?" for _ in columns)
    insert = f"INSERT OR IGNORE INTO {table.name} ({', '.join(columns)}) VALUES ({marks})"
    saved = unreadable = 0
    for rows in _readable(source, table.name, columns):
        if rows is None:
            unreadable += 1
            continue
        saved += target.executemany(insert, rows).rowcount
    return saved, max(unreadable, _count(source, table.name) - saved)


def _count(source: sqlite3.Connection, table: str) -> int:
    """Return how many rows a table has, by an index of it where it has one; 0 if that is damaged too."""
    try:
        return int(source.execute(f"SELECT count(*) FROM {table}").fetchone()[0])
    except sqlite3.DatabaseError:
        return 0


def _readable(source: sqlite3.Connection, table: str, columns: list[str]) -> Iterator[list[tuple[object, ...]] | None]:
    """Yield rows in pieces, and None for each row number that is damaged."""
    names = ", ".join(columns)
    try:
        last = source.execute(f"SELECT max(rowid) FROM {table}").fetchone()[0] or 0
    except sqlite3.DatabaseError:
        # Without row numbers, or its end is damaged: what comes before the first damage.
        yield from _until_damage(source, f"SELECT {names} FROM {table}")
        return
    start = 1
    while start <= last:
        yield from _range(source, f"SELECT {names} FROM {table} WHERE rowid BETWEEN ? AND ?", start, start + _PIECE - 1)
        start += _PIECE


def _range(source: sqlite3.Connection, query: str, first: int, last: int) -> Iterator[list[tuple[object, ...]] | None]:
    """Read a range of row numbers; where it can't be read, its halves."""
    try:
        yield [tuple(row) for row in source.execute(query, (first, last))]
    except (sqlite3.DatabaseError, OverflowError, UnicodeDecodeError):
        if first == last:
            yield None
            return
        middle = (first + last) // 2
        yield from _range(source, query, first, middle)
        yield from _range(source, query, middle + 1, last)


def _until_damage(source: sqlite3.Connection, query: str) -> Iterator[list[tuple[object, ...]] | None]:
    rows: list[tuple[object, ...]] = []
    try:
        rows.extend(tuple(row) for row in source.execute(query))
    except (sqlite3.DatabaseError, UnicodeDecodeError):
        yield rows
        yield None
        return
    yield rows


def _settle(target: sqlite3.Connection, saved: dict[str, int], lost: dict[str, int]) -> None:
    """Let go of what hangs on lost rows, and queue what has to be made anew."""
    target.execute("UPDATE messages SET parent_id = NULL WHERE parent_id NOT IN (SELECT id FROM messages)")
    target.execute(
        "UPDATE memories SET superseded_by = NULL, retired_at = NULL "
        "WHERE superseded_by NOT IN (SELECT id FROM memories)"
    )
    for column in ("current_message_id", "title_message_id"):
        target.execute(f"UPDATE conversations SET {column} = NULL WHERE {column} NOT IN (SELECT id FROM messages)")
    target.execute("UPDATE citations SET passage_id = NULL WHERE passage_id NOT IN (SELECT id FROM passages)")
    while dangling := target.execute("PRAGMA foreign_key_check").fetchall():
        for table, row in {(one[0], one[1]) for one in dangling}:
            if row is None:  # a table without row numbers: citations and items of requests
                column, owner = ("message_id", "messages") if table == "citations" else ("request_id", "requests")
                target.execute(f"DELETE FROM {table} WHERE {column} NOT IN (SELECT id FROM {owner})")
            else:
                target.execute(f"DELETE FROM {table} WHERE rowid = ?", (row,))
                saved[table] = saved.get(table, 1) - 1
                lost[table] = lost.get(table, 0) + 1
    target.execute("DELETE FROM outbox")
    target.execute(
        "INSERT INTO outbox (operation, passage_row) "
        "SELECT CASE WHEN e.seq IS NULL THEN 'embed' ELSE 'index' END, p.row "
        "FROM passages AS p LEFT JOIN embeddings AS e ON e.passage_row = p.row ORDER BY p.row"
    )
    target.execute("INSERT INTO passages_fts (passages_fts) VALUES ('rebuild')")
