"""Cuts plain lines into paragraphs, list items and quotes, and keeps the path of headings above them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from assistant.ingestion.base import Block, BlockKind, ReadLimits, SourceFile
from assistant.ingestion.readers.encodings import lines, open_text
from memory_store.models import Locator

LIST_ITEM = re.compile(r"\s*(?:[-*+•·‣–]|\d{1,3}[.)]|[（(]?[一二三四五六七八九十]{1,3}[)）、])\s+\S|\s*[•·‣]\S")
_QUOTE = re.compile(r"\s*>")
SENTENCE_END = re.compile(r"[.!?。！？；…:：][\"'”’」』）)\]]*\s*$")
# Text that was wrapped by hand or by an editor has no longer lines than this, so a line's end means nothing there.
_WRAP_COLUMNS = 140
# A run without any blank line, such as a log, is handed on in pieces of this size.
_RUN_LINES = 64
_RUN_CHARS = 8000


@dataclass(frozen=True, slots=True)
class Line:
    """A line and its number in the file, from 1."""

    number: int
    text: str


def numbered_lines(file: SourceFile, limits: ReadLimits) -> Iterator[Line]:
    """Yield the lines of a text file."""
    with open_text(file, limits) as stream:
        for number, text in enumerate(lines(stream, limits), start=1):
            yield Line(number, text)


def paragraphs(numbered: Iterable[Line], headings: tuple[str, ...] = ()) -> Iterator[Block]:
    """Yield the blocks of lines; each block's text is its lines, unchanged, with their numbers as its locator."""
    run: list[Line] = []
    size = 0
    for line in numbered:
        if not line.text.strip():
            yield from _run_blocks(run, headings)
            run, size = [], 0
            continue
        run.append(line)
        size += len(line.text)
        if len(run) >= _RUN_LINES or size >= _RUN_CHARS:
            keep = _last_end(run)
            yield from _run_blocks(run[:keep], headings)
            run = run[keep:]
            size = sum(len(line.text) for line in run)
    yield from _run_blocks(run, headings)


def _last_end(run: list[Line]) -> int:
    """Return after which line of a run that goes on it can be cut: the last that ends a sentence, or all."""
    for index in range(len(run) - 1, -1, -1):
        if SENTENCE_END.search(run[index].text):
            return index + 1
    return len(run)


def _run_blocks(run: list[Line], headings: tuple[str, ...]) -> Iterator[Block]:
    """Yield a run of lines without blank ones as one paragraph, or cut before list items and at unwrapped lines."""
    each_line_stands_alone = any(columns_of(line.text) > _WRAP_COLUMNS for line in run)
    piece: list[Line] = []
    kind = BlockKind.PARAGRAPH
    for line in run:
        next_kind = _kind(line.text)
        starts = next_kind is BlockKind.LIST or (next_kind is BlockKind.QUOTE) != (kind is BlockKind.QUOTE)
        if piece and (starts or (each_line_stands_alone and kind is not BlockKind.QUOTE)):
            yield lines_block(piece, kind, headings)
            piece = []
        if not piece:
            kind = next_kind
        piece.append(line)
    if piece:
        yield lines_block(piece, kind, headings)


def _kind(text: str) -> BlockKind:
    if LIST_ITEM.match(text):
        return BlockKind.LIST
    return BlockKind.QUOTE if _QUOTE.match(text) else BlockKind.PARAGRAPH


def columns_of(text: str) -> int:
    """Return the width of a line on a screen, where a Chinese or Japanese character takes two columns."""
    return len(text) + sum(1 for character in text if character > "\u2e7f")


def lines_block(piece: list[Line], kind: BlockKind, headings: tuple[str, ...]) -> Block:
    """Return lines as one block."""
    locator = Locator(headings=headings, line_start=piece[0].number, line_end=piece[-1].number)
    return Block("\n".join(line.text for line in piece), locator, kind)


class Outline:
    """The headings in force. A heading closes those of its own level and of deeper ones."""

    def __init__(self) -> None:
        self._open: list[tuple[int, str]] = []

    @property
    def path(self) -> tuple[str, ...]:
        """The titles from the outermost heading to the innermost."""
        return tuple(title for _, title in self._open)

    def enter(self, level: int, title: str) -> tuple[str, ...]:
        """Put a heading in force and return the path that ends in it; an empty title only closes others."""
        while self._open and self._open[-1][0] >= level:
            self._open.pop()
        if title:
            self._open.append((level, title))
        return self.path

    def heading(self, level: int, title: str, first: int, last: int, shown: str = "") -> Iterator[Block]:
        """Put a heading in force and yield it, unless it is empty, as what it shows."""
        path = self.enter(level, title)
        if title:
            yield Block(shown or title, Locator(headings=path, line_start=first, line_end=last), BlockKind.HEADING)
