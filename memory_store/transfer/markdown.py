"""The readable side of an archive: documents, conversations and memories as Markdown files."""

from __future__ import annotations

import hashlib
import re
import sqlite3
from collections.abc import Iterator

from memory_store.clock import to_text
from memory_store.models import Conversation, Document, Message
from memory_store.transfer.record import Record


def safe_id(identifier: str) -> str:
    """Return an id as part of a file name: a digest of it if it isn't plain, as those of an archive may be paths."""
    plain = re.fullmatch(r"[A-Za-z0-9_\-]{1,64}", identifier)
    return identifier if plain else hashlib.blake2b(identifier.encode(), digest_size=16).hexdigest()


def file_name(title: str, identifier: str, signs: int = 6) -> str:
    """Return a file name that every system takes: the title's words and the last signs of the id."""
    words = re.sub(r"[^\w\-]+", "-", title, flags=re.UNICODE).strip("-")[:60] or "untitled"
    return f"{words}-{safe_id(identifier)[-signs:]}.md"


def readable_files(connection: sqlite3.Connection) -> Iterator[tuple[str, Iterator[str]]]:
    """Yield (member name, pieces of text) for every Markdown file, one source at a time."""
    record = Record(connection)
    for document in record.documents():
        yield f"markdown/documents/{file_name(document.title, document.id)}", _document(record, document)
    for conversation in record.conversations():
        name = file_name(conversation.title, conversation.id)
        yield f"markdown/conversations/{name}", _conversation(record, conversation)
    yield "markdown/memories.md", _memories(record)


def close_code_block(text: str) -> str:
    """Return a text with its last code block closed: an answer cut short in one would swallow all that follows.

    A fence is three or more backticks or tildes; one as long, of the same sign, closes it (CommonMark 0.31, 4.5).
    """
    fence = ""
    for line in text.splitlines():
        found = re.match(r" {0,3}(`{3,}|~{3,})(.*)", line)
        if not found:
            continue
        signs, rest = found.groups()
        if not fence:
            fence = "" if signs[0] == "`" and "`" in rest else signs
        elif signs.startswith(fence) and not rest.strip():
            fence = ""
    return f"{text}\n{fence}" if fence else text


def passages_of(record: Record, document: Document) -> Iterator[str]:
    """Yield the passages of a document, a line between them, each with its place where it has one."""
    for place, text in record.passages(document.id):
        yield f"\n---\n*{place}*\n\n" if place else "\n---\n\n"
        yield close_code_block(text) + "\n"


def heading_of(message: Message) -> str:
    """Return who wrote a message, and when."""
    return f"{message.author.name or message.author.kind.value}, {to_text(message.created_at)}"


def _document(record: Record, document: Document) -> Iterator[str]:
    yield f"# {document.title}\n\nImported from `{document.path}`.\n"
    yield from passages_of(record, document)


def _conversation(record: Record, conversation: Conversation) -> Iterator[str]:
    yield f"# {conversation.title}\n\nStarted {to_text(conversation.created_at)}.\n"
    for message in record.messages(conversation.id):
        yield f"\n## {heading_of(message)}\n\n{close_code_block(message.text)}\n"


def _memories(record: Record) -> Iterator[str]:
    yield "# Memories\n\n"
    for memory in record.memories():
        marks = [memory.kind.value, to_text(memory.recorded_at), memory.author.name or memory.author.kind.value]
        marks += [name for name, is_so in (("pinned", memory.pinned), ("private", memory.private)) if is_so]
        if memory.superseded_by:
            marks.append(f"superseded by {memory.superseded_by}")
        text = close_code_block(memory.text).replace("\n", "\n  ")  # further lines belong to the item too
        gap = "\n\n  " if "\n" in text else " "  # beside the end of a code block the marks would keep it open
        yield f"- {text}{gap}*({', '.join(marks)}; {memory.id})*\n"
