"""What a person asks to forget: which records that selects, the plan shown before, and the recorded erasure."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from memory_store.clock import from_text, to_text
from memory_store.database import doomed, erasures
from memory_store.database.connection import Database
from memory_store.erasure import sent_as_notes
from memory_store.errors import NotFoundError
from memory_store.models import ErasurePlan, Sent

_TITLES: Final = 12
_BEGINNING: Final = "0000"
_END: Final = "9999"


@dataclass(frozen=True, slots=True)
class Selection:
    """Whole ids of documents, conversations, messages and memories in any mixture; a range of time; or everything.

    `since` is inclusive and `until` exclusive; they select what was written, noted or imported then. `everywhere` also
    takes the messages that chosen memories were made from, and the answers that cite what goes.
    """

    ids: tuple[str, ...] = ()
    everything: bool = False
    since: datetime | None = None
    until: datetime | None = None
    everywhere: bool = False


def forget(database: Database, selection: Selection, *, deferred: bool = False) -> str:
    """Delete the selected rows and record the erasure, in one transaction; return its id. The disk is not clean yet."""
    with database.write() as connection:
        _choose(connection, selection)
        notes = sent_as_notes(_sent(connection))
        return erasures.delete_doomed(connection, bury=True, deferred=deferred, notes=notes)


def plan(database: Database, selection: Selection) -> ErasurePlan:
    """Return what `forget` would take, without taking it."""
    with database.read() as connection:
        _choose(connection, selection)
        return ErasurePlan(
            doomed.counts(connection),
            tuple(doomed.titles(connection, _TITLES)),
            doomed.staying(connection),
            tuple(_sent(connection)),
        )


def chosen_by(database: Database, selection: Selection) -> list[tuple[str, str]]:
    """Return (table, id) of every record that `forget` would take."""
    with database.read() as connection:
        _choose(connection, selection)
        return [(row[0], row[1]) for row in connection.execute("SELECT kind, id FROM temp.doomed")]


def _choose(connection: sqlite3.Connection, selection: Selection) -> None:
    """Put the selected records into the table of the doomed. Raises NotFoundError if one of them is not there."""
    if selection.everything:
        doomed.choose_everything(connection)
        return
    chosen = [(erasures.table_to_erase(text), text) for text in selection.ids]
    for table, identifier in chosen:
        if connection.execute(f"SELECT 1 FROM {table} WHERE id = ?", (identifier,)).fetchone() is None:
            raise NotFoundError(f"Nothing has the id {identifier}.", "Nothing was erased; the lists show the ids.")
    if selection.since is not None or selection.until is not None:
        since = to_text(selection.since) if selection.since else _BEGINNING
        chosen += doomed.made_between(connection, since, to_text(selection.until) if selection.until else _END)
    chosen += [
        ("documents", text) for text in _came_with(connection, [text for table, text in chosen if table == "documents"])
    ]
    doomed.choose(connection, chosen, everywhere=selection.everywhere)


def _came_with(connection: sqlite3.Connection, ids: list[str]) -> list[str]:
    """Return the documents that came inside of these, such as what is attached to a mail; their paths say so."""
    found = connection.execute(
        "SELECT inner.id FROM documents AS outer JOIN documents AS inner "
        "ON substr(inner.path, 1, length(outer.path) + 2) = outer.path || '!/' "
        "WHERE outer.id IN (SELECT value FROM json_each(?))",
        (json.dumps(ids),),
    )
    return [row[0] for row in found if row[0] not in ids]


def _sent(connection: sqlite3.Connection) -> list[Sent]:
    return [
        Sent(endpoint, model, purpose, from_text(first), from_text(last), items)
        for endpoint, model, purpose, first, last, items in doomed.sent(connection)
    ]
