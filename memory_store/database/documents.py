"""Documents in the record: one row a file, replaced as a whole when the file changes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from typing import Final

from memory_store import ids
from memory_store.clock import now
from memory_store.database import cards, erasures, passages, tombstones
from memory_store.database.connection import Database
from memory_store.database.private_rule import is_private_path
from memory_store.database.rows import insert_row, left_out_to_json, read_row
from memory_store.errors import NotFoundError
from memory_store.models import Author, AuthorKind, Document, LeftOut, PassageDraft, Source, SourceKind

_SELECT: Final = (
    "SELECT d.*, (SELECT count(*) FROM passages AS p WHERE p.document_id = d.id) AS passage_count FROM documents AS d"
)


@dataclass(frozen=True, slots=True)
class NewDocument:
    """A file about to be stored. `path` is its identity: storing the same path again replaces the document."""

    path: str
    title: str
    media_type: str
    content_hash: str
    size_bytes: int
    created_at: datetime
    author_name: str | None = None
    private: bool = False
    left_out: tuple[LeftOut, ...] = ()


class Documents:
    """What can be asked of and done to documents."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, new: NewDocument, drafts: Iterable[PassageDraft], *, again: bool = False) -> Document:
        """Store a document and its passages in one transaction; an older one of the same path is erased with it.

        Cards of the older one stay where the newer has the words that they quote.
        `again` lifts a tombstone. What the older one leaves on the disk goes with `Store.complete_erasures`.
        """
        author = Author(AuthorKind.DOCUMENT, new.author_name)
        with self._database.write() as connection:
            old = connection.execute("SELECT id, private FROM documents WHERE path = ?", (new.path,)).fetchone()
            # What was marked private stays private when the file changes.
            private = new.private or bool(old and old["private"]) or is_private_path(connection, new.path)
            kept = cards.KeptCards()
            if old:
                if cards.have_any(connection, old["id"]):
                    drafts = list(drafts)
                    kept = cards.take_out(connection, old["id"], drafts)
                erasures.choose(connection, [("documents", old["id"])])
                erasures.delete_chosen(connection, bury=False)
            if again:
                tombstones.lift(connection, tombstones.names_of_file(new.path, new.content_hash))
            document = Document(
                ids.new_id(ids.DOCUMENT),
                new.path,
                new.title,
                new.media_type,
                new.content_hash,
                new.size_bytes,
                author,
                new.created_at,
                now(),
                private,
                0,
                new.left_out,
            )
            insert_row(connection, "documents", document, left_out=left_out_to_json(new.left_out))
            owner = passages.Owner(author, new.created_at, private, new.title, document_id=document.id)
            stored = 0
            rest = iter(drafts)
            while batch := list(islice(rest, 512)):
                stored += passages.insert(connection, owner, batch, stored)
            cards.put_back(connection, kept, document.id)
        return replace(document, passage_count=stored)

    def get(self, document_id: str) -> Document:
        """Return one document. Raises NotFoundError."""
        row = self._database.fetch_one(f"{_SELECT} WHERE d.id = ?", (document_id,))
        if row is None:
            raise NotFoundError(f"There is no document {document_id}.", "The list of documents shows the ids.")
        return read_row(Document, row)

    def find_by_path(self, path: str) -> Document | None:
        """Return the document that was imported from this absolute path, or None."""
        row = self._database.fetch_one(f"{_SELECT} WHERE d.path = ?", (path,))
        return read_row(Document, row) if row else None

    def all(self) -> list[Document]:
        """Return every document by path."""
        return [read_row(Document, row) for row in self._database.fetch_all(f"{_SELECT} ORDER BY d.path")]

    def passages(self, document_id: str) -> list[passages.StoredPassage]:
        """Return a document's passages in reading order."""
        return self._database.fetch(passages.of_source, Source(document_id, SourceKind.DOCUMENT, ""))

    def is_forgotten(self, path: str, content_hash: str) -> bool:
        """Say whether this path or this very content was forgotten and must not come back by itself."""
        return self._database.fetch(tombstones.is_forgotten, tombstones.names_of_file(path, content_hash))

    def set_private(self, document_id: str, private: bool) -> None:
        """Mark a document with its passages; answers given with it as a source follow when it becomes private."""
        self.get(document_id)
        with self._database.write() as connection:
            connection.execute("UPDATE documents SET private = ? WHERE id = ?", (private, document_id))
            passages.set_private(connection, "document_id", document_id, private)
