"""What a person asks to forget: which records that selects, the plan shown before, and the recorded erasure."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import Final

from memory_store.database import erasures
from memory_store.database.connection import Database
from memory_store.errors import NotFoundError
from memory_store.models import ErasurePlan

_TITLES: Final = 12


@dataclass(frozen=True, slots=True)
class Selection:
    """Whole ids of documents, conversations, messages and memories in any mixture; or everything."""

    ids: tuple[str, ...] = ()
    everything: bool = False


def forget(database: Database, selection: Selection) -> str:
    """Delete the selected rows and record the erasure, in one transaction; return its id. The disk is not clean yet."""
    with database.write() as connection:
        if selection.everything:
            return erasures.delete_everything(connection)
        _require_present(connection, selection)
        return erasures.delete_chosen(connection, erasures.choose(connection, selection.ids), bury=True)


def plan(database: Database, selection: Selection) -> ErasurePlan:
    """Return what `forget` would take, without taking it."""
    with database.read() as connection:
        if selection.everything:
            return ErasurePlan(erasures.count_everything(connection))
        titles = _require_present(connection, selection)
        return ErasurePlan(erasures.choose(connection, selection.ids), tuple(titles[:_TITLES]))


def _require_present(connection: sqlite3.Connection, selection: Selection) -> list[str]:
    """Return the names that a person knows the records by. Raises NotFoundError if one of them is not there."""
    titles = []
    for one in selection.ids:
        table = erasures.table_of(one)
        column = "title" if table in ("documents", "conversations") else "text"
        row = connection.execute(f"SELECT {column} FROM {table} WHERE id = ?", (one,)).fetchone()
        if row is None:
            raise NotFoundError(f"Nothing has the id {one}.", "Nothing was erased; the lists show the ids.")
        titles.append(" ".join(str(row[0]).split())[:80])
    return titles
