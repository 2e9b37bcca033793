"""The Embedder protocol: what the store needs of anything that turns text into vectors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class EmbedderIdentity:
    """What must be equal for two vectors to be comparable."""

    name: str
    version: str
    dimension: int
    normalized: bool = True

    def __str__(self) -> str:
        return f"{self.name} {self.version} ({self.dimension} dimensions)"


class Embedder(Protocol):
    """Turns texts into unit vectors. Loads its weights at first use; safe to call from several threads."""

    @property
    def identity(self) -> EmbedderIdentity:
        """Who makes the vectors. May load the model where the dimension is not known otherwise."""

    @property
    def is_private(self) -> bool:
        """True when texts never leave this machine."""

    @property
    def endpoint(self) -> str | None:
        """Where texts go, for a person to read; None when nothing is sent."""

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        """Return one unit vector a text, shape (n, dimension), float32. Raises EmbeddingError."""

    def embed_query(self, text: str) -> Vectors:
        """Return the unit vector of a query, shape (dimension,), float32. Raises EmbeddingError."""

    def close(self) -> None:
        """Release memory and connections."""


def normalized(vectors: Vectors) -> Vectors:
    """Return the rows scaled to unit length; zero rows stay zero."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.where(lengths == 0, 1, lengths), dtype=np.float32)
