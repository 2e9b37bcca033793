"""Reads Excel workbooks sheet by sheet: values through calamine, and from the XML what calamine does not give."""

from __future__ import annotations

import contextlib
import re
import struct
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from io import BytesIO
from typing import IO, TYPE_CHECKING, Any, Final

from assistant.errors import ReadError
from assistant.ingestion.base import Block, BlockKind, ReadDocument, Reader, ReadLimits, SourceFile
from assistant.ingestion.readers import number_formats
from assistant.ingestion.readers.dates import parse_date
from assistant.ingestion.readers.number_formats import format_number, plain_number
from assistant.ingestion.readers.office_text import paragraph_texts
from assistant.ingestion.readers.packages import (
    UNPACKING_FAILURES,
    Relations,
    local_name,
    open_package,
    parse_xml,
    properties,
    read_part,
    relation_of,
    relations,
    too_much_unpacked,
)
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
Place = tuple[int, int]
_PLACE: Final = re.compile(r"\$?([A-Za-z]{1,3})\$?(\d{1,7})")
_PRINT_CODE: Final = re.compile(r'&(?:"[^"]*"|K[0-9A-Fa-f]{6}|\d{1,3}|[A-Za-z])')
_MOST_FORMATS: Final = 100_000
_RESERVED: Final = 0xFFFFFFFA  # from here on a number is no sector: the end of a chain, a free sector and the like


def read_xlsx(file: SourceFile, limits: ReadLimits) -> ReadDocument:
    """XLSX: sheets are headings, rows are numbered as the sheet numbers them. Formulas give their stored results."""
    with open_package(file, limits) as package:
        _check_sheets(package)
        title, author, created = properties(package, limits)
        shared = next((info for info in package.infolist() if info.filename == "xl/sharedStrings.xml"), None)
        if shared is not None and shared.file_size > 4 * limits.max_text_chars:
            raise too_much_unpacked(limits)
    if author == "openpyxl":  # The library's own name is nobody's.
        author = ""
    blocks = _blocks(_open(file), file, limits, is_package=True)
    return ReadDocument(blocks, title, author, parse_date(created))


XLSX = Reader(
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", (".xlsx", ".xlsm", ".xltx"), read_xlsx
)


def read_old_excel(file: SourceFile, limits: ReadLimits) -> ReadDocument:
    """XLS and XLSB, the formats of Excel that are no XML: values alone, numbers without their formats."""
    return ReadDocument(_blocks(_open(file), file, limits, is_package=False))


OLD_EXCEL = Reader("application/vnd.ms-excel", (".xls", ".xlsb", ".xlt"), read_old_excel)


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


def _blocks(workbook: CalamineWorkbook, file: SourceFile, limits: ReadLimits, *, is_package: bool) -> Iterator[Block]:
    """Yield the rows of all sheets; in a package there is more to read than calamine gives."""
    with contextlib.ExitStack() as stack:
        package, paths, codes = None, {}, []
        if is_package:
            package = stack.enter_context(open_package(file, limits))
            paths, codes = sheet_paths(package, limits), number_codes(package, limits)
        for sheet in workbook.sheets_metadata:
            # At run time these are no enumerations of Python's: they have no name, only a representation.
            if not str(sheet.typ).endswith(".WorkSheet"):
                file.note(f"sheet {sheet.name}", "it holds a chart or macros, no cells", "")
            elif not str(sheet.visible).endswith(".Visible"):
                hint = "Show it in the spreadsheet program, save the workbook and import it again."
                file.note(f"sheet {sheet.name}", "it is hidden", hint)
            else:
                parts = SheetParts()
                if package is not None and sheet.name in paths:
                    parts = sheet_parts(package, paths[sheet.name], codes, limits)
                yield from _sheet(workbook, sheet.name, parts)
                if count := parts.without_result:
                    told = "1 formula has" if count == 1 else f"{count:,} formulas have"
                    hint = "Open the workbook in a spreadsheet program, save it and import it again."
                    file.note(f"sheet {sheet.name}", f"{told} no stored result", hint)


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
            return format_number(float(value), code) if code else plain_number(float(value))
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


