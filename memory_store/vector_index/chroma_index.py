"""The Chroma index as a whole: segments that are fed from the record, checked at open, and rebuilt on any doubt.

Only the process that holds the index's lock uses this class.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import numpy as np

from memory_store.database import outbox
from memory_store.database.connection import Database
from memory_store.database.requests import Requests
from memory_store.embedding.base import EmbedderIdentity, Vectors
from memory_store.errors import IndexUnavailableError
from memory_store.models import RecallFilters
from memory_store.vector_index.base import VectorHit
from memory_store.vector_index.chroma import MAX_BATCH, ChromaHome, ChromaSegment

_SELF_QUERIES: Final = 8
_MODEL: Final = "chroma"  # who answers, in the log of what was sent


class ChromaIndex:
    """The vector index over all segments. It answers only while it is known to hold exactly what the record says.

    A server elsewhere gets no private passages: `search_private` finds those.
    """

    def __init__(
        self,
        database: Database,
        home: ChromaHome,
        identity: EmbedderIdentity,
        search_private: Callable[[Vectors, int], list[VectorHit]],
    ) -> None:
        self._database = database
        self._home = home
        self._identity = identity
        self._search_private = search_private
        self._open: dict[int, ChromaSegment] = {}
        self._use = threading.Lock()  # held by a search, and while a segment is taken away
        self._checked = False
        self._current: tuple[int, int] | None = None  # the state of the record that the segments hold
        self._searchers = ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="keepsake-segment")

    @property
    def is_here(self) -> bool:
        """Whether what it is asked and given stays on this machine."""
        return self._home.is_here

    # -- searching ---------------------------------------------------------------------------------------------

    def answers(self, filters: RecallFilters) -> bool:
        """Say whether it holds what the record says, and there is nothing to filter by but what is private."""
        plain = RecallFilters(exclude_message_ids=filters.exclude_message_ids, include_private=filters.include_private)
        return filters == plain and self._current is not None and self._current == self._state()

    def search(self, vector: Vectors, k: int, filters: RecallFilters) -> list[VectorHit]:
        """Return up to k hits over all segments, best first."""
        if not self._home.is_here:
            Requests(self._database).log(self._home.server, _MODEL, "query", [])
        drops_private = self._home.is_here and not filters.include_private
        wanted = 2 * k if drops_private else k
        with self._use:
            segments = list(self._open.values())
            # Chroma lets go of the interpreter while it searches, so segments are searched side by side.
            lists = self._searchers.map(lambda segment: segment.search(vector, wanted), segments)
            found = [pair for pairs in lists for pair in pairs]
        best = dict(sorted(found, key=lambda pair: -pair[1])[:wanted])
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT id, row, private FROM passages WHERE id IN (SELECT value FROM json_each(?))",
                (json.dumps(list(best)),),
            ).fetchall()
        hits = [
            VectorHit(row, best[identifier]) for identifier, row, private in rows if not (drops_private and private)
        ]
        if drops_private and len(hits) < k <= len(rows):
            raise IndexUnavailableError("Too much of what is near is private: the scan leaves it out by itself.")
        if not self._home.is_here and filters.include_private:
            hits += self._search_private(vector, k)
        return sorted(hits, key=lambda hit: -hit.score)[:k]

    # -- keeping up with the record ----------------------------------------------------------------------------

    def update(self) -> bool:
        """Check what is there, make anew what can't be trusted, add a batch of what waits: one of these a call."""
        state = self._state()
        if self._current == state:
            return False
        if not self._home.is_here:
            with self._database.write() as connection:
                outbox.withdraw_private(connection)
        if not self._checked:
            self.check()
        if self._rebuild_stale() or self._add_waiting():
            return True
        self._current = state
        return False

    def _state(self) -> tuple[int, int]:
        """Return what changes with every vector that comes, goes or is marked."""
        with self._database.read() as connection:
            return outbox.state_of_vectors(connection)

    def check(self) -> list[str]:
        """Open every segment, compare it with the record, mark what can't be trusted as stale; return the findings."""
        findings: list[str] = []
        with self._database.read() as connection:
            segments = outbox.segments(connection)
        self._home.keep_only({segment.name for segment in segments})
        for segment in segments:
            if segment.state == "stale":
                findings.append(f"{segment.name} is to be rebuilt")
                continue
            try:
                self._verify(segment)
            except IndexUnavailableError as error:
                findings.append(error.message)
                self._mark_stale(segment)
        self._checked = True
        return findings

    def _verify(self, segment: outbox.Segment) -> None:
        opened = self._segment(segment)
        with self._database.read() as connection:
            expected = outbox.held(connection, segment.id, segment.applied_seq)
            assigned = outbox.held(connection, segment.id)
            samples = outbox.samples(connection, segment.id, segment.applied_seq, _SELF_QUERIES)
        # What was assigned may be in the index already: the stop came before that was recorded.
        if not expected <= (count := opened.count()) <= assigned:
            raise IndexUnavailableError(f"{segment.name} has {count} vectors instead of {expected}.")
        found = [opened.search(np.frombuffer(vector, dtype="<f4"), 1) for vector in samples]
        # One may be missed by a sound graph, where many vectors are alike: 14 of 250 were, among 2,500 with 440 values.
        if sum(bool(hits) and hits[0][1] > 0.999 for hits in found) < len(samples) / 2:
            raise IndexUnavailableError(f"{segment.name} does not find its own vectors.")

    def _segment(self, segment: outbox.Segment) -> ChromaSegment:
        held = self._open.get(segment.id)
        if held is None or held.name != segment.name:
            held = self._home.open(segment.name, self._identity)
            with self._use:
                self._open[segment.id] = held
        return held

    def _mark_stale(self, segment: outbox.Segment) -> None:
        with self._database.write() as connection:
            outbox.mark_stale(connection, [segment.id])

    def _add_waiting(self) -> bool:
        """Put the next batch of vectors in; return False when nothing waits.

        The assignment to a segment is recorded before the index is touched, so that adding twice changes nothing.
        """
        with self._database.write() as connection:
            segment = outbox.assign_segment(connection, MAX_BATCH, include_private=self._home.is_here)
        if segment is None:
            return False
        with self._database.read() as connection:
            vectors = outbox.segment_vectors(connection, segment.id, segment.applied_seq, MAX_BATCH)
        try:
            if segment.is_new:
                created = self._create(segment)
                with self._use:
                    self._open[segment.id] = created
            self._put(self._segment(segment), vectors)
        except IndexUnavailableError:
            if self._home.server:
                self._checked = False
                raise  # it is looked over once the server answers again
            self._mark_stale(segment)  # a new generation holds these vectors too: the next round builds it
            return True
        with self._database.write() as connection:
            outbox.mark_applied(connection, segment.id, vectors[-1].seq if vectors else segment.applied_seq)
        return True

    def _create(self, segment: outbox.Segment) -> ChromaSegment:
        if self._home.server:
            with self._database.write() as connection:
                outbox.note_server(connection, self._home.server)
        return self._home.create(segment.name, self._identity)

    def _put(self, opened: ChromaSegment, vectors: Sequence[outbox.StoredVector]) -> None:
        if not vectors:
            return
        if not self._home.is_here:
            Requests(self._database).log(
                self._home.server, _MODEL, "embedding", [vector.passage_id for vector in vectors]
            )
        matrix = np.frombuffer(b"".join(vector.vector for vector in vectors), dtype="<f4").reshape(len(vectors), -1)
        opened.add([vector.passage_id for vector in vectors], matrix)

    # -- erasing and rebuilding --------------------------------------------------------------------------------

    def erase(self) -> None:
        """Remove the stale segments from the disk, or have the server delete them. Rebuilding can wait."""
        with self._database.read() as connection:
            segments = outbox.segments(connection)
        with self._use:
            for segment in segments:
                if segment.state == "stale" and (held := self._open.pop(segment.id, None)):
                    held.close()
        self._home.keep_only({segment.name for segment in segments if segment.state != "stale"})

    def _rebuild_stale(self) -> bool:
        """Build a new generation of every stale segment from the record's vectors; return whether there was one."""
        with self._database.read() as connection:
            stale = [segment for segment in outbox.segments(connection) if segment.state == "stale"]
        for segment in stale:
            self._rebuild(segment)
        if stale:
            self.erase()
        return bool(stale)

    def _rebuild(self, segment: outbox.Segment) -> None:
        with self._database.read() as connection:
            empty = not outbox.held(connection, segment.id)
        if empty:
            self._replace(segment, None)
            with self._database.write() as connection:
                outbox.remove_segment(connection, segment.id)
            return
        fresh = segment.next_generation()
        built = self._create(fresh)
        last = 0
        while True:
            with self._database.read() as connection:
                vectors = outbox.segment_vectors(connection, segment.id, last, MAX_BATCH)
            if not vectors:
                break
            self._put(built, vectors)
            last = vectors[-1].seq
        self._replace(segment, built)
        with self._database.write() as connection:
            outbox.swap_generation(connection, fresh, last)
            # An erasure may have come while we built: then this generation holds what must go.
            if built.count() != outbox.held(connection, segment.id, last):
                outbox.mark_stale(connection, [segment.id])

    def _replace(self, segment: outbox.Segment, built: ChromaSegment | None) -> None:
        with self._use:
            old = self._open.pop(segment.id, None)
            if built is not None:
                self._open[segment.id] = built
            if old is not None:
                old.close()

    def close(self) -> None:
        """Close every segment."""
        with self._use:
            for segment in self._open.values():
                segment.close()
            self._open.clear()
        self._current = None
        self._home.close()
        self._searchers.shutdown()
