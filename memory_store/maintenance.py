"""Who works behind the record: one owner of the index, one embedder at a time, and the thread that does both."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final

from memory_store.database import erasures, outbox
from memory_store.database.connection import Database
from memory_store.embedding.base import Embedder
from memory_store.errors import (
    Action,
    EmbedderMismatchError,
    EmbeddingError,
    ErasureFailedError,
    ErasurePendingError,
    IndexUnavailableError,
    KeepsakeError,
    Step,
    StoreError,
)
from memory_store.process_lock import ProcessLock
from memory_store.vector_index.base import IndexSettings

# Whoever neither erases nor has an index to look after waits for neither.
if TYPE_CHECKING:
    from memory_store.vector_index.choice import Indexes

# How many passages are embedded between two looks at erasures, stops and queries.
_EMBED_BATCH: Final = 64
# A batch in this process goes in pieces of so many, because who leaves waits for one to end (16: about a second).
_EMBED_PIECE: Final = 16
_POLL_SECONDS: Final = 0.25
_LAST_PATIENCE_SECONDS: Final = 1.0
Progress = Callable[[int, int], None]


class Maintenance:
    """The index and the embedding queue of a store in one process; another process may do all of this as well.

    `embedding_trouble` is what keeps the embedder from giving vectors, None while it gives them: recall goes on by
    words. `background_error` is what the background thread ran into last, None while it is well.
    """

    def __init__(self, folder: Path, database: Database, embedder: Embedder | None, index: IndexSettings) -> None:
        self.folder = folder
        self._database = database
        self._index_settings = index
        self._root = folder / "index"
        self._embedder = embedder
        self._index_lock = ProcessLock(folder / "index.lock")
        self._embed_lock = ProcessLock(folder / "embedding.lock")
        self._turn = threading.RLock()  # one thread of this process at a time works on the index
        self._stop = threading.Event()
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None
        self._began = False
        self.background_error: KeepsakeError | None = None
        self.embedding_trouble: EmbeddingError | None = None

    # -- ownership ---------------------------------------------------------------------------------------------

    def _acquire_index(self) -> bool:
        """Try to be the owner of the index; the lock dies with the process that holds it."""
        return self._index_lock.is_locked or self._index_lock.acquire() is not None

    def _release_index(self) -> None:
        with self._turn:
            if "_indexes" in self.__dict__:
                self._indexes.close_chroma()
            if self._index_lock.is_locked:
                self._index_lock.release()

    @property
    def owns_index(self) -> bool:
        """Whether this process is the owner of the index."""
        return self._index_lock.is_locked

    @cached_property
    def _indexes(self) -> Indexes:
        from memory_store.vector_index.choice import Indexes

        return Indexes(self._database, self._root, self._index_settings)

    @property
    def uses_chroma(self) -> bool:
        """Whether Chroma is built and asked in this store, by its settings and its size."""
        return self._indexes.wants_chroma()

    # -- embedding ---------------------------------------------------------------------------------------------

    def _usable_embedder(self) -> Embedder | None:
        """Return the embedder if the stored vectors are its own, or there are none; else None."""
        if self._embedder is None:
            return None
        stored = self._database.fetch(outbox.get_embedder)
        return self._embedder if stored is None or self._embedder.identity.fits(stored[1]) else None

    def check_embedder(self) -> None:
        """Raise EmbedderMismatchError if the stored vectors were made by another embedder than the configured one."""
        made_by = self._database.fetch(outbox.get_embedder)
        if self._embedder is not None and made_by is not None and not self._embedder.identity.fits(made_by[1]):
            raise EmbedderMismatchError(
                f"The stored vectors were made by {made_by[1]}, but {self._embedder.identity} is configured.",
                "They have to be made anew; until then recall uses full text alone.",
                Step(Action.REINDEX),
            )

    def _note_trouble(self, trouble: EmbeddingError | None) -> None:
        self.embedding_trouble = trouble

    def waiting_for_vectors(self) -> int:
        """Return how many passages this embedder still has to embed; full text finds them already."""
        private = self._embedder is None or self._embedder.is_private
        return self._database.fetch(outbox.count_to_embed, include_private=private)

    def _embed_next(self) -> int:
        """Embed the newest passages that wait, if no other process is at it; return how many."""
        embedder = self._usable_embedder()
        if embedder is None:
            return 0
        try:
            return self._embed_batch(embedder)
        except EmbeddingError as error:
            self.embedding_trouble = error
            raise

    def _embed_batch(self, embedder: Embedder) -> int:
        lock = self._embed_lock.acquire()
        if lock is None:
            return 0
        with lock:
            # Private text never goes to an embedder elsewhere: it is found by full text alone.
            work = self._database.fetch(outbox.find_to_embed, _EMBED_BATCH, include_private=embedder.is_private)
            if not work:
                return 0
            # Texts of one length beside each other keep all cores busy to the end of the batch.
            work.sort(key=lambda passage: len(passage.text) + len(passage.context), reverse=True)
            if not embedder.is_private:
                from memory_store.database.requests import Requests

                name = embedder.identity.name
                Requests(self._database).log(
                    embedder.endpoint or name, name, "embedding", [passage.id for passage in work]
                )
            pairs: list[tuple[int, bytes]] = []
            piece = _EMBED_BATCH if embedder.endpoint else _EMBED_PIECE
            for at in range(0, len(work), piece):
                if self._stop.is_set():
                    break
                part = work[at : at + piece]
                vectors = embedder.embed_passages([embedding_text(passage) for passage in part])
                pairs += [
                    (passage.row, vector.astype("<f4").tobytes()) for passage, vector in zip(part, vectors, strict=True)
                ]
            if pairs and self._usable_embedder() is not None:  # its dimension is known by now
                with self._database.write() as connection:
                    outbox.store_vectors(connection, outbox.embedder_id(connection, embedder.identity), pairs)
                self.embedding_trouble = None
                return len(pairs)
            return 0

    def embed_pending(self, progress: Progress | None = None, stop: threading.Event | None = None) -> None:
        """Give every passage its vector, newest first, or wait for the process that is doing so.

        An embedder that gives none costs the vectors alone: they are made later, and `embedding_trouble` says why.
        """
        with suppress(EmbeddingError):
            self._embed_all(progress, stop)

    def _embed_all(self, progress: Progress | None, stop: threading.Event | None) -> None:
        """Embed until nothing waits; `progress` gets (done, total). Raises EmbeddingError."""
        total = self.waiting_for_vectors()
        while self._usable_embedder() is not None and not (stop and stop.is_set()):
            done = self._embed_next()
            left = self.waiting_for_vectors()
            total = max(total, left)
            if progress:
                progress(total - left, total)
            if not left:
                return
            if not done:
                self._stop.wait(_POLL_SECONDS)

    # -- erasure and index -------------------------------------------------------------------------------------

    def _complete_wanted(self, patience_seconds: float, wanted: Sequence[str]) -> None:
        """Carry out these erasures, or wait for the owner of the index to do so.

        Raises ErasurePendingError if something was still in the way when patience ran out, and ErasureFailedError if
        one of them could not be verified. What else waits is done with them, whatever comes of it.
        """
        from memory_store.erasure import COMPLETES_LATER

        deadline = time.monotonic() + patience_seconds
        while set(wanted) & set(self._database.fetch(erasures.find_awaited)):
            if self._acquire_index():
                with self._turn:
                    self._complete(max(0.0, deadline - time.monotonic()))
                if self._thread is None:
                    self._release_index()
            elif time.monotonic() >= deadline:
                raise ErasurePendingError(
                    "The erasure is recorded but not yet complete: another Keepsake owns the index.",
                    *COMPLETES_LATER,
                )
            else:
                time.sleep(0.05)
        failed = self._database.fetch(erasures.find_failed, wanted)
        if failed:
            raise self._explain_failure(failed)

    def _complete(self, patience_seconds: float) -> list[str]:
        from memory_store import erasure

        return erasure.complete(erasure.Place(self._database, self._root, self._indexes), patience_seconds)

    def _explain_failure(self, failed: Sequence[str]) -> ErasureFailedError:
        from memory_store import erasure

        return erasure.explain_failure(self._database, failed)

    def update_index(self, stop: threading.Event | None = None) -> bool:
        """Bring the index up to date, if no other process owns it; return whether it was ours to do."""
        if self._usable_embedder() is None or not self._acquire_index():
            return False
        made_by = self._database.fetch(outbox.get_embedder)
        if made_by is not None:
            with self._turn:
                while not (stop and stop.is_set()) and self._indexes.update(*made_by):
                    pass
        return True

    def check_index(self) -> list[str] | None:
        """Return what is wrong with the vector index, nothing is repaired; None where its owner is another process."""
        made_by = self._database.fetch(outbox.get_embedder)
        if made_by is None or self._usable_embedder() is None:
            return []
        if not self._acquire_index():
            return None
        with self._turn:
            try:
                return self._indexes.check(*made_by)
            except IndexUnavailableError as error:
                return [error.message]

    def reindex(self, progress: Progress | None = None, stop: threading.Event | None = None) -> None:
        """Make the index anew; the vectors too, where another embedder made them. Raises StoreError without one."""
        if self._embedder is None:
            raise StoreError("There is no embedder, so there is nothing to index.", "Set embedder.provider.")
        made_by = self._database.fetch(outbox.get_embedder)
        if made_by is not None and not self._embedder.identity.fits(made_by[1]):
            self._embedder.embed_query("reindex")  # who can't make new vectors does not lose the old ones
            with self._database.write() as connection:
                outbox.drop_vectors(connection)
        with self._turn:
            self._indexes.start_again()  # it is made anew when the index is next brought up to date
        self._embed_all(progress, stop)
        self.update_index(stop)

    # -- background --------------------------------------------------------------------------------------------

    def start_background(self) -> None:
        """Work in a thread of its own until `close`: own the index if it is free, erase, embed, index."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="keepsake-maintenance", daemon=True)
            self._thread.start()

    def wake(self) -> None:
        """Tell the background thread that something was stored."""
        self._wake.set()

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                busy = self._round()
                self.background_error = None
            except KeepsakeError as error:
                # The record is untouched and recall goes on without the index; `doctor` and the status line show it.
                self.background_error = error
                busy = False
            if not busy:
                self._wake.wait(_POLL_SECONDS)
                self._wake.clear()

    def _round(self) -> bool:
        """Do a little of everything that waits; return whether there may be more."""
        if self._acquire_index():
            with self._turn:
                if not self._began:
                    # Those that were put off, and those that could not be verified, are tried once at the start.
                    self._began = True
                    with self._database.write() as connection:
                        erasures.retry_all(connection)
                if self._database.fetch(erasures.find_awaited):
                    # A reader in the way: the erasure stays pending and is tried again in the next round.
                    with suppress(ErasurePendingError):
                        failed = self._complete(1.0)
                        if failed:
                            raise self._explain_failure(failed)
        try:
            embedded = self._embed_next()
        except EmbeddingError:
            embedded = 0  # kept as the trouble; the index goes on with the vectors that there are
        if self._stop.is_set() or embedded:
            return bool(embedded)
        made_by = self._database.fetch(outbox.get_embedder)
        if made_by is None or self._usable_embedder() is None or not self._index_lock.is_locked:
            return False
        with self._turn:
            return self._indexes.update(*made_by)

    def close(self) -> None:
        """Stop the background work and give up the index."""
        self._stop.set()
        self._wake.set()
        if self._embedder is not None and self._embedder.endpoint is not None:
            self._embedder.close()  # whoever waits for its answer goes on
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        # Another process waits for the owner of the index: an import, say, that has no thread for it. Where the record
        # can't be read any more, the lock is given back all the same.
        with suppress(KeepsakeError), self._turn:
            if self._index_lock.is_locked and self._database.fetch(erasures.find_awaited):
                self._complete(_LAST_PATIENCE_SECONDS)
        self._release_index()
        if "_indexes" in self.__dict__:
            self._indexes.close()
        if self._embed_lock.is_locked:
            self._embed_lock.release()


def embedding_text(passage: outbox.ToEmbed) -> str:
    """Return what is embedded for a passage: its title and headings and its words; as a transcript what was said.

    The date stays out: with it the embedding found less (R@10 of dense recall on LoCoMo 60.9 instead of 63.9).
    """
    if passage.speaker:
        caption = passage.context.removeprefix(passage.speaker).strip()
        return f"{passage.speaker}: {passage.text}" + (f" [{caption}]" if caption else "")
    return f"{passage.context}\n{passage.text}" if passage.context else passage.text
