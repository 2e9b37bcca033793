"""What the living hold of the erased: a sentence quoted elsewhere, a short word, a near twin's vector."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from memory_store.embedding.base import quantized
from memory_store.verification.layouts import record_bytes, records_of_segments
from memory_store.verification.needles import LONG, Hashes, ScanKey, normalised
from memory_store.verification.scan import HashSet

# "The same vector": what is nearer than this was made from the same words.
SAME_COSINE: Final = 0.9999
_CHUNK_BYTES: Final = 1 << 20
_ROWS: Final = 4096

# What is compared by itself: vectors as matrices, and the pages of the full text by their words.
_VECTORS: Final = "embeddings"
_SHADOWS: Final = "%_fts_%"


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
        yield normalised(matrix).tobytes()
        yield quantized(matrix)[0].tobytes()


def living_vectors(connection: sqlite3.Connection, dimension: int) -> Iterator[NDArray[np.float32]]:
    """Yield the stored vectors of this dimension, some thousand rows at a time."""
    cursor = connection.execute("SELECT vector FROM embeddings WHERE length(vector) = ?", (4 * dimension,))
    while rows := cursor.fetchmany(_ROWS):
        yield np.frombuffer(b"".join(row[0] for row in rows), dtype="<f4").reshape(-1, dimension)


def twins(matrices: Iterable[NDArray[np.float32]], projections: NDArray[np.float32], key: ScanKey) -> NDArray[np.bool_]:
    """Return which of the erased vectors, given by their projections, have the same vector among these."""
    unit = normalised(projections)
    met = np.zeros(len(unit), dtype=np.bool_)
    for matrix in matrices:
        if len(unit):
            others = normalised(normalised(matrix) @ key.projection(matrix.shape[1]))
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
