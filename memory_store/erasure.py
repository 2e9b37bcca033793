"""Erasure: which records a selection takes, and what has to happen until nothing of them is left in any file."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from memory_store.clock import now, to_text
from memory_store.database import erasures, fulltext, outbox
from memory_store.database.connection import Database
from memory_store.database.erasures import PendingErasure
from memory_store.errors import (
    Action,
    ErasureFailedError,
    ErasurePendingError,
    IndexUnavailableError,
    NotFoundError,
    Step,
)
from memory_store.models import ErasurePlan, Selection
from memory_store.receipts import make_receipt, parse_receipt, why_not_verified
from memory_store.vector_index.choice import Indexes
from memory_store.verification.apart import verify_apart
from memory_store.verification.verify import Verification

_TITLES: Final = 12
_BEGINNING: Final = "0000"
_END: Final = "9999"
COMPLETES_LATER: Final = (
    "An open chat completes it by itself; without one a repair does. Looking over the store shows what is pending.",
    Step(Action.REPAIR),
    Step(Action.EXAMINE),
)


def forget(database: Database, selection: Selection, *, deferred: bool = False) -> str:
    """Delete the selected rows and record the erasure, in one transaction; return its id. The disk is not clean yet."""
    with database.write() as connection:
        _choose(connection, selection)
        return erasures.delete_chosen(connection, bury=True, deferred=deferred)


def make_plan(database: Database, selection: Selection, *, include_private: bool = True) -> ErasurePlan:
    """Return what `forget` would take, without taking it; not of what is private, if that is left out."""
    with database.read() as connection:
        _choose(connection, selection)
        if not include_private:
            erasures.leave_out_private(connection)
        return ErasurePlan(
            erasures.count_chosen(connection),
            tuple(erasures.titles_of_chosen(connection, _TITLES)),
            erasures.count_staying(connection) if include_private else {},
            tuple(erasures.find_sent(connection)),
        )


def find_chosen(database: Database, selection: Selection, *, include_private: bool = True) -> list[tuple[str, str]]:
    """Return (table, id) of every record that `forget` would take; not what is private, if that is left out."""
    with database.read() as connection:
        _choose(connection, selection)
        if not include_private:
            erasures.leave_out_private(connection)
        return [(row[0], row[1]) for row in connection.execute("SELECT kind, id FROM temp.doomed")]


def _choose(connection: sqlite3.Connection, selection: Selection) -> None:
    """Put the selected records into the table of the doomed. Raises NotFoundError if one of them is not there."""
    if selection.everything:
        erasures.choose_everything(connection)
        return
    chosen = [(erasures.table_to_erase(identifier), identifier) for identifier in selection.ids]
    for table, identifier in chosen:
        if connection.execute(f"SELECT 1 FROM {table} WHERE id = ?", (identifier,)).fetchone() is None:
            raise NotFoundError(f"Nothing has the id {identifier}.", "Nothing was erased; the lists show the ids.")
    if selection.since is not None or selection.until is not None:
        since = to_text(selection.since) if selection.since else _BEGINNING
        chosen += erasures.find_made_between(connection, since, to_text(selection.until) if selection.until else _END)
    chosen += [
        ("documents", text)
        for text in _find_inside(connection, [text for table, text in chosen if table == "documents"])
    ]
    erasures.choose(connection, chosen, everywhere=selection.everywhere)


def _find_inside(connection: sqlite3.Connection, ids: list[str]) -> list[str]:
    """Return the documents that came inside of these, such as what is attached to a mail; their paths say so."""
    found = connection.execute(
        "SELECT inner.id FROM documents AS outer JOIN documents AS inner "
        "ON substr(inner.path, 1, length(outer.path) + 2) = outer.path || '!/' "
        "WHERE outer.id IN (SELECT value FROM json_each(?))",
        (json.dumps(ids),),
    )
    return [row[0] for row in found if row[0] not in ids]


@dataclass(frozen=True, slots=True)
class Place:
    """Where an erasure takes place."""

    database: Database
    index_root: Path
    indexes: Indexes


def _merge_full_text(place: Place, _patience_seconds: float) -> None:
    """Write the full-text index anew: a deletion leaves erased words in its pages."""
    with place.database.write() as connection:
        fulltext.merge(connection)


def _rewrite_pages(place: Place, _patience_seconds: float) -> None:
    place.database.vacuum()


def _cut_log(place: Place, patience_seconds: float) -> None:
    """Empty the write-ahead log. Raises ErasurePendingError while a reader's snapshot keeps the old pages alive."""
    if not place.database.truncate_log(patience_seconds):
        raise ErasurePendingError(
            "The erasure is recorded but not yet complete: another program is reading the store.",
            *COMPLETES_LATER,
        )


def _erase_from_indexes(place: Place, _patience_seconds: float) -> None:
    """Remove the touched segments; new generations are built later, and recall scans meanwhile.

    Raises ErasurePendingError while a server does not answer.
    """
    try:
        place.indexes.erase()
    except IndexUnavailableError as error:
        raise ErasurePendingError(
            f"The erasure is recorded but not yet complete: {error.message}", *COMPLETES_LATER
        ) from error


# In this order: the pages are written anew when the full text is clean, and the log is cut when the pages are.
STEPS: Final[tuple[Callable[[Place, float], None], ...]] = (
    _merge_full_text,
    _rewrite_pages,
    _cut_log,
    _erase_from_indexes,
)


def complete(place: Place, patience_seconds: float) -> list[str]:
    """Complete every erasure that waits and verify each; return the ids of those that could not be verified.

    Only the owner of the index calls this. The rows are gone already (with secure_delete). Each step can be repeated,
    so a kill at any point is harmless. What could not be verified stays listed by itself, with a receipt that says
    where something was found. Raises ErasurePendingError while a reader is in the way; then nothing is settled.
    """
    pending = place.database.fetch(erasures.find_pending)
    if not pending:
        return []
    found = _clean_and_verify(place, pending, patience_seconds)
    if not all(verification.passed for verification in found.values()):
        # Words that the merge left go with a rebuild from the living rows; and what was erased or written between the
        # scan and the look at what lives is on the right side of both the second time.
        with place.database.write() as connection:
            fulltext.rebuild(connection)
        found = _clean_and_verify(place, pending, patience_seconds)
    moment = now()
    with place.database.write() as connection:
        server = outbox.get_server(connection)
        for asked in pending:
            receipt = make_receipt(asked, found[asked.id], moment, server).model_dump_json()
            erasures.settle(connection, asked.id, receipt, to_text(moment) if found[asked.id].passed else None)
    return [asked.id for asked in pending if not found[asked.id].passed]


def explain_failure(database: Database, failed: Sequence[str]) -> ErasureFailedError:
    """Return the error that says why these erasures could not be verified, by their receipts."""
    with database.read() as connection:
        found = [
            parse_receipt(receipt) for failure_id in failed if (receipt := erasures.get(connection, failure_id).receipt)
        ]
    reasons = [f"{receipt.id}: {why_not_verified(receipt)}" for receipt in found]
    return ErasureFailedError(
        f"The erasure could not be verified. {'; '.join(reasons)}.",
        "Try it again; the receipt says where.",
        Step(Action.REPAIR),
        Step(Action.SHOW_RECEIPT, failed[-1]),
    )


def _clean_and_verify(
    place: Place, pending: Sequence[PendingErasure], patience_seconds: float
) -> dict[str, Verification]:
    for step in STEPS:
        step(place, patience_seconds)
    return verify_apart(place.database.path, place.index_root, [waiting.id for waiting in pending])
