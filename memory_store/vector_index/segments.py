"""The Chroma index as a whole: segments that are checked at open, fed from the outbox, and rebuilt on any doubt.

Only the process that holds the index's lock uses this class.
"""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from memory_store.database import outbox
from memory_store.database.connection import Database
from memory_store.embedding.base import EmbedderIdentity, Vectors
from memory_store.errors import IndexUnavailableError
from memory_store.models import RecallFilters
from memory_store.vector_index.base import VectorHit
from memory_store.vector_index.chroma import MAX_BATCH, ChromaSegment
from memory_store.verification.layouts import segment_vectors
from memory_store.verification.needles import normalised

_SELF_QUERIES: Final = 8
# Chroma keeps vectors at length one, in its own rounding.
_SAME: Final = 1e-4


def folder_name(segment: outbox.Segment) -> str:
    """Return the folder of a segment's present generation."""
    return f"segment-{segment.id:04d}-{segment.generation:06d}"


def remove_folders_except(root: Path, names: set[str]) -> list[str]:
    """Remove every folder or file of the index that no living segment owns; return their names."""
    removed: list[str] = []
    if root.is_dir():
        for entry in sorted(root.iterdir()):
            if entry.name not in names:
                shutil.rmtree(entry) if entry.is_dir() and not entry.is_symlink() else entry.unlink()
                removed.append(entry.name)
    return removed


