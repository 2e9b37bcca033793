"""The Chroma index: collections with ids and vectors alone, each in a folder of its own or all on a server.

Its segments are fed from the record, checked at open, and rebuilt on any doubt. Only the process that holds the index's
lock uses it.
"""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final, TypeAlias
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import numpy as np

from memory_store.database import outbox
from memory_store.database.connection import Database
from memory_store.database.requests import Requests
from memory_store.embedding.base import EmbedderIdentity, Vectors
from memory_store.errors import IndexUnavailableError
from memory_store.importing import one_at_a_time
from memory_store.models import RecallFilters
from memory_store.network import display_url, endpoint_of, is_loopback
from memory_store.vector_index.base import VectorHit

_COLLECTION: Final = "passages"
# Below Chroma's own limit of 5461; smaller batches keep memory low and a stop quick.
MAX_BATCH: Final = 2048
# recall .995 on 100,000 vectors
_EF_SEARCH: Final = 200
_M_PERTURB: Final = -6
# A server that does not answer costs one recall so long; the scan answers then.
_SECONDS: Final = 20.0
_SELF_QUERIES: Final = 8
_MODEL: Final = "chroma"  # who answers, in the log of what was sent


class ChromaSegment:
    """A collection that is open in this process; `folder` is its own, or None on a server."""

    def __init__(self, name: str, client: Any, collection: Any, folder: Path | None = None) -> None:
        self.name = name
        self._client = client
        self._collection = collection
        self._folder = folder

    def add(self, ids: Sequence[str], vectors: Vectors) -> None:
        """Put up to MAX_BATCH vectors in, replacing those of the same ids: doing it twice changes nothing."""
        with _translate_errors(self.name):
            self._collection.upsert(ids=list(ids), embeddings=vectors)
            if self._folder is not None:
                _make_private(self._folder)

    def count(self) -> int:
        """Return how many vectors it holds."""
        with _translate_errors(self.name):
            return int(self._collection.count())

    def search(self, vector: Vectors, k: int) -> list[tuple[str, float]]:
        """Return up to k (id, cosine), best first."""
        with _translate_errors(self.name):
            found = self._collection.query(
                query_embeddings=[np.asarray(vector, dtype=np.float32)], n_results=k, include=["distances"]
            )
            pairs = zip(found["ids"][0], found["distances"][0], strict=True)
            return [(passage_id, 1.0 - float(distance)) for passage_id, distance in pairs]

    def close(self) -> None:
        """Let go of a folder. What Chroma says on the way out no longer matters."""
        if self._folder is not None:
            # The folder is either kept and checked at the next open, or about to be removed.
            with suppress(IndexUnavailableError), _translate_errors(self.name):
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
        with _translate_errors(name):
            client = _folder_client(folder)
            collection = _create_collection(client, _COLLECTION, identity)
            _make_private(folder)
        return ChromaSegment(name, client, collection, folder)

    def open(self, name: str, identity: EmbedderIdentity) -> ChromaSegment:
        """Open what lies in a folder."""
        folder = self._root / name
        if not (folder / "chroma.sqlite3").is_file():
            raise IndexUnavailableError(f"The index segment {name} is missing.")
        with _translate_errors(name):
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
        with _translate_errors(self.server):
            client = self._connect()
            if self._full_name(name) in self._names():
                client.delete_collection(self._full_name(name))
            return ChromaSegment(name, client, _create_collection(client, self._full_name(name), identity))

    def open(self, name: str, identity: EmbedderIdentity) -> ChromaSegment:
        """Open a collection on the server."""
        with _translate_errors(name):
            client = self._connect()
            return ChromaSegment(name, client, _get_collection(client, self._full_name(name), identity))

    def keep_only(self, names: set[str]) -> None:
        """Delete this store's other collections: their ids and vectors; the server's disk may keep traces."""
        living = {self._full_name(name) for name in names}
        with _translate_errors(self.server):
            for name in self._names() - living:
                self._connect().delete_collection(name)

    def close(self) -> None:
        """Close the connection."""
        if self._client is not None:
            for part in (self._client, self._client._admin_client):
                part._server._session.close()  # which Chroma's own `close` leaves open
            self._client.close()
            self._client = None

    def _full_name(self, name: str) -> str:
        return f"{self._prefix}-{name}"

    def _names(self) -> set[str]:
        client = self._connect()
        found = client.list_collections(limit=max(1, client.count_collections()))
        return {collection.name for collection in found if collection.name.startswith(f"{self._prefix}-")}

    def _connect(self) -> Any:
        if self._client is None:
            parts = urlsplit(self._url)
            secure = parts.scheme == "https"
            headers = {"Authorization": f"Bearer {self._token}", "x-chroma-token": self._token} if self._token else {}
            with _translate_errors(f"at {display_url(self._url)}"), one_at_a_time:
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
def _translate_errors(name: str) -> Iterator[None]:
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


