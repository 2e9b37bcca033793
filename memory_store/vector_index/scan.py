"""The scan: every vector of the record as int8, compared with the query in cache-sized blocks."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from memory_store.database import outbox, passages
from memory_store.database.connection import Database
from memory_store.embedding.base import Vectors, quantize
from memory_store.models import RecallFilters, SourceKind
from memory_store.vector_index import scan_file
from memory_store.vector_index.base import VectorHit
from memory_store.vector_index.scan_file import Part

_PAGE: Final = 2048
# Room for what is added after loading, so that not every addition copies everything.
_SLACK: Final = 1024
# Rows converted to float32 at a time: 1024 × 384 × 4 bytes stay in a core's second-level cache.
_BLOCK: Final = 1024
# Of many vectors those alone are compared that differ from the query in the fewest signs. With vectors like those of
# real sentences, 100,000 of them, the nearest ten are among these always, 99.5 of the nearest hundred.
_SIEVED_TO_AT_LEAST: Final = 4096
_SIEVED_TO_ONE_IN: Final = 32
_MANY_FOR_EACH: Final = 64
# So few vectors are read from the record faster than a file could be mapped and checked.
WORTH_A_FILE: Final = 4096
# The file is written anew when what it lacks is this part of it: that is read from the record at each start.
_LACKING: Final = 1 / 16
_KINDS: Final = (SourceKind.DOCUMENT, SourceKind.CONVERSATION, SourceKind.MEMORY)
_LOAD: Final = """
SELECT e.seq, e.passage_row, e.vector, p.private, p.created_at, p.echo,
       coalesce(p.author_name, ''),
       CASE WHEN p.document_id IS NOT NULL THEN 0 WHEN p.message_id IS NOT NULL THEN 1 ELSE 2 END AS kind,
       coalesce(p.document_id, m.conversation_id, p.memory_id) AS source_id
