"""A small, quick, deterministic embedder: hashed words, so that texts that share words lie near each other."""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence

import numpy as np

from memory_store.embedding.base import EmbedderIdentity, Vectors, normalize


class HashEmbedder:
    """Embeds by counting hashed words and, for scripts without spaces, single signs."""

    def __init__(self, name: str = "hash", dimension: int = 64, is_private: bool = True) -> None:
        self._identity = EmbedderIdentity(name, "1", dimension)
        self._is_private = is_private
        self.passages: list[str] = []
        self.queries: list[str] = []

    @property
    def identity(self) -> EmbedderIdentity:
        """Who makes the vectors."""
        return self._identity

    @property
    def is_private(self) -> bool:
        """As it was told."""
        return self._is_private

    @property
    def endpoint(self) -> str | None:
        """A name where it plays a remote embedder, else None."""
        return None if self._is_private else "https://embedder.example"

    def load(self) -> None:
        """Nothing to load."""

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        """Return one unit vector a text, and remember the texts."""
        self.passages.extend(texts)
        vectors = [self._vector(text) for text in texts]
        return np.stack(vectors) if vectors else np.zeros((0, self._identity.dimension), dtype=np.float32)

    def embed_query(self, text: str) -> Vectors:
        """Return the unit vector of a query, and remember the query."""
        self.queries.append(text)
        return self._vector(text)

    def close(self) -> None:
        """Nothing to release."""

    def _vector(self, text: str) -> Vectors:
        vector = np.full(self._identity.dimension, 0.01, dtype=np.float32)
        for word in re.findall(r"[a-z0-9]+|[^\W\da-z]", text.lower()):
            vector[zlib.crc32(word.encode()) % self._identity.dimension] += 1
        return normalize(vector)
