"""Drafts: what is being written and not sent yet. They are no memories: never recalled, never exported."""

from __future__ import annotations

import sqlite3

from memory_store.database.connection import Database


class Drafts:
    """What can be asked of and done to drafts. `conversation_id` is None for a chat that has not begun."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def keep(self, conversation_id: str | None, text: str) -> None:
        """Keep a draft in place of the one before; an empty one takes it away."""
        with self._database.write() as connection:
            connection.execute("DELETE FROM drafts WHERE conversation_id IS ?", (conversation_id,))
            if text:
                connection.execute(  # unless the conversation was erased meanwhile
                    "INSERT INTO drafts SELECT :id, :text "
                    "WHERE :id IS NULL OR EXISTS (SELECT 1 FROM conversations WHERE id = :id)",
                    {"id": conversation_id, "text": text},
                )

    def drop(self, sent: str) -> None:
        """Take away what was kept on the way to a text that is sent now, in whichever conversation it was written."""
        with self._database.write() as connection:
            drop_sent(connection, sent)

    def get(self, conversation_id: str | None) -> str:
        """Return the draft of a conversation; an empty text if there is none."""
        with self._database.read() as connection:
            row = connection.execute(
                "SELECT text FROM drafts WHERE conversation_id IS ?", (conversation_id,)
            ).fetchone()
        return row["text"] if row else ""

    def titles(self) -> list[str]:
        """Return the titles of the conversations that have a draft, the latest first."""
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT c.title FROM drafts AS d JOIN conversations AS c ON c.id = d.conversation_id "
                "ORDER BY c.updated_at DESC"
            )
            return [row["title"] for row in rows]


def drop_sent(connection: sqlite3.Connection, sent: str) -> None:
    """Delete the drafts that a text which is sent now begins with."""
    connection.execute("DELETE FROM drafts WHERE substr(?, 1, length(text)) = text", (sent,))
