"""One model of a table for every format: spans filled, the rows that name its columns found, each row a line of text.

A row becomes `name: value | name: value`, so that every passage of a table says what its values are.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from itertools import islice, takewhile
from typing import Final

SEPARATOR: Final = " | "
MOST_COLUMNS: Final = 16_384
_AHEAD: Final = 40  # rows that are looked at to tell what a row is; banks put up to fifteen lines above a table
_MOST_HEADER_ROWS: Final = 4
_MOST_SPANNED: Final = 1000
_NAME_CHARS: Final = 80
_QUESTION_CHARS: Final = 300  # the columns of a survey are named by its questions
# A row that is longer becomes several lines, each of which begins with the row's first cell.
_LINE_CHARS: Final = 900
_MONEY: Final = r"(?:[€$£¥₹]|EUR|USD|GBP|CHF|JPY|CNY|RMB|SEK|NOK|DKK|PLN|CZK|元|円)"
_NUMBER: Final = re.compile(
    rf"{_MONEY}?\s*[(+−–-]?\s*{_MONEY}?\s*\d[\d.,'’\s]*\)?(?:%|‰|°C?|{_MONEY})?(?:[eE][+-]?\d+)?", re.IGNORECASE
)
_YEAR: Final = re.compile(r"(?:FY\s?)?(?:1[89]|20|21)\d\d(?:\s?[/–-]\s?\d{2,4})?年?")
_DATE: Final = re.compile(
    r"\d{1,4}([./-])\s?\d{1,2}\1\s?\d{0,4}(?:[T\s,]+\d{1,2}:\d{2}(?::\d{2})?.*)?|(?:\d{2,4}年)?\d{1,2}月\d{1,2}日|\d{2,4}年\d{1,2}月"
)
_TIME: Final = re.compile(r"\d{1,3}:\d{2}(?::\d{2})?(?:\s?[ap]\.?m\.?)?", re.IGNORECASE)
_TRUTH: Final = re.compile(r"true|false|yes|no|ja|nein|oui|non|是|否|[xX✓✔✗☐☑☒–-]", re.IGNORECASE)
_LABEL: Final = re.compile(r"(\D*?)[ _.-]?(\d{1,4})")
_MOST_CHARS: Final = 60
_DIGITS, _LETTERS = re.compile(r"\d+"), re.compile(r"[^\W\d_]+")


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell as a document has it: its text, and how many rows and columns it spans."""

    text: str
    rows: int = 1
    columns: int = 1


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a table, spans filled.

    `number` and the lines are those of its source. `marked`: the source says that it names columns; `named`: that its
    first cell names the row. `repeats` are the columns that a cell on their left reaches into; `notes` are remarks and
    addresses that belong to a column's cell.
    """

    cells: Sequence[str]
    number: int = 0
    first_line: int = 0
    last_line: int = 0
    marked: bool = False
    named: bool = False
    repeats: frozenset[int] = frozenset()
    notes: Mapping[int, str] = field(default_factory=dict)

    def filled(self) -> list[int]:
        """Return the columns that have a cell of their own with text or a note."""
        return [
            at for at, cell in enumerate(self.cells) if (cell.strip() and at not in self.repeats) or at in self.notes
        ]

    def cell(self, column: int) -> str:
        """Return the text of a column; empty where the row ends before it."""
        return self.cells[column].strip() if column < len(self.cells) else ""


def fill_spans(rows: Iterable[tuple[Sequence[Cell], bool, bool]]) -> Iterator[Row]:
    """Yield rows given as (cells, marked, named), each cell repeated wherever it reaches, numbered from 1."""
    below: dict[int, tuple[str, int, bool]] = {}  # what reaches into the next row: text, rows left, whether repeated
    for number, (cells, marked, named) in enumerate(rows, start=1):
        texts: list[str] = []
        repeats: set[int] = set()
        waiting = deque(cells)
        ahead: dict[int, tuple[str, int, bool]] = {}
        last = max(below, default=-1)
        while waiting or len(texts) <= last:
            at = len(texts)
            if at in below:
                text, left, repeated = below[at]
                texts.append(text)
                if repeated:
                    repeats.add(at)
                if left > 1:
                    ahead[at] = (text, left - 1, repeated)
                continue
            cell = waiting.popleft() if waiting else Cell("")
            for step in range(max(1, min(cell.columns, _MOST_SPANNED))):
                if len(texts) >= MOST_COLUMNS or (step and len(texts) in below):
                    break
                if step:
                    repeats.add(len(texts))
                if cell.rows > 1:
                    ahead[len(texts)] = (cell.text, cell.rows - 1, step > 0)
                texts.append(cell.text)
            if len(texts) >= MOST_COLUMNS:
                break
        below = ahead
        yield Row(texts, number, marked=marked, named=named, repeats=frozenset(repeats))


def row_lines(rows: Iterable[Row], *, has_header: bool = True) -> Iterator[tuple[Row, str]]:
    """Yield each row with its line of text. Rows that name columns give their names to those below them.

    `has_header` says that tables of this kind mostly begin with names, where nothing tells. A table that has names
    alone gives them as its only line. A blank row ends a table, after which another one may begin.
    """
    source = iter(rows)
    ahead = deque(islice(source, _AHEAD))
    names: list[str] = []
    headers: list[Sequence[str]] = []
    at_top, pairs = True, False
    while ahead:
        row = ahead[0]
        if not row.filled():
            at_top = True
        elif row.cells in headers:
            pass  # the names once more, as at the top of a page
        elif at_top or row.marked:
            run = list(takewhile(Row.filled, ahead))
            is_above = _is_wider_below(row, ahead)
            count = _header_rows(run, bool(names) or is_above, has_header)
            if count == 1 and is_above and len(row.filled()) <= 2 and not row.marked:
                count = 0  # a name with its value
            if count and (len(run) > count or _goes_on([item for item in ahead if item.filled()][count:], has_header)):
                names, at_top, pairs = _combine_names(run[:count]), False, False
                headers = [header.cells for header in run[:count]]
                for header in run[:count]:
                    yield from _header_notes(header)
                    ahead.popleft()
                ahead += islice(source, count)
                continue
            is_remark = len(row.filled()) == 1 and (sum(map(bool, names)) > 1 or _is_narrow(row, ahead))
            if not is_remark and not _is_narrow(row, ahead):
                at_top = False
                pairs = not names and not count and _are_pairs(run)
            names = [] if count else names
            yield row, row_line(row, () if count or is_remark or _spans_all(row) else names, pair=pairs)
        elif line := row_line(row, () if _spans_all(row) else names, pair=pairs):
            yield row, line
        ahead.popleft()
        ahead += islice(source, 1)


def table_lines(rows: Iterable[Row], *, has_header: bool = True) -> Iterator[tuple[Row, str]]:
    """Yield what `row_lines` does, long rows as several lines, each with the row's first cell before it."""
    for row, line in row_lines(rows, has_header=has_header):
        if len(line) <= _LINE_CHARS:
            yield row, line
            continue
        first, *pieces = line.split(SEPARATOR)
        gathered = first
        for piece in pieces:
            if len(gathered) + len(piece) > _LINE_CHARS and gathered != first:
                yield row, gathered
                gathered = first if len(first) < _NAME_CHARS else ""
            gathered += (SEPARATOR if gathered else "") + piece
        yield row, gathered


