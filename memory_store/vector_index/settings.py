"""Which vector index a store uses, and where a Chroma server is."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


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
