"""Erasures whose rows are gone while the disk may still hold them: which they are, what to look for, how they ended."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from memory_store.clock import from_text

if TYPE_CHECKING:
    from memory_store.verification.needles import Needles

# A verification that found something left a receipt that says so, and no time of completion.
_UNTRIED: Final = "completed_at IS NULL AND receipt IS NULL"


@dataclass(frozen=True, slots=True)
class PendingErasure:
    """An erasure that is to be completed. `notes` is JSON for its receipt."""

    id: str
    requested_at: datetime
    counts: dict[str, int]
    needles: Needles
    notes: str | None


def count_incomplete(connection: sqlite3.Connection) -> int:
    """Return how many erasures are not complete: waiting, put off, or tried and not verified."""
    return int(connection.execute("SELECT count(*) FROM erasures WHERE completed_at IS NULL").fetchone()[0])


def awaited(connection: sqlite3.Connection) -> list[str]:
    """Return the ids of the erasures that somebody waits for: neither put off, nor tried and failed."""
    rows = connection.execute(f"SELECT id FROM erasures WHERE {_UNTRIED} AND deferred = 0 ORDER BY requested_at, id")
    return [str(row[0]) for row in rows]


def untried(connection: sqlite3.Connection) -> list[str]:
    """Return the ids of all that `pending` returns."""
    return [str(row[0]) for row in connection.execute(f"SELECT id FROM erasures WHERE {_UNTRIED}")]


def pending(connection: sqlite3.Connection) -> list[PendingErasure]:
    """Return what the next completion takes, oldest first: all but those that were tried and failed."""
    from memory_store.verification.needles import Needles

    rows = connection.execute(f"SELECT * FROM erasures WHERE {_UNTRIED} ORDER BY requested_at, id").fetchall()
    return [
        PendingErasure(
            row["id"],
            from_text(row["requested_at"]),
            json.loads(row["counts"]),
            Needles.from_bytes(row["needles"]),
            row["notes"],
        )
        for row in rows
    ]


def needles_of(connection: sqlite3.Connection, erasures: Iterable[str]) -> dict[str, Needles]:
    """Return what to look for after each of these erasures."""
    from memory_store.verification.needles import Needles

    found = {}
    for identifier in erasures:
        row = connection.execute("SELECT needles FROM erasures WHERE id = ?", (identifier,)).fetchone()
        found[identifier] = Needles.from_bytes(row[0])
    return found


def failed_among(connection: sqlite3.Connection, erasures: Sequence[str]) -> list[str]:
    """Return which of these erasures were tried and could not be verified."""
    rows = connection.execute("SELECT id FROM erasures WHERE completed_at IS NULL AND receipt IS NOT NULL")
    failed = {str(row[0]) for row in rows}
    return [erasure for erasure in erasures if erasure in failed]


def ask_again(connection: sqlite3.Connection) -> None:
    """Have those that were put off, and those that could not be verified, tried like any other."""
    connection.execute("UPDATE erasures SET receipt = NULL, deferred = 0 WHERE completed_at IS NULL")


def settle(connection: sqlite3.Connection, erasure_id: str, receipt: str, completed_at: str | None) -> None:
    """Record how an erasure ended. With a time nothing of it is left on the disk, and its needles go too."""
    connection.execute(
        "UPDATE erasures SET completed_at = ?, receipt = ?, needles = CASE WHEN ? IS NULL THEN needles END "
        "WHERE id = ?",
        (completed_at, receipt, completed_at, erasure_id),
    )