def row_line(row: Row, names: Sequence[str] = (), *, pair: bool = False) -> str:
    """Return `name: value | name: value` for the cells that are not empty; without names, the values alone.

    Of a `pair`, and of a row that is named while its columns are not, the first cell is the name of the others.
    """
    pieces = []
    for at in row.filled():
        value = " ".join(text for text in (row.cell(at), f"({row.notes[at]})" if at in row.notes else "") if text)
        name = names[at] if at < len(names) else ""
        pieces.append(f"{name}: {value}" if name else value)
    if (pair or (row.named and not any(names))) and len(pieces) > 1:
        return f"{pieces[0].rstrip(' :：')}: {SEPARATOR.join(pieces[1:])}"
    return SEPARATOR.join(pieces)


def _header_rows(run: Sequence[Row], is_named: bool, has_header: bool) -> int:
    """Return how many rows at the beginning of a run name columns."""
    first = run[0]
    if first.marked:
        if _spans_all(first):
            return 0  # a title inside of the table
        return len(list(takewhile(lambda row: row.marked and not _spans_all(row), run[:_MOST_HEADER_ROWS])))
    if first.named:
        return 0
    if len(run) > 2 and _is_upper_row(first, run[1]) and _names_columns(run[1], run[2:], not first.repeats, True):
        return 2
    return int(not _is_narrow(first, run) and _names_columns(first, run[1:], is_named, has_header))