@dataclass(slots=True)
class SheetParts:
    """What stands beside the values of a sheet. Places are (row, column), both from 0.

    `codes` are the formats of numbers by their place, `errors` what stands where a formula
    failed, `notes` what a cell's comments and links say, `texts` what stands
    outside of its cells; `without_result` counts formulas whose result is not in the file.
    """

    codes: dict[Place, str] = field(default_factory=dict)
    errors: dict[Place, str] = field(default_factory=dict)
    notes: dict[Place, str] = field(default_factory=dict)
    texts: list[str] = field(default_factory=list)
    without_result: int = 0

    def note(self, place: Place, text: str) -> None:
        """Add a remark to a cell."""
        self.notes[place] = f"{self.notes[place]}; {text}" if place in self.notes else text


def sheet_paths(package: zipfile.ZipFile, limits: ReadLimits) -> dict[str, str]:
    """Return the part of each sheet by its name."""
    workbook = read_part(package, "xl/workbook.xml", limits)
    if workbook is None:
        return {}
    targets = relations(package, "xl/workbook.xml", limits)
    sheets = parse_xml(workbook, "workbook").iter("{*}sheet")
    return {
        sheet.get("name") or "": targets[relation_of(sheet)][1] for sheet in sheets if relation_of(sheet) in targets
    }


def number_codes(package: zipfile.ZipFile, limits: ReadLimits) -> list[str]:
    """Return the code of a number's format by the number of a cell's style; empty where there is none."""
    data = read_part(package, "xl/styles.xml", limits)
    if data is None:
        return []
    root = parse_xml(data, "list of styles")
    own = {item.get("numFmtId"): item.get("formatCode") or "" for item in root.iter("{*}numFmt")}
    codes = []
    for listed in root.iter("{*}cellXfs"):
        for item in listed.iter("{*}xf"):
            number = item.get("numFmtId") or "0"
            codes.append(own.get(number) or number_formats.built_in(int(number) if number.isdecimal() else 0))
    return codes[:_MOST_FORMATS]


def sheet_parts(package: zipfile.ZipFile, path: str, codes: list[str], limits: ReadLimits) -> SheetParts:
    """Return what stands beside the values of the sheet in this part."""
    found = SheetParts()
    targets = relations(package, path, limits)
    try:
        with package.open(path) as stream:
            _read_cells(stream, codes, targets, found)
    except KeyError:
        return found
    except UNPACKING_FAILURES as error:
        raise _damaged() from error
    kinds = [kind for kind, _ in targets.values()]
    for kind, place in targets.values():
        # A thread of comments has a plain one beside it, for older versions, which tells them to look at the thread.
        if kind == "threadedComment" or (kind == "comments" and "threadedComment" not in kinds):
            _read_comments(package, place, limits, found)
        elif kind == "drawing" and (data := read_part(package, place, limits)):
            shapes = parse_xml(data, "drawing").iter("{*}sp")
            found.texts += filter(None, ("\n".join(paragraph_texts(shape)) for shape in shapes))
    return found


def _read_cells(stream: IO[bytes], codes: list[str], targets: Relations, found: SheetParts) -> None:
    from lxml import etree

    names = ("{*}c", "{*}row", "{*}hyperlink", "{*}oddHeader", "{*}oddFooter")
    try:
        for _, element in etree.iterparse(
            stream, tag=names, resolve_entities=False, load_dtd=False, no_network=True, huge_tree=False
        ):
            name = element.tag.rpartition("}")[2]
            if name == "c":
                _read_cell(element, codes, found)
            elif name == "row":
                element.clear()
                while element.getprevious() is not None:
                    del element.getparent()[0]
            elif name == "hyperlink":
                address = targets.get(relation_of(element), ("", ""))[1]
                if (place := _place(element.get("ref"))) and address:
                    found.note(place, address)
            elif element.text and (text := " ".join(_PRINT_CODE.sub(" ", element.text).split())):
                found.texts.append(text)
    except etree.XMLSyntaxError as error:
        raise _damaged() from error


