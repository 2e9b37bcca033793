"""The pool: the candidates of one recall with their neighbours, as arrays that the signals compute on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from memory_store.clock import from_text
from memory_store.database.passages import RankedPassage
from memory_store.embedding.base import Vectors
from memory_store.folding import CJK_RUN, fold
from memory_store.models import SourceKind
from memory_store.retrieval.words import Matcher, length

# How far a window reaches: a turn is understood from the two before it, an announcement from the two after.
REACH: Final = 2
BEFORE: Final = (-2, -1)
AROUND: Final = (-2, -1, 1, 2)
# Between two texts that are searched as one: no word holds it.
_BETWEEN: Final = "\n\n"
_K1: Final = 0.9
_B: Final = 0.4
Values = NDArray[np.float64]
Offsets = tuple[int, ...]


@dataclass(frozen=True)
class Pool:
    """`passages` are candidates and neighbours by row; `chosen` are the positions of the candidates among them.

    `neighbours[offset]` gives, for each passage, the position of the one that far away in the same conversation, or -1.
    What bm25, coverage and cosines say of a window is computed once and read-only: signals and evidence share it.
    Every array that a signal returns has the shape (candidates,).
    """

    passages: Sequence[RankedPassage]
    chosen: NDArray[np.intp]
    terms: tuple[str, ...]
    idf: Values
    vector: Vectors | None = None
    embedder_id: int | None = None
    embedder_name: str | None = None

    def __len__(self) -> int:
        return len(self.chosen)

    @cached_property
    def candidates(self) -> list[RankedPassage]:
        """The candidates themselves, in the order of every signal's values."""
        return [self.passages[at] for at in self.chosen]

    @cached_property
    def neighbours(self) -> Mapping[int, NDArray[np.intp]]:
        """Positions of neighbours: passages of a conversation are stored in its order, so rows tell who is beside."""
        count = len(self.passages)
        by_offset = {offset: np.full(count, -1, dtype=np.intp) for offset in AROUND}
        last: dict[str, list[int]] = {}
        for at, passage in enumerate(self.passages):
            if passage.kind != SourceKind.CONVERSATION:
                continue
            before = last.setdefault(passage.source_id, [])
            for distance in (1, 2):
                if len(before) >= distance and passage.row - self.passages[before[-distance]].row <= 2 * distance:
                    by_offset[-distance][at] = before[-distance]
                    by_offset[distance][before[-distance]] = at
            before.append(at)
        return by_offset

    @cached_property
    def _computed(self) -> dict[tuple[str, Offsets], Values]:
        return {}

    def _once(self, name: str, compute: Callable[[Offsets], Values], offsets: Offsets) -> Values:
        found = self._computed.get((name, offsets))
        if found is None:
            found = self._computed[name, offsets] = compute(offsets)
            found.setflags(write=False)
        return found

    # -- words -------------------------------------------------------------------------------------------------

    @cached_property
    def texts(self) -> list[str]:
        """The candidates and neighbours as they are searched: folded, with their context and their other spellings."""
        return [
            fold("\n".join(part for part in (passage.text, passage.context, passage.search_words) if part))
            for passage in self.passages
        ]

    @cached_property
    def matcher(self) -> Matcher:
        """What finds the query's words in folded texts."""
        return Matcher(self.terms)

    @cached_property
    def _counted(self) -> tuple[Values, Values]:
        """Return how often each term stands in each passage, and each passage's length."""
        counts = np.zeros((len(self.passages), len(self.terms)))
        # All texts are searched as one, which costs a few calls instead of some thousands.
        found = [(place, term) for term, _, place in self.matcher.find(_BETWEEN.join(self.texts))]
        if found:
            places, terms = np.array(found, dtype=np.intp).T
            ends = np.cumsum([len(text) + len(_BETWEEN) for text in self.texts])
            np.add.at(counts, (np.searchsorted(ends, places, side="right"), terms), 1)
        return counts, np.array([length(text) + 1 for text in self.texts], dtype=float)

    @property
    def lengths(self) -> Values:
        """Words in each candidate, about, and one."""
        return self._counted[1][self.chosen]

    def window_counts(self, offsets: Offsets) -> tuple[Values, Values]:
        """Return counts and lengths of the candidates taken together with their neighbours at these offsets."""
        counts, lengths = self._counted
        total, size = counts[self.chosen], lengths[self.chosen]
        for offset in offsets:
            beside = self.neighbours[offset][self.chosen]
            there = beside >= 0
            total[there] += counts[beside[there]]
            size[there] += lengths[beside[there]]
        return total, size

    def bm25(self, offsets: Offsets = ()) -> Values:
        """Return BM25 (Robertson and Zaragoza 2009; k1 = 0.9, b = 0.4 suit short texts) of each candidate's window."""
        return self._once("bm25", self._bm25, offsets)

    def _bm25(self, offsets: Offsets) -> Values:
        if not self.terms or not len(self):
            return np.zeros(len(self))
        counts, lengths = self.window_counts(offsets)
        norm = _K1 * (1 - _B + _B * lengths / lengths.mean())
        return np.asarray((self.idf * counts * (_K1 + 1) / (counts + norm[:, None])).sum(axis=1))

    def coverage(self, offsets: Offsets = ()) -> Values:
        """Return which part of the query's idf stands in each candidate's window, 0 to 1."""
        return self._once("coverage", self._coverage, offsets)

    def _coverage(self, offsets: Offsets) -> Values:
        if not self.terms:
            return np.zeros(len(self))
        counts, _ = self.window_counts(offsets)
        return np.asarray(((counts > 0) * self.idf).sum(axis=1) / self.idf.sum())

    # -- vectors -----------------------------------------------------------------------------------------------

    @cached_property
    def vectors(self) -> tuple[Vectors, NDArray[np.bool_]]:
        """Return each passage's vector (zero where it has none of this embedder) and whether it has one."""
        size = len(self.vector) if self.vector is not None else 0
        held = np.array(
            [passage.vector is not None and passage.embedder_id == self.embedder_id for passage in self.passages], bool
        )
        matrix = np.zeros((len(self.passages), size), dtype=np.float32)
        if size and held.any():
            blobs = b"".join(passage.vector or b"" for passage, has in zip(self.passages, held, strict=True) if has)
            matrix[held] = np.frombuffer(blobs, dtype="<f4").reshape(-1, size)
        return matrix, held

    @property
    def embedded(self) -> NDArray[np.bool_]:
        """Which candidates have a vector of the embedder in use."""
        return self.vectors[1][self.chosen]

    def cosines(self, offsets: Offsets = ()) -> Values:
        """Return the cosine of the query with the sum of each candidate's window of vectors.

        A candidate that still waits for its vector stands at the middle: its words alone decide.
        """
        return self._once("cosines", self._cosines, offsets)

    def _cosines(self, offsets: Offsets) -> Values:
        if self.vector is None or not len(self):
            return np.zeros(len(self))
        matrix, held = self.vectors
        windows = [self.neighbours[offset][self.chosen] for offset in offsets]
        if offsets and all((beside < 0).all() for beside in windows):
            return self.cosines()
        total = matrix[self.chosen]
        for beside in windows:
            total[beside >= 0] += matrix[beside[beside >= 0]]
        lengths = np.linalg.norm(total, axis=1)
        has = held[self.chosen] & (lengths > 0)
        scores = np.zeros(len(self))
        # Not `@`, which hands so few numbers to threads and waits for all of them.
        scores[has] = np.einsum("ij,j->i", total[has], self.vector) / lengths[has]
        scores[~has] = scores[has].mean() if has.any() else 0.0
        return scores

    @cached_property
    def in_cjk(self) -> NDArray[np.bool_]:
        """Which candidates hold Chinese, Japanese or Korean."""
        texts = [candidate.text for candidate in self.candidates]
        return np.array([not text.isascii() and CJK_RUN.search(text) is not None for text in texts], dtype=bool)

    # -- where and when ----------------------------------------------------------------------------------------

    @cached_property
    def moments(self) -> list[datetime]:
        """When each candidate was made."""
        return [from_text(passage.created_at) for passage in self.candidates]

    @cached_property
    def groups(self) -> NDArray[np.intp]:
        """The number of each candidate's sitting: its document, its memory, or one day of its conversation."""
        numbers: dict[tuple[str, str], int] = {}
        keys = [
            (passage.source_id, passage.created_at[:10] if passage.kind == SourceKind.CONVERSATION else "")
            for passage in self.candidates
        ]
        return np.array([numbers.setdefault(key, len(numbers)) for key in keys], dtype=np.intp)

    def beside(self, offset: int) -> list[RankedPassage | None]:
        """Return each candidate's neighbour, or None."""
        return [self.passages[at] if at >= 0 else None for at in self.neighbours[offset][self.chosen]]


def z_scores(values: Values) -> Values:
    """Return (value - mean) / standard deviation; all zero when the values do not differ."""
    deviation = float(values.std()) if len(values) else 0.0
    return (values - values.mean()) / deviation if deviation > 1e-9 else np.zeros(len(values))
