"""An embedder that remembers on the disk what it embedded, so that a measurement can be repeated without waiting."""

from __future__ import annotations

import hashlib
import sqlite3
import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from memory_store.embedding.base import Embedder, EmbedderIdentity, Vectors


class CachedEmbedder:
    """Asks another embedder only for texts that it has not seen. Never used for timings of the embedder itself."""

    def __init__(self, embedder: Embedder, path: Path) -> None:
        self._embedder = embedder
        self._lock = threading.Lock()
        path.parent.mkdir(parents=True, exist_ok=True)
        self._database = sqlite3.connect(path, check_same_thread=False)
        # A cache that a crash costs is only made anew.
        self._database.execute("PRAGMA synchronous=OFF")
        self._database.execute("CREATE TABLE IF NOT EXISTS vectors (key BLOB PRIMARY KEY, vector BLOB NOT NULL)")

    @property
    def identity(self) -> EmbedderIdentity:
        """The other embedder's."""
        return self._embedder.identity

    @property
    def is_private(self) -> bool:
        """The other embedder's."""
        return self._embedder.is_private

    @property
    def endpoint(self) -> str | None:
        """As of the embedder it keeps the work of."""
        return self._embedder.endpoint

    def load(self) -> None:
        """Load nothing: what is cached needs no embedder."""

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        """Return one unit vector a text."""
        keys = [self._key("passage", text) for text in texts]
        known = {key: vector for key in keys if (vector := self._get(key)) is not None}
        missing = [at for at, key in enumerate(keys) if key not in known]
        if missing:
            for at, vector in zip(missing, self._embedder.embed_passages([texts[at] for at in missing]), strict=True):
                known[keys[at]] = vector
                self._put(keys[at], vector)
        return np.stack([known[key] for key in keys])

    def embed_query(self, text: str) -> Vectors:
        """Return the unit vector of a query."""
        key = self._key("query", text)
        vector = self._get(key)
        if vector is None:
            vector = self._embedder.embed_query(text)
            self._put(key, vector)
        return vector

    def close(self) -> None:
        """Close both."""
        self._database.close()
        self._embedder.close()

    def _key(self, kind: str, text: str) -> bytes:
        identity = self._embedder.identity
        return hashlib.sha256(f"{identity.name}\0{identity.version}\0{kind}\0{text}".encode()).digest()

    def _get(self, key: bytes) -> Vectors | None:
        with self._lock:
            row = self._database.execute("SELECT vector FROM vectors WHERE key = ?", (key,)).fetchone()
        return np.frombuffer(row[0], dtype="<f4") if row else None

    def _put(self, key: bytes, vector: Vectors) -> None:
        with self._lock, self._database:
            self._database.execute(
                "INSERT OR REPLACE INTO vectors VALUES (?, ?)", (key, vector.astype("<f4").tobytes())
            )