def _read_cell(cell: Any, codes: list[str], found: SheetParts) -> None:
    kind, style = cell.get("t") or "n", cell.get("s") or ""
    code = codes[int(style)] if kind == "n" and style.isdecimal() and int(style) < len(codes) else ""
    if code and (place := _place(cell.get("r"))):
        found.codes[place] = code
    formula = value = None
    for child in cell:
        name = local_name(child)
        formula = child if name == "f" else formula
        value = child if name == "v" else value
    if kind == "e" and value is not None and value.text and (place := _place(cell.get("r"))):
        found.errors[place] = value.text
    if formula is not None and kind != "str" and (value is None or not value.text):
        found.without_result += 1


def _read_comments(package: zipfile.ZipFile, path: str, limits: ReadLimits, found: SheetParts) -> None:
    data = read_part(package, path, limits)
    if data is None:
        return
    root = parse_xml(data, "list of comments")
    authors = [item.text or "" for item in root.iter("{*}author")]
    for comment in root.iter("{*}comment", "{*}threadedComment"):
        text = " ".join("".join(item.text or "" for item in comment.iter("{*}t", "{*}text")).split())
        number = comment.get("authorId") or ""
        author = authors[int(number)] if number.isdecimal() and int(number) < len(authors) else ""
        if (place := _place(comment.get("ref"))) and text:
            by = f" by {author}" if author and not author.startswith("tc=") and not text.startswith(author) else ""
            found.note(place, f"comment{by}: {text}")


def _place(reference: str | None) -> Place | None:
    match = _PLACE.match(reference or "")
    if match is None:
        return None
    column = 0
    for letter in match[1].upper():
        column = column * 26 + ord(letter) - 64
    return int(match[2]) - 1, column - 1


def check_chains(data: bytes) -> None:
    """Raise `ReadError` if a chain of sectors of a compound file leads in a circle, or out of the file.

    In a circle calamine would gather sectors until the memory is full. Layout: [MS-CFB] 2.2 to 2.4.
    """
    if len(data) < 512:
        raise _damaged()
    shift = int.from_bytes(data[30:32], "little")
    if shift not in (9, 12):
        raise _damaged()
    size = 1 << shift
    count = len(data) // size
    listed = list(struct.unpack_from("<109I", data, 76))
    (following,) = struct.unpack_from("<I", data, 68)
    steps = 0
    while following < _RESERVED:
        numbers = _sector(data, following, size)
        listed += numbers[:-1]
        following = numbers[-1]
        steps += 1
        if steps > count:
            raise _damaged()
    table: list[int] = []
    for number in listed:
        if number < _RESERVED:
            table += _sector(data, number, size)
        if len(table) > count + size:
            break
    _check(table, count)
    (first_small,) = struct.unpack_from("<I", data, 60)
    small: list[int] = []
    while first_small < _RESERVED and first_small < len(table):
        small += _sector(data, first_small, size)
        first_small = table[first_small]
    _check(small, len(data) // 64)


def _sector(data: bytes, number: int, size: int) -> Sequence[int]:
    start = (number + 1) * size
    if start + size > len(data):
        raise _damaged()
    return struct.unpack_from(f"<{size // 4}I", data, start)


def _check(table: Sequence[int], count: int) -> None:
    """Raise `ReadError` unless every chain of a table of sectors comes to an end."""
    ends = bytearray(len(table))  # 1: on the way now, 2: known to end
    for start in range(min(len(table), count)):
        way = []
        at = start
        while at < len(table) and not ends[at]:
            ends[at] = 1
            way.append(at)
            at = table[at]
        if at < len(table) and ends[at] == 1:
            raise _damaged()
        for number in way:
            ends[number] = 2
