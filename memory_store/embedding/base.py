"""The Embedder protocol: what the store needs of anything that turns text into vectors."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeAlias

# What never asks for a vector is done before NumPy is there.
if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Vectors: TypeAlias = "NDArray[np.float32]"


@dataclass(frozen=True, slots=True)
class EmbedderIdentity:
    """What must be equal for two vectors to be comparable. A dimension of 0 is not known yet."""

    name: str
    version: str
    dimension: int
    normalized: bool = True

    def __str__(self) -> str:
        return f"{self.name} {self.version}" + (f" ({self.dimension} dimensions)" if self.dimension else "")

    def fits(self, other: EmbedderIdentity) -> bool:
        """Say whether vectors of both are comparable, as far as that is known."""
        unknown = 0 in (self.dimension, other.dimension)
        return self == (dataclasses.replace(other, dimension=self.dimension) if unknown else other)


class Embedder(Protocol):
    """Turns texts into unit vectors. Loads its weights at first use; safe to call from several threads."""

    @property
    def identity(self) -> EmbedderIdentity:
        """Who makes the vectors. Neither loads nor asks: a dimension that only that would tell is 0 until then."""

    @property
    def is_private(self) -> bool:
        """True when texts never leave this machine."""

    @property
    def endpoint(self) -> str | None:
        """Where texts go, for a person to read; None when nothing is sent."""

    def load(self) -> None:
        """Load what a query needs, if that is in this process, so that none waits for it. Raises EmbeddingError."""

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        """Return one unit vector a text, shape (n, dimension), float32. Raises EmbeddingError."""

    def embed_query(self, text: str) -> Vectors:
        """Return the unit vector of a query, shape (dimension,), float32. Raises EmbeddingError."""

    def close(self) -> None:
        """Release memory and connections, and let a call that waits for an answer fail; a later call begins anew."""


class LocalEmbedder:
    """What holds of every embedder whose model runs in this process."""

    @property
    def is_private(self) -> bool:
        """Always: no text leaves this process."""
        return True

    @property
    def endpoint(self) -> str | None:
        """None: nothing is sent."""
        return None


def quantize(vectors: Vectors) -> tuple[NDArray[np.int8], Vectors]:
    """Return the rows as whole numbers from -127 to 127, and what each row is multiplied by to give them back."""
    import numpy as np

    scales = np.abs(vectors).max(axis=1) / 127
    return np.rint(vectors / np.where(scales == 0, 1, scales)[:, None]).astype(np.int8), scales


def normalize(vectors: Vectors) -> Vectors:
    """Return the rows scaled to unit length; zero rows stay zero."""
    import numpy as np

    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.where(lengths == 0, 1, lengths), dtype=np.float32)
