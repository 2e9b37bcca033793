"""The file of the scan: vectors as int8 and what is needed to filter them, mapped into memory by whoever searches.

It is disposable: what does not fit the record is not used, and made anew from it. It holds no text: of ids and names
only hashes under a key of the store's own. What is erased is overwritten in place, so that nobody who has it mapped
keeps it alive.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from memory_store.database import outbox, tombstones
from memory_store.embedding.base import Vectors, quantize
from memory_store.writing import replace_file

NAME: Final = "vectors.scan"
# One array each, a row for every vector; `rows` is that of the passage, -1 where it is gone.
COLUMNS: Final[Mapping[str, type]] = {
    "vectors": np.int8,
    "scales": np.float32,
    "rows": np.int64,
    "created": np.int64,
    "source": np.int64,
    "author": np.int64,
    "kind": np.int8,
    "private": np.bool_,
    "echo": np.bool_,
}
# What a file holds besides, made from all of its vectors.
_CENTRE: Final = "centre"
_SIGNS: Final = "signs"
_ALL: Final[Mapping[str, type]] = {**COLUMNS, _CENTRE: np.float32, _SIGNS: np.uint64}
_VERSION: Final = 1
_HEADER_BYTES: Final = 4096
_ALIGNED: Final = 64
_SAMPLES: Final = 16
_CHUNK: Final = 16_384
Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Header:
    """What a file was made from: `last_seq` and `epoch` say up to which state of the record it is complete."""

    embedder_id: int
    dimension: int
    size: int
    last_seq: int
    epoch: int
    key: str
    version: int = _VERSION


@dataclass
class Part:
    """Some vectors: arrays of which the first `size` rows are held, those of passages that are gone with row -1.

    What comes from a file has signs too, shape (words, size): on which side of the centre each vector lies along each
    axis, 64 of them a word. Vectors that are near to each other differ in few.
    """

    arrays: Arrays
    size: int

    @classmethod
    def empty(cls, capacity: int, dimension: int) -> Part:
        """Return a part with room for so many vectors."""
        return cls({name: np.zeros(_shape(name, capacity, dimension), dtype) for name, dtype in COLUMNS.items()}, 0)

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self.arrays[name][: self.size]

    def grown(self, capacity: int, dimension: int) -> Part:
        """Return a part with more room that holds the same."""
        larger = Part.empty(capacity, dimension)
        for name in COLUMNS:
            larger.arrays[name][: self.size] = self[name]
        larger.size = self.size
        return larger

    def differing(self, query: Vectors) -> NDArray[np.uint16] | None:
        """Return along how many axes each vector lies on another side than a query, shape (size,); None without signs.

        Binary codes as a first sieve: Charikar 2002, "Similarity estimation techniques from rounding algorithms".
        """
        if _SIGNS not in self.arrays:
            return None
        differing = np.zeros(self.size, dtype=np.uint16)
        for word, column in zip(_signs_of(query[None, :], self.arrays[_CENTRE])[0], self.arrays[_SIGNS], strict=True):
            differing += np.bitwise_count(column ^ word)
        return differing

    def mark(self, living: NDArray[np.int64]) -> None:
        """Wipe what is gone and take over the marks of the others; `living` has the columns row, private, echo."""
        rows = self["rows"]
        at = np.minimum(np.searchsorted(living[:, 0], rows), max(0, len(living) - 1))
        there = living[at, 0] == rows if len(living) else np.zeros(len(rows), np.bool_)
        for name in COLUMNS:
            self[name][~there] = 0
        if _SIGNS in self.arrays:
            self.arrays[_SIGNS][:, ~there] = 0
        self["rows"][~there] = -1
        self["private"][there] = living[at[there], 1]
        self["echo"][there] = living[at[there], 2]


def key_of(connection: sqlite3.Connection) -> bytes:
    """Return the key under which names are hashed."""
    return hashlib.blake2b(tombstones.secret(connection), digest_size=16, person=b"keepsake-names").digest()


def hash_name(key: bytes, name: str) -> int:
    """Return the number that stands for an id or a name."""
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8, key=key).digest(), "little", signed=True)


def marks_of(connection: sqlite3.Connection, last_seq: int) -> NDArray[np.int64]:
    """Return (row, private, echo) of every passage that has a vector of a number up to `last_seq`, by row."""
    # Both are read from an index that holds them: the `+` keeps SQLite from walking through the vectors themselves.
    living = _integers(connection, "SELECT passage_row FROM embeddings WHERE +seq <= ?", 1, last_seq)[:, 0]
    marks = _integers(connection, "SELECT row, private, echo FROM passages", 3)
    marks = marks[np.argsort(marks[:, 0], kind="stable")]
    return marks[np.isin(marks[:, 0], living)]


def _integers(connection: sqlite3.Connection, query: str, columns: int, *parameters: int) -> NDArray[np.int64]:
    found = connection.execute(query, parameters)
    return np.fromiter((value for row in found for value in row), np.int64).reshape(-1, columns)


def open_file(
    path: Path, connection: sqlite3.Connection, embedder_id: int, dimension: int
) -> tuple[Header, Part] | None:
    """Map the file of this store; None if there is none, or it does not fit the record in everything looked at."""
    header = _header(path)
    if header is None or (header.embedder_id, header.dimension, header.version) != (embedder_id, dimension, _VERSION):
        return None
    if header.key != _fingerprint(key_of(connection)):
        return None
    part = Part(_map_arrays(path, header, "c")[1], header.size)
    return (header, part) if _matches_record(connection, header, part) else None


def write_file(path: Path, header: Header, parts: Sequence[Part]) -> None:
    """Write what lives in these parts, whole or not at all."""
    living = [part["rows"] >= 0 for part in parts]
    with replace_file(path) as file:
        file.write(json.dumps(asdict(header)).encode().ljust(_HEADER_BYTES))
        for name in COLUMNS:
            file.write(bytes(-file.tell() % _ALIGNED))
            for part, alive in zip(parts, living, strict=True):
                for at in range(0, part.size, _CHUNK):
                    file.write(part[name][at : at + _CHUNK][alive[at : at + _CHUNK]].tobytes())
        centre = _centre_of(parts)
        signs = [_signs_of(vectors, centre) for vectors in _living_vectors(parts)]
        for array in (centre, np.concatenate(signs).T):
            file.write(bytes(-file.tell() % _ALIGNED))
            file.write(array.tobytes())


def make_header(
    connection: sqlite3.Connection, embedder_id: int, dimension: int, size: int, state: tuple[int, int]
) -> Header:
    """Return the header of a file that holds the record in this state."""
    return Header(embedder_id, dimension, size, *state, _fingerprint(key_of(connection)))


def erase(path: Path, connection: sqlite3.Connection) -> None:
    """Overwrite in the file, in place, what the record no longer holds, and take over the marks of the rest."""
    for left in path.parent.glob(f".{path.name}.*.part"):  # of a file in the making, after a kill
        left.unlink(missing_ok=True)
    header = _header(path)
    if header is None:
        path.unlink(missing_ok=True)
        return
    _, epoch = outbox.get_vector_state(connection)
    whole, arrays = _map_arrays(path, header, "r+")
    Part(arrays, header.size).mark(marks_of(connection, header.last_seq))
    whole.flush()
    with path.open("r+b") as file:
        changed = Header(**{**asdict(header), "epoch": epoch})
        file.write(json.dumps(asdict(changed)).encode().ljust(_HEADER_BYTES))
        file.flush()
        os.fsync(file.fileno())


def _header(path: Path) -> Header | None:
    """Return the header of a file, if it is one and the file has the size that follows from it."""
    try:
        with path.open("rb") as file:
            header = Header(**json.loads(file.read(_HEADER_BYTES)))
            size = os.fstat(file.fileno()).st_size
        return header if size == _places(header)[1] else None
    except (OSError, ValueError, TypeError):
        return None  # not there, torn, or of another version: it is made anew


def _places(header: Header) -> tuple[dict[str, int], int]:
    """Return where each column begins, and the size of the file, in bytes."""
    places: dict[str, int] = {}
    end = _HEADER_BYTES
    for name, dtype in _ALL.items():
        places[name] = end + -end % _ALIGNED
        end = places[name] + int(np.prod(_shape(name, header.size, header.dimension))) * np.dtype(dtype).itemsize
    return places, end


def _map_arrays(path: Path, header: Header, mode: Literal["c", "r+"]) -> tuple[np.memmap[Any, Any], Arrays]:
    whole = np.memmap(path, np.uint8, mode)
    places, _ = _places(header)
    arrays: Arrays = {}
    for name, dtype in _ALL.items():
        shape = _shape(name, header.size, header.dimension)
        count = int(np.prod(shape)) * np.dtype(dtype).itemsize
        arrays[name] = np.asarray(whole[places[name] : places[name] + count]).view(dtype).reshape(shape)
    return whole, arrays


def _shape(name: str, size: int, dimension: int) -> tuple[int, ...]:
    shapes = {"vectors": (size, dimension), _CENTRE: (dimension,), _SIGNS: (-(-dimension // 64), size)}
    return shapes.get(name, (size,))


def _living_vectors(parts: Sequence[Part]) -> Iterator[Vectors]:
    """Yield the vectors that live, some thousand rows at a time."""
    for part in parts:
        for at in range(0, part.size, _CHUNK):
            piece = slice(at, at + _CHUNK)
            alive = part["rows"][piece] >= 0
            yield part["vectors"][piece][alive] * part["scales"][piece][alive, None]


def _centre_of(parts: Sequence[Part]) -> Vectors:
    """Return the mean of the vectors, rounded so far that no single one of thousands shows in it."""
    sums = np.array([vectors.sum(axis=0) for vectors in _living_vectors(parts)], dtype=np.float32).sum(axis=0)
    rounded, scales = quantize(sums[None, :] / max(1, sum(len(vectors) for vectors in _living_vectors(parts))))
    return np.asarray(rounded[0] * scales[0], dtype=np.float32)


def _signs_of(vectors: Vectors, centre: Vectors) -> NDArray[np.uint64]:
    """Return on which side of the centre vectors lie along each axis, shape (vectors, words)."""
    bits = np.packbits(vectors > centre, axis=1)
    padded = np.zeros((len(vectors), -(-len(centre) // 64) * 8), dtype=np.uint8)
    padded[:, : bits.shape[1]] = bits
    return padded.view(np.uint64)


def _fingerprint(key: bytes) -> str:
    return hashlib.blake2b(b"", digest_size=8, key=key).hexdigest()


def _matches_record(connection: sqlite3.Connection, header: Header, part: Part) -> bool:
    """Say whether the file holds what the record does: as many vectors, and some of them the same."""
    last, epoch = outbox.get_vector_state(connection)
    living = np.flatnonzero(part["rows"] >= 0)
    if last < header.last_seq or epoch < header.epoch:
        return False
    if epoch == header.epoch:
        held, later = connection.execute(
            "SELECT (SELECT count(*) FROM embeddings), (SELECT count(*) FROM embeddings WHERE seq > ?)",
            (header.last_seq,),
        ).fetchone()
        if held - later != len(living):
            return False
    for at in _samples(living):
        found = connection.execute(
            "SELECT vector FROM embeddings WHERE passage_row = ?", (int(part["rows"][at]),)
        ).fetchone()
        if found is None and epoch == header.epoch:
            return False
        if found is not None:
            vector, _ = quantize(np.frombuffer(found[0], dtype="<f4")[None, :])
            if not np.array_equal(vector[0], part["vectors"][at]):
                return False
    return True


def _samples(living: NDArray[np.intp]) -> Iterator[int]:
    """Yield some places, evenly over all, the last among them."""
    yield from (int(at) for at in living[:: -max(1, len(living) // _SAMPLES)])
