"""Text of Office files that stands in parts of their own: formulas, charts and the boxes of diagrams."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from typing import Any, Final

from assistant.ingestion.base import ReadLimits
from assistant.ingestion.readers.packages import Relations, attribute, local_name, parse_xml, read_part
from assistant.ingestion.readers.tables import MOST_COLUMNS, Row, table_lines

_MOST_ROWS: Final = 1000


def formula_text(node: Any) -> str:
    """Return a formula of an Office file (OMML) on one line: `a/b`, `x^2`, `√(x + 1)`."""
    return " ".join(_linear(node).split())


def _linear(node: Any) -> str:
    match local_name(node):
        case "t":
            return node.text or ""
        case "f":
            return f"{_bracket(_inner(node, 'num'))}/{_bracket(_inner(node, 'den'))}"
        case "sSup":
            return f"{_inner(node, 'e')}^{_bracket(_inner(node, 'sup'))}"
        case "sSub":
            return f"{_inner(node, 'e')}_{_bracket(_inner(node, 'sub'))}"
        case "sSubSup":
            return f"{_inner(node, 'e')}_{_bracket(_inner(node, 'sub'))}^{_bracket(_inner(node, 'sup'))}"
        case "rad":
            return f"{_inner(node, 'deg')}√{_bracket(_inner(node, 'e'))}"
        case "nary":
            low, high = _inner(node, "sub"), _inner(node, "sup")
            limits = (f"_{_bracket(low)}" if low else "") + (f"^{_bracket(high)}" if high else "")
            return f"{_property(node, 'chr', '∫')}{limits} {_inner(node, 'e')}"
        case "d":
            inner = _property(node, "sepChr", "|").join(_children(item) for item in node if local_name(item) == "e")
            return f"{_property(node, 'begChr', '(')}{inner}{_property(node, 'endChr', ')')}"
        case "func":
            return f"{_inner(node, 'fName')} {_inner(node, 'e')}"
        case "mr":
            return " ".join(_children(item) for item in node) + "; "
        case name:
            # What only says how something is set ends in `Pr`.
            return "" if not name or name.endswith("Pr") else _children(node)


def _children(node: Any) -> str:
    return "".join(_linear(child) for child in node)


def _inner(node: Any, name: str) -> str:
    return "".join(_children(item) for item in node if local_name(item) == name).strip()


def _property(node: Any, name: str, otherwise: str) -> str:
    for item in node.iter(f"{{*}}{name}"):
        return attribute(item)
    return otherwise


def _bracket(text: str) -> str:
    return text if len(text) <= 1 or text.isalnum() else f"({text})"


def paragraph_texts(shape: Any) -> Iterator[str]:
    """Yield the text of each paragraph in a shape, a cell or a page of notes that has one."""
    for paragraph in shape.iter("{*}p"):
        signs = {"br": "\n", "tab": "\t"}
        pieces = [signs.get(local_name(item)) or item.text or "" for item in paragraph.iter("{*}t", "{*}br", "{*}tab")]
        if text := "".join(pieces).strip():
            yield text


def write_out_formulas(root: Any) -> None:
    """Put the text of each formula in its place, as a run of text."""
    from lxml import etree

    for formula in list(root.iter("{*}oMath")):
        parent = formula.getparent()
        if parent is not None:
            text = etree.Element("t")
            text.text, text.tail = formula_text(formula), formula.tail
            parent.replace(formula, text)


def part_lines(package: zipfile.ZipFile, targets: Relations, limits: ReadLimits) -> Iterator[str]:
    """Yield what the charts and diagrams say that a part of the file refers to."""
    for kind, place in targets.values():
        if kind == "chart" and (data := read_part(package, place, limits)):
            yield from _chart(parse_xml(data, "chart"))
        elif kind == "diagramData" and (data := read_part(package, place, limits)):
            for point in parse_xml(data, "diagram").iter("{*}pt"):
                if text := _runs(point):
                    yield text


def _chart(root: Any) -> Iterator[str]:
    """Yield the titles of a chart, and its values as the table that they were."""
    for title in root.iter("{*}title"):
        if text := _runs(title):
            yield text
    series = list(root.iter("{*}ser"))[: MOST_COLUMNS - 1]
    names = ["", *(_cached_values(item, "tx").get(0, "") for item in series)]
    values = [_cached_values(item, "val", "yVal") for item in series]
    categories: dict[int, str] = {}
    for item in series:
        categories |= _cached_values(item, "cat", "xVal")
    numbers = sorted({at for column in (categories, *values) for at in column})[:_MOST_ROWS]
    rows = [Row([categories.get(at, ""), *(column.get(at, "") for column in values)]) for at in numbers]
    if rows:
        yield from (line for _, line in table_lines([Row(names, marked=True), *rows]))


def _cached_values(series: Any, *names: str) -> dict[int, str]:
    found: dict[int, str] = {}
    for part in series:
        if local_name(part) in names:
            for point in part.iter("{*}pt"):
                index = point.get("idx") or ""
                if index.isdecimal() and len(index) < 8:
                    found[int(index)] = "".join(item.text or "" for item in point.iter("{*}v")).strip()
    return found


def _runs(node: Any) -> str:
    return " ".join("".join(item.text or "" for item in node.iter("{*}t")).split())
