"""Puts the text of a page into the order in which it is read: columns one after another, tables row by row."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

from assistant.ingestion.readers.tables import Row

# As a part of the height of the letters: what is nearer belongs to one piece, what is apart is a column.
JOINED_GAP: Final = 1.2
_LEAST_GUTTER: Final = 0.8
_LEAST_LINES: Final = 3
_PROSE_CHARS: Final = 24
_MOST_LINES: Final = 2000
_RTL: Final = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff]")
_LTR_RUN: Final = re.compile(r"%?[A-Za-z0-9]+(?:[.,:/_-][A-Za-z0-9]+)*")
_MARK: Final = re.compile(r"[•·▪◦‣–—*-]|\(?(?:\d{1,3}|[A-Za-z])[.)]|[☐☒☑✓✗]")


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of text and where it stands on its page, in points from the lower left."""

    left: float
    bottom: float
    right: float
    top: float
    text: str

    @property
    def height(self) -> float:
        """Return the height of its letters."""
        return max(1.0, self.top - self.bottom)


Line = list[Span]
Gap = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Column:
    """Lines of prose, from the top."""

    lines: list[str]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells, from the top."""

    rows: list[Row]


def arrange(spans: Sequence[Span]) -> list[Column | Table] | None:
    """Return a page's columns and tables in reading order; None where it has none and its own order is as good."""
    lines = [_join_near(line) for line in lines_of_spans([span for span in spans if span.text.strip()])]
    if upright := _find_upright(spans):
        return [Column([span.text for span in upright])]
    if len(lines) > _MOST_LINES or sum(len(line) > 1 for line in lines) < 2 or _are_single_signs(spans):
        return None
    middle = (min(line[0].left for line in lines) + max(line[-1].right for line in lines)) / 2
    parts: list[Column | Table] = []
    plain: list[str] = []
    found = False
    at = 0
    while at < len(lines):
        band = _band(lines, at)
        if band is None:
            plain.append(_join_text(lines[at]))
            at += 1
            continue
        end, gaps = band
        found = True
        while plain and _begins_row(lines[at - 1], lines[at], gaps):
            plain.pop()
            at -= 1
        if plain:
            parts.append(Column(plain))
            plain = []
        inner = [part for side in _sides(lines[at:end], gaps, middle) for part in _split_columns(*side)]
        if isinstance(inner[-1], Table) and (below := _below_table(lines[at:end], gaps)):
            end -= below
            inner = [part for side in _sides(lines[at:end], gaps, middle) for part in _split_columns(*side)]
        parts += inner
        at = end
    if not found:
        return None
    return [*parts, Column(plain)] if plain else parts


def _find_upright(spans: Sequence[Span]) -> list[Span]:
    """Return the lines of a page that is written from the top, from the right; none of another page."""
    long = [span for span in spans if len(span.text) > 2]
    upright = [span for span in long if span.height > 1.5 * (span.right - span.left)]
    if 2 * len(upright) <= len(long):
        return []
    return sorted(spans, key=lambda span: (-span.right, -span.top))


def _are_single_signs(spans: Sequence[Span]) -> bool:
    """Say whether most spans are one Chinese or Japanese sign: set one by one, they make no table."""
    single = sum(len(span.text) == 1 and span.text > "\u2e80" for span in spans)
    return 2 * single > len(spans)


def lines_of_spans(spans: Sequence[Span]) -> list[Line]:
    """Return the spans line by line from the top, each from the left."""
    lines: list[Line] = []
    for span in sorted(spans, key=lambda item: (-(item.top + item.bottom), item.left)):
        middle = (span.top + span.bottom) / 2
        last = lines[-1] if lines else None
        if last and last[0].bottom - 0.2 * last[0].height <= middle <= last[0].top + 0.2 * last[0].height:
            last.append(span)
        else:
            lines.append([span])
    return [sorted(line, key=lambda item: item.left) for line in lines]


def _join_near(line: Line) -> Line:
    joined: Line = []
    for span in line:
        before = joined[-1] if joined else None
        near = before is not None and span.left - before.right < JOINED_GAP * max(before.height, span.height)
        if before is not None and (near or _MARK.fullmatch(before.text.strip())):
            apart = span.left - before.right > 0.15 * span.height and not before.text.endswith(" ")
            text = before.text + (" " if apart else "") + span.text
            low, high = min(before.bottom, span.bottom), max(before.top, span.top)
            joined[-1] = Span(before.left, low, max(before.right, span.right), high, text)
        else:
            joined.append(span)
    return joined


def is_over_table(line: Line, below: Line) -> bool:
    """Say whether a line names the columns of the one below it: the same gaps part both."""
    gaps, under = _gaps(_join_near(line)), _join_near(below)
    return bool(gaps) and len(under) > 1 and all(_free_part(gap, under) is not None for gap in gaps)


def _join_text(line: Line) -> str:
    return " ".join(span.text.strip() for span in line)


