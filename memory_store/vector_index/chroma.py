"""Chroma collections, which hold ids and vectors alone: each in a folder of its own, or all on a server."""

from __future__ import annotations

import ctypes
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final, TypeAlias
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import numpy as np

from memory_store.embedding.base import EmbedderIdentity, Vectors
from memory_store.errors import IndexUnavailableError
from memory_store.importing import one_at_a_time
from memory_store.network import display_url, endpoint_of, is_loopback

_COLLECTION: Final = "passages"
# Below Chroma's own limit of 5461; smaller batches keep memory low and a stop quick.
MAX_BATCH: Final = 2048
# recall .995 on 100,000 vectors
_EF_SEARCH: Final = 200
_M_PERTURB: Final = -6
# A server that does not answer costs one recall so long; the scan answers then.
_SECONDS: Final = 20.0


class ChromaSegment:
    """A collection that is open in this process; `folder` is its own, or None on a server."""

    def __init__(self, name: str, client: Any, collection: Any, folder: Path | None = None) -> None:
        self.name = name
        self._client = client
        self._collection = collection
        self._folder = folder

    def add(self, ids: Sequence[str], vectors: Vectors) -> None:
        """Put up to MAX_BATCH vectors in, replacing those of the same ids: doing it twice changes nothing."""
        with _translated(self.name):
            self._collection.upsert(ids=list(ids), embeddings=vectors)
            if self._folder is not None:
                _make_private(self._folder)

    def count(self) -> int:
        """Return how many vectors it holds."""
        with _translated(self.name):
            return int(self._collection.count())

    def search(self, vector: Vectors, k: int) -> list[tuple[str, float]]:
        """Return up to k (id, cosine), best first."""
        with _translated(self.name):
            found = self._collection.query(
                query_embeddings=[np.asarray(vector, dtype=np.float32)], n_results=k, include=["distances"]
            )
            pairs = zip(found["ids"][0], found["distances"][0], strict=True)
            return [(passage_id, 1.0 - float(distance)) for passage_id, distance in pairs]

    def close(self) -> None:
        """Let go of a folder. What Chroma says on the way out no longer matters."""
        if self._folder is not None:
            # The folder is either kept and checked at the next open, or about to be removed.
            with suppress(IndexUnavailableError), _translated(self.name):
                self._client.close()


class ChromaFolder:
    """A folder with a database of Chroma's in a folder for each collection. No `server`, and all of it `is_here`."""

    server = ""
    is_here = True

    def __init__(self, root: Path) -> None:
        self._root = root

    def create(self, name: str, identity: EmbedderIdentity) -> ChromaSegment:
        """Make an empty collection in a new folder."""
        folder = self._root / name
        shutil.rmtree(folder, ignore_errors=True)
        self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._root.chmod(0o700)
        folder.mkdir(mode=0o700)
        with _translated(name):
            client = _folder_client(folder)
            collection = _create_collection(client, _COLLECTION, identity)
            _make_private(folder)
        return ChromaSegment(name, client, collection, folder)

    def open(self, name: str, identity: EmbedderIdentity) -> ChromaSegment:
        """Open what lies in a folder."""
        folder = self._root / name
        if not (folder / "chroma.sqlite3").is_file():
            raise IndexUnavailableError(f"The index segment {name} is missing.")
        with _translated(name):
            client = _folder_client(folder)
            try:
                collection = _get_collection(client, _COLLECTION, identity)
            except BaseException:
                client.close()
                raise
            _make_private(folder)
        return ChromaSegment(name, client, collection, folder)

    def keep_only(self, names: set[str]) -> None:
        """Remove every folder and file that belongs to no living collection."""
        if self._root.is_dir():
            for entry in sorted(self._root.iterdir()):
                if entry.name not in names:
                    shutil.rmtree(entry) if entry.is_dir() and not entry.is_symlink() else entry.unlink()

    def close(self) -> None:
        """Nothing is shared."""


