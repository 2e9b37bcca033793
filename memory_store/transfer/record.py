"""What the formats for other programs are made from: everything that is remembered, or all but the private."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from memory_store.database import memories
from memory_store.database.rows import locator_from_json, read_row
from memory_store.models import Conversation, Document, Memory, Message

_PRIVATE_TITLE: Final = "(private)"


@dataclass(frozen=True, slots=True)
class CitedSource:
    """What a message cites under a number: an id of a document, a message or a memory, and the place in it."""

    number: int
    owner_id: str
    place: str


@dataclass(frozen=True, slots=True)
class Record:
    """One snapshot of the record. `private` says whether the private is read too."""

    connection: sqlite3.Connection
    private: bool = True

    def documents(self) -> Iterator[Document]:
        """Yield the documents, the oldest import first."""
        rows = self.connection.execute(
            "SELECT d.*, (SELECT count(*) FROM passages WHERE document_id = d.id) AS passage_count "
            f"FROM documents AS d WHERE {self._shown('d')} ORDER BY d.imported_at, d.id"
        )
        yield from (read_row(Document, row) for row in rows)

    def passages(self, document_id: str) -> Iterator[tuple[str, str]]:
        """Yield (place, text) of each passage of a document; the place is empty where it has none."""
        rows = self.connection.execute(
            "SELECT text, locator FROM passages WHERE document_id = ? ORDER BY ordinal", (document_id,)
        )
        for row in rows:
            yield locator_from_json(row["locator"]).label(), row["text"]

    def conversations(self) -> Iterator[Conversation]:
        """Yield the conversations, the oldest first."""
        rows = self.connection.execute(
            "SELECT c.*, (SELECT count(*) FROM messages WHERE conversation_id = c.id) AS message_count, "
            "(SELECT m.private FROM messages AS m WHERE m.id = c.title_message_id) AS title_private "
            f"FROM conversations AS c WHERE {self._shown('c')} ORDER BY c.created_at, c.id"
        )
        for row in rows:
            conversation = read_row(Conversation, row)
            hidden = row["title_private"] and not self.private
            yield replace(conversation, title=_PRIVATE_TITLE) if hidden else conversation

    def messages(self, conversation_id: str) -> Iterator[Message]:
        """Yield the messages of a conversation, of all branches, in the order of their time."""
        rows = self.connection.execute(
            f"SELECT m.* FROM messages AS m WHERE m.conversation_id = ? AND {self._shown('m')} "
            "ORDER BY m.created_at, m.id",
            (conversation_id,),
        )
        yield from (read_row(Message, row) for row in rows)

    def homes(self) -> dict[str, str]:
        """Return the conversation of each message that leaves, by id."""
        rows = self.connection.execute(
            "SELECT m.id, c.id FROM messages AS m JOIN conversations AS c ON c.id = m.conversation_id "
            f"WHERE {self._shown('m')} AND {self._shown('c')}"
        )
        return {row[0]: row[1] for row in rows}

    def citations(self, message_id: str) -> list[CitedSource]:
        """Return what a message cites of what is shown and still there, by number."""
        rows = self.connection.execute(
            "SELECT c.number, coalesce(p.document_id, p.message_id, p.memory_id) AS owner, p.locator "
            f"FROM citations AS c JOIN passages AS p ON p.id = c.passage_id WHERE c.message_id = ? AND c.cited = 1 "
            f"AND {self._shown('p')} ORDER BY c.number",
            (message_id,),
        )
        return [CitedSource(row["number"], row["owner"], locator_from_json(row["locator"]).label()) for row in rows]

    def memories(self) -> Iterator[Memory]:
        """Yield the memories, superseded ones too, the oldest first."""
        rows = self.connection.execute(f"{memories.SELECT} WHERE {self._shown('y')} ORDER BY y.recorded_at, y.id")
        yield from (read_row(Memory, row) for row in rows)

    def shows(self, identifier: str) -> bool:
        """Say whether a message, document or memory is there and leaves too."""
        if self.private:
            return True
        found = self.connection.execute(
            "SELECT 1 FROM memories WHERE id = :id AND private = 0 UNION ALL "
            "SELECT 1 FROM documents WHERE id = :id AND private = 0 UNION ALL "
            "SELECT 1 FROM messages AS m JOIN conversations AS c ON c.id = m.conversation_id "
            "WHERE m.id = :id AND m.private = 0 AND c.private = 0",
            {"id": identifier},
        )
        return found.fetchone() is not None

    def _shown(self, alias: str) -> str:
        return "1" if self.private else f"{alias}.private = 0"
