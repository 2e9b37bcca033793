"""Verification: proof, after an erasure, that nothing of it is left in any file, by a scan that could have failed.

What the living hold of the erased explains what is found: a sentence quoted elsewhere, a short word, a near twin's
vector.
"""

from __future__ import annotations

import secrets
import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from memory_store.database import tombstones
from memory_store.database.erasures import find_untried, needles_of
from memory_store.database.files import BACKUPS
from memory_store.embedding.base import normalize, quantize
from memory_store.errors import CorruptStoreError
from memory_store.verification import layouts
from memory_store.verification.layouts import record_bytes, records_of_segments
from memory_store.verification.needles import (
    LONG,
    Hashes,
    NeedleKind,
    Needles,
    ScanKey,
    empty_projections,
    hash_windows,
)
from memory_store.verification.scan import Finding, HashSet, Sought, scan

# "The same vector": what is nearer than this was made from the same words.
SAME_COSINE: Final = 0.9999
_CHUNK_BYTES: Final = 1 << 20
_ROWS: Final = 4096
# What is compared by itself: vectors as matrices, and the pages of the full text by their words.
_VECTORS: Final = "embeddings"
_SHADOWS: Final = "%_fts_%"
_MOST_LISTED: Final = 20


def living_windows(
    connection: sqlite3.Connection, index_root: Path, key: ScanKey, wanted: Hashes, dimension: int
) -> set[int]:
    """Return which of these hashes are windows of something that lives: of a text, or of a vector.

    It reads no further than until all of them are explained, most often by the first texts.
    """
    sought = HashSet(wanted)
    left = set(wanted.tolist())
    for data in _living_bytes(connection, index_root, dimension):
        words = [np.frombuffer(data, dtype="<u8", offset=shift, count=(len(data) - shift) // 8) for shift in range(8)]
        for word in words:
            for hashes in (key.long(word[:-1], word[1:]), key.short(word)):
                left.difference_update(hashes[sought.members(hashes)].tolist())
        if not left:
            break
    return set(wanted.tolist()) - left


def _living_bytes(connection: sqlite3.Connection, index_root: Path, dimension: int) -> Iterator[bytes]:
    yield from _chunks(_living_records(connection, index_root))
    for matrix in living_vectors(connection, dimension):
        yield matrix.tobytes()
        yield normalize(matrix).tobytes()
        yield quantize(matrix)[0].tobytes()


def living_vectors(connection: sqlite3.Connection, dimension: int) -> Iterator[NDArray[np.float32]]:
    """Yield the stored vectors of this dimension, some thousand rows at a time."""
    cursor = connection.execute("SELECT vector FROM embeddings WHERE length(vector) = ?", (4 * dimension,))
    while rows := cursor.fetchmany(_ROWS):
        yield np.frombuffer(b"".join(row[0] for row in rows), dtype="<f4").reshape(-1, dimension)


def find_twins(
    matrices: Iterable[NDArray[np.float32]], projections: NDArray[np.float32], key: ScanKey
) -> NDArray[np.bool_]:
    """Return which of the erased vectors, given by their projections, have the same vector among these."""
    unit = normalize(projections)
    met = np.zeros(len(unit), dtype=np.bool_)
    for matrix in matrices:
        if len(unit):
            others = normalize(normalize(matrix) @ key.projection(matrix.shape[1]))
            for start in range(0, len(unit), _ROWS):
                met[start : start + _ROWS] |= (unit[start : start + _ROWS] @ others.T).max(axis=1) > SAME_COSINE
    return met


def living_tables(connection: sqlite3.Connection) -> list[str]:
    """Return every table whose rows may rightly hold a text, an id or a time: all that the schema has, and itself."""
    tables = connection.execute(
        "SELECT name FROM sqlite_master "
        "WHERE type = 'table' AND name NOT IN (?, 'passages_fts', 'echoes_fts') AND name NOT LIKE ? "
        "ORDER BY name != 'passages', name != 'messages', name",
        (_VECTORS, _SHADOWS),
    )
    return [*(row[0] for row in tables), "sqlite_master"]


def _living_records(connection: sqlite3.Connection, index_root: Path) -> Iterator[bytes]:
    for table in living_tables(connection):
        for row in connection.execute(f'SELECT * FROM "{table}"'):
            yield record_bytes(row)
    yield from records_of_segments(index_root)


def _chunks(records: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the records in large pieces, zeros between them: a window over two records is one of neither."""
    pending: list[bytes] = []
    size = 0
    for record in records:
        data = record + bytes(2 * LONG)
        pending.append(data)
        size += len(data)
        if size >= _CHUNK_BYTES:
            yield b"".join(pending)
            pending, size = [], 0
    yield b"".join([*pending, bytes(2 * LONG)])


@dataclass(frozen=True, slots=True)
class Residue:
    """Something of the erased that is still there: which kind, in which file, and where (bytes from its start)."""

    kind: str
    file: str
    offset: int


@dataclass(frozen=True, slots=True)
class Verification:
    """What the scan after an erasure looked at and found. `passed` says that nothing is left and the controls held."""

    files: tuple[tuple[str, int], ...]
    shared: int
    shared_vectors: int
    stray_words: int
    living_found: bool
    absent_found: bool
    backups: tuple[str, ...]
    residue: tuple[Residue, ...]
    residue_count: int
    seconds: float

    @property
    def passed(self) -> bool:
        """Whether nothing was found, by a scan that finds what is there and only that."""
        return not self.residue_count and not self.stray_words and self.living_found and not self.absent_found


def verify(database: Path, index_root: Path, erasures: Sequence[str]) -> dict[str, Verification]:
    """Scan every file of the data folder for all that these erasures took; return what was found, by erasure.

    Two controls are looked for as well: a fragment of what lives, which must be found, and one that stands nowhere.
    Reads only, and opens the files of the database by itself: so it may only run in a process that has no connection to
    it (see `apart`). Its own connections are closed while it scans.
    """
    began = time.monotonic()
    with _reader(database) as connection:
        key = ScanKey(tombstones.secret(connection))
        sentinel = _sentinel(connection)
        needles = needles_of(connection, erasures)
    control = hash_windows(key, sentinel, 1)
    absent = hash_windows(key, secrets.token_bytes(2 * LONG), 1)
    long = _concatenate([needle.long for needle in needles.values()])
    sought = Sought(
        key,
        HashSet(_concatenate([long, control, absent])),
        HashSet(_concatenate([needle.short for needle in needles.values()])),
        HashSet(_concatenate([needle.shortest for needle in needles.values()])),
    )
    seen = scan(database.parent, sought)
    met = np.array(sorted({finding.needle for finding in seen.findings}), dtype=np.uint64)
    controls = np.concatenate([control, absent])
    controls_alone = set(controls.tolist()) - set(controls[HashSet(long).members(controls)].tolist())
    in_backups = [finding for finding in seen.findings if finding.file.startswith(f"{BACKUPS}/")]
    suspects = [
        finding
        for finding in seen.findings
        if finding.needle not in controls_alone and not finding.file.startswith(f"{BACKUPS}/")
    ]
    projections = np.concatenate([empty_projections(), *(needle.projections for needle in needles.values())])
    with _reader(database) as connection:
        dimension = _dimension(connection)
        explained: set[int] = set()
        if suspects:
            wanted = np.array(sorted({suspect.needle for suspect in suspects}), dtype=np.uint64)
            explained = living_windows(connection, index_root, key, wanted, dimension)
        others = needles_of(connection, set(find_untried(connection)) - set(needles))
        explained |= {finding.needle for other in others.values() for finding in _select(suspects, _sets(other))}
        living_twins = find_twins(living_vectors(connection, dimension), projections, key)
        # What another erasure has just deleted stands in the pages until its own completion, which checks them.
        strays = 0 if others else layouts.stray_words(connection)
    left = [suspect for suspect in suspects if suspect.needle not in explained]
    in_segments = [
        (file, find_twins([rows], projections, key) & ~living_twins)
        for file, rows in layouts.segment_vectors(index_root)
    ]
    verifications: dict[str, Verification] = {}
    first = 0
    for identifier, own in needles.items():
        vectors = slice(first, first := first + len(own.projections))
        sets = _sets(own)
        residue = [
            *_residues(_select(left, sets), own),
            *(Residue(NeedleKind.VECTOR.name.lower(), file, -1) for file, twins in in_segments if twins[vectors].any()),
        ]
        ids = HashSet(own.long[own.long_kinds == NeedleKind.ID])
        verifications[identifier] = Verification(
            files=seen.files,
            shared=len({finding.needle for finding in _select(suspects, sets)} & explained),
            shared_vectors=int(living_twins[vectors].sum()),
            stray_words=strays,
            living_found=bool(np.isin(control, met).any()),
            absent_found=bool(np.isin(absent, met).any()),
            backups=tuple(sorted({finding.file for finding in _select(in_backups, (ids,))})),
            residue=tuple(residue[:_MOST_LISTED]),
            residue_count=len(residue),
            seconds=time.monotonic() - began,
        )
    return verifications


@contextmanager
def _reader(database: Path) -> Iterator[sqlite3.Connection]:
    """Give a connection that reads one moment of the record. Raises CorruptStoreError."""
    try:
        with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True, isolation_level=None)) as connection:
            connection.execute("BEGIN")
            yield connection
    except sqlite3.DatabaseError as error:
        raise CorruptStoreError(f"The record can't be read for its verification: {error}.") from error


def _sets(needles: Needles) -> list[HashSet]:
    return [HashSet(hashes) for hashes in (needles.long, needles.short, needles.shortest)]


def _select(findings: Sequence[Finding], sets: Sequence[HashSet]) -> list[Finding]:
    """Return the findings whose needle is in one of the sets."""
    hashes = np.array([finding.needle for finding in findings], dtype=np.uint64)
    chosen = sorted({int(at) for item in sets for at in item.members(hashes)})
    return [findings[at] for at in chosen]


def _dimension(connection: sqlite3.Connection) -> int:
    row = connection.execute("SELECT length(vector) / 4 FROM embeddings LIMIT 1").fetchone()
    return int(row[0]) if row else 0


def _sentinel(connection: sqlite3.Connection) -> bytes:
    """Return bytes that must stand in the database: of its latest passage, or of its own schema."""
    row = connection.execute(
        "SELECT text FROM passages WHERE length(text) BETWEEN 24 AND 2000 ORDER BY row DESC LIMIT 1"
    ).fetchone()
    if row is None:
        row = connection.execute("SELECT sql FROM sqlite_master WHERE name = 'passages'").fetchone()
    return str(row[0]).encode("utf-8", "surrogatepass")


def _residues(findings: Sequence[Finding], needles: Needles) -> list[Residue]:
    """Name what was found; neighbouring windows of one place are one residue."""
    places = np.searchsorted(needles.long, np.array([finding.needle for finding in findings], dtype=np.uint64))
    kinds: dict[int, int] = {}
    for found, place in zip(findings, places, strict=True):
        if place < len(needles.long) and int(needles.long[place]) == found.needle:
            kinds[found.needle] = int(needles.long_kinds[place])
    residues: list[Residue] = []
    for found in sorted(findings, key=lambda finding: (finding.file, finding.offset)):
        kind = NeedleKind(kinds.get(found.needle, NeedleKind.TEXT)).name.lower()
        last = residues[-1] if residues else None
        if last is None or last.file != found.file or last.kind != kind or found.offset - last.offset > 4096:
            residues.append(Residue(kind, found.file, found.offset))
    return residues


def _concatenate(parts: Sequence[Hashes]) -> Hashes:
    return np.concatenate([np.zeros(0, dtype=np.uint64), *parts])
