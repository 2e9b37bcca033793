"""Walks through a tree of HTML and yields its text in pieces: for web pages, and for what DOCX and EPUB become."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Final

from assistant.errors import ReadError
from assistant.ingestion.base import Block, BlockKind
from assistant.ingestion.readers.encodings import decode_declared
from assistant.ingestion.readers.paragraphs import Outline
from assistant.ingestion.readers.tables import Cell, Row, fill_spans, table_lines
from memory_store.models import Locator

if TYPE_CHECKING:
    from bs4 import BeautifulSoup
    from bs4.element import Tag

_SPACE = re.compile(r"[ \t\r\n\f\u200b]+")
_CHARSET = re.compile(rb"""(?:charset|encoding)\s*=\s*["']?\s*([A-Za-z0-9_.:-]+)""", re.IGNORECASE)
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_HEADING_NAMES = list(_HEADINGS)
_NO_TEXT = re.compile("style|noscript|template|head|embed|canvas|audio|video|datalist|map")
# Elements that say something in a way of their own, inside of a line.
_INLINE = frozenset(
    ("br", "math", "img", "svg", "script", "rt", "rp", "rtc", "sup", "input", "textarea", "select", "button")
)
_BREAK = "\ue000"  # Survives the collapsing of white space, becomes a line feed after it.
_ADDRESS = re.compile(r"https?://|mailto:|tel:", re.IGNORECASE)
_HOST = re.compile(r"https?://([^/:?#]+)", re.IGNORECASE)
_DECLARED_WITHIN = 65_536  # browsers look no further than 1,024 bytes, and pages get away with more
_SHARE_OF_TABLES = 0.2
_MOST_ADDRESS = 500
_MOST_LINKS = 5
_MOSTLY_LINKS = 0.6
_WORD_CHARS = 120
_BLOCKS = re.compile(
    "html|body|address|article|aside|blockquote|center|dd|details|dialog|div|dl|dt|fieldset|figcaption|figure|"
    "footer|form|header|hgroup|hr|legend|li|main|menu|nav|ol|p|section|summary|table|tbody|td|tfoot|th|thead|"
    "tr|ul|caption"
)
_SURROUNDINGS = frozenset(("nav", "dialog", "menu"))
# Beside and below a text stand remarks, opening hours and addresses as well as links.
_BESIDES = re.compile(r"(?:^|[\s_-])(?:footer|sidebar)(?:$|[\s_-])", re.IGNORECASE)
_LINKS_BESIDE = 0.3
_WORDS_BESIDE = 4
_SURROUNDING_NAMES = re.compile(
    r"(?:^|[\s_-])(?:nav|navbar|menu|cookie|cookies|consent|breadcrumbs?|share|social|related|"
    r"promo|advert|ads|newsletter|subscribe)(?:$|[\s_-])",
    re.IGNORECASE,
)
_HIDDEN_STYLE: Final = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_NO_SIZE: Final = re.compile(r"font-size\s*:\s*0(?![.\d])", re.IGNORECASE)
_SIZE: Final = re.compile(r"font-size\s*:\s*(?:[1-9]|0?\.\d)", re.IGNORECASE)
# What a click shows: the pages of tabs, what folds out, answers to questions.
_SHOWN_BY_CLICK: Final = re.compile(
    r"(?:^|[\s_-])(?:tabs?|tabpanel|panel|pane|accordion|collaps\w*|toggle\w*|spoiler|faq|answer|details|expand\w*|"
    r"more|slide|step|fold\w*)(?=$|[\s_-]|\d)",
    re.IGNORECASE,
)
_ICONS: Final = re.compile(r"material-(?:icons|symbols)|katex-html|mw-editsection|MathJax_Preview|\bsf-hidden\b")
_VALUES: Final = frozenset(
    ("", "text", "search", "email", "tel", "number", "date", "time", "month", "week", "url", "datetime-local")
)
_NOTE_SIGN: Final = re.compile(r"\d{1,4}|[*†‡§]{1,3}|[a-z]")
_BOXES: Final = frozenset(("checkbox", "radio"))
_WORDS_OF_A_LABEL: Final = 4
_MOST_OPTIONS: Final = 20
_SUPERSCRIPT: Final = str.maketrans("0123456789+-−n", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻ⁿ")


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
    declared = _CHARSET.search(data[:_DECLARED_WITHIN])
    return decode_declared(data.removeprefix(codecs.BOM_UTF8), declared[1].decode("ascii") if declared else None)


def blocks(pieces: Iterable[Piece], part: str | None = None, above: tuple[str, ...] = ()) -> Iterator[Block]:
    """Yield pieces as blocks under the headings that precede them; `above` are headings over all of them."""
    outline = Outline()
    for piece in pieces:
        if piece.kind is BlockKind.HEADING:
            outline.enter(piece.level, " ".join(piece.text.split()))
        yield Block(piece.text, Locator(headings=above + outline.path, part=part), piece.kind)


def walk(root: Tag, *, numbers: bool = True, addresses_from: str | None = None) -> Iterator[Piece]:
    """Yield the text under `root` in reading order, scripts and what is hidden left out.

    `numbers` says whether ordered lists count as they are shown. With `addresses_from`, the address of the page or an
    empty text, links keep their addresses: those that lead elsewhere, and those of lists of links.
    """
    try:
        walker = _Walker(numbers=numbers, addresses_from=addresses_from)
        yield from walker.container(root, BlockKind.PARAGRAPH)
        yield from walker.rest()
    except RecursionError as error:
        raise ReadError("its markup is nested too deeply", "Get a plainer copy of it.") from error


class _Walker:
    """Gathers inline text until a block begins or ends, then yields it."""

    def __init__(self, *, numbers: bool, addresses_from: str | None) -> None:
        self._inline: list[str] = []
        self._linked = 0
        self._surroundings = self._asides = 0
        self._numbers = numbers
        self._addresses_from = addresses_from
        self._lists: list[ListNumbers | None] = []
        self._mark = ""  # the number of a list's item, or the word that is defined, before what comes next
        self._readings: list[str] = []
        self._links: list[tuple[str, int]] = []

    def container(self, node: Tag, kind: BlockKind, level: int = 0) -> Iterator[Piece]:
        from bs4.element import NavigableString, PreformattedString, Tag

        began = len(self._inline)
        for child in node.children:
            if isinstance(child, Tag):
                yield from self._element(child, kind, level)
            elif isinstance(child, NavigableString) and not isinstance(child, PreformattedString):
                self._inline.append(str(child))
        if node.name == "a":
            self._linked += sum(len(text) for text in node.stripped_strings)
            self._link(node, began)

    def _element(self, node: Tag, kind: BlockKind, level: int) -> Iterator[Piece]:
        name = (node.name or "").lower()
        if is_hidden(node):
            return
        if name in _INLINE or (name == "a" and is_note_reference(node)):
            self._inline += self._inline_text(name, node)
        elif name == "iframe" or (name == "template" and node.has_attr("shadowrootmode")):
            yield from self._inner_page(node, kind, level)
        elif _NO_TEXT.fullmatch(name):
            return
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

    def _inline_text(self, name: str, node: Tag) -> list[str]:
        """Return what an element says that has no text of its own, or says it in another way."""
        if name == "br":
            return [_BREAK]
        if name == "math":
            return [formula_text(node)]
        if name == "img":
            return [f" {alt} "] if (alt := " ".join(str(node.get("alt") or "").split())) else []
        if name == "svg":
            return [f" {tag.get_text(' ', strip=True)} " for tag in node.find_all("text")]
        if name == "script":
            return [node.get_text().strip()] if str(node.get("type")).startswith("math/tex") else []
        if name in ("rt", "rp", "rtc"):
            self._readings += [node.get_text().strip()] if name == "rt" else []
            return []
        if name == "sup":
            sign = superscript(node) or note_sign(node)
            return [sign] if sign else [piece.text for piece in walk(node)]
        if name == "a":
            return [note_sign(node) or ""]
        text = field_text(node)
        return (
            [f" {text}", _BREAK if name != "input" or str(node.get("type")) not in ("checkbox", "radio") else " "]
            if text
            else []
        )

    def _inner_page(self, node: Tag, kind: BlockKind, level: int) -> Iterator[Piece]:
        """Yield a page inside of the page, as saved pages hold what stood in frames."""
        yield from self._flush(kind, level)
        source = node.get("srcdoc")
        if isinstance(source, str):
            yield from walk(parse(source), numbers=self._numbers, addresses_from=self._addresses_from)
        elif node.name == "template":
            yield from self._block(node, kind, kind, level)

    def _link(self, node: Tag, began: int) -> None:
        """Remember where a link leads that keeps its address."""
        address = str(node.get("href") or "").strip()
        said = "".join(self._inline[began:])
        if self._addresses_from is None or not _ADDRESS.match(address) or len(address) > _MOST_ADDRESS:
            return
        shown = address.partition(":")[2].split("?")[0] if address.startswith(("mailto:", "tel:")) else address
        if said.strip() and shown.rstrip("/") not in said:
            self._links.append((shown, len(self._inline)))

    def _block(self, node: Tag, outer: BlockKind, inner: BlockKind, level: int) -> Iterator[Piece]:
        yield from self._flush(outer, level)
        surrounding = _is_surrounding(node)
        self._surroundings += surrounding
        name = node.name
        beside = name in ("aside", "footer") or _BESIDES.search(names_of(node)) is not None
        self._asides += beside
        if name in ("ol", "ul", "menu"):
            self._lists.append(ListNumbers(node) if name == "ol" and self._numbers else None)
        elif name == "li" and self._lists and (counted := self._lists[-1]) is not None:
            self._mark += counted.of(node)
        elif name == "dd":
            self._mark += _defined_word(node)
        if not (name == "dt" and _is_defined_below(node)):
            yield from self.container(node, inner, level)
        yield from self._flush(inner, level)
        if name in ("ol", "ul", "menu"):
            self._lists.pop()
        if name == "dd" and self._mark:
            yield Piece(self._mark.strip(" :"), inner, level, 0.0, self._surroundings > 0)
        if name in ("li", "dd"):
            self._mark = ""
        self._asides -= beside
        self._surroundings -= surrounding

    def _flush(self, kind: BlockKind, level: int) -> Iterator[Piece]:
        linked, share_of = self._linked, "".join(self._inline)
        length = len(_SPACE.sub(" ", share_of).strip())
        raw = "".join(self._insert_addresses(linked > _MOSTLY_LINKS * length))
        self._inline, self._linked, self._links = [], 0, []
        lines = (line.strip() for line in _SPACE.sub(" ", raw.replace("\xad", "")).split(_BREAK))
        text = "\n".join(line for line in lines if line)
        if text:
            if self._readings:
                text = f"{text} ({', '.join(dict.fromkeys(self._readings))})"
            mark, self._mark, self._readings = self._mark, "", []
            share = min(1.0, linked / max(1, length))
            is_little = share > _LINKS_BESIDE or (len(text.split()) < _WORDS_BESIDE and text.isascii())
            surrounding = self._surroundings > 0 or (self._asides > 0 and is_little)
            yield Piece(mark + text, kind, level, share, surrounding)

    def _insert_addresses(self, is_list: bool) -> list[str]:
        """Return the inline text with the addresses of its links; of many links in prose none."""
        home = _host(self._addresses_from or "")
        kept = [link for link in self._links if is_list or not home or _host(link[0]) != home]
        if not kept or (len(kept) > _MOST_LINKS and not is_list):
            return self._inline
        inline = list(self._inline)
        for address, at in reversed(kept):
            inline.insert(at, f" ({address})")
        return inline

    def rest(self) -> Iterator[Piece]:
        """Yield inline text that no block closed."""
        yield from self._flush(BlockKind.PARAGRAPH, 0)


def _host(address: str) -> str:
    match = _HOST.match(address)
    return match[1].lower().removeprefix("www.") if match else ""


def _defined_word(node: Tag) -> str:
    """Return the word that a definition is of, with a colon; empty where that stands by itself."""
    before = node.find_previous_sibling(["dt", "dd"])
    return f"{_flat(before)}: " if before is not None and before.name == "dt" and _is_defined_below(before) else ""


def _is_defined_below(node: Tag) -> bool:
    """Say whether a short word in a list of definitions has its definition right after it."""
    after = node.find_next_sibling(["dt", "dd"])
    if after is None or after.name != "dd" or node.find(_HEADING_NAMES) or len(node.get_text()) > _WORD_CHARS:
        return False
    return bool(node.get_text(strip=True)) and bool(after.get_text(strip=True)) and node.find("dl") is None


def _is_surrounding(node: Tag) -> bool:
    if node.name in _SURROUNDINGS:
        return True
    names = names_of(node)
    return bool(names) and _SURROUNDING_NAMES.search(names) is not None


def _is_data_table(table: Tag) -> bool:
    """Return whether a table has columns; a table of one column, or of tables, only arranges a page."""
    if table.get("role") in ("presentation", "none"):
        return False
    if table.find("th") is None and table.find(_HEADING_NAMES) is not None:
        return False  # a page's own headings stand in no cell of a table
    cells = [_cells(row) for row in _own_rows(table)]
    if table.find("table") is not None:
        # A table in a cell or two of a larger one is part of what is said there; in most of them, they are set by it.
        inner = sum(cell.find("table") is not None for row in cells for cell in row)
        if inner > _SHARE_OF_TABLES * sum(map(len, cells)):
            return False
    return any(len(row) > 1 for row in cells)


def _own_rows(table: Tag) -> list[Tag]:
    """Return the rows of a table that are not those of one inside of it."""
    rows: list[Tag] = table.find_all("tr")
    return rows if table.find("table") is None else [row for row in rows if row.find_parent("table") is table]


def _cells(row: Tag) -> list[Tag]:
    from bs4.element import Tag

    return [child for child in row.children if isinstance(child, Tag) and child.name in ("td", "th")]


def _table(table: Tag) -> Iterator[Piece]:
    caption = table.find("caption")
    if caption is not None:
        yield Piece(_flat(caption), BlockKind.PARAGRAPH)
    for _, line in table_lines(_rows(table), has_header=False):
        yield Piece(line, BlockKind.TABLE)


def _rows(table: Tag) -> Iterator[Row]:
    rows = [(row, _cells(row)) for row in _own_rows(table) if not is_hidden(row)]
    # Who has no other means sets the names of columns in bold.
    bold = len(rows) > 1 and _is_bold(rows[0][1]) and not _is_bold(rows[1][1])

    def given() -> Iterator[tuple[list[Cell], bool, bool]]:
        for number, (row, cells) in enumerate(rows):
            heads = [cell.name == "th" for cell in cells]
            found = [
                Cell("" if is_hidden(cell) else _flat(cell), _span(cell, "rowspan"), _span(cell, "colspan"))
                for cell in cells
            ]
            is_head = row.parent is not None and row.parent.name == "thead"
            yield (
                found,
                is_head or (bool(heads) and all(heads)) or (bold and not number),
                heads[:1] == [True] and not all(heads),
            )

    return fill_spans(given())


def _is_bold(cells: list[Tag]) -> bool:
    """Say whether all text of at least two cells is bold."""
    filled = [cell for cell in cells if cell.get_text(strip=True)]
    return len(filled) > 1 and all(
        cell.name == "td"
        and len("".join(tag.get_text(strip=True) for tag in cell.find_all(["b", "strong"])))
        >= len(cell.get_text(strip=True))
        for cell in filled
    )


def _span(cell: Tag, name: str) -> int:
    value = cell.get(name)
    return int(value) if isinstance(value, str) and value.isdecimal() and len(value) < 6 else 1


def _flat(cell: Tag) -> str:
    if len(cell.contents) == 1 and type(cell.contents[0]) is _plain_text():
        return " ".join(str(cell.contents[0]).replace("\xad", "").split())  # as most cells of a long table
    return " ".join(piece.text.replace("\n", " ") for piece in walk(cell))


@cache
def _plain_text() -> type:
    from bs4.element import NavigableString

    return NavigableString


def is_hidden(node: Tag) -> bool:
    """Say whether nobody sees an element: not where a click or scrolling shows it, nor where its children are seen."""
    if not node.attrs:
        return False
    style = node.get("style")
    hides = isinstance(style, str) and _HIDDEN_STYLE.search(style) is not None
    if hides or (node.has_attr("hidden") and node.get("hidden") != "until-found"):
        return not (node.get("role") == "tabpanel" or _SHOWN_BY_CLICK.search(names_of(node)))
    if isinstance(style, str) and _NO_SIZE.search(style):
        # Designers take away the gaps between blocks in this way, and set the size again inside of them.
        return not any(_SIZE.search(str(tag["style"])) for tag in node.find_all(style=True))
    return _ICONS.search(names_of(node)) is not None


def names_of(node: Tag) -> str:
    """Return the classes and the id of an element."""
    return " ".join((*node.get_attribute_list("class"), *node.get_attribute_list("id"))) if node.attrs else ""


def field_text(node: Tag) -> str:
    """Return what a field of a form shows: its value, whether it is checked, what is selected in it."""
    name, kind = node.name, str(node.get("type") or "").lower()
    if name == "input" and kind in _VALUES:
        return str(node.get("value") or "").strip()
    if name == "input" and kind in _BOXES:
        return "☒" if node.has_attr("checked") else "☐"
    if name == "textarea":
        return node.get_text().strip()
    if name == "select":
        chosen = [tag.get_text(" ", strip=True) for tag in node.find_all("option") if tag.has_attr("selected")]
        return ", ".join(chosen[:_MOST_OPTIONS])
    if name == "button":
        text = node.get_text(" ", strip=True)
        opens = node.has_attr("aria-expanded") or node.has_attr("aria-controls") or node.get("role") == "tab"
        return text if opens or len(text.split()) >= _WORDS_OF_A_LABEL else ""
    return ""


def formula_text(node: Tag) -> str:
    """Return a formula of MathML: its TeX where that is given, else on one line, as `a/b` and `x^2`."""
    for tag in node.find_all("annotation"):
        if "tex" in str(tag.get("encoding")).lower() and (text := tag.get_text().strip()):
            return _strip_display(text)
    if text := str(node.get("alttext") or "").strip():
        return _strip_display(text)
    return " ".join(_linear(node).split())


def _strip_display(text: str) -> str:
    match = re.fullmatch(r"\{\\(?:display|text)style\s+(.*)\}", text, re.DOTALL)
    return match[1].strip() if match else text


def _linear(node: Tag) -> str:
    from bs4.element import Tag

    parts = [_linear(child) for child in node.children if isinstance(child, Tag) and child.name != "annotation"]
    name = (node.name or "").rpartition(":")[2]
    if not parts:
        text = node.get_text().strip()
        return f" {text} " if name == "mo" and text in "=<>≤≥≠≈±+-−×·→∈" else text
    if name == "mfrac" and len(parts) == 2:
        return f"{_bracket(parts[0])}/{_bracket(parts[1])}"
    if name in ("msup", "mover") and len(parts) == 2:
        return f"{parts[0]}^{_bracket(parts[1])}"
    if name in ("msub", "munder") and len(parts) == 2:
        return f"{parts[0]}_{_bracket(parts[1])}"
    if name in ("msubsup", "munderover") and len(parts) == 3:
        return f"{parts[0]}_{_bracket(parts[1])}^{_bracket(parts[2])}"
    if name == "msqrt":
        return f"√{_bracket(''.join(parts))}"
    return " ".join(parts) if name in ("mtable", "mtr") else "".join(parts)


def _bracket(text: str) -> str:
    text = text.strip()
    return text if len(text) <= 1 or text.isalnum() else f"({text})"


def superscript(node: Tag) -> str | None:
    """Return digits that stand higher than their line as such signs: `10⁶`, not `106`; None for other text."""
    text = node.get_text().strip()
    return text.translate(_SUPERSCRIPT) if re.fullmatch(r"[+\-−]?[\dn]{1,3}", text) and not node.find("a") else None


def is_note_reference(node: Tag) -> bool:
    """Say whether a link leads to a note of a book."""
    kinds = f"{node.get('epub:type') or ''} {node.get('role') or ''}"
    return "noteref" in kinds and note_sign(node) is not None


def note_sign(node: Tag) -> str | None:
    """Return the sign of a note apart from the word before it, `[1]`; None for what is none."""
    text = node.get_text().strip()
    is_link = node.name == "a" or node.find("a") is not None
    return f"[{text}]" if is_link and _NOTE_SIGN.fullmatch(text) else None


class ListNumbers:
    """The numbers of the items of an ordered list, as a page shows them."""

    def __init__(self, node: Tag) -> None:
        items = node.find_all("li", recursive=False)
        self._step = -1 if node.has_attr("reversed") else 1
        self._kind = str(node.get("type") or "1")
        self._next = _whole(node.get("start")) or (len(items) if self._step < 0 else 1)

    def of(self, item: Tag) -> str:
        """Return the mark of the next item, such as `3. `."""
        number = _whole(item.get("value")) or self._next
        self._next = number + self._step
        return f"{list_number(number, self._kind)}. "


def _whole(value: object) -> int | None:
    return int(value) if isinstance(value, str) and re.fullmatch(r"-?\d{1,6}", value.strip()) else None


def list_number(number: int, kind: str) -> str:
    """Return a number in the signs of a list: 1, a, A, i or I."""
    if kind in ("a", "A") and 1 <= number <= 26:
        return chr(ord(kind) + number - 1)
    if kind in ("i", "I") and 1 <= number < 40:
        roman = "x" * (number // 10) + ("", "i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix")[number % 10]
        return roman if kind == "i" else roman.upper()
    return str(number)
