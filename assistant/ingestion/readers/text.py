"""Reads plain text of any encoding; what opens like Markdown, a chat or a Kindle's clippings is read as such."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from assistant.ingestion.base import Block, BlockKind, ReadDocument, Reader, ReadLimits, SourceFile
from assistant.ingestion.readers.dates import parse_words
from assistant.ingestion.readers.encodings import first_lines
from assistant.ingestion.readers.markdown import MARKDOWN, opens_like_markdown
from assistant.ingestion.readers.paragraphs import numbered_lines, paragraphs
from assistant.ingestion.readers.speakers import chat_document, may_be_chat
from memory_store.models import Author, AuthorKind, Locator

_RULE: Final = "=========="
_BOOK: Final = re.compile(r"(.*?)\s*[(（]([^()（）]*(?:\([^()]*\))?[^()（）]*)[)）]\s*")
_NOTE: Final = re.compile(
    r"\b(?:note|notiz|nota|anteckning|aantekening|notatka)\b|笔记|注释|筆記|メモ|заметка", re.IGNORECASE
)
_BOOKMARK: Final = re.compile(
    r"bookmark|lesezeichen|marcador|segnalibro|signet|书签|書籤|ブックマーク|закладка", re.IGNORECASE
)


def read_plain_text(file: SourceFile, limits: ReadLimits) -> ReadDocument:
    """Plain text: paragraphs by blank lines, list items by their marks, each with its line numbers."""
    first = first_lines(file, limits, 3)
    if _are_clippings(first):
        return ReadDocument(_clippings(file, limits))
    if file.suffix != ".log" and may_be_chat(first) and (chat := chat_document(file, limits)):
        return chat
    if file.suffix in (".txt", ".text") and opens_like_markdown(first):
        return MARKDOWN.read(file, limits)
    return ReadDocument(paragraphs(numbered_lines(file, limits)))


TEXT = Reader("text/plain", (".txt", ".text", ".log", ".adoc"), read_plain_text)


def _are_clippings(first: list[str]) -> bool:
    """Return whether the first lines of a text file are those of a Kindle's clippings."""
    return len(first) >= 2 and first[1].startswith("- ") and "|" in first[1] and bool(first[0].strip())


def _clippings(file: SourceFile, limits: ReadLimits) -> Iterator[Block]:
    held: list[str] = []
    start = 1
    for line in numbered_lines(file, limits):
        if line.text.strip() == _RULE:
            yield from _clipping(held, start, line.number - 1)
            held, start = [], line.number + 1
        else:
            held.append(line.text)
    yield from _clipping(held, start, start + len(held) - 1)


def _clipping(held: list[str], first: int, last: int) -> Iterator[Block]:
    if len(held) < 2:
        return
    book, about = held[0].strip("\ufeff "), held[1].removeprefix("- ").strip()
    words = "\n".join(held[2:]).strip()
    if not words or _BOOKMARK.search(about.partition("|")[0]):
        return
    match = _BOOK.fullmatch(book)
    title = match[1] if match and match[1] else book
    # A note is the reader's; what is marked was written by the author of the book.
    author = None if _NOTE.search(about.partition("|")[0]) or match is None else Author(AuthorKind.DOCUMENT, match[2])
    added = about.rpartition("|")[2]
    when = parse_words(re.sub(r"^\D*?(?=\w+day\b|\d)", "", added.strip())) or parse_words(added)
    place = Locator(headings=(book,), part=title, line_start=first, line_end=last)
    yield Block(f"{book}\n{about}\n{words}", place, BlockKind.PARAGRAPH, author, when)
