"""One generation of one index segment: a Chroma collection in a folder of its own, holding ids and vectors alone."""

from __future__ import annotations

import ctypes
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import numpy as np

from memory_store.embedding.base import EmbedderIdentity, Vectors
from memory_store.errors import IndexUnavailableError
from memory_store.importing import one_at_a_time

_COLLECTION: Final = "passages"
# Below Chroma's own limit of 5461; smaller batches keep memory low and a stop quick.
MAX_BATCH: Final = 2048
# recall .995 on 100,000 vectors
_EF_SEARCH: Final = 200
_M_PERTURB: Final = -6


class ChromaSegment:
    """A segment that is open in this process."""

    def __init__(self, folder: Path, client: Any, collection: Any) -> None:
        self.folder = folder
        self._client = client
        self._collection = collection

    @classmethod
    def create(cls, folder: Path, identity: EmbedderIdentity) -> ChromaSegment:
        """Make an empty segment in a new folder; anything that lies there is removed first."""
        shutil.rmtree(folder, ignore_errors=True)
        folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.parent.chmod(0o700)
        folder.mkdir(mode=0o700)
        with _translated(folder):
            client = _client(folder)
            collection = client.create_collection(
                _COLLECTION,
                embedding_function=None,
                metadata={"embedder": str(identity), "normalized": identity.normalized},
                configuration={"hnsw": {"space": "cosine", "ef_search": _EF_SEARCH, "sync_threshold": MAX_BATCH}},
            )
            _make_private(folder)
        return cls(folder, client, collection)

    @classmethod
    def open(cls, folder: Path, identity: EmbedderIdentity) -> ChromaSegment:
        """Open what lies in a folder. Raises IndexUnavailableError if it is missing, torn or another embedder's."""
        if not (folder / "chroma.sqlite3").is_file():
            raise IndexUnavailableError(f"The index segment {folder.name} is missing.")
        with _translated(folder):
            client = _client(folder)
            try:
                collection = client.get_collection(_COLLECTION, embedding_function=None)
                metadata = collection.metadata or {}
                if metadata.get("embedder") != str(identity):
                    raise IndexUnavailableError(f"The index segment {folder.name} was made by another embedder.")
            except BaseException:
                client.close()
                raise
            _make_private(folder)
        return cls(folder, client, collection)

    def add(self, ids: Sequence[str], vectors: Vectors) -> None:
        """Put vectors in, replacing those of the same ids: doing it twice changes nothing."""
        with _translated(self.folder):
            for at in range(0, len(ids), MAX_BATCH):
                batch = slice(at, at + MAX_BATCH)
                self._collection.upsert(ids=list(ids[batch]), embeddings=vectors[batch])
            _make_private(self.folder)

    def ids(self) -> set[str]:
        """Return the ids of everything it holds."""
        with _translated(self.folder):
            return set(self._collection.get(include=[])["ids"])

    def vectors(self, ids: Sequence[str]) -> dict[str, Vectors]:
        """Return the vectors that it holds of these ids."""
        with _translated(self.folder):
            found = self._collection.get(ids=list(ids), include=["embeddings"])
            return dict(zip(found["ids"], np.asarray(found["embeddings"], dtype=np.float32), strict=True))

    def count(self) -> int:
        """Return how many vectors it holds."""
        with _translated(self.folder):
            return int(self._collection.count())

    def search(self, vector: Vectors, k: int) -> list[tuple[str, float]]:
        """Return up to k (id, cosine), best first."""
        with _translated(self.folder):
            found = self._collection.query(
                query_embeddings=[np.asarray(vector, dtype=np.float32)], n_results=k, include=["distances"]
            )
            pairs = zip(found["ids"][0], found["distances"][0], strict=True)
            return [(one, 1.0 - float(distance)) for one, distance in pairs]

    def close(self) -> None:
        """Let go of the folder. What Chroma says on the way out no longer matters."""
        try:
            with _translated(self.folder):
                self._client.close()
        except IndexUnavailableError:
            pass  # the folder is either kept and checked at the next open, or about to be removed


def _make_private(folder: Path) -> None:
    """Make a segment readable by its owner alone: Chroma makes its files as the umask has it."""
    folder.chmod(0o700)
    for path in folder.rglob("*"):
        # What Chroma removes while it works is gone, and no longer to be read.
        with suppress(FileNotFoundError):
            path.chmod(0o700 if path.is_dir() else 0o600)


def _overwrite_freed_memory() -> None:
    """Have the C library overwrite memory as it is freed and handed out (glibc's M_PERTURB).

    Chroma writes its vector files from memory that it never cleared: without this, ids and vectors that were erased
    minutes ago came back in the files of a new generation (measured: 6 of 40 erasures).
    """
    if sys.platform == "linux":
        mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
        if mallopt is not None:
            mallopt(_M_PERTURB, 0x55)


def _client(folder: Path) -> Any:
    _overwrite_freed_memory()
    with one_at_a_time:
        import chromadb
        from chromadb.config import Settings

    return chromadb.PersistentClient(path=str(folder), settings=Settings(anonymized_telemetry=False))


@contextmanager
def _translated(folder: Path) -> Iterator[None]:
    """Turn whatever Chroma raises, its native panics included, into IndexUnavailableError."""
    try:
        yield
    except IndexUnavailableError:
        raise
    except Exception as error:
        raise IndexUnavailableError(f"The index segment {folder.name} can't be used: {error}") from error
    except BaseException as error:
        if type(error).__name__ != "PanicException":
            raise
        raise IndexUnavailableError(f"The index segment {folder.name} is torn: {error}") from error
