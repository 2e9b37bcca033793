"""Needles: what a scan of the disk looks for after an erasure, kept as keyed hashes of short windows of bytes.

A window of a text, an id or a vector becomes one 64-bit number under a key of the store's own. So the needles can wait
in the record until the erasure is complete, over a kill too, without holding a word of what is erased.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from memory_store.embedding.base import normalize, quantize

Hashes = NDArray[np.uint64]

# Windows are compared at every eighth offset of a file, which is fast; those of the shortest texts at every offset.
LONG: Final = 16
SHORT: Final = 8
SCAN_STRIDE: Final = 8
# From this length on a text holds a whole long window at an offset that is compared, wherever it stands.
_LONG_ENOUGH: Final = LONG + SCAN_STRIDE - 1
_SHORT_ENOUGH: Final = SHORT + SCAN_STRIDE - 1
_PROJECTIONS: Final = 96
_VECTOR_STRIDE: Final = 33


class NeedleKind(IntEnum):
    """What a window was cut from."""

    TEXT = 0
    ID = 1
    VECTOR = 2


class ScanKey:
    """The multipliers and the projection of one store, derived from its secret key."""

    def __init__(self, secret: bytes) -> None:
        seed = hashlib.blake2b(secret, digest_size=32, person=b"keepsake-scan").digest()
        numbers = np.frombuffer(seed, dtype="<u8") | np.uint64(1)  # odd: no bit of the window is lost
        self._first, self._second, self._third, self._fourth = numbers
        self._seed = int.from_bytes(seed, "little")

    def long(self, low: Hashes, high: Hashes) -> Hashes:
        """Return the hash of each 16-byte window, given as two little-endian halves."""
        mixed: Hashes = low * self._first + high * self._second
        mixed ^= mixed >> np.uint64(29)
        return mixed

    def short(self, window: Hashes) -> Hashes:
        """Return the hash of each 8-byte window. Multiplied twice with a shift between: bytes do not show through."""
        mixed: Hashes = window * self._third
        mixed ^= mixed >> np.uint64(31)
        mixed *= self._fourth
        return mixed

    def projection(self, dimension: int) -> NDArray[np.float32]:
        """Return the matrix (dimension, 96) that maps vectors to where near ones stay near."""
        numbers = np.random.default_rng(self._seed).standard_normal((dimension, _PROJECTIONS), dtype=np.float32)
        return numbers / np.float32(np.sqrt(_PROJECTIONS))


@dataclass(frozen=True, slots=True)
class Needles:
    """The needles of one erasure: hashes of long windows, of short ones, and of those of the shortest texts.

    `projections` is (vectors, 96) float32; `fragment_bytes` is how long a piece of a text must at least be to be surely
    found; `too_short` counts texts of fewer than eight bytes.
    """

    long: Hashes
    long_kinds: NDArray[np.uint8]
    short: Hashes
    shortest: Hashes
    projections: NDArray[np.float32]
    texts: int = 0
    ids: int = 0
    vectors: int = 0
    too_short: int = 0
    fragment_bytes: int = _LONG_ENOUGH

    def to_bytes(self) -> bytes:
        """Return them as they are kept in the record."""
        counts = [self.texts, self.ids, self.vectors, self.too_short, self.fragment_bytes]
        buffer = io.BytesIO()
        np.savez(
            buffer,
            long=self.long,
            long_kinds=self.long_kinds,
            short=self.short,
            shortest=self.shortest,
            projections=self.projections,
            counts=np.frombuffer(json.dumps(counts).encode(), dtype=np.uint8),
        )
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes | None) -> Needles:
        """Return what `to_bytes` wrote; none at all for an erasure that kept none."""
        if data is None:
            return NeedleBuilder(ScanKey(b""), 0).build()
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            counts = json.loads(arrays["counts"].tobytes())
            none = np.zeros(0, np.uint64)
            # Before schema 4 every short window was compared at every offset.
            short, shortest = (
                (arrays["short"], arrays["shortest"]) if "shortest" in arrays.files else (none, arrays["short"])
            )
            return cls(arrays["long"], arrays["long_kinds"], short, shortest, arrays["projections"], *counts)


def windows(data: bytes, size: int, stride: int) -> tuple[Hashes, Hashes]:
    """Return the (low, high) halves of the windows of `data` at every `stride`; of short ones `high` is empty."""
    starts = np.arange(0, len(data) - size + 1, stride)
    words: Hashes = np.ndarray((max(0, len(data) - 7),), dtype="<u8", buffer=data, strides=(1,))
    return words[starts], words[starts + 8] if size == LONG else words[:0]


def encodings(text: str) -> list[bytes]:
    """Return the text as a program may have written it: UTF-8, UTF-16, escaped in JSON (and that in UTF-8)."""
    plain = text.encode("utf-8", "surrogatepass")
    escaped = json.dumps(text)[1:-1].encode("ascii")
    readable = json.dumps(text, ensure_ascii=False)[1:-1].encode("utf-8", "surrogatepass")
    return list(dict.fromkeys((plain, escaped, readable, text.encode("utf-16-le", "surrogatepass"))))


@dataclass
class NeedleBuilder:
    """Collects what is erased, text by text. `text_bytes` is about how many there will be: it sets how densely windows
    are cut, so that no erasure has more than some two million of them."""

    key: ScanKey
    text_bytes: int
    most_windows: int = 2_000_000
    _long: list[Hashes] = field(default_factory=list)
    _kinds: list[NDArray[np.uint8]] = field(default_factory=list)
    _short: list[Hashes] = field(default_factory=list)
    _shortest: list[Hashes] = field(default_factory=list)
    _projections: list[NDArray[np.float32]] = field(default_factory=list)
    _texts: int = 0
    _ids: int = 0
    _vectors: int = 0
    _too_short: int = 0
    _shortened: bool = False

    def __post_init__(self) -> None:
        # Four encodings, of which UTF-16 is twice as long. Odd, so that stride and scan meet at every alignment.
        self.stride = max(1, 4 * self.text_bytes // self.most_windows) | 1

    def text(self, text: str) -> None:
        """Add a text in every encoding."""
        self._texts += 1
        if len(text.encode("utf-8", "surrogatepass")) < SHORT:
            self._too_short += 1
            return
        for data in encodings(text):
            if len(data) < _LONG_ENOUGH + SCAN_STRIDE:
                low, _ = windows(data, SHORT, 1)
                briefs = self._short if len(data) >= _SHORT_ENOUGH else self._shortest
                briefs.append(self.key.short(low[~_is_uniform(low)]))
            else:
                # A piece of a long text is found if it is as long as stride and scan need to meet.
                stride = self.stride if len(data) > LONG + SCAN_STRIDE * self.stride else 1
                self._shortened = self._shortened or stride > 1
                self._add(data, stride, NeedleKind.TEXT)

    def identifier(self, identifier: str) -> None:
        """Add an id, as text and in UTF-16; ids have no other form."""
        self._ids += 1
        for data in (identifier.encode(), identifier.encode("utf-16-le")):
            self._add(data, 1, NeedleKind.ID)

    def vectors(self, blobs: Sequence[bytes], dimension: int) -> None:
        """Add vectors, float32 little-endian: as they are, normalised, as float16 and as int8."""
        if not blobs:
            return
        self._vectors += len(blobs)
        matrix = np.frombuffer(b"".join(blobs), dtype="<f4").reshape(-1, dimension)
        unit = normalize(matrix)
        self._projections.append(unit @ self.key.projection(dimension))
        for form in (matrix, unit, matrix.astype("<f2"), quantize(matrix)[0]):
            # Half of a vector is found at any alignment.
            stride = max(1, min(_VECTOR_STRIDE, (form[0].nbytes // 2 - LONG) // SCAN_STRIDE)) | 1
            for row in form:
                self._add(row.tobytes(), stride, NeedleKind.VECTOR)

    def _add(self, data: bytes, stride: int, kind: NeedleKind) -> None:
        hashes = hash_windows(self.key, data, stride, most_zeros=4 if kind is NeedleKind.VECTOR else 8)
        self._long.append(hashes)
        self._kinds.append(np.full(len(hashes), kind, dtype=np.uint8))

    def build(self) -> Needles:
        """Return what was collected, each window once."""
        long = np.concatenate([np.zeros(0, np.uint64), *self._long])
        order = np.argsort(long, kind="stable")
        long, kinds = long[order], np.concatenate([np.zeros(0, np.uint8), *self._kinds])[order]
        first = np.concatenate([[True], long[1:] != long[:-1]])[
            : len(long)
        ]  # np.unique hashes, and takes ten times as long
        long, kinds = long[first], kinds[first]
        fragment = LONG + SCAN_STRIDE * self.stride - 1 if self._shortened else _LONG_ENOUGH
        return Needles(
            long,
            kinds,
            np.unique(np.concatenate([np.zeros(0, np.uint64), *self._short])),
            np.unique(np.concatenate([np.zeros(0, np.uint64), *self._shortest])),
            np.concatenate([empty_projections(), *self._projections]),
            self._texts,
            self._ids,
            self._vectors,
            self._too_short,
            fragment,
        )


def empty_projections() -> NDArray[np.float32]:
    """Return the projections of no vectors: (0, 96)."""
    return np.zeros((0, _PROJECTIONS), dtype=np.float32)


def hash_windows(key: ScanKey, data: bytes, stride: int, most_zeros: int = 8) -> Hashes:
    """Return the hashes of the long windows of `data`, without those that tell nothing.

    Such repeat one byte or one half, or hold more zeros than UTF-16 does: every binary file has their like.
    """
    low, high = windows(data, LONG, stride)
    zeros = np.cumsum(np.frombuffer(b"\1" + data, dtype=np.uint8) == 0)
    in_window = (zeros[LONG:] - zeros[:-LONG])[::stride]
    telling = ~((low == high) | _is_uniform(low)) & (in_window <= most_zeros)
    return key.long(low[telling], high[telling])


def _is_uniform(words: Hashes) -> NDArray[np.bool_]:
    """Say which words are one byte over and over: blanks, rulers and padding stand everywhere and tell nothing."""
    repeated: Hashes = (words & np.uint64(0xFF)) * np.uint64(0x0101010101010101)
    even: NDArray[np.bool_] = words == repeated
    return even