FROM embeddings AS e JOIN passages AS p ON p.row = e.passage_row LEFT JOIN messages AS m ON m.id = p.message_id
WHERE e.seq > ? ORDER BY e.seq LIMIT ?
"""


class ScanIndex:
    """Scans all vectors: those in the file, which is mapped, and later ones in memory; follows the record by itself.

    int8 costs a quarter of the memory of float32 at the same speed; its error (about .002 of a cosine) is removed by
    recall, which scores the best again from the record.
    """

    def __init__(self, database: Database, path: Path, embedder_id: int, dimension: int) -> None:
        self._database = database
        self._path = path
        self.embedder_id = embedder_id
        self._dimension = dimension
        self._lock = threading.Lock()
        self._key = b""
        self._begin()

    def _begin(self) -> None:
        """Hold nothing yet."""
        self._opened = False
        self._state = (0, -1)  # the record's, up to which everything is held
        self._file_state = (0, -1)  # the same of the file
        self._mapped = Part.empty(0, self._dimension)
        self._later = Part.empty(0, self._dimension)

    def __len__(self) -> int:
        return sum(int((part["rows"] >= 0).sum()) for part in self._parts)

    @property
    def _parts(self) -> tuple[Part, Part]:
        return self._mapped, self._later

    # -- searching ---------------------------------------------------------------------------------------------

    def answers(self, filters: RecallFilters) -> bool:
        """It always does: it follows the record by itself."""
        return True

    def search(self, vector: Vectors, k: int, filters: RecallFilters) -> list[VectorHit]:
        """Return up to k hits among the passages that pass the filters, best first."""
        return self._search(vector, k, filters, private_alone=False)

    def search_private(self, vector: Vectors, k: int) -> list[VectorHit]:
        """Return up to k hits among the private passages alone, echoes left out, best first."""
        return self._search(vector, k, RecallFilters(), private_alone=True)

    def _search(self, vector: Vectors, k: int, filters: RecallFilters, *, private_alone: bool) -> list[VectorHit]:
        query = np.ascontiguousarray(vector, dtype=np.float32)
        with self._lock:
            self._refresh()
            hits: list[VectorHit] = []
            for part in filter(lambda part: part.size, self._parts):
                passing = self._passing(part, filters)
                hits += self._best(part, query, k, passing & part["private"] if private_alone else passing)
        return sorted(hits, key=lambda hit: -hit.score)[:k]

    def _best(self, part: Part, query: Vectors, k: int, passing: NDArray[np.bool_]) -> list[VectorHit]:
        places = self._likely(part, query, k, passing)
        k = min(k, len(places))
        if k <= 0:
            return []
        scores = self._scores(part, query, places)
        best = np.argpartition(scores, -k)[-k:]
        rows = part["rows"][places[best]]
        return [VectorHit(row, score) for row, score in zip(rows.tolist(), scores[best].tolist(), strict=True)]

    def _likely(self, part: Part, query: Vectors, k: int, passing: NDArray[np.bool_]) -> NDArray[np.intp]:
        """Return where vectors pass; of many, where they differ from the query in the fewest signs."""
        count = int(np.count_nonzero(passing))
        most = max(_MANY_FOR_EACH * k, _SIEVED_TO_AT_LEAST + count // _SIEVED_TO_ONE_IN)
        if count > 2 * most and (differing := part.differing(query)) is not None:
            counts = np.bincount(differing if count == part.size else differing[passing])
            passing = passing & (differing <= np.searchsorted(np.cumsum(counts), most))
        return np.flatnonzero(passing)

    def _scores(self, part: Part, query: Vectors, places: NDArray[np.intp]) -> NDArray[np.float32]:
        """Return the cosine of the query with the vector at each place."""
        scores = np.empty(len(places), dtype=np.float32)
        block = np.empty((_BLOCK, self._dimension), dtype=np.float32)
        vectors = part["vectors"]
        for start in range(0, len(places), _BLOCK):
            chosen = slice(start, start + _BLOCK)
            piece = vectors[chosen] if len(places) == part.size else vectors[places[chosen]]
            np.copyto(block[: len(piece)], piece)
            np.dot(block[: len(piece)], query, out=scores[chosen])
        scores *= part["scales"][places]
        return scores

    def _passing(self, part: Part, filters: RecallFilters) -> NDArray[np.bool_]:
        passing = part["rows"] >= 0
        if filters.kinds:
            passing &= np.isin(part["kind"], [_KINDS.index(kind) for kind in filters.kinds])
        if filters.source_ids:
            passing &= np.isin(part["source"], [self._hash_name(name) for name in filters.source_ids])
        if filters.authors:
            passing &= np.isin(part["author"], [self._hash_name(name) for name in filters.authors])
        if filters.since is not None:
            passing &= part["created"] >= int(filters.since.timestamp() * 1_000_000)
        if filters.until is not None:
            passing &= part["created"] < int(filters.until.timestamp() * 1_000_000)
        if filters.as_of is not None:
            written = part["created"] <= int(filters.as_of.timestamp() * 1_000_000)
            passing &= written | (part["kind"] == _KINDS.index(SourceKind.MEMORY))
        if not filters.include_private:
            passing &= ~part["private"]
        if not filters.echoes:
            passing &= ~part["echo"]
        return passing

    def _hash_name(self, name: str) -> int:
        return scan_file.hash_name(self._key, name)

    # -- keeping up with the record ----------------------------------------------------------------------------

    def _refresh(self) -> None:
        """Take in what was embedded, erased or marked since the last time."""
        while True:
            with self._database.read() as connection:
                self._open(connection)
                state = outbox.get_vector_state(connection)
                if state == self._state:
                    return
                page = connection.execute(_LOAD, (self._state[0], _PAGE)).fetchall()
                marked = scan_file.marks_of(connection, self._state[0]) if state[1] != self._state[1] else None
            if marked is not None:
                for part in self._parts:
                    part.mark(marked)
            if page:
                self._add(page)
            self._state = (int(page[-1][0]) if page else state[0], state[1])

    def _open(self, connection: sqlite3.Connection) -> None:
        """Map the file, if it fits the record and that was not yet looked at."""
        key = scan_file.key_of(connection)
        if self._opened and key == self._key:
            return
        self._begin()
        self._opened, self._key = True, key
        opened = scan_file.open_file(self._path, connection, self.embedder_id, self._dimension)
        if opened is not None:
            header, self._mapped = opened
            self._state = self._file_state = (header.last_seq, header.epoch)

    def _add(self, page: list[Any]) -> None:
        start, end = self._later.size, self._later.size + len(page)
        if end > len(self._later.arrays["rows"]):
            # Allocated once for all that the record holds: growing step by step would leave twice the memory behind.
            with self._database.read() as connection:
                total = int(connection.execute("SELECT count(*) FROM embeddings").fetchone()[0])
            self._later = self._later.grown(max(end, total - self._mapped.size) + _SLACK, self._dimension)
        numbers: dict[str, int] = {}
        for name in {name for row in page for name in (row[6], row[8])}:
            numbers[name] = self._hash_name(name)
        columns = list(zip(*page, strict=True))
        vectors = np.frombuffer(b"".join(columns[2]), dtype="<f4").reshape(len(page), self._dimension)
        self._later.size = end
        later = self._later.arrays
        later["vectors"][start:end], later["scales"][start:end] = quantize(vectors)
        later["rows"][start:end] = columns[1]
        later["private"][start:end] = columns[3]
        stripped = [text.removesuffix("Z") for text in columns[4]]
        later["created"][start:end] = np.array(stripped, dtype="datetime64[us]").astype(np.int64)
        later["echo"][start:end] = columns[5]
        later["author"][start:end] = [numbers[name] for name in columns[6]]
        later["kind"][start:end] = columns[7]
        later["source"][start:end] = [numbers[name] for name in columns[8]]

    # -- for the owner of the index ----------------------------------------------------------------------------

    def update(self) -> bool:
        """Write the file anew where it lacks much, and into it what was erased and marked; there is no more to do."""
        with self._database.read() as connection:
            small = passages.latest_row(connection) < WORTH_A_FILE
            state = outbox.get_vector_state(connection)
        if small:
            self._path.unlink(missing_ok=True)
        elif state != self._file_state:
            with self._lock:
                self._refresh()
                if self._later.size > _LACKING * self._mapped.size:
                    self._write()
                elif self._state[1] != self._file_state[1]:
                    self._erase()
                    self._file_state = (self._file_state[0], self._state[1])
        return False

    def _write(self) -> None:
        header = self._database.fetch(scan_file.make_header, self.embedder_id, self._dimension, len(self), self._state)
        scan_file.write_file(self._path, header, self._parts)
        self._begin()  # the file is mapped at the next search

    def erase(self) -> None:
        """Overwrite in the file what was erased; what is held in memory goes at the next search."""
        with self._lock:
            self._erase()

    def _erase(self) -> None:
        with self._database.read() as connection:
            scan_file.erase(self._path, connection)

    def check(self) -> list[str]:
        """It is checked when it is mapped, and reads the record where it does not fit: there is nothing to find."""
        return []

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._begin()
