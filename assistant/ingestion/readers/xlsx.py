"""Reads Excel workbooks sheet by sheet through calamine: each row a block that repeats the names of its columns."""

from __future__ import annotations

import contextlib
import re
import zipfile
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from io import BytesIO
from typing import TYPE_CHECKING

from assistant.errors import ReadError
from assistant.ingestion.base import About, Block, BlockKind, LeftOut, ReadDocument, ReadLimits, SourceFile
from assistant.ingestion.readers.compound import check_chains
from assistant.ingestion.readers.dates import parse_date
from assistant.ingestion.readers.number_formats import plain_number, shown
from assistant.ingestion.readers.packages import (
    UNPACKING_FAILURES,
    open_package,
    parse_xml,
    read_part,
    texts,
    too_much_unpacked,
)
from assistant.ingestion.readers.sheet_parts import Place, SheetParts, number_codes, sheet_parts, sheet_paths
from assistant.ingestion.readers.sniffing import OLE
from assistant.ingestion.readers.tables import Row, table_lines
from memory_store.models import Locator

if TYPE_CHECKING:
    from python_calamine import CalamineSheet, CalamineWorkbook

# The place of a cell, or of a row alone, however it is written; what is no place counts for nothing.
_CELL = re.compile(rb"""\br\s*=\s*["']\s*([A-Za-z]{0,20})(\d{1,20})""")
_STEP = 1 << 20
# Calamine holds a sheet as a full rectangle, so one cell at the far corner costs as much as all of them.
_MAX_CELLS = 20_000_000
_MOST_MERGED = 100_000
_MOST_REACH = 200
_DAMAGED_HINT = "Open it in a spreadsheet program and save it."


class XlsxReader:
    """XLSX: sheets are headings, rows are numbered as the sheet numbers them. Formulas give their stored results."""

    media_type = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    suffixes = (".xlsx", ".xlsm", ".xltx")
    about = About(
        "Excel",
        "cells as they are shown, comments, links, text boxes, headers and footers",
        "sheet, `row 3` (or `rows 3–7`)",
        "its properties",
    )

    def read(self, file: SourceFile, limits: ReadLimits) -> ReadDocument:
        """Return the workbook's rows, a sheet at a time."""
        with open_package(file, limits) as package:
            _check_sheets(package)
            core = read_part(package, "docProps/core.xml", limits)
            shared = next((info for info in package.infolist() if info.filename == "xl/sharedStrings.xml"), None)
            if shared is not None and shared.file_size > 4 * limits.max_text_chars:
                raise too_much_unpacked(limits)
        root = parse_xml(core, "properties") if core else None
        title, author, created = (
            None if root is None else next(iter(texts(root, name)), None) for name in ("title", "creator", "created")
        )
        if author == "openpyxl":  # The library's own name is nobody's.
            author = None
        left_out: list[LeftOut] = []
        blocks = _blocks(_open(file), left_out, file, limits)
        return ReadDocument(title or file.stem, self.media_type, blocks, author, parse_date(created), left_out)


class OldExcelReader:
    """XLS and XLSB, the formats of Excel that are no XML: values alone, numbers without their formats."""

    media_type = "application/vnd.ms-excel"
    suffixes = (".xls", ".xlsb", ".xlt")
    about = About(
        "Old Excel",
        "the values of the cells",
        "sheet, `row 3` (or `rows 3–7`)",
        "the file's name",
    )

    def read(self, file: SourceFile, limits: ReadLimits) -> ReadDocument:
        """Return the workbook's rows, a sheet at a time."""
        left_out: list[LeftOut] = []
        return ReadDocument(file.stem, self.media_type, _blocks(_open(file), left_out), left_out=left_out)


def _check_sheets(package: zipfile.ZipFile) -> None:
    """Raise `ReadError` if a sheet's farthest cells span a rectangle that can't be held."""
    for info in package.infolist():
        if not info.filename.startswith("xl/worksheets/"):
            continue
        try:
            last_row, last_column = _last_cell(package, info)
        except UNPACKING_FAILURES as error:
            raise _damaged() from error
        if last_row * last_column > _MAX_CELLS:
            raise _too_large(last_row, last_column)


def _too_large(rows: int, columns: int) -> ReadError:
    return ReadError(
        f"a sheet of {rows:,} rows and {columns:,} columns, nearly all empty or too many to read",
        "Delete the cells far out, or save the sheet as CSV and import that.",
    )


def _last_cell(package: zipfile.ZipFile, info: zipfile.ZipInfo) -> tuple[int, int]:
    last_row = last_column = 1
    with package.open(info) as part:
        kept = b""
        while step := part.read(_STEP):
            data = kept + step
            for match in _CELL.finditer(data):
                last_column = max(last_column, _column(match[1]))
                last_row = max(last_row, int(match[2]))
            kept = data[-64:]
    return last_row, last_column


def _column(letters: bytes) -> int:
    number = 0 if letters else 1
    for letter in letters:
        number = number * 26 + (letter & 0x1F)
    return number


def _open(file: SourceFile) -> CalamineWorkbook:
    import python_calamine

    with file.open() as stream:
        data = stream.read()
    if data.startswith(OLE):
        check_chains(data)
    try:
        return python_calamine.CalamineWorkbook.from_filelike(BytesIO(data))
    except python_calamine.PasswordError as error:
        raise ReadError("encrypted: the workbook needs a password", "Save a copy without password.") from error
    except python_calamine.CalamineError as error:
        raise _damaged() from error
    except BaseException as error:
        raise _unless_ours(error) from error


