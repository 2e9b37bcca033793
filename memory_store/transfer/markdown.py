"""The readable side of an archive: documents, conversations and memories as Markdown files."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator

from memory_store.database import memories
from memory_store.database.rows import locator_from_json, memory_of, message_of


def file_name(title: str, identifier: str) -> str:
    """Return a file name that every system takes: the title's words and the end of the id, which keeps it unique."""
    words = re.sub(r"[^\w\-]+", "-", title, flags=re.UNICODE).strip("-")[:60] or "untitled"
    return f"{words}-{identifier[-6:]}.md"


def readable_files(connection: sqlite3.Connection) -> Iterator[tuple[str, Iterator[str]]]:
    """Yield (member name, pieces of text) for every Markdown file, one source at a time."""
    for row in connection.execute("SELECT id, title, path FROM documents ORDER BY id"):
        yield f"markdown/documents/{file_name(row['title'], row['id'])}", _document(connection, row)
    for row in connection.execute("SELECT id, title, created_at FROM conversations ORDER BY id"):
        yield f"markdown/conversations/{file_name(row['title'], row['id'])}", _conversation(connection, row)
    yield "markdown/memories.md", _memories(connection)


def _document(connection: sqlite3.Connection, document: sqlite3.Row) -> Iterator[str]:
    yield f"# {document['title']}\n\nImported from `{document['path']}`.\n"
    rows = connection.execute(
        "SELECT text, locator FROM passages WHERE document_id = ? ORDER BY ordinal", (document["id"],)
    )
    for row in rows:
        place = locator_from_json(row["locator"]).label()
        yield f"\n---\n*{place}*\n\n" if place else "\n---\n\n"
        yield row["text"] + "\n"


def _conversation(connection: sqlite3.Connection, conversation: sqlite3.Row) -> Iterator[str]:
    yield f"# {conversation['title']}\n\nStarted {conversation['created_at']}.\n"
    rows = connection.execute(
        "SELECT * FROM messages WHERE conversation_id = ? ORDER BY created_at, id", (conversation["id"],)
    )
    for row in rows:
        message = message_of(row)
        author = message.author.name or message.author.kind
        yield f"\n## {author}, {row['created_at']}\n\n{message.text}\n"


def _memories(connection: sqlite3.Connection) -> Iterator[str]:
    yield "# Memories\n\n"
    for row in connection.execute(f"{memories.SELECT} ORDER BY y.recorded_at, y.id"):
        memory = memory_of(row)
        marks = [memory.kind.value, row["recorded_at"], memory.author.name or memory.author.kind.value]
        marks += [name for name in ("pinned", "private") if row[name]]
        if memory.superseded_by:
            marks.append(f"superseded by {memory.superseded_by}")
        yield f"- {memory.text} *({', '.join(marks)}; {memory.id})*\n"
