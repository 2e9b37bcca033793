"""Reads PowerPoint presentations slide by slide: titles, text, tables and speaker's notes."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from typing import Any

from assistant.errors import ReadError
from assistant.ingestion.base import Block, BlockKind, ReadDocument, Reader, ReadLimits, SourceFile
from assistant.ingestion.readers.dates import parse_date
from assistant.ingestion.readers.office_text import paragraph_texts, part_lines, write_out_formulas
from assistant.ingestion.readers.packages import (
    Relations,
    local_name,
    open_package,
    parse_xml,
    properties,
    read_part,
    relation_of,
    relations,
)
from assistant.ingestion.readers.tables import Cell, Row, fill_spans, table_lines
from memory_store.models import Locator

_TRUE = ("1", "true")
_TITLES = ("title", "ctrTitle")
# Placeholders that repeat on every slide, and the picture of the slide on its page of notes.
_FURNITURE = ("dt", "ftr", "sldNum", "hdr", "sldImg")
_TEMPLATE_OF = "2013-01-27T09:14:16Z"  # of python-pptx
_DAMAGED_HINT = "Open it in a presentation program and save it."


def read_pptx(file: SourceFile, limits: ReadLimits) -> ReadDocument:
    """PPTX, located by slide and title. Pictures, media and macros are not looked at.

    Each slide is unpacked when it is reached.
    """
    with open_package(file, limits) as package:
        slides = _slides(package, limits)
        title, author, created = properties(package, limits)
    if not slides:
        raise ReadError("damaged: the presentation lists no slides", _DAMAGED_HINT)
    if title and title.lower() in ("powerpoint presentation", "powerpoint-präsentation"):
        title = ""
    created = "" if created == _TEMPLATE_OF else created
    found = _blocks(file, limits, slides)
    return ReadDocument(found, title, author, parse_date(created))


PPTX = Reader(
    "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    (".pptx", ".pptm", ".ppsx", ".potx"),
    read_pptx,
)


def _slides(package: zipfile.ZipFile, limits: ReadLimits) -> list[str]:
    presentation = parse_xml(_required(package, "ppt/presentation.xml", limits), "presentation")
    targets = relations(package, "ppt/presentation.xml", limits)
    ids = (relation_of(element) for element in presentation.iter("{*}sldId"))
    return [targets[text][1] for text in ids if text in targets]


def _blocks(file: SourceFile, limits: ReadLimits, slides: list[str]) -> Iterator[Block]:
    with open_package(file, limits) as package:
        for number, path in enumerate(slides, start=1):
            root = parse_xml(_required(package, path, limits), f"slide {number}")
            write_out_formulas(root)
            targets = relations(package, path, limits)
            _write_out_links(root, targets)
            part = f"slide {number}"
            shapes = list(_shapes(root))
            has_text = any(role not in _FURNITURE and any(paragraph_texts(shape)) for role, shape in shapes)
            if not has_text and next(root.iter("{*}pic"), None) is not None:
                hint = "Save it as PDF and run that through text recognition (OCR)."
                file.note(f"slide {number}", "it holds only a picture", hint)
            titles = [" ".join(" ".join(paragraph_texts(shape)).split()) for role, shape in shapes if role in _TITLES]
            above = tuple(title for title in titles if title)[:1]
            if above:
                yield Block(above[0], Locator(headings=above, part=part), BlockKind.HEADING)
            for role, shape in shapes:
                if role not in (*_TITLES, *_FURNITURE):
                    yield from _shape(shape, Locator(headings=above, part=part))
            for line in part_lines(package, targets, limits):
                yield Block(line, Locator(headings=above, part=part), BlockKind.PARAGRAPH)
            for kind, place in targets.values():
                if kind == "notesSlide" and (notes := read_part(package, place, limits)):
                    yield from _notes(parse_xml(notes, f"notes of slide {number}"), above, part)
                elif kind in ("comments", "comment") and (data := read_part(package, place, limits)):
                    for comment in _comments(parse_xml(data, f"comments on slide {number}")):
                        yield Block(comment, Locator(headings=above, part=part), BlockKind.PARAGRAPH)


def _shapes(root: Any) -> Iterator[tuple[str, Any]]:
    """Yield each shape with text, and each table, with the role of its placeholder."""
    for element in root.iter("{*}sp", "{*}graphicFrame"):
        if any(properties.get("hidden") in ("1", "true") for properties in element.iter("{*}cNvPr")):
            continue
        placeholder = next(element.iter("{*}ph"), None)
        yield ("" if placeholder is None else placeholder.get("type") or ""), element


def _shape(shape: Any, locator: Locator) -> Iterator[Block]:
    tables = list(shape.iter("{*}tbl"))
    for table in tables:
        for _, line in table_lines(_rows(table), has_header=False):
            yield Block(line, locator, BlockKind.TABLE)
    if not tables:
        lines = list(paragraph_texts(shape))
        kind = BlockKind.LIST if len(lines) > 1 else BlockKind.PARAGRAPH
        for line in lines:
            yield Block(line, locator, kind)


def _rows(table: Any) -> Iterator[Row]:
    marked = any(properties.get("firstRow") in _TRUE for properties in table.iter("{*}tblPr"))
    rows = []
    for number, row in enumerate(table.iter("{*}tr")):
        # What a cell reaches into has a cell of its own there, which says so.
        cells = [
            item for item in row.iter("{*}tc") if item.get("hMerge") not in _TRUE and item.get("vMerge") not in _TRUE
        ]
        found = [
            Cell(" ".join(paragraph_texts(cell)), _span(cell, "rowSpan"), _span(cell, "gridSpan")) for cell in cells
        ]
        rows.append((found, marked and not number, False))
    return fill_spans(rows)


def _span(cell: Any, name: str) -> int:
    value = cell.get(name) or "1"
    return int(value[:5]) if value.isdecimal() else 1


def _notes(root: Any, above: tuple[str, ...], part: str) -> Iterator[Block]:
    for role, shape in _shapes(root):
        if role not in _FURNITURE:
            for line in paragraph_texts(shape):
                yield Block(line, Locator(headings=(*above, "Notes"), part=part), BlockKind.PARAGRAPH)


def _write_out_links(root: Any, targets: Relations) -> None:
    """Put the address of each link after the words that lead there."""
    for link in root.iter("{*}hlinkClick"):
        address = targets.get(relation_of(link), ("", ""))[1]
        run = next((item for item in link.iterancestors() if item.tag.endswith("}r")), None)
        said = None if run is None else next(run.iter("{*}t"), None)
        if said is not None and "://" in address and address not in (said.text or ""):
            said.text = f"{said.text or ''} ({address})"


def _comments(root: Any) -> Iterator[str]:
    """Yield the comments on a slide, of the older and the newer kind, and what was answered."""
    for comment in root.iter("{*}cm", "{*}reply"):
        own = [item for item in comment if local_name(item) in ("text", "txBody")]
        if text := " ".join(" ".join("".join(item.itertext()) for item in own).split()):
            yield f"comment: {text}"


def _required(package: zipfile.ZipFile, path: str, limits: ReadLimits) -> bytes:
    data = read_part(package, path, limits)
    if data is None:
        raise ReadError(f"damaged: {path} is missing in the presentation", _DAMAGED_HINT)
    return data