def _is_wider_below(row: Row, ahead: Iterable[Row]) -> bool:
    """Say whether a table far wider than a row begins below it: then the row is one of the lines above that table."""
    widths = Counter(len(item.filled()) for item in ahead)
    return max((width for width, count in widths.items() if count > 1), default=0) >= 2 * len(row.filled())


def _goes_on(below: Sequence[Row], has_header: bool) -> bool:
    """Say whether what follows after a blank row belongs under names that stand alone."""
    return bool(below) and not _is_narrow(below[0], below) and not _header_rows(below, True, has_header)


def _is_upper_row(row: Row, below: Row) -> bool:
    """Say whether a row names groups of the columns that the next one names."""
    cells = range(max(len(row.cells), len(below.cells)))
    if row.repeats and not _spans_all(row):
        return any(below.cell(at) and below.cell(at) != row.cell(at) for at in row.repeats) and not any(
            below.cell(at) and not row.cell(at) for at in cells
        )
    groups = row.filled()
    inner = [at for at in cells if below.cell(at) and not row.cell(at)]
    return (
        1 < len(groups) < len(below.filled())
        and bool(inner)
        and all(below.cell(at) for at in groups[1:])
        and min(inner) > groups[0]
        and all(kind_of(row.cell(at)) is Kind.TEXT for at in groups)
    )


def _names_columns(row: Row, below: Sequence[Row], is_named: bool, has_header: bool) -> bool:
    """Say whether a row that the source does not mark names the columns of those below it."""
    filled = row.filled()
    cells = [row.cell(at) for at in filled]
    longest = _QUESTION_CHARS if has_header else _NAME_CHARS
    if len(filled) < 2 or any(len(cell) > longest for cell in cells) or cells[0].endswith((":", "：")):
        return False
    pairs = len(below) > has_header + 1 and len(filled) == 2 and _are_pairs([row, *below])
    if pairs and _is_mixed(kind_of(item.cell(filled[1])) for item in below):
        return False
    labels = are_labels(cells)
    differs = False
    for at, cell in zip(filled, cells, strict=True):
        under = [value for item in below if (value := item.cell(at))]
        kind, kinds = kind_of(cell), Counter(kind_of(value) for value in under)
        usual = kinds.most_common(1)[0][0] if kinds else None
        if at == filled[0] and kind is Kind.YEAR and usual is Kind.TEXT:
            continue  # over the names of rows stands what the whole table is of
        if kind in (Kind.YEAR, Kind.DATE):
            if usual in (kind, None) or kind_of(cells[0]) is kind:
                return False
            differs = True
        elif kind is Kind.TRUTH and cell.isalpha() and len(cell) > 1 and len(set(under)) > 1 and cell not in under:
            differs = differs or usual is not kind  # "Yes" and "No" as names of what is counted below
        elif kind is not Kind.TEXT and not labels:
            shapes = Counter(shape_of(value) for value in under)
            alike = bool(under) and shape_of(cell) == shapes.most_common(1)[0][0]
            is_mostly_digits = sum(character.isdigit() for character in cell) * 2 > len(cell)
            if kind is not Kind.CODE or alike or is_mostly_digits:
                return False
        elif usual not in (Kind.TEXT, None) or labels:
            differs = True
        if not differs and cell in under:
            return False
    if differs:
        return True
    width = 1 + max(at for item in (row, *below) for at in item.filled())
    whole = len(set(cells)) == len(cells) and len(filled) >= width - (not row.cell(0))
    if is_named or not whole:
        return False
    return has_header or len(filled) > 2 or not below or not _are_pairs([row, *below])