def _band(lines: Sequence[Line], start: int) -> tuple[int, list[Gap]] | None:
    """Return how far the lines from `start` on are parted by the same gaps, and where those are; None if not at all."""
    if len(lines[start]) < 2:
        return None
    gaps = _gaps(lines[start])
    end, parted = start + 1, 1
    for line in lines[start + 1 :]:
        if lines[end - 1][0].bottom - line[0].top > 4 * lines[end - 1][0].height:
            break  # far below: another part of the page
        narrowed = [gap for gap in (_free_part(gap, line) for gap in gaps) if gap is not None]
        if not narrowed or (len(narrowed) < len(gaps) and (len(line) == 1 or parted >= _LEAST_LINES)):
            break
        gaps = narrowed
        parted += len(line) > 1
        end += 1
    # What is below the last parted line need not belong to it.
    while end > start and len(lines[end - 1]) < 2 and not _in_one_column(lines[end - 1], gaps):
        end -= 1
    return (end, gaps) if parted >= _LEAST_LINES else None


def _begins_row(line: Line, below: Line, gaps: Sequence[Gap]) -> bool:
    """Say whether a line is the upper part of a cell whose row has its other cells further down."""
    near = line[0].bottom - below[0].top < 0.5 * line[0].height
    return near and len(line) == 1 and line[0].left >= gaps[0][1] - 1


def _below_table(lines: Sequence[Line], gaps: Sequence[Gap]) -> int:
    """Return how many lines at the end stand in the first column alone, as what comes after a table does."""
    below = itertools.takewhile(lambda line: len(line) == 1 and line[0].left < gaps[0][0], reversed(lines))
    return len(list(below))


def _gaps(line: Line) -> list[Gap]:
    return [(span.right, other.left) for span, other in itertools.pairwise(line)]


def _free_part(gap: Gap, line: Line) -> Gap | None:
    """Return the part of a gap in which nothing of a line stands."""
    left, right = gap
    for span in line:
        if span.right <= left or span.left >= right:
            continue
        if span.left <= left and span.right >= right:
            return None
        if span.left - left > right - span.right:
            right = span.left
        else:
            left = span.right
    return (left, right) if right - left > _LEAST_GUTTER * line[0].height else None


def _in_one_column(line: Line, gaps: Sequence[Gap]) -> bool:
    return all(span.right <= left + 1 or span.left >= right - 1 for span in line for left, right in gaps)


def _sides(lines: Sequence[Line], gaps: list[Gap], middle: float) -> list[tuple[Sequence[Line], list[Gap]]]:
    """Return lines and gaps apart for both columns of a page of two, of which one holds a table."""
    at = next((at for at, (left, right) in enumerate(gaps) if left < middle < right), -1)
    if len(gaps) < 2 or at not in (0, len(gaps) - 1):
        return [(lines, gaps)]
    edge = sum(gaps[at]) / 2
    left = [[span for span in line if span.left < edge] for line in lines]
    right = [[span for span in line if span.left >= edge] for line in lines]
    alone = [_join_text(line) for line in (right if at else left) if line]
    if median(map(len, alone)) < _PROSE_CHARS:
        return [(lines, gaps)]
    return [([line for line in left if line], gaps[:at]), ([line for line in right if line], gaps[at + 1 :])]


def _split_columns(lines: Sequence[Line], gaps: list[Gap]) -> list[Column | Table]:
    """Return lines that the same gaps part as columns of prose or as a table."""
    bounds = [*(sum(gap) / 2 for gap in gaps), float("inf")]
    rows = []
    for line in lines:
        cells = [""] * len(bounds)
        for span in line:
            column = next(at for at, bound in enumerate(bounds) if (span.left + span.right) / 2 < bound)
            cells[column] = f"{cells[column]} {span.text.strip()}".strip()
        rows.append(cells)
    columns = [[row[at] for row in rows if row[at]] for at in range(len(bounds))]
    is_prose = all(column and median(map(len, column)) >= _PROSE_CHARS for column in columns)
    if len(bounds) == 1 or (len(bounds) <= 4 and is_prose):
        return [Column(column) for column in (reversed(columns) if _is_rtl(rows) else columns)]
    return [Table([Row(cells) for cells in _join_broken_cells(lines, rows)])]


def _join_broken_cells(lines: Sequence[Line], rows: list[list[str]]) -> list[list[str]]:
    """Return rows with the lines of a cell put together, where the gaps between rows are wider than those in a cell."""
    between = [before[0].bottom - line[0].top for before, line in itertools.pairwise(lines)]
    tight, wide = min(between, default=0.0), max(between, default=0.0)
    if wide < 2 * max(tight, 1.0):
        return rows
    joined = [rows[0]]
    for gap, cells in zip(between, rows[1:], strict=True):
        # A whole row begins anew, however near it stands.
        is_whole = all(cells) and all(joined[-1])
        if gap < (tight + wide) / 2 and not is_whole:
            joined[-1] = [f"{text} {other}".strip() for text, other in zip(joined[-1], cells, strict=True)]
        else:
            joined.append(cells)
    return joined


def _is_rtl(rows: Sequence[Sequence[str]]) -> bool:
    text = "".join(cell for row in rows for cell in row)
    return 2 * len(_RTL.findall(text)) > sum(map(str.isalpha, text))


def is_rtl(text: str) -> bool:
    """Say whether a text has letters that are written from the right."""
    return _RTL.search(text) is not None


def word_from_right(characters: Sequence[tuple[float, str]]) -> str:
    """Return a word in the order in which it is read, given its characters with their places from the left."""
    shown = "".join(character for _, character in sorted(characters, key=lambda pair: -pair[0]))
    return _LTR_RUN.sub(lambda match: match[0][::-1], shown)