class ChromaIndex:
    """The vector index over all segments. It answers only while it is known to hold exactly what the record says.

    A server elsewhere gets no private passages: `search_private` finds those.
    """

    def __init__(
        self,
        database: Database,
        home: ChromaHome,
        identity: EmbedderIdentity,
        search_private: Callable[[Vectors, int], list[VectorHit]],
    ) -> None:
        self._database = database
        self._home = home
        self._identity = identity
        self._search_private = search_private
        self._open: dict[int, ChromaSegment] = {}
        self._use = threading.Lock()  # held by a search, and while a segment is taken away
        self._checked = False
        self._current: tuple[int, int] | None = None  # the state of the record that the segments hold
        self._searchers = ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="keepsake-segment")

    @property
    def is_here(self) -> bool:
        """Whether what it is asked and given stays on this machine."""
        return self._home.is_here

    # -- searching ---------------------------------------------------------------------------------------------

    def answers(self, filters: RecallFilters) -> bool:
        """Say whether it holds what the record says, and there is nothing to filter by but what is private."""
        plain = RecallFilters(exclude_message_ids=filters.exclude_message_ids, include_private=filters.include_private)
        return (
            filters == plain
            and self._current is not None
            and self._current == self._database.fetch(outbox.get_vector_state)
        )

    def search(self, vector: Vectors, k: int, filters: RecallFilters) -> list[VectorHit]:
        """Return up to k hits over all segments, best first."""
        if not self._home.is_here:
            Requests(self._database).log(self._home.server, _MODEL, "query", [])
        drops_private = self._home.is_here and not filters.include_private
        wanted = 2 * k if drops_private else k
        with self._use:
            segments = list(self._open.values())
            # Chroma lets go of the interpreter while it searches, so segments are searched side by side.
            lists = self._searchers.map(lambda segment: segment.search(vector, wanted), segments)
            found = [pair for pairs in lists for pair in pairs]
        best = dict(sorted(found, key=lambda pair: -pair[1])[:wanted])
        rows = self._database.fetch_all(
            "SELECT id, row, private FROM passages WHERE id IN (SELECT value FROM json_each(?))",
            (json.dumps(list(best)),),
        )
        hits = [
            VectorHit(row, best[identifier]) for identifier, row, private in rows if not (drops_private and private)
        ]
        if drops_private and len(hits) < k <= len(rows):
            raise IndexUnavailableError("Too much of what is near is private: the scan leaves it out by itself.")
        if not self._home.is_here and filters.include_private:
            hits += self._search_private(vector, k)
        return sorted(hits, key=lambda hit: -hit.score)[:k]

    # -- keeping up with the record ----------------------------------------------------------------------------

    def update(self) -> bool:
        """Check what is there, make anew what can't be trusted, add a batch of what waits: one of these a call."""
        state = self._database.fetch(outbox.get_vector_state)
        if self._current == state:
            return False
        if not self._home.is_here:
            with self._database.write() as connection:
                outbox.withdraw_private(connection)
        if not self._checked:
            self.check()
        if self._rebuild_stale() or self._add_waiting():
            return True
        self._current = state
        return False

    def check(self) -> list[str]:
        """Open every segment, compare it with the record, mark what can't be trusted as stale; return the findings."""
        findings: list[str] = []
        segments = self._database.fetch(outbox.segments)
        self._home.keep_only({segment.name for segment in segments})
        for segment in segments:
            if segment.state == "stale":
                findings.append(f"{segment.name} is to be rebuilt")
                continue
            try:
                self._verify(segment)
            except IndexUnavailableError as error:
                findings.append(error.message)
                self._mark_stale(segment)
        self._checked = True
        return findings

    def _verify(self, segment: outbox.Segment) -> None:
        opened = self._segment(segment)
        with self._database.read() as connection:
            expected = outbox.count_held(connection, segment.id, segment.applied_seq)
            assigned = outbox.count_held(connection, segment.id)
            samples = outbox.sample_vectors(connection, segment.id, segment.applied_seq, _SELF_QUERIES)
        # What was assigned may be in the index already: the stop came before that was recorded.
        if not expected <= (count := opened.count()) <= assigned:
            raise IndexUnavailableError(f"{segment.name} has {count} vectors instead of {expected}.")
        found = [opened.search(np.frombuffer(vector, dtype="<f4"), 1) for vector in samples]
        # One may be missed by a sound graph, where many vectors are alike: 14 of 250 were, among 2,500 with 440 values.
        if sum(bool(hits) and hits[0][1] > 0.999 for hits in found) < len(samples) / 2:
            raise IndexUnavailableError(f"{segment.name} does not find its own vectors.")

    def _segment(self, segment: outbox.Segment) -> ChromaSegment:
        held = self._open.get(segment.id)
        if held is None or held.name != segment.name:
            held = self._home.open(segment.name, self._identity)
            with self._use:
                self._open[segment.id] = held
        return held

    def _mark_stale(self, segment: outbox.Segment) -> None:
        with self._database.write() as connection:
            outbox.mark_stale(connection, [segment.id])

    def _add_waiting(self) -> bool:
        """Put the next batch of vectors in; return False when nothing waits.

        The assignment to a segment is recorded before the index is touched, so that adding twice changes nothing.
        """
        with self._database.write() as connection:
            segment = outbox.assign_segment(connection, MAX_BATCH, include_private=self._home.is_here)
        if segment is None:
            return False
        vectors = self._database.fetch(outbox.segment_vectors, segment.id, segment.applied_seq, MAX_BATCH)
        try:
            if segment.is_new:
                created = self._create(segment)
                with self._use:
                    self._open[segment.id] = created
            self._put(self._segment(segment), vectors)
        except IndexUnavailableError:
            if self._home.server:
                self._checked = False
                raise  # it is looked over once the server answers again
            self._mark_stale(segment)  # a new generation holds these vectors too: the next round builds it
            return True
        with self._database.write() as connection:
            outbox.mark_applied(connection, segment.id, vectors[-1].seq if vectors else segment.applied_seq)
        return True

    def _create(self, segment: outbox.Segment) -> ChromaSegment:
        if self._home.server:
            with self._database.write() as connection:
                outbox.note_server(connection, self._home.server)
        return self._home.create(segment.name, self._identity)

    def _put(self, opened: ChromaSegment, vectors: Sequence[outbox.StoredVector]) -> None:
        if not vectors:
            return
        if not self._home.is_here:
            Requests(self._database).log(
                self._home.server, _MODEL, "embedding", [vector.passage_id for vector in vectors]
            )
        matrix = np.frombuffer(b"".join(vector.vector for vector in vectors), dtype="<f4").reshape(len(vectors), -1)
        opened.add([vector.passage_id for vector in vectors], matrix)

    # -- erasing and rebuilding --------------------------------------------------------------------------------

    def erase(self) -> None:
        """Remove the stale segments from the disk, or have the server delete them. Rebuilding can wait."""
        segments = self._database.fetch(outbox.segments)
        with self._use:
            for segment in segments:
                if segment.state == "stale" and (held := self._open.pop(segment.id, None)):
                    held.close()
        self._home.keep_only({segment.name for segment in segments if segment.state != "stale"})

    def _rebuild_stale(self) -> bool:
        """Build a new generation of every stale segment from the record's vectors; return whether there was one."""
        with self._database.read() as connection:
            stale = [segment for segment in outbox.segments(connection) if segment.state == "stale"]
        for segment in stale:
            self._rebuild(segment)
        if stale:
            self.erase()
        return bool(stale)

    def _rebuild(self, segment: outbox.Segment) -> None:
        with self._database.read() as connection:
            empty = not outbox.count_held(connection, segment.id)
        if empty:
            self._replace(segment, None)
            with self._database.write() as connection:
                outbox.remove_segment(connection, segment.id)
            return
        fresh = segment.next_generation()
        built = self._create(fresh)
        last = 0
        while True:
            vectors = self._database.fetch(outbox.segment_vectors, segment.id, last, MAX_BATCH)
            if not vectors:
                break
            self._put(built, vectors)
            last = vectors[-1].seq
        self._replace(segment, built)
        with self._database.write() as connection:
            outbox.swap_generation(connection, fresh, last)
            # An erasure may have come while we built: then this generation holds what must go.
            if built.count() != outbox.count_held(connection, segment.id, last):
                outbox.mark_stale(connection, [segment.id])

    def _replace(self, segment: outbox.Segment, built: ChromaSegment | None) -> None:
        with self._use:
            old = self._open.pop(segment.id, None)
            if built is not None:
                self._open[segment.id] = built
            if old is not None:
                old.close()

    def close(self) -> None:
        """Close every segment."""
        with self._use:
            for segment in self._open.values():
                segment.close()
            self._open.clear()
        self._current = None
        self._home.close()
        self._searchers.shutdown()
