"""Reads OpenDocument files: texts (ODT), spreadsheets (ODS) and presentations (ODP)."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any, Final, NamedTuple

from assistant.errors import ReadError
from assistant.ingestion.base import Block, BlockKind, ReadDocument, Reader, ReadLimits, SourceFile
from assistant.ingestion.readers.dates import parse_date
from assistant.ingestion.readers.markup import Piece, blocks, decode, formula_text, parse
from assistant.ingestion.readers.packages import attribute, first_texts, local_name, open_package, parse_xml, read_part
from assistant.ingestion.readers.tables import MOST_COLUMNS, Cell, Row, fill_spans, table_lines
from memory_store.models import Locator

# What is not the text itself: deleted text, remarks (of XML too), hidden passages, and the fields' own declarations.
_LEFT_OUT = frozenset(
    ("", "tracked-changes", "annotation", "annotation-end", "sequence-decls", "variable-decls", "hidden-text", "script",
     "forms", "hidden-paragraph", "note-citation", "ruby-text", "title", "desc")
)  # fmt: skip
_HEADERS = ("{*}header", "{*}header-left", "{*}header-first")
_FOOTERS = ("{*}footer", "{*}footer-left", "{*}footer-first")
_MAX_SPACES = 1000
_MOST_REPEATED_ROWS: Final = 1000


def read_odt(file: SourceFile, limits: ReadLimits) -> ReadDocument:
    """ODT, located by headings. Pictures and macros are not looked at."""
    root, about = open_document(file, limits, "text")
    body = next(root.iter("{*}text"), None)
    pieces = [] if body is None else [*container(body, BlockKind.PARAGRAPH), *_fields(body)]
    headers, footers = _headers_and_footers(file, limits)
    title = about.title or next((piece.text for piece in pieces if piece.level == 1), file.stem)
    found = blocks([*headers, *pieces, *footers])
    return ReadDocument(found, title, about.author, about.created_at)


ODT = Reader("application/vnd.oasis.opendocument.text", (".odt", ".ott"), read_odt)


class _About(NamedTuple):
    """What an OpenDocument file says of itself."""

    title: str
    author: str
    created_at: datetime | None


def open_document(file: SourceFile, limits: ReadLimits, kind: str) -> tuple[Any, _About]:
    """Return the content of an OpenDocument file, and what it says of itself."""
    with open_package(file, limits) as package:
        manifest = read_part(package, "META-INF/manifest.xml", limits)
        if manifest is not None and b"encryption-data" in manifest:
            hint = "Save a copy without password and import it."
            raise ReadError(f"encrypted: the OpenDocument {kind} needs a password", hint)
        content = read_part(package, "content.xml", limits)
        meta = read_part(package, "meta.xml", limits)
        if content is None:
            raise ReadError("damaged: content.xml is missing", "Get a fresh copy of it.")
        root = parse_xml(content, "content")
        _write_out_objects(root, package, limits)
    names = ("title", "initial-creator", "creator", "creation-date")
    title, first, last, created = first_texts(parse_xml(meta, "properties") if meta else None, *names)
    return root, _About(title, first or last, parse_date(created))


def _write_out_objects(root: Any, package: zipfile.ZipFile, limits: ReadLimits) -> None:
    """Put the text of each formula, and the table of each chart, in its place."""
    for frame in list(root.iter("{*}object")):
        place = attribute(frame, "href").removeprefix("./").rstrip("/")
        data = read_part(package, f"{place}/content.xml", limits) if place else None
        if data is None:
            continue
        if (formula := parse(decode(data)).find("math")) is not None:
            frame.text = formula_text(formula)
        else:
            frame.extend(item for item in parse_xml(data, "chart").iter("{*}table") if item.getparent() is not frame)


def _headers_and_footers(file: SourceFile, limits: ReadLimits) -> tuple[list[Piece], list[Piece]]:
    """Return what stands at the top and at the foot of pages, each line once."""
    with open_package(file, limits) as package:
        data = read_part(package, "styles.xml", limits)
    if data is None:
        return [], []
    root = parse_xml(data, "styles")
    found: list[dict[str, None]] = [{}, {}]
    for lines, names in zip(found, (_HEADERS, _FOOTERS), strict=True):
        for element in root.iter(*names):
            pieces = container(element, BlockKind.PARAGRAPH)
            lines |= dict.fromkeys(piece.text for piece in pieces if not piece.text.isdecimal())
    headers, footers = ([Piece(line, BlockKind.PARAGRAPH) for line in lines] for lines in found)
    return headers, footers


def _fields(body: Any) -> Iterator[Piece]:
    """Yield what is written into the fields of a form, and which of its boxes are ticked."""
    for forms in body.iter("{*}forms"):
        for field in forms.iter():
            name = attribute(field, "label") or attribute(field, "name")
            if local_name(field) in ("checkbox", "radio"):
                state = attribute(field, "current-state") or attribute(field, "current-selected")
                value = "☒" if state in ("checked", "true") else ""
            else:
                value = attribute(field, "current-value") or attribute(field, "value")
            if name and value:
                yield Piece(f"{name}: {value}", BlockKind.TABLE)


def _remarks(element: Any) -> Iterator[Piece]:
    """Yield the comments on a paragraph, with who wrote them."""
    for remark in find_nearest(element, "annotation"):
        author = next(("".join(item.itertext()).strip() for item in remark.iter("{*}creator")), "")
        if text := _remark(remark):
            yield Piece(f"comment{f' by {author}' if author else ''}: {text}", BlockKind.PARAGRAPH)


def _remark(annotation: Any) -> str:
    return " ".join(" ".join("".join(item.itertext()) for item in annotation.iter("{*}p")).split())


def container(element: Iterable[Any], kind: BlockKind) -> Iterator[Piece]:
    """Yield the pieces inside an element that holds paragraphs."""
    for child in element:
        name = local_name(child)
        if name in _LEFT_OUT:
            yield from _remarks([child]) if name == "annotation" else ()
            continue
        if name in ("p", "h"):
            text = _text(child).strip()
            if text:
                level = min(10, count_of(child, "outline-level") or 1) if name == "h" else 0
                yield Piece(text, BlockKind.HEADING if level else kind, level)
            for frame in find_nearest(child, "text-box"):
                yield from container(frame, kind)
            for chart in (item for frame in find_nearest(child, "object") for item in find_nearest(frame, "table")):
                yield from _table(chart)
            yield from _remarks(child)
        elif name == "table":
            yield from _table(child)
        elif name == "list":
            yield from container(child, BlockKind.LIST)
        else:
            yield from container(child, kind)


def _table(table: Any) -> Iterator[Piece]:
    for _, line in table_lines(fill_spans(_rows(table)), has_header=False):
        yield Piece(line, BlockKind.TABLE)


def _rows(table: Any) -> Iterator[tuple[list[Cell], bool, bool]]:
    for row in find_nearest(table, "table-row"):
        cells: list[Cell] = []
        for cell in row:
            if local_name(cell) == "table-cell" and len(cells) < MOST_COLUMNS:
                text = cell_text(cell)
                found = Cell(text, count_of(cell, "number-rows-spanned"), count_of(cell, "number-columns-spanned"))
                repeated = count_of(cell, "number-columns-repeated") if text else 1
                cells += [found] * min(repeated, MOST_COLUMNS - len(cells))
        yield cells, local_name(row.getparent()) == "table-header-rows", False


def cell_text(cell: Iterable[Any]) -> str:
    """Return the text of a table's cell on one line."""
    return " ".join(piece.text.replace("\n", " ") for piece in container(cell, BlockKind.TABLE))


