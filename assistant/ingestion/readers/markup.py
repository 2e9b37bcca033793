"""Walks through a tree of HTML and yields its text in pieces: for web pages, and for what DOCX and EPUB become."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from assistant.errors import ReadError
from assistant.ingestion.base import Block, BlockKind
from assistant.ingestion.readers.charsets import detect_encoding
from assistant.ingestion.readers.outline import Outline
from assistant.ingestion.readers.tables import Cell, Row, spanned, table_lines
from memory_store.models import Locator

if TYPE_CHECKING:
    from bs4 import BeautifulSoup
    from bs4.element import Tag

_SPACE = re.compile(r"[ \t\r\n\f\u200b]+")
_CHARSET = re.compile(rb"""(?:charset|encoding)\s*=\s*["']?\s*([A-Za-z0-9_.:-]+)""", re.IGNORECASE)
_HIDDEN_STYLE = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*hidden|(?:font-size|opacity)\s*:\s*0(?![.\d])", re.IGNORECASE
)
_NEWER = {"gb2312": "gb18030", "gbk": "gb18030", "iso-8859-1": "cp1252", "shift_jis": "cp932"}
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_NO_TEXT = re.compile(
    "script|style|noscript|template|svg|math|head|iframe|object|embed|canvas|audio|video|select|button|input|"
    "textarea|datalist|map"
)
_BLOCKS = re.compile(
    "html|body|address|article|aside|blockquote|center|dd|details|dialog|div|dl|dt|fieldset|figcaption|figure|"
    "footer|form|header|hgroup|hr|legend|li|main|menu|nav|ol|p|section|summary|table|tbody|td|tfoot|th|thead|"
    "tr|ul|caption"
)
_SURROUNDINGS = frozenset(("nav", "footer", "aside", "form", "dialog", "menu"))
_SURROUNDING_NAMES = re.compile(
    r"(?:^|[\s_-])(?:nav|navbar|menu|footer|cookie|cookies|consent|breadcrumbs?|sidebar|share|social|comments?|related|"
    r"promo|advert|ads|newsletter|subscribe)(?:$|[\s_-])",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a page. `level` is that of a heading; `surrounding` marks what stands in navigation and the like."""

    text: str
    kind: BlockKind
    level: int = 0
    link_share: float = 0.0
    surrounding: bool = False


def parse(markup: str) -> BeautifulSoup:
    """Return the tree of an HTML page, however broken it is."""
    from bs4 import BeautifulSoup

    return BeautifulSoup(markup, "lxml")


def decode(data: bytes) -> str:
    """Return markup as text: by byte order mark, by the charset it declares if that fits, or by detection."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", errors="replace")
    declared = _CHARSET.search(data[:4096])
    names = ["utf-8-sig"]
    if declared:
        name = declared[1].decode("ascii").lower()
        # Pages that declare the older standard use characters of the newer one, which contains it.
        names.insert(
            0, {"gb2312": "gb18030", "gbk": "gb18030", "iso-8859-1": "cp1252", "shift_jis": "cp932"}.get(name, name)
        )
    for name in names:
        try:
            return data.decode(name)
        except (UnicodeDecodeError, LookupError):
            continue  # A wrong or unknown declaration; the next guess follows.
    sample = b"\n".join(line for line in data.splitlines() if not line.isascii())
    return data.decode(detect_encoding(sample), errors="replace")


def blocks(pieces: Iterable[Piece], part: str | None = None, above: tuple[str, ...] = ()) -> Iterator[Block]:
    """Yield pieces as blocks under the headings that precede them; `above` are headings over all of them."""
    outline = Outline()
    for piece in pieces:
        if piece.kind is BlockKind.HEADING:
            outline.enter(piece.level, " ".join(piece.text.split()))
        yield Block(piece.text, Locator(headings=above + outline.path, part=part), piece.kind)


def walk(root: Tag) -> Iterator[Piece]:
    """Yield the text under `root` in reading order, scripts and what is hidden left out."""
    try:
        walker = _Walker()
        yield from walker.container(root, BlockKind.PARAGRAPH)
        yield from walker.rest()
    except RecursionError as error:
        raise ReadError("its markup is nested too deeply", "Get a plainer copy of it.") from error


