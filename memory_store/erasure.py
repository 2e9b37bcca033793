"""Erasure on the disk: what has to happen after rows are deleted until nothing of them is left in any file."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from memory_store import receipts
from memory_store.clock import now, to_text
from memory_store.database import erasures, fulltext, outbox, pending_erasures
from memory_store.database.connection import Database
from memory_store.database.pending_erasures import PendingErasure
from memory_store.errors import Action, ErasureFailedError, ErasurePendingError, IndexUnavailableError, Step
from memory_store.models import Sent
from memory_store.vector_index.choice import Indexes
from memory_store.verification.apart import verify_apart
from memory_store.verification.verify import Verification
from memory_store.version import version

COMPLETES_LATER: Final = (
    "An open chat completes it by itself; without one a repair does. Looking over the store shows what is pending.",
    Step(Action.REPAIR),
    Step(Action.EXAMINE),
)


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
    with place.database.read() as connection:
        pending = pending_erasures.pending(connection)
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
        server = outbox.noted_server(connection)
        for asked in pending:
            receipt = receipts.made(
                asked, found[asked.id], _sent(asked.notes), version(), moment, server
            ).model_dump_json()
            pending_erasures.settle(connection, asked.id, receipt, to_text(moment) if found[asked.id].passed else None)
    return [asked.id for asked in pending if not found[asked.id].passed]


def failure(database: Database, failed: Sequence[str]) -> ErasureFailedError:
    """Return the error that says why these erasures could not be verified, by their receipts."""
    with database.read() as connection:
        found = [
            receipts.parsed(receipt)
            for failure_id in failed
            if (receipt := erasures.get(connection, failure_id).receipt)
        ]
    reasons = [f"{receipt.id}: {receipts.why_not_verified(receipt)}" for receipt in found]
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


def sent_as_notes(sent: list[Sent]) -> str:
    """Return what left this machine as it is kept with a pending erasure."""
    return json.dumps(
        [
            [
                request.endpoint,
                request.model,
                request.purpose,
                to_text(request.first),
                to_text(request.last),
                request.items,
            ]
            for request in sent
        ]
    )


def _sent(notes: str | None) -> list[Sent]:
    from memory_store.clock import from_text

    return [
        Sent(endpoint, model, purpose, from_text(first), from_text(last), items)
        for endpoint, model, purpose, first, last, items in json.loads(notes or "[]")
    ]
