"""Receipts: what an erasure took, how it was verified and what it can't reach, without a word of what was erased."""

from __future__ import annotations

from datetime import datetime
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict

from memory_store.database.erasures import PendingErasure
from memory_store.models import Sent
from memory_store.verification.verify import Residue, Verification
from memory_store.version import version
from memory_store.wording import format_counts

METHOD: Final = (
    "Rows deleted with secure_delete; full-text index merged, then every page of the database written anew; "
    "write-ahead log cut to nothing; index segments that held the vectors removed. Then every byte of every file was "
    "compared with hashed windows of the texts (UTF-8, UTF-16, escaped in JSON), ids and vectors (float32, float16, "
    "int8), stored vectors by cosine > 0.9999, and the words in the pages of the full-text index with the living ones."
)
NOT_COVERED: Final = (
    "copies a disk or file system keeps by itself: worn flash cells, snapshots, journals",
    "backups of the whole disk, and archives that you exported",
    "what a remote service has received (listed above, if anything)",
)
# Measured on Chroma 1.5.9: what delete_collection removes stays in the pages of the server's database.
NOT_COVERED_ON_SERVER: Final = (
    "the disk of the Chroma server {server}: its collections that held the vectors were deleted, but its database, its "
    "write-ahead log and its snapshots may keep the random ids and the vectors until it is compacted"
)


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class LookedFor(_Part):
    """How much the scan knew of the erased. Texts under eight bytes are too short to be told from chance."""

    texts: int
    ids: int
    vectors: int
    shortest_piece_bytes: int
    texts_too_short: int


class ScannedFile(_Part):
    """A file of the data folder as it was scanned."""

    name: str
    size_bytes: int


class Controls(_Part):
    """The test of the scan itself: something that lives must be found, something that stands nowhere must not."""

    living_found: bool
    absent_found: bool


class Receipt(_Part):
    """The receipt of one erasure. Times are UTC; `completed_at` is None where something was left."""

    format: Literal["keepsake-receipt"] = "keepsake-receipt"
    format_version: Literal[1] = 1
    id: str
    result: Literal["nothing left", "something left"]
    requested_at: datetime
    completed_at: datetime | None
    version: str
    erased: dict[str, int]
    looked_for: LookedFor
    files: tuple[ScannedFile, ...]
    controls: Controls
    found: tuple[Residue, ...]
    stray_words: int
    shared_pieces: int
    shared_vectors: int
    backups_that_hold_it: tuple[str, ...]
    sent: tuple[Sent, ...]
    method: str = METHOD
    not_covered: tuple[str, ...] = NOT_COVERED


def make_receipt(
    erasure: PendingErasure, verification: Verification, completed_at: datetime, server: str | None
) -> Receipt:
    """Return the receipt of an erasure whose verification has just ended; `server` is one that was given vectors."""
    needles = erasure.needles
    return Receipt(
        id=erasure.id,
        result="nothing left" if verification.passed else "something left",
        requested_at=erasure.requested_at,
        completed_at=completed_at if verification.passed else None,
        version=version(),
        erased=erasure.counts,
        looked_for=LookedFor(
            texts=needles.texts,
            ids=needles.ids,
            vectors=needles.vectors,
            shortest_piece_bytes=needles.fragment_bytes,
            texts_too_short=needles.too_short,
        ),
        files=tuple(ScannedFile(name=name, size_bytes=size) for name, size in verification.files),
        controls=Controls(living_found=verification.living_found, absent_found=verification.absent_found),
        found=verification.residue,
        stray_words=verification.stray_words,
        shared_pieces=verification.shared,
        shared_vectors=verification.shared_vectors,
        backups_that_hold_it=verification.backups,
        sent=erasure.sent,
        not_covered=(*NOT_COVERED, *((NOT_COVERED_ON_SERVER.format(server=server),) if server else ())),
    )


def parse_receipt(text: str) -> Receipt:
    """Return a receipt from its JSON."""
    return Receipt.model_validate_json(text)


def why_not_verified(receipt: Receipt) -> str:
    """Return, in a few words, what was in the way of a receipt whose result is "something left"."""
    if receipt.found:
        files = sorted({place.file for place in receipt.found})
        return f"something of it is still in {', '.join(files)}"
    if receipt.stray_words:
        return f"{receipt.stray_words} words are left in the full-text index"
    return "the scan's own controls failed"


def format_receipt(receipt: Receipt) -> str:
    """Return a receipt as a page for a person; times in the local zone."""
    size = sum(file.size_bytes for file in receipt.files)
    looked = receipt.looked_for
    lines = [
        f"Receipt {receipt.id}",
        f"Result       {receipt.result}",
        f"Erased       {format_counts(receipt.erased)}",
        f"Asked for    {_local(receipt.requested_at)}",
        f"Complete     {_local(receipt.completed_at) if receipt.completed_at else 'not yet'}",
        f"Version      keepsake {receipt.version}",
        f"Looked for   {format_counts({'texts': looked.texts, 'ids': looked.ids, 'vectors': looked.vectors})}; "
        f"any piece of {looked.shortest_piece_bytes} bytes or more",
        f"Scanned      {len(receipt.files)} files, {size / 1e6:,.1f} MB",
        *(f"             {file.name}  {file.size_bytes:,} bytes" for file in receipt.files),
        f"Controls     living text {'found' if receipt.controls.living_found else 'NOT found'} (must be found), "
        f"absent text {'FOUND' if receipt.controls.absent_found else 'not found'} (must not)",
        f"Found        {'nothing' if not receipt.found and not receipt.stray_words else ''}".rstrip(),
        *(f"             {place.kind} in {place.file} at byte {place.offset}" for place in receipt.found),
    ]
    if receipt.stray_words:
        lines.append(f"             {receipt.stray_words} words in the pages of the full-text index")
    if looked.texts_too_short:
        lines.append(f"Too short    {looked.texts_too_short} texts of fewer than 8 bytes can't be searched for")
    if receipt.shared_pieces or receipt.shared_vectors:
        lines.append(
            f"Shared       {receipt.shared_pieces} pieces and {receipt.shared_vectors} vectors that something "
            "else you keep holds too: they stay with it"
        )
    lines += [f"Backup       {name} still holds it" for name in receipt.backups_that_hold_it]
    lines += [
        f"Sent before  {request.items} items to {request.endpoint} ({request.model}, {request.purpose}), "
        f"{_local(request.first)} to {_local(request.last)}"
        for request in receipt.sent
    ]
    lines += ["Not covered  " + "\n             ".join(receipt.not_covered)]
    return "\n".join(lines)


def _local(moment: datetime) -> str:
    return f"{moment.astimezone():%Y-%m-%d %H:%M:%S}"
