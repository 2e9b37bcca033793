"""Reads of an Excel workbook what calamine does not give: how numbers are shown, comments, links, text boxes."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO, Any, Final

from assistant.errors import ReadError
from assistant.ingestion.base import ReadLimits
from assistant.ingestion.readers import number_formats
from assistant.ingestion.readers.packages import UNPACKING_FAILURES, parse_xml, read_part, relation_of, relations

Place = tuple[int, int]
_PLACE: Final = re.compile(r"\$?([A-Za-z]{1,3})\$?(\d{1,7})")
_PRINT_CODE: Final = re.compile(r'&(?:"[^"]*"|K[0-9A-Fa-f]{6}|\d{1,3}|[A-Za-z])')
_MOST_FORMATS: Final = 100_000


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
            found.texts += _texts_of_shapes(parse_xml(data, "drawing"))
    return found


def _read_cells(stream: IO[bytes], codes: list[str], targets: dict[str, tuple[str, str]], found: SheetParts) -> None:
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
        name = child.tag.rpartition("}")[2] if isinstance(child.tag, str) else ""
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


def _texts_of_shapes(root: Any) -> Iterator[str]:
    for shape in root.iter("{*}sp"):
        lines = ("".join(item.text or "" for item in line.iter("{*}t")).strip() for line in shape.iter("{*}p"))
        if text := "\n".join(line for line in lines if line):
            yield text


def _place(reference: str | None) -> Place | None:
    match = _PLACE.match(reference or "")
    if match is None:
        return None
    column = 0
    for letter in match[1].upper():
        column = column * 26 + ord(letter) - 64
    return int(match[2]) - 1, column - 1


def _damaged() -> ReadError:
    return ReadError("damaged: its content is malformed", "Open it in a spreadsheet program and save it.")