def find_nearest(element: Any, name: str) -> Iterator[Any]:
    """Yield the elements of a name inside of another, but not those inside of them: each is read once."""
    waiting = list(reversed(element))
    while waiting:
        child = waiting.pop()
        if local_name(child) == name:
            yield child
        elif local_name(child) != "table" or name != "table-row":
            waiting += reversed(child)


def _text(element: Any) -> str:
    pieces = [element.text or ""]
    for child in element:
        name = local_name(child)
        if name == "s":
            pieces.append(" " * min(count_of(child), _MAX_SPACES))
        elif name == "tab":
            pieces.append("\t")
        elif name == "line-break":
            pieces.append("\n")
        elif name == "note":
            pieces.append(f" {_text(child).strip()} ")
        elif name == "frame":
            pieces += [item.text for item in find_nearest(child, "object") if item.text and item.text.strip()]
        elif name not in _LEFT_OUT and name != "custom-shape":
            said = _text(child)
            address = attribute(child, "href") if name == "a" else ""
            pieces.append(f"{said} ({address})" if "://" in address and address not in said else said)
        pieces.append(child.tail or "")
    # White space in the file means nothing: blanks that count have elements of their own.
    return "".join(pieces)


def count_of(element: Any, name: str = "c") -> int:
    """Return the number in an attribute, whatever its namespace; 1 where there is none."""
    value = attribute(element, name)
    return int(value[:6]) if value.isdecimal() else 1


def read_ods(file: SourceFile, limits: ReadLimits) -> ReadDocument:
    """ODS: sheets are headings, rows are numbered as the sheet numbers them, values are as the sheet shows them."""
    root, about = open_document(file, limits, "spreadsheet")
    return ReadDocument(_sheet_blocks(root, file), about.title, about.author, about.created_at)


ODS = Reader("application/vnd.oasis.opendocument.spreadsheet", (".ods", ".ots"), read_ods)


