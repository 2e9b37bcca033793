"""The scan: every vector of the record in memory as int8, compared with the query in cache-sized blocks."""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from memory_store.database.connection import Database
from memory_store.embedding.base import Vectors
from memory_store.models import RecallFilters, SourceKind
from memory_store.vector_index.base import VectorHit

_PAGE: Final = 2048
# Room for what is added after loading, so that not every addition copies everything.
_SLACK: Final = 1024
# Rows converted to float32 at a time: 1024 × 384 × 4 bytes stay in a core's second-level cache.
_BLOCK: Final = 1024
# Below this, handing over to other threads costs more than it saves.
_SCANNED_BY_ONE: Final = 32_768
# Where fewer than one in so many passes the filters, those alone are compared.
_WORTH_GATHERING: Final = 16
_CORES: Final = min(8, os.cpu_count() or 1)
_KINDS: Final = (SourceKind.DOCUMENT, SourceKind.CONVERSATION, SourceKind.MEMORY)
_LOAD: Final = """
SELECT e.seq, e.passage_row, e.vector, p.private, p.created_at, p.echo,
       coalesce(p.author_name, ''),
       CASE WHEN p.document_id IS NOT NULL THEN 0 WHEN p.message_id IS NOT NULL THEN 1 ELSE 2 END AS kind,
       coalesce(p.document_id, m.conversation_id, p.memory_id) AS source_id
FROM embeddings AS e JOIN passages AS p ON p.row = e.passage_row LEFT JOIN messages AS m ON m.id = p.message_id
WHERE e.embedder_id = ? AND e.seq > ? ORDER BY e.seq LIMIT ?
"""


# One array each, a row for every vector that is held.
_COLUMNS: Final[dict[str, type]] = {
    "_vectors": np.int8,
    "_scales": np.float32,
    "_rows": np.int64,
    "_private": np.bool_,
    "_created": np.int64,
    "_kind": np.int8,
    "_source": np.int32,
    "_author": np.int32,
    "_echo": np.bool_,
}