def _is_mixed(kinds: Iterable[Kind]) -> bool:
    counts = Counter(kinds)
    return bool(counts) and max(counts.values()) < 0.75 * counts.total()


def _are_pairs(run: Sequence[Row]) -> bool:
    """Say whether two columns are names and values rather than rows under names."""
    widths = [len(row.filled()) for row in run]
    if not widths or not 2 <= max(widths) <= 3 or sum(width == 2 for width in widths) < 0.6 * len(widths):
        return False
    names = [row.cell(0) for row in run if row.cell(0)]
    return len(set(names)) == len(names) and all(
        kind_of(name) is Kind.TEXT and len(name) <= _NAME_CHARS for name in names
    )


def _is_narrow(row: Row, others: Iterable[Row]) -> bool:
    """Say whether a row has far fewer cells than those of the table: a title, or a line above it."""
    counts = Counter(count for item in others if (count := len(item.filled())) > 1)
    if not counts:
        return False
    usual = max(counts, key=lambda count: (counts[count], count))
    return len(row.filled()) < max(2, 0.6 * usual)


def _spans_all(row: Row) -> bool:
    """Say whether one cell is all of a row."""
    return len(row.filled()) == 1 and len(row.repeats) == len(row.cells) - 1 and bool(row.repeats)


def _combine_names(rows: Sequence[Row]) -> list[str]:
    """Return the names of columns from the rows that name them, the upper before the lower: `Contact Phone`."""
    width = max(len(row.cells) for row in rows)
    names: list[list[str]] = [[] for _ in range(width)]
    for number, row in enumerate(rows):
        group = ""
        for at in range(width):
            # A group's name stands over its first column alone where nothing says how far it reaches.
            group = row.cell(at) or (group if number + 1 < len(rows) and not row.repeats else "")
            name = group.rstrip(" :：")
            if name and name not in names[at]:
                names[at].append(name)
    return [" ".join(name) for name in names]


def _header_notes(header: Row) -> Iterator[tuple[Row, str]]:
    """Yield what is remarked on the names of columns."""
    for at, note in header.notes.items():
        yield header, f"{header.cell(at)}: {note}"


class Kind(Enum):
    """What a cell holds."""

    TEXT = auto()
    NUMBER = auto()
    YEAR = auto()
    DATE = auto()
    TIME = auto()
    TRUTH = auto()
    ADDRESS = auto()
    CODE = auto()


def kind_of(cell: str) -> Kind:
    """Return what a cell holds; it is text where nothing else is plain."""
    text = cell.strip()
    if len(text) > _MOST_CHARS:
        return Kind.TEXT
    if "://" in text or ("@" in text and " " not in text):
        return Kind.ADDRESS
    if not any(character.isdigit() for character in text):
        return Kind.TRUTH if _TRUTH.fullmatch(text) else Kind.TEXT
    for pattern, kind in ((_YEAR, Kind.YEAR), (_DATE, Kind.DATE), (_TIME, Kind.TIME), (_NUMBER, Kind.NUMBER)):
        if pattern.fullmatch(text):
            return kind
    return Kind.CODE if len(text.split()) == 1 or sum(map(str.isdigit, text)) * 2 > len(text) else Kind.TEXT


def shape_of(cell: str) -> str:
    """Return what a cell looks like, such as `A0-0` for `KX-5512/3`: codes of one column look alike."""
    return _LETTERS.sub("A", _DIGITS.sub("0", cell))


def are_labels(cells: Sequence[str]) -> bool:
    """Say whether most of the cells are counted on, as in `q1, q2, q3` or `Item, 1, 2, 3`."""
    found = [(match[1], int(match[2])) for cell in cells if (match := _LABEL.fullmatch(cell.strip()))]
    if len(found) < 3 or len(found) * 2 < len(cells):
        return False
    pairs = list(itertools.pairwise(found))
    counted_on = sum(pair[0] == other[0] and other[1] == pair[1] + 1 for pair, other in pairs)
    return bool(counted_on >= 0.9 * len(pairs))
