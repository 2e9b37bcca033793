"""Verification: proof, after an erasure, that nothing of it is left in any file, by a scan that could have failed."""

from __future__ import annotations

import secrets
import sqlite3
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from memory_store.database import erasures, tombstones
from memory_store.database.connection import Database
from memory_store.verification import layouts, shared
from memory_store.verification.needles import LONG, Hashes, NeedleKind, Needles, ScanKey, telling_windows
from memory_store.verification.scan import Finding, HashSet, Sought, scan

# Copies of the database that are dealt with by themselves: a receipt lists those that still hold the erased.
BACKUPS: Final = "backups"
_MOST_LISTED: Final = 20


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
    fragments: int
    texts: int
    ids: int
    vectors: int
    too_short: int
    fragment_bytes: int
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


def verify(database: Database, folder: Path, index_root: Path, needles: Sequence[Needles]) -> Verification:
    """Scan every file of the data folder for all needles at once. Reads only.

    Two controls are looked for as well: a fragment of what lives, which must be found, and one that stands nowhere.
    """
    began = time.monotonic()
    with database.read() as connection:
        key = ScanKey(tombstones.secret(connection))
        sentinel = _sentinel(connection)
    control = telling_windows(key, sentinel, 1)
    absent = telling_windows(key, secrets.token_bytes(2 * LONG), 1)
    long = _all([one.long for one in needles])
    sought = Sought(
        key,
        HashSet(_all([long, control, absent])),
        HashSet(_all([one.short for one in needles])),
        HashSet(_all([one.shortest for one in needles])),
    )
    seen = scan(folder, sought)
    met = np.array(sorted({one.needle for one in seen.findings}), dtype=np.uint64)
    controls = np.concatenate([control, absent])
    controls_alone = set(controls.tolist()) - set(controls[HashSet(long).members(controls)].tolist())
    ids = HashSet(_all([one.long[one.long_kinds == NeedleKind.ID] for one in needles]))
    met_ids = set(met[ids.members(met)].tolist())
    in_backups = [one for one in seen.findings if one.file.startswith(f"{BACKUPS}/")]
    suspects = [
        one for one in seen.findings if one.needle not in controls_alone and not one.file.startswith(f"{BACKUPS}/")
    ]
    with database.read() as connection:
        dimension = _dimension(connection)
        explained: set[int] = set()
        if suspects:
            wanted = np.array(sorted({one.needle for one in suspects}), dtype=np.uint64)
            explained = shared.living_windows(connection, index_root, key, wanted, dimension)
        projections = np.concatenate([one.projections for one in needles])
        living_twins = shared.twins(shared.living_vectors(connection, dimension), projections, key)
        others_pending = erasures.waiting(connection) > len(needles)
        # What another erasure has just deleted stands in the pages until its own completion, which checks them.
        strays = 0 if others_pending else layouts.stray_words(connection)
    left = [one for one in suspects if one.needle not in explained]
    residue = [*_residues(left, needles), *_twins_in_segments(index_root, key, projections[~living_twins])]
    return Verification(
        files=seen.files,
        fragments=len(long) + sum(len(one.short) + len(one.shortest) for one in needles),
        texts=sum(one.texts for one in needles),
        ids=sum(one.ids for one in needles),
        vectors=sum(one.vectors for one in needles),
        too_short=sum(one.too_short for one in needles),
        fragment_bytes=max((one.fragment_bytes for one in needles), default=0),
        shared=len(explained),
        shared_vectors=int(living_twins.sum()),
        stray_words=strays,
        living_found=bool(np.isin(control, met).any()),
        absent_found=bool(np.isin(absent, met).any()),
        backups=tuple(sorted({one.file for one in in_backups if one.needle in met_ids})),
        residue=tuple(residue[:_MOST_LISTED]),
        residue_count=len(residue),
        seconds=time.monotonic() - began,
    )


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


def _residues(findings: Sequence[Finding], needles: Sequence[Needles]) -> list[Residue]:
    """Name what was found; neighbouring windows of one place are one residue."""
    kinds: dict[int, int] = {}
    for one in needles:
        places = np.searchsorted(one.long, np.array([found.needle for found in findings], dtype=np.uint64))
        for found, place in zip(findings, places, strict=True):
            if place < len(one.long) and int(one.long[place]) == found.needle:
                kinds[found.needle] = int(one.long_kinds[place])
    residues: list[Residue] = []
    for found in sorted(findings, key=lambda one: (one.file, one.offset)):
        kind = NeedleKind(kinds.get(found.needle, NeedleKind.TEXT)).name.lower()
        last = residues[-1] if residues else None
        if last is None or last.file != found.file or last.kind != kind or found.offset - last.offset > 4096:
            residues.append(Residue(kind, found.file, found.offset))
    return residues


def _twins_in_segments(index_root: Path, key: ScanKey, projections: NDArray[np.float32]) -> list[Residue]:
    """Return the vector files that hold one of these vectors (cosine > .9999), in whatever rounding."""
    return [
        Residue("vector", file, -1)
        for file, rows in layouts.segment_vectors(index_root)
        if shared.twins([rows], projections, key).any()
    ]


def _all(parts: Sequence[Hashes]) -> Hashes:
    return np.concatenate([np.zeros(0, dtype=np.uint64), *parts])