def _sheet_blocks(root: Any, file: SourceFile) -> Iterator[Block]:
    hidden = {attribute(style, "name") for style in root.iter("{*}style") if _is_hiding(style)}
    for table in (item for sheets in root.iter("{*}spreadsheet") for item in find_nearest(sheets, "table")):
        name = attribute(table, "name")
        if attribute(table, "style-name") in hidden:
            hint = "Show it in the spreadsheet program, save the file and import it again."
            file.note(f"sheet {name}", "it is hidden", hint)
            continue
        for row, line in table_lines(_sheet_rows(table)):
            yield Block(line, Locator(headings=(name,), part=f"row {row.number}"), BlockKind.TABLE)
        without = sum(1 for cell in table.iter("{*}table-cell") if attribute(cell, "formula") and not _has_result(cell))
        if without:
            told = "1 formula has" if without == 1 else f"{without:,} formulas have"
            hint = "Open it in a spreadsheet program, save it and import it again."
            file.note(f"sheet {name}", f"{told} no stored result", hint)


def _sheet_rows(table: Any) -> Iterator[Row]:
    """Yield the rows as the sheet numbers them."""
    given: list[tuple[int, dict[int, str]]] = []

    def cells() -> Iterator[tuple[list[Cell], bool, bool]]:
        number = 1
        for row in find_nearest(table, "table-row"):
            found, notes = _cells(row)
            times = count_of(row, "number-rows-repeated")
            for step in range(min(times, _MOST_REPEATED_ROWS) if found else 1):
                given.append((number + step, notes))
                yield found, local_name(row.getparent()) == "table-header-rows", False
            number += times

    for row in fill_spans(cells()):
        number, notes = given[row.number - 1]
        yield replace(row, number=number, notes=notes)


def _cells(row: Any) -> tuple[list[Cell], dict[int, str]]:
    """Return a row's own cells, and its notes by column; what others reach into has a covered cell in the file."""
    cells: list[Cell] = []
    notes: dict[int, str] = {}
    filled = column = 0
    for cell in row:
        times = min(count_of(cell, "number-columns-repeated"), MOST_COLUMNS - len(cells))
        if local_name(cell) == "table-cell":
            text = cell_text(item for item in cell if local_name(item) != "annotation")
            item = Cell(text, count_of(cell, "number-rows-spanned"), count_of(cell, "number-columns-spanned"))
            cells += [item] * times
            if note := _note(cell):
                notes |= dict.fromkeys(range(column, column + times), note)
            filled = len(cells) if text or note else filled
        if local_name(cell) in ("table-cell", "covered-table-cell"):
            column += times
    return cells[:filled], notes


def _note(cell: Any) -> str:
    """Return what is remarked on a cell."""
    remarks = (_remark(item) for item in find_nearest(cell, "annotation"))
    return "; ".join(f"comment: {remark}" for remark in remarks if remark)


def _has_result(cell: Any) -> bool:
    return any(attribute(cell, name) for name in ("value-type", "value")) or bool(cell_text(cell))


def _is_hiding(style: Any) -> bool:
    return any(attribute(item, "display") == "false" for item in style.iter("{*}table-properties"))


def read_odp(file: SourceFile, limits: ReadLimits) -> ReadDocument:
    """ODP, located by slide and title. Pictures and media are not looked at."""
    root, about = open_document(file, limits, "presentation")
    slides = list(root.iter("{*}page"))
    if not slides:
        raise ReadError("damaged: the presentation lists no slides", "Open it in a presentation program and save it.")
    return ReadDocument(_slide_blocks(slides, file), about.title, about.author, about.created_at)


ODP = Reader("application/vnd.oasis.opendocument.presentation", (".odp", ".otp"), read_odp)


def _slide_blocks(slides: list[Any], file: SourceFile) -> Iterator[Block]:
    for number, slide in enumerate(slides, start=1):
        part = f"slide {number}"
        notes = [item for item in slide if local_name(item) == "notes"]
        titles: list[Piece] = []
        others: list[Piece] = []
        for shape in (item for item in slide if item not in notes):
            pieces = list(container([shape], BlockKind.PARAGRAPH))
            (titles if attribute(shape, "class") == "title" else others).extend(pieces)
        title = " ".join(" ".join(piece.text for piece in titles).split())
        heading = [Piece(title, BlockKind.HEADING, 1)] if title else []
        yield from blocks([*heading, *others], part=part)
        if not title and not others and next(find_nearest(slide, "image"), None) is not None:
            hint = "Save it as PDF and run that through text recognition (OCR)."
            file.note(part, "it holds only a picture", hint)
        above = (title, "Notes") if title else ("Notes",)
        yield from blocks((piece for note in notes for piece in container(note, BlockKind.PARAGRAPH)), part, above)