class ChromaServer:
    """A Chroma server, which other stores and programs may use too: this store's collections begin with its prefix.

    `server` is its host and port; where it `is_here`, what it is given stays on this machine.
    """

    def __init__(self, url: str, token: str | None, prefix: str) -> None:
        self._url = url
        self._token = token
        self._prefix = prefix
        self._client: Any = None
        self.server = endpoint_of(url)
        self.is_here = is_loopback(url) and not _goes_through_proxy(url)

    def create(self, name: str, identity: EmbedderIdentity) -> ChromaSegment:
        """Make an empty collection on the server."""
        with _translated(self.server):
            client = self._connected()
            if self._full(name) in self._names():
                client.delete_collection(self._full(name))
            return ChromaSegment(name, client, _create_collection(client, self._full(name), identity))

    def open(self, name: str, identity: EmbedderIdentity) -> ChromaSegment:
        """Open a collection on the server."""
        with _translated(name):
            client = self._connected()
            return ChromaSegment(name, client, _get_collection(client, self._full(name), identity))

    def keep_only(self, names: set[str]) -> None:
        """Delete this store's other collections: their ids and vectors; the server's disk may keep traces."""
        living = {self._full(name) for name in names}
        with _translated(self.server):
            for name in self._names() - living:
                self._connected().delete_collection(name)

    def close(self) -> None:
        """Close the connection."""
        if self._client is not None:
            for part in (self._client, self._client._admin_client):
                part._server._session.close()  # which Chroma's own `close` leaves open
            self._client.close()
            self._client = None

    def _full(self, name: str) -> str:
        return f"{self._prefix}-{name}"

    def _names(self) -> set[str]:
        client = self._connected()
        found = client.list_collections(limit=max(1, client.count_collections()))
        return {each.name for each in found if each.name.startswith(f"{self._prefix}-")}

    def _connected(self) -> Any:
        if self._client is None:
            parts = urlsplit(self._url)
            secure = parts.scheme == "https"
            headers = {"Authorization": f"Bearer {self._token}", "x-chroma-token": self._token} if self._token else {}
            with _translated(f"at {display_url(self._url)}"), one_at_a_time:
                import chromadb
                from chromadb.config import Settings

                client: Any = chromadb.HttpClient(
                    host=parts.hostname or "",
                    port=parts.port or (443 if secure else 80),
                    ssl=secure,
                    headers=headers,
                    settings=Settings(anonymized_telemetry=False),
                )
                # Chroma's client waits for ever, and has no setting for it.
                client._server._session.timeout = _SECONDS
                self._client = client
        return self._client


ChromaHome: TypeAlias = ChromaFolder | ChromaServer


def _create_collection(client: Any, name: str, identity: EmbedderIdentity) -> Any:
    return client.create_collection(
        name,
        embedding_function=None,
        metadata={"embedder": str(identity), "normalized": identity.normalized},
        configuration={"hnsw": {"space": "cosine", "ef_search": _EF_SEARCH, "sync_threshold": MAX_BATCH}},
    )


def _get_collection(client: Any, name: str, identity: EmbedderIdentity) -> Any:
    """Return a collection. Raises IndexUnavailableError if another embedder made it."""
    collection = client.get_collection(name, embedding_function=None)
    if (collection.metadata or {}).get("embedder") != str(identity):
        raise IndexUnavailableError(f"The index segment {name} was made by another embedder.")
    return collection


def _goes_through_proxy(url: str) -> bool:
    """Say whether Chroma's client would send what is for this address to a proxy that the environment names."""
    parts = urlsplit(url)
    return bool(getproxies().keys() & {parts.scheme, "all"}) and not proxy_bypass(parts.hostname or "")


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


def _folder_client(folder: Path) -> Any:
    _overwrite_freed_memory()
    with one_at_a_time:
        import chromadb
        from chromadb.config import Settings

    return chromadb.PersistentClient(path=str(folder), settings=Settings(anonymized_telemetry=False))


@contextmanager
def _translated(name: str) -> Iterator[None]:
    """Turn whatever Chroma raises, its native panics included, into IndexUnavailableError."""
    try:
        yield
    except IndexUnavailableError:
        raise
    except Exception as error:
        raise IndexUnavailableError(f"The index segment {name} can't be used: {error}") from error
    except BaseException as error:
        if type(error).__name__ != "PanicException":
            raise
        raise IndexUnavailableError(f"The index segment {name} is torn: {error}") from error
