"""The VectorIndex protocol: what recall needs of anything that finds near vectors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from memory_store.embedding.base import Vectors
from memory_store.models import RecallFilters


@dataclass(frozen=True, slots=True)
class VectorHit:
    """A passage found by its vector; `score` is the cosine, approximate until recall computes it from the record."""

    row: int
    score: float


class VectorIndex(Protocol):
    """Finds the passages whose vectors are nearest to a query's."""

    def search(self, vector: Vectors, k: int, filters: RecallFilters) -> list[VectorHit]:
        """Return up to k hits, best first. Raises IndexUnavailableError when the index can't answer."""
