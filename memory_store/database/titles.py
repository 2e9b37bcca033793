"""Titles of conversations that are the beginning of a message: they go when the message goes."""

from __future__ import annotations

import sqlite3
from typing import Final

ERASED_TITLE: Final = "(title erased)"


def note_title(connection: sqlite3.Connection, conversation_id: str, message_id: str, text: str) -> None:
    """Note that a conversation's title is the beginning of this message, if it is."""
    row = connection.execute("SELECT title FROM conversations WHERE id = ?", (conversation_id,)).fetchone()
    beginning = row["title"].removesuffix("…") if row else ""
    if beginning and " ".join(text.split()).startswith(beginning):
        connection.execute("UPDATE conversations SET title_message_id = ? WHERE id = ?", (message_id, conversation_id))


def titles_of_doomed(connection: sqlite3.Connection) -> list[str]:
    """Return the titles that are the beginning of a message in `temp.doomed`."""
    rows = connection.execute(
        "SELECT title FROM conversations WHERE title_message_id IN (SELECT id FROM temp.doomed WHERE kind = 'messages')"
    )
    return [row[0] for row in rows]


def clear_titles(connection: sqlite3.Connection) -> None:
    """Replace the titles that are the beginning of a message in `temp.doomed`."""
    connection.execute(
        "UPDATE conversations SET title = ?, title_message_id = NULL "
        "WHERE title_message_id IN (SELECT id FROM temp.doomed WHERE kind = 'messages')",
        (ERASED_TITLE,),
    )
