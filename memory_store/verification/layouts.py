"""How the files of others are laid out: the vectors inside a Chroma segment, the words inside a full-text index."""

from __future__ import annotations

import sqlite3
import struct
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

# hnswlib's header.bin as Chroma 1.5 writes it: a version, then six sizes.
# Bytes of a whole number in a record, and the type that says so.
_INT_SIZES: Final = ((1, 1), (2, 2), (3, 3), (4, 4), (6, 5), (8, 6))
_CHROMAS_OWN: Final = frozenset(
    {"migrations", "collections", "collection_metadata", "segments", "tenants", "databases"}
)
_HEADER: Final = struct.Struct("<i6Q")
# FTS5 numbers a leaf by segment (from bit 37), whether it is an index of doclists (bit 36), height (31) and page.
_NOT_A_LEAF: Final = ((1 << 6) - 1) << 31
_FIRST_SEGMENT: Final = 1 << 37


def segment_vectors(root: Path) -> Iterator[tuple[str, NDArray[np.float32]]]:
    """Yield (file, vectors as float32 rows) for every vector file of the index, whatever segment it belongs to.

    Rows are read from the elements that the header counts; a torn file yields nothing, and bytes are scanned anyway.
    """
    for path in sorted(root.rglob("data_level0.bin")):
        try:
            head = path.with_name("header.bin").read_bytes()[: _HEADER.size]
            data = path.read_bytes()
        except FileNotFoundError:
            continue  # a segment that was removed meanwhile
        if len(head) < _HEADER.size:
            continue
        _, _, _, count, size, label_at, data_at = _HEADER.unpack(head)
        count = min(count, len(data) // size) if size else 0
        if count and 0 < data_at < label_at <= size and (label_at - data_at) % 4 == 0:
            elements = np.frombuffer(data, dtype=np.uint8, count=count * size).reshape(count, size)
            rows = np.ascontiguousarray(elements[:, data_at:label_at]).view("<f4")
            yield str(path.relative_to(root.parent)), rows


def records_of_segments(root: Path) -> Iterator[bytes]:
    """Yield what Chroma's databases hold by themselves: their schema and the rows of the tables of their own."""
    for path in sorted(root.rglob("chroma.sqlite3")):
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
            try:
                for row in connection.execute("SELECT * FROM sqlite_master").fetchall():
                    yield record_bytes(row)
                    if row[1] in _CHROMAS_OWN:
                        yield from map(record_bytes, connection.execute(f'SELECT * FROM "{row[1]}"').fetchall())
            except sqlite3.DatabaseError:
                continue  # torn: it explains nothing, and is rebuilt


def record_bytes(row: Iterable[object]) -> bytes:
    """Return a row much as SQLite's file format writes it: the types of its columns, then their values without a gap.

    A window of a file may lie across two columns, and a number between them may look like a letter.
    """
    types, values = bytearray(), bytearray()
    for value in row:
        if isinstance(value, int) and value not in (0, 1):
            size, kind = next(
                (size, kind) for size, kind in _INT_SIZES if -(1 << 8 * size - 1) <= value < 1 << 8 * size - 1
            )
            types.append(kind)
            values += value.to_bytes(size, "big", signed=True)
        elif isinstance(value, str):
            data = value.encode("utf-8", "surrogatepass")
            types += _varint(13 + 2 * len(data))
            values += data
        else:
            types.append(0 if value is None else 8)
    return _varint(len(types) + 1) + bytes(types) + bytes(values)


def _varint(number: int) -> bytes:
    """Return a number in groups of seven bits, the highest first, all but the last marked."""
    groups = [number & 0x7F]
    while number := number >> 7:
        groups.append(number & 0x7F | 0x80)
    return bytes(reversed(groups))


def stray_words(connection: sqlite3.Connection) -> int:
    """Return how many words stand in the pages of the full-text index without standing in any living passage.

    A deleted word stays in the pages until they are written anew, hidden from every query: so the pages are read.
    """
    return sum(len(_find_stray_words(connection, index)) for index in ("passages", "echoes"))


def _find_stray_words(connection: sqlite3.Connection, index: str) -> set[bytes]:
    living = sorted(row[0].encode() for row in connection.execute(f"SELECT term FROM {index}_vocabulary"))
    known = set(living)
    strays: set[bytes] = set()
    leaves = connection.execute(f"SELECT id, block FROM {index}_fts_data WHERE id >= ?", (_FIRST_SEGMENT,))
    for number, block in leaves:
        if not number & _NOT_A_LEAF:
            # The first byte tells the column index ('0') from prefix indexes, of which there are none.
            strays |= {word[1:] for word in _words_of_leaf(block)} - known
    for (separator,) in connection.execute(f"SELECT term FROM {index}_fts_idx"):
        beginning = bytes(separator)[1:]
        at = bisect_left(living, beginning)
        if beginning and not (at < len(living) and living[at].startswith(beginning)):
            strays.add(beginning)
    return strays


def _words_of_leaf(block: bytes) -> Iterator[bytes]:
    """Yield the words of a leaf page: each is stored as the length it shares with the one before, and the rest."""
    end = int.from_bytes(block[2:4], "big")
    at, place, word = end, 0, b""
    first = True
    while at < len(block):
        step, at = _number(block, at)
        place += step
        if first:
            shared, start = 0, place
        else:
            shared, start = _number(block, place)
        length, start = _number(block, start)
        word = word[:shared] + block[start : start + length]
        first = False
        yield word


def _number(block: bytes, at: int) -> tuple[int, int]:
    """Return SQLite's variable-length number at a place, and the place after it."""
    value = 0
    for _ in range(8):
        byte = block[at]
        at += 1
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, at
    return value << 8 | block[at], at + 1
