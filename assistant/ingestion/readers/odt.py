"""Reads OpenDocument texts (ODT): headings, paragraphs, lists and tables."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from assistant.errors import ReadError
from assistant.ingestion.base import BlockKind, ReadDocument, ReadLimits, SourceFile
from assistant.ingestion.readers.dates import parse_date
from assistant.ingestion.readers.markup import Piece, blocks
from assistant.ingestion.readers.packages import open_package, parse_xml, read_part, texts
from assistant.ingestion.readers.tabular import looks_like_header, row_text

# What is not the text itself: deleted text, remarks, hidden passages, and the fields' own declarations.
_LEFT_OUT = frozenset(
    ("tracked-changes", "annotation", "annotation-end", "sequence-decls", "variable-decls", "hidden-text", "script",
     "forms", "hidden-paragraph", "note-citation", "ruby-text", "title", "desc")
)  # fmt: skip
_MAX_SPACES = 1000
_MAX_COLUMNS = 16_384


class OdtReader:
    """ODT, located by headings. Pictures and macros are not looked at."""

    media_type = "application/vnd.oasis.opendocument.text"
    suffixes = (".odt", ".ott")

    def read(self, file: SourceFile, limits: ReadLimits) -> ReadDocument:
        """Return the document's pieces."""
        with open_package(file, limits) as package:
            manifest = read_part(package, "META-INF/manifest.xml", limits)
            if manifest is not None and b"encryption-data" in manifest:
                hint = "Save a copy without password and import it."
                raise ReadError("encrypted: the OpenDocument text needs a password", hint)
            content = read_part(package, "content.xml", limits)
            meta = read_part(package, "meta.xml", limits)
        if content is None:
            raise ReadError("damaged: content.xml is missing", "Get a fresh copy of it.")
        root = parse_xml(content, "content")
        properties = parse_xml(meta, "properties") if meta else None
        title, author, first_author, created = (
            None if properties is None else next(iter(texts(properties, name)), None)
            for name in ("title", "creator", "initial-creator", "creation-date")
        )
        body = next(root.iter("{*}text"), None)
        pieces = [] if body is None else list(_container(body, BlockKind.PARAGRAPH))
        title = title or next((piece.text for piece in pieces if piece.level == 1), file.stem)
        return ReadDocument(title, self.media_type, blocks(pieces), first_author or author, parse_date(created))


def _container(element: Any, kind: BlockKind) -> Iterator[Piece]:
    """Yield the pieces inside an element that holds paragraphs."""
    for child in element:
        name = _name(child)
        if name in _LEFT_OUT:
            continue
        if name in ("p", "h"):
            text = _text(child).strip()
            if text:
                level = _level(child) if name == "h" else 0
                yield Piece(text, BlockKind.HEADING if level else kind, level)
            for frame in _nearest(child, "text-box"):
                yield from _container(frame, kind)
        elif name == "table":
            yield from _table(child)
        elif name == "list":
            yield from _container(child, BlockKind.LIST)
        else:
            yield from _container(child, kind)


def _table(table: Any) -> Iterator[Piece]:
    headers: list[str] = []
    for index, row in enumerate(_nearest(table, "table-row")):
        cells: list[str] = []
        for cell in row:
            if _name(cell) == "table-cell" and len(cells) < _MAX_COLUMNS:
                cells.append(" ".join(piece.text.replace("\n", " ") for piece in _container(cell, BlockKind.TABLE)))
        if index == 0 and len(cells) > 1 and looks_like_header(cells):
            headers = cells
        elif text := row_text(cells, headers):
            yield Piece(text, BlockKind.TABLE)


def _nearest(element: Any, name: str) -> Iterator[Any]:
    """Yield the elements of a name inside of another, but not those inside of them: each is read once."""
    waiting = list(reversed(element))
    while waiting:
        child = waiting.pop()
        if _name(child) == name:
            yield child
        elif _name(child) != "table" or name != "table-row":
            waiting += reversed(child)


def _text(element: Any) -> str:
    pieces = [element.text or ""]
    for child in element:
        name = _name(child)
        if name == "s":
            pieces.append(" " * min(_count(child), _MAX_SPACES))
        elif name == "tab":
            pieces.append("\t")
        elif name == "line-break":
            pieces.append("\n")
        elif name == "note":
            pieces.append(f" {_text(child).strip()} ")
        elif name not in _LEFT_OUT and name not in ("frame", "custom-shape"):
            pieces.append(_text(child))
        pieces.append(child.tail or "")
    # White space in the file means nothing: blanks that count have elements of their own.
    return "".join(pieces)


def _name(element: Any) -> str:
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else "annotation"  # A comment or an entity is no text.


def _level(heading: Any) -> int:
    level = next((value for key, value in heading.attrib.items() if key.endswith("}outline-level")), "1")
    return min(10, int(level)) if level.isdecimal() and int(level) else 1


def _count(element: Any) -> int:
    value = next((value for key, value in element.attrib.items() if key.endswith("}c")), "1")
    return int(value[:6]) if value.isdecimal() else 1
