"""Reads OpenDocument spreadsheets (ODS): each row a block that repeats the names of its columns."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

from assistant.ingestion.base import About, Block, BlockKind, LeftOut, ReadDocument, ReadLimits, SourceFile
from assistant.ingestion.readers.dates import parse_date
from assistant.ingestion.readers.odt import cell_text, count_of, name_of, nearest, open_document, value_of
from assistant.ingestion.readers.tables import MOST_COLUMNS, Cell, Row, spanned, table_lines
from memory_store.models import Locator

_MOST_REPEATED_ROWS: Final = 1000


class OdsReader:
    """ODS: sheets are headings, rows are numbered as the sheet numbers them, values are as the sheet shows them."""

    media_type = "application/vnd.oasis.opendocument.spreadsheet"
    suffixes = (".ods", ".ots")
    about = About(
        "OpenDocument spreadsheet",
        "cells as they are shown, comments",
        "sheet, `row 3` (or `rows 3–7`)",
        "its properties",
    )

    def read(self, file: SourceFile, limits: ReadLimits) -> ReadDocument:
        """Return the rows, a sheet at a time."""
        root, about = open_document(file, limits, "spreadsheet")
        left_out: list[LeftOut] = []
        return ReadDocument(
            about["title"] or file.stem,
            self.media_type,
            _blocks(root, left_out),
            about["initial-creator"] or about["creator"],
            parse_date(about["creation-date"]),
            left_out,
        )


def _blocks(root: Any, left_out: list[LeftOut]) -> Iterator[Block]:
    hidden = {value_of(style, "name") for style in root.iter("{*}style") if _is_hiding(style)}
    for table in (item for sheets in root.iter("{*}spreadsheet") for item in nearest(sheets, "table")):
        name = value_of(table, "name")
        if value_of(table, "style-name") in hidden:
            hint = "Show it in the spreadsheet program, save the file and import it again."
            left_out.append(LeftOut(f"sheet {name}", "it is hidden", hint))
            continue
        for row, line in table_lines(_rows(table)):
            yield Block(line, Locator(headings=(name,), part=f"row {row.number}"), BlockKind.TABLE)
        without = sum(1 for cell in table.iter("{*}table-cell") if value_of(cell, "formula") and not _has_result(cell))
        if without:
            told = "1 formula has" if without == 1 else f"{without:,} formulas have"
            hint = "Open it in a spreadsheet program, save it and import it again."
            left_out.append(LeftOut(f"sheet {name}", f"{told} no stored result", hint))


def _rows(table: Any) -> Iterator[Row]:
    """Yield the rows as the sheet numbers them."""
    given: list[tuple[int, dict[int, str]]] = []

    def cells() -> Iterator[tuple[list[Cell], bool, bool]]:
        number = 1
        for row in nearest(table, "table-row"):
            found, notes = _cells(row)
            times = count_of(row, "number-rows-repeated")
            for step in range(min(times, _MOST_REPEATED_ROWS) if found else 1):
                given.append((number + step, notes))
                yield found, name_of(row.getparent()) == "table-header-rows", False
            number += times

    for row in spanned(cells()):
        number, notes = given[row.number - 1]
        yield replace(row, number=number, notes=notes)


def _cells(row: Any) -> tuple[list[Cell], dict[int, str]]:
    """Return a row's own cells, and its notes by column; what others reach into has a covered cell in the file."""
    cells: list[Cell] = []
    notes: dict[int, str] = {}
    filled = column = 0
    for cell in row:
        times = min(count_of(cell, "number-columns-repeated"), MOST_COLUMNS - len(cells))
        if name_of(cell) == "table-cell":
            text = cell_text(item for item in cell if name_of(item) != "annotation")
            item = Cell(text, count_of(cell, "number-rows-spanned"), count_of(cell, "number-columns-spanned"))
            cells += [item] * times
            if note := _note(cell):
                notes |= dict.fromkeys(range(column, column + times), note)
            filled = len(cells) if text or note else filled
        if name_of(cell) in ("table-cell", "covered-table-cell"):
            column += times
    return cells[:filled], notes


def _note(cell: Any) -> str:
    """Return what is remarked on a cell."""
    remarks = (" ".join(_remark(item).split()) for item in nearest(cell, "annotation"))
    return "; ".join(f"comment: {remark}" for remark in remarks if remark)


def _remark(annotation: Any) -> str:
    return " ".join("".join(item.itertext()) for item in annotation.iter("{*}p"))


def _has_result(cell: Any) -> bool:
    return any(value_of(cell, name) for name in ("value-type", "value")) or bool(cell_text(cell))


def _is_hiding(style: Any) -> bool:
    return any(value_of(item, "display") == "false" for item in style.iter("{*}table-properties"))
