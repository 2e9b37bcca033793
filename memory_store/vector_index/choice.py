"""Which vector index answers, which is built, and what becomes of one that is no longer wanted."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from memory_store.database import outbox, passages
from memory_store.database.connection import Database
from memory_store.embedding.base import EmbedderIdentity
from memory_store.models import RecallFilters
from memory_store.vector_index import scan_file
from memory_store.vector_index.base import IndexKind, IndexSettings, VectorIndex
from memory_store.vector_index.scan import ScanIndex

# Chroma is imported where it is built, and nowhere else.
if TYPE_CHECKING:
    from memory_store.vector_index.chroma import ChromaHome, ChromaIndex

# Up to about so many passages the scan is the faster: beside full text it takes 5 ms at 100,000 and 47 at a million,
# where Chroma takes 23; and that has to be built first, which at a million takes a quarter of an hour.
SCANNED_AT_MOST: Final = 500_000


class Indexes:
    """The indexes of one store: the scan, which always answers, and Chroma where it is the faster or was chosen."""

    def __init__(self, database: Database, root: Path, settings: IndexSettings) -> None:
        self._database = database
        self._root = root
        self._scan_path = root.with_name(scan_file.NAME)
        self._settings = settings
        self._making = threading.Lock()
        self._scan: ScanIndex | None = None
        self._chroma: ChromaIndex | None = None

    def to_ask(
        self, filters: RecallFilters, embedder_id: int, identity: EmbedderIdentity, *, private: bool
    ) -> Sequence[VectorIndex]:
        """Return whom to ask in turn: Chroma where it may answer, then the scan. No server gets a `private` query."""
        scan, chroma = self._scan_of(embedder_id, identity), self._chroma
        if chroma is not None and self.wants_chroma() and (chroma.is_here or not private) and chroma.answers(filters):
            return [chroma, scan]
        return [scan]

    def wants_chroma(self) -> bool:
        """Say whether Chroma is to be built and asked in a store of this size."""
        if self._settings.kind is not IndexKind.AUTO:
            return self._settings.kind is not IndexKind.SCAN
        with self._database.read() as connection:
            return passages.latest_row(connection) > SCANNED_AT_MOST

    def _scan_of(self, embedder_id: int, identity: EmbedderIdentity) -> ScanIndex:
        with self._making:
            if self._scan is None or self._scan.embedder_id != embedder_id:
                if self._scan is not None:
                    self._scan.close()
                self._scan = ScanIndex(self._database, self._scan_path, embedder_id, identity.dimension)
            return self._scan

    # -- for the owner of the index ----------------------------------------------------------------------------

    def update(self, embedder_id: int, identity: EmbedderIdentity) -> bool:
        """Take one step in building what is to be built; return whether there may be more to do."""
        self._scan_of(embedder_id, identity).update()
        if not self.wants_chroma():
            self._remove_chroma()
            return False
        return self._chroma_of(embedder_id, identity).update()

    def check(self, embedder_id: int, identity: EmbedderIdentity) -> list[str]:
        """Return what is wrong with what is built."""
        return self._chroma_of(embedder_id, identity).check() if self.wants_chroma() else []

    def waiting(self) -> int:
        """Return how many vectors wait to be built in."""
        if not self.wants_chroma():
            return 0
        return self._database.fetch(outbox.count_to_index, include_private=self._home().is_here)

    def erase(self) -> None:
        """Remove from every index what the record no longer holds. Raises IndexUnavailableError if a server fails."""
        with self._database.read() as connection:
            scan_file.erase(self._scan_path, connection)
        if self._chroma is not None:
            self._chroma.erase()
            return
        segments = self._database.fetch(outbox.segments)
        if segments or self._root.exists():
            living = {segment.name for segment in segments if segment.state != "stale"}
            home = self._home()
            home.keep_only(living)
            home.close()

    def start_again(self) -> None:
        """Mark all that is built as stale: it is built anew at the next updates."""
        self.close_chroma()
        with self._database.write() as connection:
            outbox.mark_stale(connection, [segment.id for segment in outbox.segments(connection)])

    def close_chroma(self) -> None:
        """Let go of Chroma: another process may own it now."""
        with self._making:
            if self._chroma is not None:
                self._chroma.close()
                self._chroma = None

    def close(self) -> None:
        """Let go of everything."""
        self.close_chroma()
        if self._scan is not None:
            self._scan.close()

    def _remove_chroma(self) -> None:
        """Remove what was built under other settings, or in a store that was larger."""
        segments = self._database.fetch(outbox.segments)
        if segments or self._root.exists():
            self.close_chroma()
            with self._database.write() as connection:
                outbox.remove_segments(connection)
            self._home().keep_only(set())
            if self._root.is_dir():
                self._root.rmdir()

    def _chroma_of(self, embedder_id: int, identity: EmbedderIdentity) -> ChromaIndex:
        from memory_store.vector_index.chroma import ChromaIndex

        scan = self._scan_of(embedder_id, identity)
        with self._making:
            if self._chroma is None:
                self._chroma = ChromaIndex(self._database, self._home(), identity, scan.search_private)
            return self._chroma

    def _home(self) -> ChromaHome:
        from memory_store.vector_index.chroma import ChromaFolder, ChromaServer

        if self._settings.kind is not IndexKind.SERVER:
            return ChromaFolder(self._root)
        with self._database.write() as connection:
            name = outbox.name_on_servers(connection)
        return ChromaServer(self._settings.url, self._settings.token, f"keepsake-{name}")