class _Walker:
    """Gathers inline text until a block begins or ends, then yields it."""

    def __init__(self) -> None:
        self._inline: list[str] = []
        self._linked = 0
        self._surroundings = 0

    def container(self, node: Tag, kind: BlockKind, level: int = 0) -> Iterator[Piece]:
        from bs4.element import NavigableString, PreformattedString, Tag

        for child in node.children:
            if isinstance(child, Tag):
                yield from self._element(child, kind, level)
            elif isinstance(child, NavigableString) and not isinstance(child, PreformattedString):
                self._inline.append(str(child))
        if node.name == "a":
            self._linked += sum(len(text) for text in node.stripped_strings)

    def _element(self, node: Tag, kind: BlockKind, level: int) -> Iterator[Piece]:
        name = (node.name or "").lower()
        if _NO_TEXT.fullmatch(name) or _is_hidden(node):
            return
        if name == "br":
            self._inline.append("\ue000")  # Survives the collapsing of white space, becomes a line feed after it.
        elif name in _HEADINGS:
            yield from self._block(node, kind, BlockKind.HEADING, _HEADINGS[name])
        elif name == "pre":
            yield from self._flush(kind, level)
            yield Piece(node.get_text().strip("\r\n").replace("\r\n", "\n"), BlockKind.CODE)
        elif name == "table" and _is_data_table(node):
            yield from self._flush(kind, level)
            for piece in _table(node):
                yield replace(piece, surrounding=self._surroundings > 0)
        elif _BLOCKS.fullmatch(name):
            inner = {"li": BlockKind.LIST, "blockquote": BlockKind.QUOTE}.get(name, kind)
            yield from self._block(node, kind, inner, level)
        else:
            yield from self.container(node, kind, level)

    def _block(self, node: Tag, outer: BlockKind, inner: BlockKind, level: int) -> Iterator[Piece]:
        yield from self._flush(outer, level)
        surrounding = _is_surrounding(node)
        self._surroundings += surrounding
        yield from self.container(node, inner, level)
        yield from self._flush(inner, level)
        self._surroundings -= surrounding

    def _flush(self, kind: BlockKind, level: int) -> Iterator[Piece]:
        raw = "".join(self._inline)
        linked, self._inline, self._linked = self._linked, [], 0
        lines = (line.strip() for line in _SPACE.sub(" ", raw).split("\ue000"))
        text = "\n".join(line for line in lines if line)
        if text:
            yield Piece(text, kind, level, min(1.0, linked / len(text)), self._surroundings > 0)

    def rest(self) -> Iterator[Piece]:
        """Yield inline text that no block closed."""
        yield from self._flush(BlockKind.PARAGRAPH, 0)


def _is_hidden(node: Tag) -> bool:
    style = node.get("style")
    return node.has_attr("hidden") or (isinstance(style, str) and _HIDDEN_STYLE.search(style) is not None)


def _is_surrounding(node: Tag) -> bool:
    if node.name in _SURROUNDINGS:
        return True
    names = " ".join((*node.get_attribute_list("class"), *node.get_attribute_list("id"))) if node.attrs else ""
    return bool(names) and _SURROUNDING_NAMES.search(names) is not None


def _is_data_table(table: Tag) -> bool:
    """Return whether a table has columns; a table of one column, or of tables, only arranges a page."""
    if table.find("table") is not None:
        return False
    return any(len(_cells(row)) > 1 for row in table.find_all("tr"))


def _cells(row: Tag) -> list[Tag]:
    return row.find_all(["td", "th"], recursive=False)


def _table(table: Tag) -> Iterator[Piece]:
    caption = table.find("caption")
    if caption is not None:
        yield Piece(_flat(caption), BlockKind.PARAGRAPH)
    for _, line in table_lines(_rows(table), has_header=False):
        yield Piece(line, BlockKind.TABLE)


def _rows(table: Tag) -> Iterator[Row]:
    rows = [(row, _cells(row)) for row in table.find_all("tr")]
    # Who has no other means sets the names of columns in bold.
    bold = len(rows) > 1 and _is_bold(rows[0][1]) and not _is_bold(rows[1][1])

    def given() -> Iterator[tuple[list[Cell], bool, bool]]:
        for number, (_, cells) in enumerate(rows):
            heads = [cell.name == "th" for cell in cells]
            found = [Cell(_flat(cell), _span(cell, "rowspan"), _span(cell, "colspan")) for cell in cells]
            yield found, (bool(heads) and all(heads)) or (bold and not number), heads[:1] == [True] and not all(heads)

    return spanned(given())


def _is_bold(cells: list[Tag]) -> bool:
    """Say whether all text of at least two cells is bold."""
    filled = [cell for cell in cells if cell.get_text(strip=True)]
    return len(filled) > 1 and all(
        cell.name == "td"
        and len("".join(one.get_text(strip=True) for one in cell.find_all(["b", "strong"])))
        >= len(cell.get_text(strip=True))
        for cell in filled
    )


def _span(cell: Tag, name: str) -> int:
    value = cell.get(name)
    return int(value) if isinstance(value, str) and value.isdecimal() and len(value) < 6 else 1


def _flat(cell: Tag) -> str:
    return " ".join(piece.text.replace("\n", " ") for piece in walk(cell))
