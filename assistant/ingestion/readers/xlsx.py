"""Reads Excel workbooks sheet by sheet through calamine: each row a block that repeats the names of its columns."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from io import BytesIO
from typing import TYPE_CHECKING

from assistant.errors import ReadError
from assistant.ingestion.base import Block, BlockKind, ReadDocument, ReadLimits, SourceFile
from assistant.ingestion.readers.dates import parse_date
from assistant.ingestion.readers.packages import (
    UNPACKING_FAILURES,
    open_package,
    parse_xml,
    read_part,
    texts,
    too_much_unpacked,
)
from assistant.ingestion.readers.tabular import looks_like_header, row_text
from memory_store.models import Locator

if TYPE_CHECKING:
    from python_calamine import CalamineWorkbook

# The place of a cell, or of a row alone, however it is written; what is no place counts for nothing.
_CELL = re.compile(rb"""\br\s*=\s*["']\s*([A-Za-z]{0,20})(\d{1,20})""")
_STEP = 1 << 20
# Calamine holds a sheet as a full rectangle, so one cell at the far corner costs as much as all of them.
_MAX_CELLS = 20_000_000
_DAMAGED_HINT = "Open it in a spreadsheet program and save it."


class XlsxReader:
    """XLSX: sheets are headings, rows are numbered as the sheet numbers them. Formulas give their stored results."""

    media_type = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    suffixes = (".xlsx", ".xlsm", ".xltx")

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
        return ReadDocument(title or file.stem, self.media_type, _rows(_open(file)), author, parse_date(created))


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
            raise ReadError(
                f"a sheet of {last_row:,} rows and {last_column:,} columns, nearly all empty or too many to read",
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
        data = BytesIO(stream.read())
    try:
        return python_calamine.CalamineWorkbook.from_filelike(data)
    except python_calamine.PasswordError as error:
        raise ReadError("encrypted: the workbook needs a password", "Save a copy without password.") from error
    except python_calamine.CalamineError as error:
        raise _damaged() from error
    except BaseException as error:
        raise _unless_ours(error) from error


def _rows(workbook: CalamineWorkbook) -> Iterator[Block]:
    for sheet in workbook.sheets_metadata:
        # At run time these are no enumerations of Python's: they have no name, only a representation.
        if str(sheet.visible).endswith(".Visible") and str(sheet.typ).endswith(".WorkSheet"):
            yield from _sheet(workbook, sheet.name)


def _sheet(workbook: CalamineWorkbook, name: str) -> Iterator[Block]:
    import python_calamine

    try:
        sheet = workbook.get_sheet_by_name(name)
        first = sheet.start[0] + 1 if sheet.start else 1
        rows = sheet.to_python(skip_empty_area=True)
    except (python_calamine.CalamineError, python_calamine.WorksheetNotFound) as error:
        raise _damaged() from error
    except BaseException as error:
        raise _unless_ours(error) from error
    headers: list[str] = []
    seen = False
    for number, values in enumerate(rows, start=first):
        cells = [_cell(value) for value in values]
        if not any(cells):
            continue
        locator = Locator(headings=(name,), part=f"row {number}")
        if not seen and len(cells) > 1 and looks_like_header(cells):
            headers, seen = cells, True
            continue
        seen = True
        yield Block(row_text(cells, headers), locator, BlockKind.TABLE)
    if headers and sum(1 for values in rows if any(_cell(value) for value in values)) == 1:
        yield Block(row_text(headers), Locator(headings=(name,), part=f"row {first}"), BlockKind.TABLE)


def _cell(value: object) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case float() if value.is_integer() and abs(value) < 1e15:
            return str(int(value))
        case datetime():
            return value.isoformat(" ").removesuffix(" 00:00:00")
        case date() | time():
            return value.isoformat()
        case timedelta():
            return str(value)
        case _:
            return " ".join(str(value).split())


def _damaged() -> ReadError:
    return ReadError("damaged: its content is malformed", _DAMAGED_HINT)


def _unless_ours(error: BaseException) -> BaseException:
    """Return what to raise for what calamine let through: a Rust panic derives from BaseException alone."""
    ours = isinstance(error, Exception) or type(error).__name__ == "PanicException"
    return _damaged() if ours and not isinstance(error, MemoryError) else error
