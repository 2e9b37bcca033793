"""The VectorIndex protocol: what recall and erasure need of what finds near vectors, and which a store uses."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from memory_store.embedding.base import Vectors
from memory_store.models import RecallFilters


class IndexKind(StrEnum):
    """Where near vectors are looked for. AUTO scans as long as a scan is the faster."""

    AUTO = "auto"
    SCAN = "scan"
    CHROMA = "chroma"
    SERVER = "server"


@dataclass(frozen=True, slots=True)
class IndexSettings:
    """The kind of index; of a server its address, `http://host:port`, and the token it wants, if any."""

    kind: IndexKind = IndexKind.AUTO
    url: str = ""
    token: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class VectorHit:
    """A passage found by its vector; `score` is the cosine, approximate until recall computes it from the record."""

    row: int
    score: float


class VectorIndex(Protocol):
    """Finds the passages whose vectors are nearest to a query's. Only the owner of the index updates and erases."""

    def answers(self, filters: RecallFilters) -> bool:
        """Say whether it holds what the record says and serves these filters well."""

    def search(self, vector: Vectors, k: int, filters: RecallFilters) -> list[VectorHit]:
        """Return up to k hits, best first. Raises IndexUnavailableError when the index can't answer."""

    def update(self) -> bool:
        """Take one step towards what the record holds; return whether there may be more to do."""

    def erase(self) -> None:
        """Remove what the record no longer holds, from the disk too. Raises IndexUnavailableError if it can't."""

    def check(self) -> list[str]:
        """Return what is wrong; it is made anew at the next update."""

    def close(self) -> None:
        """Let go of files, connections and threads."""
