"""Salvage: out of a damaged database, into a new store, every row that can still be read."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from memory_store.database import fulltext, passages, tables
from memory_store.database.connection import Database
from memory_store.database.files import BACKUPS
from memory_store.database.migrations import migrate
from memory_store.database.pages import Row, read_pages, shapes_of, version_of
from memory_store.errors import CorruptStoreError, NotFoundError, StoreError

_NAME: Final = "keepsake.db"


@dataclass(frozen=True, slots=True)
class Salvage:
    """What was saved and what was lost, in rows a table. `lost` is by the highest number a row had: a lower bound."""

    saved: Mapping[str, int]
    lost: Mapping[str, int]


def salvage(damaged: Path, folder: Path, backup: str | None = None) -> Salvage:
    """Copy what can be read of a damaged store's folder into a new store in `folder`; the damaged one is not touched.

    `backup` is the name of one of its backups, to be read in place of the store itself.

    Its pages are read one by one, whatever is wrong with those between them. Rows whose owner is lost go with it; what
    was forgotten stays away where its hash can be read; the full text is made anew, the index at the next opening.
    Raises CorruptStoreError if no row can be read, and StoreError if `folder` holds a store already.
    """
    source = damaged / (Path(BACKUPS, Path(backup).name) if backup else _NAME)
    if (folder / _NAME).exists():
        raise StoreError(f"{folder} holds a store already.", "Name a new folder.")
    if not source.exists():
        raise (
            NotFoundError(f"There is no backup {backup}.", "The list of backups shows the names.")
            if backup
            else StoreError(f"{damaged} holds no store.", "Name the folder of the store.")
        )
    database = Database(folder / _NAME)
    try:
        migrate(database, upto=version_of(source))
        with database.read() as target:
            shapes = shapes_of(target)
        database.truncate_log(1.0)
        migrate(database)
        found = read_pages(source, shapes)
        if not found.rows:
            raise CorruptStoreError(f"No row can be read in {source}.", "Restore a backup or an archive.")
        saved = dict.fromkeys((table.name for table in tables.ARCHIVED), 0)
        lost = {table: found.lost(table) for table in saved}
        with database.write() as target:
            target.execute("PRAGMA defer_foreign_keys=ON")
            if not _take_key(target, found.rows.get("meta", [])):  # without it they say nothing
                lost["tombstones"] += len(found.rows.pop("tombstones", []))
            for table in tables.ARCHIVED:
                saved[table.name] = _insert(target, table, found.rows.get(table.name, []))
            _settle(target, saved, lost)
    finally:
        database.close()
    return Salvage(saved, lost)


def _take_key(target: sqlite3.Connection, rows: Sequence[Row]) -> bool:
    """Take over the key of the tombstones; return whether it could be read."""
    keys = [row["value"] for row in rows if row["key"] == "tombstone_key"]
    for key in keys:
        target.execute("UPDATE meta SET value = ? WHERE key = 'tombstone_key'", (key,))
    return bool(keys)


def _insert(target: sqlite3.Connection, table: tables.Table, rows: Sequence[Row]) -> int:
    """Insert the rows that the schema lets in; return how many."""
    known = [name for name in table.columns if rows and name in rows[0]]
    marks = ", ".join("?" for _ in known)
    insert = f"INSERT OR IGNORE INTO {table.name} ({', '.join(known)}) VALUES ({marks})"
    return target.executemany(insert, [tuple(row[name] for name in known) for row in rows]).rowcount if rows else 0


def _settle(target: sqlite3.Connection, saved: dict[str, int], lost: dict[str, int]) -> None:
    """Let go of what hangs on lost rows, and queue what has to be made anew."""
    tables.clear_dangling(target, "messages", "memories", "conversations", "citations")
    while dangling := target.execute("PRAGMA foreign_key_check").fetchall():
        for table, row in {(item[0], item[1]) for item in dangling}:
            if row is None:  # a table without row numbers
                for column, owner in tables.BY_NAME[table].references("CASCADE").items():
                    target.execute(f"DELETE FROM {table} WHERE {column} NOT IN (SELECT id FROM {owner})")
            else:
                target.execute(f"DELETE FROM {table} WHERE rowid = ?", (row,))
                saved[table] = saved.get(table, 1) - 1
                lost[table] = lost.get(table, 0) + 1
    target.execute("DELETE FROM outbox")
    passages.make_searchable(target)
    passages.mark_echoes(target)
    target.execute(
        "INSERT INTO outbox (operation, passage_row) SELECT 'embed', row FROM passages "
        "WHERE row NOT IN (SELECT passage_row FROM embeddings) ORDER BY row"
    )
    fulltext.rebuild(target)
