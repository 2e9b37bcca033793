"""Reads CSV and TSV: each row a block that repeats the names of its columns."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from typing import Final

from assistant.errors import ReadError
from assistant.ingestion.base import Block, BlockKind, ReadDocument, Reader, ReadLimits, SourceFile
from assistant.ingestion.readers.encodings import first_lines, lines, open_text
from assistant.ingestion.readers.tables import MOST_COLUMNS, Row, table_lines
from memory_store.models import Locator

# Where two marks divide the rows as evenly, the earlier one is it: a comma also stands in numbers and sentences.
_DELIMITERS: Final = "\t;|,"
_DECIMAL: Final = re.compile(r"(?<=\d),(?=\d)")
_AS_TEXT: Final = re.compile(r'="(.*)"', re.DOTALL)  # how a number is kept from becoming one in Excel
_NONE: Final = "\x1f"  # stands in no line: a table of one column
_SURELY_COLUMNS: Final = 6  # no two sentences have as many commas by chance
_SAMPLE_LINES: Final = 60
_SEPARATOR_LINE: Final = "sep="  # Excel's own first line


def read_csv(file: SourceFile, limits: ReadLimits) -> ReadDocument:
    """Tables as text: rows are numbered from the first row under the header, lines as the file has them."""
    media_type = "text/csv" if file.suffix == ".csv" else "text/tab-separated-values"
    return ReadDocument(_blocks(file, limits), media_type=media_type)


CSV = Reader("text/csv", (".csv", ".tsv", ".tab"), read_csv)


def _blocks(file: SourceFile, limits: ReadLimits) -> Iterator[Block]:
    number, last = 0, None
    for row, text in table_lines(_rows(file, limits)):
        number += row is not last
        last = row
        locator = Locator(part=f"row {number}", line_start=row.first_line, line_end=row.last_line)
        yield Block(text, locator, BlockKind.TABLE)


def _rows(file: SourceFile, limits: ReadLimits) -> Iterator[Row]:
    csv.field_size_limit(limits.max_line_chars)  # The library's own is 131,072 characters; notes are longer.
    delimiter, skipped = _delimiter(file, limits)
    with open_text(file, limits) as stream:
        # The csv module needs the line ends, to keep those inside quoted cells, and takes no NUL.
        texts = (line.replace("\0", "") + "\n" for line in islice(lines(stream, limits), skipped, None))
        rows = csv.reader(texts, delimiter=delimiter)
        first = skipped
        try:
            for cells in rows:
                first, before = rows.line_num + skipped, first
                if len(cells) > MOST_COLUMNS:  # spreadsheets stop there: it is a broken quotation
                    raise ReadError(f"malformed CSV: a row of {len(cells):,} cells", "Export the table again.")
                cells = [match[1] if (match := _AS_TEXT.fullmatch(cell)) else cell for cell in cells]
                yield Row(cells, first_line=before + 1, last_line=first)
        except csv.Error as error:
            reason = f"malformed CSV at line {rows.line_num + skipped}: {error}"
            raise ReadError(reason, "Export the table again.") from error


def _delimiter(file: SourceFile, limits: ReadLimits) -> tuple[str, int]:
    """Return what separates cells, and how many lines stand before the table to say so.

    A tab where the suffix says so, else the mark that divides most of the first rows into equally many cells, whatever
    lines stand above them. `csv.Sniffer` guesses letters in tables of one column, so this counts the four in use.
    """
    sample = [line.replace("\0", "") for line in first_lines(file, limits, _SAMPLE_LINES)]
    named = sample[0].strip().strip('"') if sample else ""
    if named.lower().startswith(_SEPARATOR_LINE) and len(named) <= len(_SEPARATOR_LINE) + 1:
        return named[len(_SEPARATOR_LINE) :] or "\t", 1
    if file.suffix in (".tsv", ".tab"):
        return "\t", 0
    scores = {mark: _evenness(sample, mark) for mark in _DELIMITERS}
    filled = [line for line in sample if line.strip()]
    # Tables of several widths below each other: marks that stand in no sentence divide most lines all the same.
    other = next((mark for mark in _DELIMITERS[:-1] if sum(mark in line for line in filled) > len(filled) / 2), _NONE)
    divides = other != _NONE or any(scores[mark] for mark in _DELIMITERS[:-1])
    if divides and not any("," in _DECIMAL.sub("", line) for line in sample):
        scores[","] = 0.0  # it stands in numbers alone
    best = max(scores, key=lambda mark: scores[mark])
    return (best if scores[best] else other), 0


def _evenness(sample: list[str], mark: str) -> float:
    """Return the share of rows that a mark divides into as many cells as most others; 0 if it tells nothing."""
    widths = [len(row) for row in csv.reader((f"{line}\n" for line in sample), delimiter=mark) if row]
    divided = Counter(width for width in widths if width > 1)
    if not divided:
        return 0.0
    width, count = divided.most_common(1)[0]
    if widths[0] > 1:
        return count / len(widths)
    # Below lines of another kind a table goes on to the end; a comma in a sentence or two makes no columns.
    share = count / (len(widths) - next(at for at, width in enumerate(widths) if width > 1))
    return share if count > 1 and (share > 0.5 or width >= _SURELY_COLUMNS) else 0.0