class ScanIndex:
    """Scans vectors held in memory; follows the record by itself before each search.

    int8 costs a quarter of the memory of float32 at the same speed; its error (about .002 of a cosine) is removed by
    recall, which scores the best again from the record.
    """

    def __init__(self, database: Database, embedder_id: int, dimension: int) -> None:
        self._database = database
        self.embedder_id = embedder_id
        self._dimension = dimension
        self._lock = threading.Lock()
        self._scanners = ThreadPoolExecutor(max(1, _CORES - 1), thread_name_prefix="keepsake-scan")
        self._epoch = -1
        self._last_seq = 0
        self._sources: dict[str, int] = {}
        self._authors: dict[str, int] = {}
        self._resize(0)

    def _resize(self, capacity: int) -> None:
        """Make room for `capacity` vectors, keeping what is held."""
        held = len(getattr(self, "_rows", ()))
        size = min(held, getattr(self, "_size", 0))
        for name, dtype in _COLUMNS.items():
            shape = (capacity, self._dimension) if name == "_vectors" else (capacity,)
            fresh: NDArray[Any] = np.zeros(shape, dtype=dtype)
            if size:
                fresh[:size] = getattr(self, name)[:size]
            setattr(self, name, fresh)
        self._size = size

    _vectors: NDArray[np.int8]
    _scales: NDArray[np.float32]
    _rows: NDArray[np.int64]
    _private: NDArray[np.bool_]
    _created: NDArray[np.int64]
    _kind: NDArray[np.int8]
    _source: NDArray[np.int32]
    _author: NDArray[np.int32]
    _echo: NDArray[np.bool_]

    def __len__(self) -> int:
        return self._size

    def answers(self, filters: RecallFilters) -> bool:
        """It always does: it follows the record by itself."""
        return True

    def search(self, vector: Vectors, k: int, filters: RecallFilters) -> list[VectorHit]:
        """Return up to k hits among the passages that pass the filters, best first."""
        with self._lock:
            self._refresh()
            return self._best(vector, k, self._mask(filters))

    def search_private(self, vector: Vectors, k: int) -> list[VectorHit]:
        """Return up to k hits among the private passages alone, echoes left out, best first."""
        with self._lock:
            self._refresh()
            return self._best(vector, k, self._private[: self._size] & ~self._echo[: self._size])

    def _best(self, vector: Vectors, k: int, chosen: NDArray[np.bool_] | None) -> list[VectorHit]:
        query = np.ascontiguousarray(vector, dtype=np.float32)
        places = None if chosen is None else np.flatnonzero(chosen)
        if places is not None and len(places) * _WORTH_GATHERING < self._size:
            scores = self._vectors[places] @ query * self._scales[places]
        else:
            scores = self._scan(query)
            scores = scores if places is None else scores[places]
        k = min(k, len(scores))
        if k <= 0:
            return []
        best = np.argpartition(scores, -k)[-k:]
        best = best[np.argsort(-scores[best], kind="stable")]
        rows = self._rows[best if places is None else places[best]]
        return [VectorHit(int(row), float(score)) for row, score in zip(rows, scores[best], strict=True)]

    def update(self) -> bool:
        """There is nothing to build."""
        return False

    def erase(self) -> None:
        """Nothing of it is on the disk; what was erased leaves the memory with the next search."""

    def check(self) -> list[str]:
        """It reads the record: what is wrong there, the record's own check finds."""
        return []

    def _scan(self, query: Vectors) -> NDArray[np.float32]:
        scores = np.empty(self._size, dtype=np.float32)
        # NumPy lets go of the interpreter, so that each core scans a part of its own.
        part = -(-self._size // _CORES) if self._size > _SCANNED_BY_ONE else self._size
        starts = range(0, self._size, part) if part else range(0)
        work = [self._scanners.submit(self._scan_part, query, scores, start, start + part) for start in starts[1:]]
        for start in starts[:1]:
            self._scan_part(query, scores, start, start + part)
        for part_of_it in work:
            part_of_it.result()
        scores *= self._scales[: self._size]
        return scores

    def _scan_part(self, query: Vectors, scores: NDArray[np.float32], first: int, last: int) -> None:
        block = np.empty((_BLOCK, self._dimension), dtype=np.float32)
        for start in range(first, min(last, self._size), _BLOCK):
            piece = self._vectors[start : min(start + _BLOCK, last, self._size)]
            np.copyto(block[: len(piece)], piece)
            np.dot(block[: len(piece)], query, out=scores[start : start + len(piece)])

    def close(self) -> None:
        """Stop the threads that scan."""
        self._scanners.shutdown()

    def _mask(self, filters: RecallFilters) -> NDArray[np.bool_] | None:
        size = self._size
        masks: list[NDArray[np.bool_]] = []
        if filters.kinds:
            masks.append(np.isin(self._kind[:size], [_KINDS.index(kind) for kind in filters.kinds]))
        if filters.source_ids:
            known = [self._sources[name] for name in filters.source_ids if name in self._sources]
            masks.append(np.isin(self._source[:size], known))
        if filters.authors:
            names = [self._authors[name] for name in filters.authors if name in self._authors]
            masks.append(np.isin(self._author[:size], names))
        if filters.since is not None:
            masks.append(self._created[:size] >= int(filters.since.timestamp() * 1_000_000))
        if filters.until is not None:
            masks.append(self._created[:size] < int(filters.until.timestamp() * 1_000_000))
        if filters.as_of is not None:
            written = self._created[:size] <= int(filters.as_of.timestamp() * 1_000_000)
            masks.append(written | (self._kind[:size] == _KINDS.index(SourceKind.MEMORY)))
        if not filters.include_private:
            masks.append(~self._private[:size])
        if not filters.echoes:
            masks.append(~self._echo[:size])
        return np.logical_and.reduce(masks) if masks else None

    def _refresh(self) -> None:
        while True:
            with self._database.read() as connection:
                epoch = int(connection.execute("SELECT value FROM meta WHERE key = 'vectors_epoch'").fetchone()[0])
                page = connection.execute(_LOAD, (self.embedder_id, self._last_seq, _PAGE)).fetchall()
                living = None
                if epoch != self._epoch and self._size:
                    living = connection.execute(
                        "SELECT e.passage_row, p.private, p.echo FROM embeddings AS e JOIN passages AS p "
                        "ON p.row = e.passage_row WHERE e.embedder_id = ? AND e.seq <= ?",
                        (self.embedder_id, self._last_seq),
                    ).fetchall()
            if living is not None:
                self._keep({row[0]: (row[1], row[2]) for row in living})
            self._epoch = epoch
            if not page:
                return
            self._make_room(self._size + len(page))
            self._add(page)

    def _make_room(self, needed: int) -> None:
        """Allocate once for all that the record holds: growing step by step would leave twice the memory behind."""
        if needed > len(self._rows):
            with self._database.read() as connection:
                total = connection.execute("SELECT count(*) FROM embeddings").fetchone()[0]
            self._resize(max(needed, int(total)) + _SLACK)

    def _keep(self, living: dict[int, tuple[int, int]]) -> None:
        """Drop the vectors whose passages are gone, and take over the marks of the others."""
        kept = np.fromiter((row in living for row in self._rows[: self._size].tolist()), np.bool_, self._size)
        count = int(kept.sum())
        if count < self._size:
            for name in _COLUMNS:
                column = getattr(self, name)
                column[:count] = column[: self._size][kept]
                # Nothing of the erased stays in this process's memory either.
                column[count : self._size] = 0
            self._size = count
        marks = [living[row] for row in self._rows[:count].tolist()]
        self._private[:count] = [bool(private) for private, _ in marks]
        self._echo[:count] = [bool(echo) for _, echo in marks]

    def _add(self, page: list[Any]) -> None:
        start, end = self._size, self._size + len(page)
        columns = list(zip(*page, strict=True))
        vectors = np.frombuffer(b"".join(columns[2]), dtype="<f4").reshape(len(page), self._dimension)
        scales = np.abs(vectors).max(axis=1) / 127
        np.rint(vectors / np.where(scales == 0, 1, scales)[:, None], out=(rounded := np.empty_like(vectors)))
        self._vectors[start:end] = rounded.astype(np.int8)
        self._scales[start:end] = scales
        self._rows[start:end] = columns[1]
        self._private[start:end] = columns[3]
        stripped = [text.removesuffix("Z") for text in columns[4]]
        self._created[start:end] = np.array(stripped, dtype="datetime64[us]").astype(np.int64)
        self._echo[start:end] = columns[5]
        self._author[start:end] = [self._authors.setdefault(name, len(self._authors)) for name in columns[6]]
        self._kind[start:end] = columns[7]
        self._source[start:end] = [self._sources.setdefault(name, len(self._sources)) for name in columns[8]]
        self._size = end
        self._last_seq = int(columns[0][-1])
