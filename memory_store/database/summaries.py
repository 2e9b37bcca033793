"""Summaries in the record: one a conversation, gone with any message of it."""

from __future__ import annotations

import sqlite3

from memory_store.clock import from_text, to_text
from memory_store.database.connection import Database
from memory_store.database.rows import author_of
from memory_store.database.titles import TITLE_IS_PRIVATE
from memory_store.learned import Summary


class Summaries:
    """What can be asked of and done to summaries."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def keep(self, summary: Summary) -> None:
        """Keep a summary in place of the one before, unless the message that it reaches to was erased meanwhile."""
        with self._database.write() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO summaries (conversation_id, message_id, text, author_kind, author_name, "
                "private, made_at) SELECT :conversation, :message, :text, :kind, :name, "
                "max(:private, is_private_text(:text)), :made "
                "WHERE EXISTS (SELECT 1 FROM messages WHERE id = :message AND conversation_id = :conversation)",
                {
                    "conversation": summary.conversation_id,
                    "message": summary.message_id,
                    "text": summary.text,
                    "kind": summary.author.kind,
                    "name": summary.author.name,
                    "private": summary.private,
                    "made": to_text(summary.made_at),
                },
            )

    def get(self, conversation_id: str) -> Summary | None:
        """Return the summary of a conversation; None if it has none."""
        with self._database.read() as connection:
            row = connection.execute("SELECT * FROM summaries WHERE conversation_id = ?", (conversation_id,)).fetchone()
        return _summary(row) if row else None

    def recent(self, most: int, *, include_private: bool, without: str | None = None) -> list[tuple[str, Summary]]:
        """Return titles and summaries of the conversations that were gone on with latest, without one of them.

        A summary is private where its conversation is, a title where the message is that it was taken from.
        """
        shown = "" if include_private else "AND s.private = 0 AND c.private = 0"
        title = "c.title" if include_private else f"CASE WHEN {TITLE_IS_PRIVATE} THEN '' ELSE c.title END"
        with self._database.read() as connection:
            rows = connection.execute(
                f"SELECT s.*, {title} AS title FROM summaries AS s JOIN conversations AS c ON c.id = s.conversation_id "
                f"WHERE c.id IS NOT ? {shown} ORDER BY c.updated_at DESC, c.id LIMIT ?",
                (without, most),
            )
            return [(row["title"], _summary(row)) for row in rows]

    def wanting(self, at_least: int) -> list[str]:
        """Return the conversations of so many messages, or more, that have been added to since they were summed up.

        The latest first; one whose summary is of its latest message is left out.
        """
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT c.id FROM conversations AS c LEFT JOIN summaries AS s ON s.conversation_id = c.id "
                "LEFT JOIN messages AS until ON until.id = s.message_id "
                "WHERE (SELECT count(*) FROM messages AS m WHERE m.conversation_id = c.id AND m.status != 'pending' "
                "AND (until.id IS NULL OR m.created_at > until.created_at)) >= ? ORDER BY c.updated_at DESC, c.id",
                (at_least,),
            )
            return [row["id"] for row in rows]


def _summary(row: sqlite3.Row) -> Summary:
    return Summary(
        row["conversation_id"],
        row["message_id"],
        row["text"],
        author_of(row),
        bool(row["private"]),
        from_text(row["made_at"]),
    )
