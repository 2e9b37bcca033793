"""Titles of conversations that were taken from what was said: they go when that goes."""

from __future__ import annotations

import sqlite3
from typing import Final

ERASED_TITLE: Final = "(title erased)"


# Of the conversation `c`: whether what its title was taken from is private.
TITLE_IS_PRIVATE: Final = (
    "EXISTS (SELECT 1 FROM messages AS t LEFT JOIN messages AS q ON q.id = t.parent_id "
    "WHERE t.id = c.title_message_id AND (t.private = 1 OR (t.role = 'assistant' AND q.private = 1)))"
)


def note_title(connection: sqlite3.Connection, conversation_id: str, message_id: str, text: str) -> None:
    """Note that a conversation's title is the beginning of this message, if it is."""
    row = connection.execute("SELECT title FROM conversations WHERE id = ?", (conversation_id,)).fetchone()
    beginning = row["title"].removesuffix("…") if row else ""
    if beginning and " ".join(text.split()).startswith(beginning):
        connection.execute("UPDATE conversations SET title_message_id = ? WHERE id = ?", (message_id, conversation_id))


# A title is the beginning of a message, or what a model called a chat from its answer and the question before it.
TAKEN_FROM_DOOMED: Final = (
    "title_message_id IN (SELECT id FROM temp.doomed WHERE kind = 'messages') OR title_message_id IN "
    "(SELECT id FROM messages WHERE parent_id IN (SELECT id FROM temp.doomed WHERE kind = 'messages'))"
)


def clear_titles(connection: sqlite3.Connection) -> None:
    """Replace the titles that were taken from a message in `temp.doomed`."""
    connection.execute(
        f"UPDATE conversations SET title = ?, title_message_id = NULL WHERE {TAKEN_FROM_DOOMED}", (ERASED_TITLE,)
    )
