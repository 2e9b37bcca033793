"""Reads the chats that oterm keeps in its `store.db`."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator
from datetime import datetime

from assistant.errors import ReadError
from assistant.ingestion.base import ReadLimits
from assistant.ingestion.conversations.base import Imported, ImportedConversation, Skipped, Torn
from assistant.ingestion.conversations.exports import Export
from assistant.ingestion.conversations.sqlite_files import columns, has, opened_database, unwritten
from assistant.ingestion.conversations.threads import Node, Said, link
from assistant.ingestion.conversations.values import digest, one_line, text, title_from, without_thinking
from memory_store.models import USER, Author, AuthorKind, Role

# "me" is what oterm wrote before version 0.5.
_USER = ("user", "me")


class OtermFormat:
    """The database of oterm. It holds no times: those of the file stand in for them."""

    key = "oterm"
    name = "oterm"

    def recognises(self, export: Export) -> bool:
        """Return whether the database has oterm's tables."""
        if export.database is None:
            return False
        with opened_database(export.database) as connection:
            tables = columns(connection)
        return has(tables, "chat", "id", "name", "model") and has(tables, "message", "id", "chat_id", "author", "text")

    def read(self, export: Export, limits: ReadLimits) -> Iterator[Imported]:
        """Yield the chats in their order."""
        assert export.database is not None
        yield from unwritten(export.database)
        number = 0
        try:
            with opened_database(export.database) as connection:
                chats = connection.execute("SELECT id, name, model FROM chat ORDER BY id").fetchall()
                for chat in chats:
                    number += 1
                    conversation = _conversation(connection, chat, export.modified_at)
                    if conversation is not None:
                        yield conversation
        except ReadError as error:
            yield Torn(number + 1, "", error.message, error.hint)


def _conversation(connection: sqlite3.Connection, chat: sqlite3.Row, moment: datetime) -> ImportedConversation | None:
    model = Author(AuthorKind.MODEL, one_line(chat["model"], "a model"))
    skipped: Counter[Skipped] = Counter()
    nodes: list[Node] = []
    rows = connection.execute("SELECT id, author, text FROM message WHERE chat_id = ? ORDER BY id", (chat["id"],))
    for row in rows:
        is_user = text(row["author"]).lower() in _USER
        words, thought = text(row["text"]).strip(), False
        if not is_user:
            words, thought = without_thinking(words)
        skipped.update([Skipped.THINKING] if thought else [])
        said: Said | None = None
        if words:
            said = Said(Role.USER if is_user else Role.ASSISTANT, words, USER if is_user else model, moment)
        else:
            skipped[Skipped.EMPTY] += 1
        nodes.append(Node(str(row["id"]), nodes[-1].key if nodes else None, said))
    messages = link(nodes, moment)
    if not messages:
        return None  # oterm keeps a chat that was opened and never used.
    # Chats are numbered from 1 in every database, so the number alone would mix those of two machines.
    identity = f"{chat['id']}-{digest(messages[0].text)}"
    title = title_from(chat["name"], messages[0].text)
    return ImportedConversation(f"oterm:{identity}", title, moment, moment, messages, messages[-1].origin, skipped)
