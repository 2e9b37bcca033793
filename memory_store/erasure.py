"""Erasure on the disk: what has to happen after rows are deleted until nothing of them is left in any file."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from memory_store import receipts
from memory_store.clock import now, to_text
from memory_store.database import erasures, fulltext, outbox
from memory_store.database.connection import Database
from memory_store.database.erasures import PendingErasure
from memory_store.errors import ErasureFailedError, ErasurePendingError
from memory_store.models import Sent
from memory_store.vector_index.segments import SegmentedIndex, folder_name, remove_folders_except
from memory_store.verification.verify import Verification, verify
from memory_store.version import version


@dataclass(frozen=True, slots=True)
class Place:
    """Where an erasure takes place. Without an index nobody in this process has its segments open."""

    database: Database
    folder: Path
    index_root: Path
    index: SegmentedIndex | None


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
            "It completes by itself; `keepsake doctor` shows when nothing is pending.",
        )


def _drop_segments(place: Place, _patience_seconds: float) -> None:
    """Remove the folders of the touched segments; new generations are built later, and recall scans meanwhile."""
    if place.index is not None:
        place.index.drop_stale()
        return
    with place.database.read() as connection:
        living = {folder_name(one) for one in outbox.segments(connection) if one.state != "stale"}
    remove_folders_except(place.index_root, living)


# In this order: the pages are written anew when the full text is clean, and the log is cut when the pages are.
STEPS: Final[tuple[Callable[[Place, float], None], ...]] = (
    _merge_full_text,
    _rewrite_pages,
    _cut_log,
    _drop_segments,
)


def complete(place: Place, patience_seconds: float) -> int:
    """Complete every pending erasure and verify them together; return how many. Only the owner of the index calls this.

    The rows are gone already (with secure_delete). Each step can be repeated, so a kill at any point is harmless.
    Raises ErasurePendingError while a reader is in the way and ErasureFailedError if the scan finds anything.
    """
    with place.database.read() as connection:
        pending = erasures.pending(connection)
    if not pending:
        return 0
    verification = _clean_and_verify(place, pending, patience_seconds)
    if verification.stray_words:
        # The merge should have left none; the rebuild from the living rows can't.
        with place.database.write() as connection:
            fulltext.rebuild(connection)
        verification = _clean_and_verify(place, pending, patience_seconds)
    moment = now()
    written = [
        (
            one.id,
            receipts.made(one, verification, _sent(one.notes), version(), moment).model_dump_json(),
        )
        for one in pending
    ]
    with place.database.write() as connection:
        erasures.complete(connection, written, to_text(moment) if verification.passed else None)
    if not verification.passed:
        raise ErasureFailedError(
            f"The erasure could not be verified: {_why(verification.residue_count, verification.stray_words)}.",
            f"Run it again with `keepsake doctor --repair`; `keepsake receipts show {pending[-1].id}` says where.",
        )
    return len(pending)


def _clean_and_verify(place: Place, pending: Sequence[PendingErasure], patience_seconds: float) -> Verification:
    for step in STEPS:
        step(place, patience_seconds)
    return verify(place.database, place.folder, place.index_root, [one.needles for one in pending])


def _why(residue: int, strays: int) -> str:
    if residue:
        return f"{residue} places still hold something of it"
    return f"{strays} words are left in the full-text index" if strays else "the scan's own controls failed"


def sent_as_notes(sent: list[Sent]) -> str:
    """Return what left this machine as it is kept with a pending erasure."""
    return json.dumps(
        [[one.endpoint, one.model, one.purpose, to_text(one.first), to_text(one.last), one.items] for one in sent]
    )


def _sent(notes: str | None) -> list[Sent]:
    from memory_store.clock import from_text

    return [
        Sent(endpoint, model, purpose, from_text(first), from_text(last), items)
        for endpoint, model, purpose, first, last, items in json.loads(notes or "[]")
    ]
