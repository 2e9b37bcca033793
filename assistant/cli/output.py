"""How the command line prints: results on stdout, everything else on stderr, foreign text without its escapes."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any

from assistant.display import plain
from assistant.failures import hint_of
from memory_store.errors import KeepsakeError

# Help and errors are printed without what is stored.
if TYPE_CHECKING:
    from assistant.core.conversation.skin import Report
    from memory_store.models import Conversation, Document, Hit, Memory, Message


def print_json(value: Any) -> None:
    """Print one JSON document on stdout."""
    json.dump(value, sys.stdout, ensure_ascii=False, indent=2)
    sys.stdout.write("\n")


def say(text: str) -> None:
    """Print a message for a person on stderr."""
    sys.stderr.write(plain(text) + "\n")


def show(text: str = "") -> None:
    """Print a line of the result on stdout, at once also into a pipe: a line that was printed is a promise."""
    sys.stdout.write(plain(text) + "\n")
    sys.stdout.flush()


def say_told(told: Report) -> None:
    """Tell a person what was done, and below it what to do next."""
    say(plain("\n    ".join([told.text, *told.hint.splitlines()])))


def complain(error: KeepsakeError) -> None:
    """Print an error with its hint on stderr."""
    say(f"Error: {error.message}")
    if hint := hint_of(error):
        say(hint)


def unexpected(error: Exception) -> KeepsakeError:
    """Put a failure that nobody expected into words, and log its place."""
    from assistant import crash_log

    file = crash_log.note(error)
    logged = f" Where it happened is in {file}, without a word of yours." if file else ""
    return KeepsakeError(
        f"Something went wrong that nobody expected: {type(error).__name__}.",
        f"Nothing stored is lost by this; `keepsake doctor` looks over the memory.{logged}",
    )


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print rows in aligned columns; the last column is not padded."""
    from rich.cells import cell_len, set_cell_size

    lines = [[plain(cell, one_line=True) for cell in row] for row in rows]
    widths = [max([cell_len(heading), *(cell_len(line[at]) for line in lines)]) for at, heading in enumerate(headings)]
    for line in [list(headings), *lines]:
        padded = [set_cell_size(cell, widths[at]) for at, cell in enumerate(line[:-1])]
        sys.stdout.write("  ".join([*padded, line[-1]]).rstrip() + "\n")


def iso(moment: datetime | None) -> str | None:
    """Return a time as ISO 8601 in UTC, or None."""
    return moment.isoformat() if moment else None


def hit_json(hit: Hit) -> dict[str, Any]:
    """Return a hit in the shape that `search --json` promises."""
    return {
        "id": hit.id,
        "kind": hit.kind.value,
        "text": hit.text,
        "score": round(hit.score, 6),
        "source": {
            "id": hit.source.id,
            "kind": hit.source.kind.value,
            "title": hit.source.title,
            "path": hit.source.path,
        },
        "locator": {
            "page": hit.locator.page,
            "headings": list(hit.locator.headings),
            "line_start": hit.locator.line_start,
            "line_end": hit.locator.line_end,
            "part": hit.locator.part,
            "label": hit.locator.label(),
        },
        "author": {"kind": hit.author.kind.value, "name": hit.author.name},
        "created_at": iso(hit.created_at),
        "private": hit.private,
        "message_id": hit.message_id,
        "reasons": [
            {"signal": reason.signal, "value": round(reason.value, 6), "contribution": round(reason.contribution, 6)}
            for reason in hit.reasons
        ],
        "relevance": round(hit.relevance, 6),
        "matched": list(hit.matched),
        "also_in": [{"id": source.id, "kind": source.kind.value, "title": source.title} for source in hit.also_in],
    }


def document_json(document: Document) -> dict[str, Any]:
    """Return a document as JSON fields."""
    return {
        "id": document.id,
        "path": document.path,
        "title": document.title,
        "media_type": document.media_type,
        "size_bytes": document.size_bytes,
        "sha256": document.content_hash,
        "author": document.author.name,
        "created_at": iso(document.created_at),
        "imported_at": iso(document.imported_at),
        "private": document.private,
        "passages": document.passage_count,
        "left_out": [asdict(omission) for omission in document.left_out],
    }


def memory_json(memory: Memory) -> dict[str, Any]:
    """Return a memory as JSON fields."""
    return {
        "id": memory.id,
        "kind": memory.kind.value,
        "text": memory.text,
        "author": {"kind": memory.author.kind.value, "name": memory.author.name},
        "pinned": memory.pinned,
        "private": memory.private,
        "recorded_at": iso(memory.recorded_at),
        "valid_from": iso(memory.valid_from),
        "valid_to": iso(memory.valid_to),
        "superseded_by": memory.superseded_by,
        "sources": list(memory.sources),
    }


def conversation_json(conversation: Conversation) -> dict[str, Any]:
    """Return a conversation as JSON fields."""
    return {
        "id": conversation.id,
        "title": conversation.title,
        "created_at": iso(conversation.created_at),
        "updated_at": iso(conversation.updated_at),
        "private": conversation.private,
        "messages": conversation.message_count,
    }


def message_json(message: Message, sources: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return a message as JSON fields."""
    return {
        "id": message.id,
        "parent_id": message.parent_id,
        "role": message.role.value,
        "text": message.text,
        "author": {"kind": message.author.kind.value, "name": message.author.name},
        "status": message.status.value,
        "created_at": iso(message.created_at),
        "private": message.private,
        "input_tokens": message.input_tokens,
        "output_tokens": message.output_tokens,
        "sources": list(sources),
    }
