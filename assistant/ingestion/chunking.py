"""Cuts a document's blocks into passages, the pieces that are embedded, found and quoted."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from assistant.ingestion.base import Block, BlockKind
from assistant.ingestion.sentences import cut, weight
from memory_store.models import Locator, PassageDraft

TARGET_CHARS = 900
MAX_CHARS = 1400
# A block this small may take a passage over its target, rather than become a passage that says next to nothing.
_SMALL = 0.25
_ROW = re.compile(r"row (\d+)$")
_TIGHT = (BlockKind.LIST, BlockKind.TABLE, BlockKind.CODE)


@dataclass(frozen=True, slots=True)
class _Piece:
    """A block, or a part of one, that goes into one passage."""

    block: Block
    weight: int


@dataclass(slots=True)
class _Gathered:
    """The pieces of the passage that is being made."""

    pieces: list[_Piece] = field(default_factory=list)
    weight: int = 0
    only_headings: bool = True

    def add(self, piece: _Piece) -> None:
        """Put a piece at the end."""
        self.pieces.append(piece)
        self.weight += piece.weight
        self.only_headings = self.only_headings and piece.block.kind is BlockKind.HEADING

    def takes(self, piece: _Piece, target: int, most: int) -> bool:
        """Return whether a piece belongs into the same passage."""
        last = self.pieces[-1].block
        if _place(last) != _place(piece.block):
            return False
        if self.only_headings:
            return self.weight + piece.weight <= most
        if piece.block.kind is BlockKind.HEADING or last.locator.headings != piece.block.locator.headings:
            return False
        limit = most if piece.weight <= _SMALL * target else target
        return self.weight + piece.weight <= limit


class _Lines:
    """Tells lines of a block's text by offsets that only grow; knows them where the text is the file's lines."""

    def __init__(self, block: Block) -> None:
        first, last = block.locator.line_start, block.locator.line_end
        self.known = first is not None and last is not None and last - first == block.text.count("\n")
        self._text = block.text
        self._line = first or 0
        self._at = 0

    def at(self, offset: int) -> int:
        """Return the number of the line at an offset."""
        self._line += self._text.count("\n", self._at, offset)
        self._at = offset
        return self._line


def chunk(
    blocks: Iterable[Block], target_chars: int = TARGET_CHARS, max_chars: int = MAX_CHARS
) -> Iterator[PassageDraft]:
    """Yield passages in order; together they are exactly the blocks' text.

    A passage never crosses a heading, page, mail, chapter or item. Neighbours are joined up to `target_chars`, a
    block longer than `max_chars` is cut at its sentences. Sizes are in Latin characters; a Chinese or Japanese one
    counts for 2.5. Headings that stand alone go with what follows them.
    """
    gathered = _Gathered()
    for block in blocks:
        for piece in _pieces(block, target_chars, max_chars):
            if gathered.pieces and not gathered.takes(piece, target_chars, max_chars):
                yield _passage(gathered.pieces)
                gathered = _Gathered()
            gathered.add(piece)
    if gathered.pieces:
        yield _passage(gathered.pieces)


def passages_of_message(text: str) -> list[PassageDraft] | None:
    """Cut a long message into passages as a document is; None leaves a short one whole."""
    if len(text) <= MAX_CHARS:
        return None
    return list(chunk(Block(part, Locator(), BlockKind.PARAGRAPH) for part in text.split("\n\n") if part.strip()))


def _pieces(block: Block, target: int, most: int) -> Iterator[_Piece]:
    """Yield a block as it is if it fits, else cut into pieces of about equal size near the target."""
    total = weight(block.text)
    if total <= most:
        if block.text.strip():
            yield _Piece(block, total)
        return
    # Equal shares, so that no sliver is left at the end.
    share = total / -(-total // target)
    lines = _Lines(block)
    start = end = 0
    gathered = 0
    for span_start, span_end in cut(block.text, block.kind, target):
        size = weight(block.text[span_start:span_end])
        if (gathered and gathered + size / 2 > share) or gathered + size > most:
            yield from _piece_of(block, start, end, lines)
            start, gathered = span_start, 0
        gathered += size
        end = span_end
    yield from _piece_of(block, start, end, lines)


def _piece_of(block: Block, start: int, end: int, lines: _Lines) -> Iterator[_Piece]:
    raw = block.text[start:end]
    text = raw.strip()
    if not text:
        return
    locator = block.locator
    if lines.known:
        line = lines.at(start + len(raw) - len(raw.lstrip()))
        locator = replace(locator, line_start=line, line_end=line + text.count("\n"))
    yield _Piece(replace(block, text=text, locator=locator), weight(text))


def _place(block: Block) -> tuple[object, ...]:
    """Return what two blocks must share to stand in one passage. Rows of a table may be joined."""
    part = block.locator.part
    if part is not None and _ROW.match(part):
        part = "row"
    return block.locator.page, part, block.author, block.created_at


def _passage(pieces: list[_Piece]) -> PassageDraft:
    text = pieces[0].block.text
    for before, after in itertools.pairwise(pieces):
        text += _between(before.block, after.block) + after.block.text
    first, last = pieces[0].block, pieces[-1].block
    part = last.locator.part
    rows = [_ROW.match(piece.block.locator.part or "") for piece in (pieces[0], pieces[-1])]
    if len(pieces) > 1 and rows[0] and rows[1] and rows[0][1] != rows[1][1]:
        part = f"rows {rows[0][1]}–{rows[1][1]}"
    locator = replace(last.locator, part=part, line_start=first.locator.line_start, line_end=last.locator.line_end)
    return PassageDraft(text.strip("\n"), locator, last.author, last.created_at)


def _between(before: Block, after: Block) -> str:
    """Return what stands between two blocks: a line's end inside lists and tables and on a page, else a blank line."""
    same = before.kind is after.kind and before.kind in _TIGHT
    return "\n" if same or before.locator.page is not None or before.kind is BlockKind.HEADING else "\n\n"