def _blocks(
    workbook: CalamineWorkbook,
    left_out: list[LeftOut],
    file: SourceFile | None = None,
    limits: ReadLimits | None = None,
) -> Iterator[Block]:
    """Yield the rows of all sheets; `file` is the package to look into for what calamine does not give."""
    with contextlib.ExitStack() as stack:
        package, paths, codes = None, {}, []
        if file is not None and limits is not None:
            package = stack.enter_context(open_package(file, limits))
            paths, codes = sheet_paths(package, limits), number_codes(package, limits)
        for sheet in workbook.sheets_metadata:
            # At run time these are no enumerations of Python's: they have no name, only a representation.
            if not str(sheet.typ).endswith(".WorkSheet"):
                left_out.append(LeftOut(f"sheet {sheet.name}", "it holds a chart or macros, no cells", ""))
            elif not str(sheet.visible).endswith(".Visible"):
                hint = "Show it in the spreadsheet program, save the workbook and import it again."
                left_out.append(LeftOut(f"sheet {sheet.name}", "it is hidden", hint))
            else:
                parts = SheetParts()
                if package is not None and limits is not None and sheet.name in paths:
                    parts = sheet_parts(package, paths[sheet.name], codes, limits)
                yield from _sheet(workbook, sheet.name, parts)
                if count := parts.without_result:
                    told = "1 formula has" if count == 1 else f"{count:,} formulas have"
                    hint = "Open the workbook in a spreadsheet program, save it and import it again."
                    left_out.append(LeftOut(f"sheet {sheet.name}", f"{told} no stored result", hint))


def _sheet(workbook: CalamineWorkbook, name: str, parts: SheetParts) -> Iterator[Block]:
    import python_calamine

    try:
        sheet = workbook.get_sheet_by_name(name)
        start = sheet.start or (0, 0)
        if sheet.height * sheet.width > _MAX_CELLS:
            raise _too_large(sheet.height, sheet.width)
        rows = sheet.to_python(skip_empty_area=True)
        merged = sheet.merged_cell_ranges or []
    except (python_calamine.CalamineError, python_calamine.WorksheetNotFound) as error:
        raise _damaged() from error
    except ReadError:
        raise
    except BaseException as error:
        raise _unless_ours(error) from error
    outside = [(place, note) for place, note in parts.notes.items() if not _holds(start, sheet, place)]
    for row, line in table_lines(_rows(rows, start, merged, parts)):
        yield Block(line, Locator(headings=(name,), part=f"row {row.number}"), BlockKind.TABLE)
    for text in (*parts.texts, *(f"row {place[0] + 1}: {note}" for place, note in outside)):
        yield Block(text, Locator(headings=(name,)), BlockKind.PARAGRAPH)


def _holds(start: Place, sheet: CalamineSheet, place: Place) -> bool:
    """Say whether a place is one of the sheet's cells that hold values."""
    return 0 <= place[0] - start[0] < sheet.height and 0 <= place[1] - start[1] < sheet.width


def _rows(
    values: Sequence[Sequence[object]], start: Place, merged: Sequence[tuple[Place, Place]], parts: SheetParts
) -> Iterator[Row]:
    """Yield the rows of a sheet, from 1 as it numbers them; merged cells hold their value everywhere."""
    reaching: dict[Place, tuple[Place, bool]] = {}
    for (top, left), (bottom, right) in merged[:_MOST_MERGED]:
        # Merged far down or across, a cell sets a title, or colours a column.
        for line in range(top, min(bottom, top + _MOST_REACH) + 1):
            for column in range(left, min(right, left + _MOST_REACH) + 1):
                reaching[line, column] = ((top, left), column > left)
    by_row: dict[int, dict[int, str]] = {}
    for (line, column), text in parts.notes.items():
        by_row.setdefault(line, {})[column - start[1]] = text
    for line, row in enumerate(values, start=start[0]):
        cells, repeats = [], set()
        for at, value in enumerate(row):
            place = (line, at + start[1])
            if place in reaching and reaching[place][0] != place:
                (top, left), repeated = reaching[place]
                if repeated:
                    repeats.add(at)
                inside = 0 <= top - start[0] < len(values) and 0 <= left - start[1] < len(row)
                place, value = (top, left), values[top - start[0]][left - start[1]] if inside else ""
            cells.append(parts.errors.get(place) or _cell(value, parts.codes.get(place, "")))
        notes = {
            at: note for at, note in by_row.get(line, {}).items() if 0 <= at < len(cells) and note not in cells[at]
        }
        yield Row(cells, line + 1, repeats=frozenset(repeats), notes=notes)


def _cell(value: object, code: str) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case int() | float():
            return shown(float(value), code) if code else plain_number(float(value))
        case datetime():
            # Of what has a time the seconds are shown only where there are some.
            return value.isoformat(" ", "seconds" if value.second else "minutes").removesuffix(" 00:00")
        case time():
            return value.isoformat("seconds" if value.second else "minutes")
        case date():
            return value.isoformat()
        case timedelta():
            return _duration(value)
        case _:
            return " ".join(str(value).split())


def _duration(value: timedelta) -> str:
    seconds = round(abs(value).total_seconds())
    text = f"{seconds // 3600}:{seconds // 60 % 60:02}" + (f":{seconds % 60:02}" if seconds % 60 else "")
    return f"-{text}" if value < timedelta() else text


def _damaged() -> ReadError:
    return ReadError("damaged: its content is malformed", _DAMAGED_HINT)


def _unless_ours(error: BaseException) -> BaseException:
    """Return what to raise for what calamine let through: a Rust panic derives from BaseException alone."""
    ours = isinstance(error, Exception) or type(error).__name__ == "PanicException"
    return _damaged() if ours and not isinstance(error, MemoryError) else error
