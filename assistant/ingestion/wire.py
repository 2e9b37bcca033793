"""How a document travels from the reading process to the one that asked: lines of JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from assistant.ingestion.base import Block, BlockKind, ReadDocument, ReadLimits, SourceFile
from memory_store.models import Author, AuthorKind, Locator


def request(file: SourceFile, size: int, limits: ReadLimits) -> bytes:
    """Return the line that asks for a file; its `size` bytes follow."""
    return _line(
        {
            "path": file.path,
            "size": size,
            "suffix": file.suffix,
            "modified_at": file.modified_at.isoformat(),
            "limits": asdict(limits),
        }
    )


def opening(document: ReadDocument) -> bytes:
    """Return the line that says what a document is."""
    created_at = document.created_at.isoformat() if document.created_at else None
    return _line({"document": [document.title, document.media_type, document.author, created_at]})


def some_blocks(blocks: Sequence[Block]) -> bytes:
    """Return a line of blocks."""
    return _line({"blocks": [_block(one) for one in blocks]})


def error(message: str, hint: str) -> bytes:
    """Return the line that says why there is no document."""
    return _line({"error": [message, hint]})


def end() -> bytes:
    """Return the line that ends a document, and that says that the process is ready."""
    return _line({"end": True})


def document_of(value: Any) -> ReadDocument:
    """Return what `opening` wrote, without blocks. Raise KeyError, TypeError or ValueError for another shape."""
    title, media_type, author, created_at = value
    return ReadDocument(
        str(title),
        str(media_type),
        iter(()),
        None if author is None else str(author),
        None if created_at is None else datetime.fromisoformat(created_at),
    )


def block_of(value: Any) -> Block:
    """Return one block that `some_blocks` wrote. Raise KeyError, TypeError or ValueError for another shape."""
    text, place, kind, author, created_at = value
    page, headings, line_start, line_end, part = place
    return Block(
        str(text),
        Locator(
            None if page is None else int(page),
            tuple(str(heading) for heading in headings),
            None if line_start is None else int(line_start),
            None if line_end is None else int(line_end),
            None if part is None else str(part),
        ),
        BlockKind(kind),
        None if author is None else Author(AuthorKind(author[0]), author[1]),
        None if created_at is None else datetime.fromisoformat(created_at),
    )


def _block(block: Block) -> list[Any]:
    place = block.locator
    return [
        block.text,
        [place.page, place.headings, place.line_start, place.line_end, place.part],
        block.kind.value,
        None if block.author is None else [block.author.kind.value, block.author.name],
        None if block.created_at is None else block.created_at.isoformat(),
    ]


def _line(value: dict[str, Any]) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode("ascii") + b"\n"
