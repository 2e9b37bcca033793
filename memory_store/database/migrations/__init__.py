"""Brings a database to the newest schema: numbered SQL files, each applied in one transaction."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from memory_store.database import passages
from memory_store.database.connection import Database
from memory_store.errors import Action, NewerSchemaError, Step, StoreError

# "Keep" in ASCII: lets `file` and us tell our databases from others.
APPLICATION_ID: Final = 0x4B656570


def migrations() -> list[tuple[int, str]]:
    """Return (version, SQL) of every migration, oldest first."""
    return [(int(file.name[:4]), file.read_text("utf-8")) for file in sorted(Path(__file__).parent.glob("*.sql"))]


def migrate(database: Database, before: Callable[[int, int], object] | None = None, *, upto: int | None = None) -> int:
    """Apply what is missing and return the schema version. Raises NewerSchemaError for a database from the future.

    `before` is called with the present and the coming version if a store that is in use is about to change. `upto`
    stops at an older version; one that there never was is the newest.
    """
    steps = [step for step in migrations() if not upto or step[0] <= upto]
    newest = steps[-1][0]
    with database.read() as connection:
        current = _version(connection)
        if current == 0 and connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone():
            raise StoreError(
                f"{database.path} is a database of another program.",
                "Choose another folder.",
                Step(Action.CHOOSE_FOLDER),
            )
    if current > newest:
        raise NewerSchemaError(
            f"This store was written by a newer Keepsake (schema {current}; this version knows {newest}).",
            "Install the newer version; nothing was changed.",
        )
    if before is not None and 0 < current < newest:
        before(current, newest)
    for version, sql in steps:
        if version > current:
            _apply(database, version, sql)
    return newest


def _apply(database: Database, version: int, sql: str) -> None:
    with database.write() as connection:
        if _version(connection) >= version:
            return  # another process was faster
        passages.add_functions(connection)  # version 8 makes the searchable forms anew
        for statement in _statements(sql):
            connection.execute(statement)
        if version == 1:
            connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
            connection.execute("INSERT INTO meta VALUES ('tombstone_key', ?)", (os.urandom(32).hex(),))
            connection.execute("INSERT INTO meta VALUES ('vectors_epoch', '0')")
        if version == 7:
            passages.mark_echoes(connection)
        connection.execute(f"PRAGMA user_version={version}")


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _statements(sql: str) -> Iterator[str]:
    """Split a script into statements, so that all of them run inside our own transaction."""
    pending = ""
    for line in sql.splitlines(keepends=True):
        pending += line
        if sqlite3.complete_statement(pending):
            yield pending
            pending = ""
    if pending.strip():
        raise StoreError("A migration ends in the middle of a statement.")