class SegmentedIndex:
    """The vector index over all segments. It answers only while it is known to hold exactly what the record says."""

    def __init__(self, database: Database, root: Path, identity: EmbedderIdentity) -> None:
        self._database = database
        self._root = root
        self._identity = identity
        self._open: dict[int, ChromaSegment] = {}
        self._use = threading.Lock()  # held by a search, and while a segment is taken away
        self._checked = False
        self._searchers = ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="keepsake-segment")

    def check(self) -> list[str]:
        """Open every segment, compare it with the record, mark what can't be trusted as stale; return the findings."""
        findings: list[str] = []
        with self._database.read() as connection:
            segments = outbox.segments(connection)
        remove_folders_except(self._root, {folder_name(one) for one in segments})
        for segment in segments:
            if segment.state == "stale":
                findings.append(f"{folder_name(segment)} is to be rebuilt")
                continue
            try:
                self._verify(segment)
            except IndexUnavailableError as error:
                findings.append(error.message)
                with self._database.write() as connection:
                    outbox.mark_stale(connection, [segment.id])
        self._checked = True
        return findings

    def _verify(self, segment: outbox.Segment) -> None:
        opened = self._segment(segment)
        with self._database.read() as connection:
            expected = outbox.applied_ids(connection, segment.id)
            stored = outbox.segment_vectors(connection, segment.id, 0, -1)
            waiting = outbox.count(connection, "index")
        present = opened.ids()
        # Entries that still wait may be in the index already: the stop came between the two.
        if not expected <= present or (len(present) > len(expected) and not waiting):
            missing, extra = len(expected - present), len(present - expected)
            raise IndexUnavailableError(f"{folder_name(segment)} lacks {missing} vectors and has {extra} too many.")
        stored = [one for one in stored if one.passage_id in expected]
        if not _agrees(opened, stored):
            raise IndexUnavailableError(f"{folder_name(segment)} holds other vectors than the record.")
        samples = stored[:: max(1, len(stored) // _SELF_QUERIES)][:_SELF_QUERIES]
        found = [opened.search(np.frombuffer(one.vector, dtype="<f4"), 1) for one in samples]
        # One may be missed by a sound graph, where many vectors are alike: 14 of 250 were, among 2,500 with 440 values.
        if sum(bool(hits) and hits[0][1] > 0.999 for hits in found) < len(samples) / 2:
            raise IndexUnavailableError(f"{folder_name(segment)} does not find its own vectors.")

    def _segment(self, segment: outbox.Segment) -> ChromaSegment:
        held = self._open.get(segment.id)
        folder = self._root / folder_name(segment)
        if held is None or held.folder != folder:
            held = ChromaSegment.open(folder, self._identity)
            with self._use:
                self._open[segment.id] = held
        return held

    def apply_outbox(self) -> int:
        """Put the next batch of waiting vectors into the index; return how many, 0 when nothing waits."""
        with self._database.write() as connection:
            assigned = outbox.assign_segment(connection, MAX_BATCH)
        if assigned is None:
            return 0
        segment, last = assigned
        if segment.state == "stale":
            self.rebuild_stale()
            return 1
        with self._database.read() as connection:
            vectors = outbox.waiting_vectors(connection, segment.id, last)
            fresh = not (self._root / folder_name(segment)).exists() and segment.applied_seq == 0
        try:
            if fresh:
                created = ChromaSegment.create(self._root / folder_name(segment), self._identity)
                with self._use:
                    self._open[segment.id] = created
            self._segment(segment).add([one.passage_id for one in vectors], _matrix(vectors))
        except IndexUnavailableError:
            # A new generation holds these vectors too: the next round builds it.
            with self._database.write() as connection:
                outbox.mark_stale(connection, [segment.id])
            return 1
        with self._database.write() as connection:
            outbox.mark_applied(connection, segment.id, last)
        return max(1, len(vectors))

    def drop_stale(self) -> int:
        """Remove the folders of stale segments from the disk; return how many there were. Rebuilding can wait."""
        with self._database.read() as connection:
            segments = outbox.segments(connection)
        stale = [one for one in segments if one.state == "stale"]
        with self._use:
            for segment in stale:
                held = self._open.pop(segment.id, None)
                if held is not None:
                    held.close()
        remove_folders_except(self._root, {folder_name(one) for one in segments if one.state != "stale"})
        return len(stale)

    def rebuild_stale(self, progress: Callable[[int, int], None] | None = None) -> int:
        """Build a new generation of every stale segment from the record's vectors; return how many."""
        with self._database.read() as connection:
            stale = [one for one in outbox.segments(connection) if one.state == "stale"]
        for number, segment in enumerate(stale, start=1):
            self._rebuild(segment)
            if progress:
                progress(number, len(stale))
        if stale:
            self.drop_stale()
        return len(stale)

    def _rebuild(self, segment: outbox.Segment) -> None:
        with self._database.read() as connection:
            if not outbox.held(connection, segment.id):
                self._remove(segment)
                return
        generation = segment.generation + 1
        fresh = outbox.Segment(segment.id, generation, "ready", 0)
        built = ChromaSegment.create(self._root / folder_name(fresh), self._identity)
        last = 0
        while True:
            with self._database.read() as connection:
                vectors = outbox.segment_vectors(connection, segment.id, last, MAX_BATCH)
            if not vectors:
                break
            built.add([one.passage_id for one in vectors], _matrix(vectors))
            last = vectors[-1].seq
        with self._use:
            old = self._open.pop(segment.id, None)
            self._open[segment.id] = built
            if old is not None:
                old.close()
        with self._database.write() as connection:
            outbox.swap_generation(connection, segment.id, generation, last)
        # An erasure may have come while we built: then this generation holds what must go.
        with self._database.read() as connection:
            expected = outbox.applied_ids(connection, segment.id)
        if built.ids() - expected:
            with self._database.write() as connection:
                outbox.mark_stale(connection, [segment.id])

    def _remove(self, segment: outbox.Segment) -> None:
        with self._use:
            held = self._open.pop(segment.id, None)
            if held is not None:
                held.close()
        with self._database.write() as connection:
            outbox.remove_segment(connection, segment.id)

    def is_current(self) -> bool:
        """Say whether the index holds exactly the record's vectors, so that it may answer."""
        if not self._checked:
            return False
        with self._database.read() as connection:
            row = connection.execute(
                "SELECT EXISTS (SELECT 1 FROM outbox WHERE operation = 'index') "
                "OR EXISTS (SELECT 1 FROM index_segments WHERE state = 'stale')"
            ).fetchone()
        return not row[0]

    def search(self, vector: Vectors, k: int, filters: RecallFilters) -> list[VectorHit]:
        """Return up to k hits over all segments, best first; filters are not for this index."""
        if filters != RecallFilters():
            raise IndexUnavailableError("The index holds nothing to filter by; use the exact scan.")
        with self._use:
            segments = list(self._open.values())
            # Chroma lets go of the interpreter while it searches, so segments are searched side by side.
            lists = self._searchers.map(lambda segment: segment.search(vector, k), segments)
            found = [pair for one in lists for pair in one]
        best = sorted(found, key=lambda pair: -pair[1])[:k]
        marks = ", ".join("?" for _ in best)
        with self._database.read() as connection:
            rows = dict(
                connection.execute(
                    f"SELECT id, row FROM passages WHERE id IN ({marks})", [one for one, _ in best]
                ).fetchall()
            )
        return [VectorHit(rows[one], score) for one, score in best if one in rows]

    def close(self) -> None:
        """Close every segment."""
        with self._use:
            for segment in self._open.values():
                segment.close()
            self._open.clear()
            self._checked = False
        self._searchers.shutdown()


def _agrees(opened: ChromaSegment, stored: Sequence[outbox.StoredVector]) -> bool:
    """Say whether a segment holds the record's vectors: each in its file, or else as Chroma itself gives it."""
    if not stored:
        return True
    record = normalised(_matrix(stored))
    there = np.zeros(len(record), dtype=np.bool_)
    for _, rows in segment_vectors(opened.folder):
        if rows.shape[1] == record.shape[1]:
            there |= _among(record, rows)
    left = [int(at) for at in np.flatnonzero(~there)]
    if not left:
        return True
    held = opened.vectors([stored[at].passage_id for at in left])
    missing = np.zeros(record.shape[1], dtype=np.float32)
    others = np.array([held.get(stored[at].passage_id, missing) for at in left], dtype=np.float32)
    return bool((np.abs(normalised(others) - record[left]) < _SAME).all())


def _among(wanted: Vectors, rows: Vectors) -> NDArray[np.bool_]:
    """Say which of the wanted vectors stand among the rows, in whatever order those are.

    What is the same has nearly the same number in one direction: beside its place among them all it is looked for.
    """
    direction: Vectors = np.random.default_rng(0).standard_normal((wanted.shape[1],), dtype=np.float32)
    numbers = rows @ direction
    order = np.argsort(numbers)
    places = np.searchsorted(numbers[order], wanted @ direction)
    found = np.zeros(len(wanted), dtype=np.bool_)
    for step in (0, -1, 1, -2, 2, -3):
        left = np.flatnonzero(~found)
        beside = rows[order[np.clip(places[left] + step, 0, len(rows) - 1)]]
        found[left] = (np.abs(beside - wanted[left]) < _SAME).all(axis=1)
    return found


def _matrix(vectors: Sequence[outbox.StoredVector]) -> Vectors:
    if not vectors:
        return np.zeros((0, 0), dtype=np.float32)
    return np.frombuffer(b"".join(one.vector for one in vectors), dtype="<f4").reshape(len(vectors), -1)
