"""Reads CSV and TSV: each row a block that repeats the names of its columns."""

from __future__ import annotations

import csv
from collections.abc import Iterator

from assistant.errors import ReadError
from assistant.ingestion.base import Block, BlockKind, ReadDocument, ReadLimits, SourceFile
from assistant.ingestion.readers.encodings import lines, open_text
from assistant.ingestion.readers.tabular import looks_like_header, row_text
from memory_store.models import Locator

_DELIMITERS = ",;\t|"
_SAMPLE_LINES = 20
# Spreadsheets stop at 16,384 columns; a row with more is a broken quotation.
_MAX_COLUMNS = 16_384


class CsvReader:
    """Tables as text: rows are numbered from the first row under the header, lines as the file has them."""

    media_type = "text/csv"
    suffixes = (".csv", ".tsv", ".tab")

    def read(self, file: SourceFile, limits: ReadLimits) -> ReadDocument:
        """Return the file's rows, read as they are consumed."""
        media_type = self.media_type if file.suffix == ".csv" else "text/tab-separated-values"
        return ReadDocument(file.stem, media_type, _rows(file, limits))


def _rows(file: SourceFile, limits: ReadLimits) -> Iterator[Block]:
    csv.field_size_limit(limits.max_line_chars)  # The library's own is 131,072 characters; notes are longer.
    delimiter = _delimiter(file, limits)
    with open_text(file, limits) as stream:
        # The csv module needs the line ends, to keep those inside quoted cells.
        rows = csv.reader((line + "\n" for line in lines(stream, limits)), delimiter=delimiter)
        headers: list[str] = []
        number = first_line = 0
        try:
            for cells in rows:
                start, first_line = first_line + 1, rows.line_num
                if number == 0 and not headers and looks_like_header(cells):
                    headers = cells
                    continue
                if text := row_text(_checked(cells), headers):
                    number += 1
                    locator = Locator(part=f"row {number}", line_start=start, line_end=first_line)
                    yield Block(text, locator, BlockKind.TABLE)
        except csv.Error as error:
            raise ReadError(f"malformed CSV at line {rows.line_num}: {error}", "Export the table again.") from error
        if not number and headers:
            yield Block(row_text(headers), Locator(line_start=1, line_end=first_line), BlockKind.TABLE)


def _checked(cells: list[str]) -> list[str]:
    if len(cells) > _MAX_COLUMNS:
        raise ReadError(f"malformed CSV: a row of {len(cells):,} cells", "Export the table again.")
    return cells


def _delimiter(file: SourceFile, limits: ReadLimits) -> str:
    """Return what separates cells: a tab where the suffix says so, else the mark most evenly found in the first rows.

    `csv.Sniffer` guesses letters in tables of one column, so this counts the four marks that are in use.
    """
    if file.suffix in (".tsv", ".tab"):
        return "\t"
    with open_text(file, limits) as stream:
        sample = [line for line, _ in zip(lines(stream, limits), range(_SAMPLE_LINES), strict=False)]
    best, best_score = ",", 0
    for mark in _DELIMITERS:
        widths = [len(row) for row in csv.reader(sample, delimiter=mark) if row]
        if not widths or widths[0] == 1:
            continue
        score = sum(width == widths[0] for width in widths)
        if score > best_score:
            best, best_score = mark, score
    return best
