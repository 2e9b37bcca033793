"""Reads PDF page by page, with the headings of its outline, through pypdfium2."""

from __future__ import annotations

import re
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from assistant.errors import ReadError
from assistant.ingestion.base import Block, BlockKind, ReadDocument, Reader, ReadLimits, SourceFile, file_in_memory
from assistant.ingestion.readers.dates import parse_pdf_date
from assistant.ingestion.readers.encodings import too_much_text
from assistant.ingestion.readers.paragraphs import LIST_ITEM, SENTENCE_END, Outline, columns_of
from assistant.ingestion.readers.pdf_layout import Column, Span, Table, arrange, is_over_table, is_rtl, lines_of_spans
from assistant.ingestion.readers.pdf_page import Page, read_page, recognise_page
from assistant.ingestion.readers.recognition import INSTALL, deadline, is_available, note_too_late
from assistant.ingestion.readers.tables import table_lines
from memory_store.models import Locator

if TYPE_CHECKING:
    import pypdfium2

# PDFium keeps global state: two calls at once, even on two documents, crash the process.
_PDFIUM = threading.Lock()
_PASSWORD_ERROR = 4  # FPDF_ERR_PASSWORD in fpdfview.h
_TAIL_BYTES = 65536
_XFA = (2, 3)  # FORMTYPE_XFA_FULL and FORMTYPE_XFA_FOREGROUND in fpdf_formfill.h
_MOST_ATTACHED = 200
_NOBODY = ("", "anonymous", "unknown", "unspecified")
_HINT = "Text recognition found no words there; look at the page itself."
_OPEN_HYPHEN = re.compile(r"\d[-–]$")
_WIDE = re.compile("[\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef]")
_UNTITLED = re.compile(
    r"^(untitled|unknown|anonymous|unspecified|document\d*|microsoft word - .*|.*\.(docx?|indd|tex|dvi))?$",
    re.IGNORECASE,
)
# A line this near to the page's longest was broken by the margin, not by the author.
_FULL_LINE = 0.7

_Outline = Mapping[int, list[tuple[int, str]]]
# What PDFium puts where a word was hyphenated at a line's end.
_BROKEN: Final = re.compile("[\ufffe\x02]\n?")
_LAST_WORD, _FIRST_WORD = re.compile(r"\w+$"), re.compile(r"\w+")
_LONGEST_WORD: Final = 40
_WORD: Final = re.compile(r"\w+(?:-\w+)*")
# Words that mostly are parts of a word with a hyphen, and no beginning of one without.
_FIRST_PARTS: Final = frozenset(
    ("well", "self", "high", "low", "long", "short", "half", "full", "part", "ill", "hard", "old", "new", "fast",
     "first", "second", "third", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
     "slow", "all", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety", "cross", "so", "e",
     "x", "t", "u", "mother", "father", "sister", "brother", "son", "daughter", "in")
)  # fmt: skip
_REPEATED_ON: Final = 3
_SHARE_OF_PAGES: Final = 0.3
_EDGE_LINES: Final = 2
_WIDE_GAP: Final = 1.2  # as a part of the height of letters, and of the gaps between the lines of the page
_MOST_CHARS: Final = 200
_NUMBER: Final = re.compile(r"\d{1,5}")


def read_pdf(file: SourceFile, limits: ReadLimits) -> ReadDocument:
    """PDF with a text layer, located by page and by the headings of its outline.

    All pages are read at once, so that a torn file fails as a whole.
    """
    until = deadline(file, limits)
    with file.open() as stream:
        data = stream.read()
    if b"%%EOF" not in data[-_TAIL_BYTES:] and b"startxref" not in data[-_TAIL_BYTES:]:
        raise _torn("its end is missing")
    document = _open(data)
    try:
        with _PDFIUM:
            metadata = document.get_metadata_dict()
            outline = _outline(document)
            _attach(document, file)
            is_for_one_program = document.get_formtype() in _XFA
        pages = _pages(document, limits)
        if is_available():
            _recognise(document, pages, until, file)
    finally:
        with _PDFIUM:
            document.close()
    if not any(page.text.strip() or page.fields or page.remarks or page.recognised for page in pages):
        raise ReadError("no text layer: it holds only images of pages", _HINT if is_available() else INSTALL)
    if is_for_one_program:
        hint = "Open it in Adobe Reader, print it as PDF and import that."
        file.note("form", "it is made for Adobe's programs alone (XFA)", hint)
    _note_unread(pages, file)
    title, author = (metadata.get(name, "").strip().strip("()") for name in ("Title", "Author"))
    return ReadDocument(
        _blocks(pages, outline),
        file.stem if _UNTITLED.match(title) else title,
        None if author.lower() in _NOBODY else author,
        parse_pdf_date(metadata.get("CreationDate")),
    )


PDF = Reader("application/pdf", (".pdf",), read_pdf)


def _attach(document: pypdfium2.PdfDocument, file: SourceFile) -> None:
    """Attach the files that are embedded in a PDF; one that unpacks to more than the PDF itself is named instead."""
    import pypdfium2

    room = file.size
    for index in range(min(document.count_attachments(), _MOST_ATTACHED)):
        attachment = document.get_attachment(index)
        name = " ".join(attachment.get_name().replace("/", " ").split()) or f"attachment {index + 1}"
        try:
            data = bytes(attachment.get_data())
        except pypdfium2.PdfiumError:
            file.note(f"attachment {name}", "it can't be unpacked", "Save it from the PDF.")
            continue
        room -= len(data)
        if room < 0:
            hint = "Save it from the PDF and import it."
            file.note(f"attachment {name}", "it unpacks to more than the PDF itself", hint)
            return
        file.attached.append(file_in_memory(f"{file.path}!/{name}", data, file.modified_at))


def _recognise(document: pypdfium2.PdfDocument, pages: list[Page], until: float, file: SourceFile) -> None:
    """Read the pages that are pictures by text recognition, until a moment; note those that there was no time for."""
    import pypdfium2

    late = []
    for index, page in enumerate(pages):
        if not (page.is_picture or page.unreadable):
            continue
        if time.monotonic() > until:
            late.append(index + 1)
            continue
        with suppress(pypdfium2.PdfiumError):  # told as a picture, then
            found = recognise_page(document, index, _PDFIUM)
            page.recognised = found if found.paragraphs else None
            found.note_doubt(file, f"page {index + 1}")
    for first, last in _runs(late):
        note_too_late(file, _name_pages(first, last))


def _note_unread(pages: list[Page], file: SourceFile) -> None:
    """Note what the pages hold that is no text: pictures of text, and text whose letters can't be told."""
    hint = _HINT if is_available() else INSTALL
    left = [(number, page) for number, page in enumerate(pages, start=1) if page.recognised is None]
    bare = [number for number, page in left if page.is_picture and not page.text.strip()]
    stamped = [number for number, page in left if page.is_picture and page.text.strip()]
    unreadable = [number for number, page in left if page.unreadable]
    for numbers, text, many in (
        (bare, "it holds only a picture", "they hold only a picture"),
        (stamped, "it is a picture but for a few words", "they are pictures but for a few words"),
        (unreadable, "some of its text can't be read", "some of their text can't be read"),
    ):
        for first, last in _runs(numbers):
            file.note(_name_pages(first, last), text if first == last else many, hint)


def _name_pages(first: int, last: int) -> str:
    return f"page {first}" if first == last else f"pages {first}–{last}"


def _runs(numbers: list[int]) -> Iterator[tuple[int, int]]:
    """Yield (first, last) of numbers that follow each other."""
    first = last = 0
    for number in [*numbers, 0]:
        if first and number != last + 1:
            yield first, last
            first = 0
        first, last = first or number, number


def _open(data: bytes) -> pypdfium2.PdfDocument:
    import pypdfium2

    with _PDFIUM:
        try:
            return pypdfium2.PdfDocument(data)
        except pypdfium2.PdfiumError as error:
            if getattr(error, "err_code", None) == _PASSWORD_ERROR:
                hint = "Save a copy without password and import it."
                raise ReadError("encrypted: the PDF needs a password", hint) from error
            raise _torn("its structure can't be read") from error


def _pages(document: pypdfium2.PdfDocument, limits: ReadLimits) -> list[Page]:
    import pypdfium2

    pages: list[Page] = []
    total = 0
    with _PDFIUM:
        count = len(document)
        document.init_forms()
    if not count:
        raise _torn("it has no pages")
    for index in range(count):
        try:
            with _PDFIUM:  # One page at a time, so that another import's PDF does not wait for a whole book.
                pages.append(read_page(document, index))
        except pypdfium2.PdfiumError as error:
            raise _torn(f"page {index + 1} can't be read") from error
        total += len(pages[-1].text)
        if total > limits.max_text_chars:
            raise too_much_text(limits)
    return pages


def _outline(document: pypdfium2.PdfDocument) -> _Outline:
    """Return the outline's entries, as (level, title), by the index of the page they point to."""
    entries: dict[int, list[tuple[int, str]]] = {}
    for bookmark in document.get_toc():
        target = bookmark.get_dest()
        index = target.get_index() if target is not None else None
        if index is not None:
            entries.setdefault(index, []).append((bookmark.level + 1, " ".join(bookmark.get_title().split())))
    return entries


def _blocks(pages: list[Page], entries: _Outline) -> Iterator[Block]:
    outline = Outline()
    words = Hyphens(page.text for page in pages)
    drop_repeated(pages)
    for index, page in enumerate(pages):
        awaited = [entry for entry in entries.get(index, []) if entry[1]]
        for paragraph, kind in _pieces(page, words):
            found = _entry_of(paragraph, awaited) if kind is BlockKind.PARAGRAPH else None
            if found is not None:
                for level, title in awaited[: found + 1]:
                    outline.enter(level, title)
                del awaited[: found + 1]
                kind = BlockKind.HEADING
            elif kind is BlockKind.PARAGRAPH and LIST_ITEM.match(paragraph):
                kind = BlockKind.LIST
            yield Block(paragraph, Locator(page=index + 1, headings=outline.path), kind)
        if page.recognised is not None:
            place = Locator(page=index + 1, headings=outline.path, part=page.recognised.label)
            yield from (Block(text, place, BlockKind.PARAGRAPH) for text in page.recognised.paragraphs)
        # An entry whose title does not stand on its page as a line of its own is in force from the next page on.
        for level, title in awaited:
            outline.enter(level, title)


def _pieces(page: Page, words: Hyphens) -> Iterator[tuple[str, BlockKind]]:
    """Yield the paragraphs and rows of a page, then what is written into its forms and remarked on it."""
    parts = None if is_rtl(page.text) else arrange(page.spans)
    for part in parts if parts is not None else [Column(words.joined(page.text).split("\n"))]:
        if isinstance(part, Table):
            for _, line in table_lines(part.rows, has_header=False):
                yield line, BlockKind.TABLE
        else:
            text = words.joined("\n".join(part.lines)) if parts is not None else "\n".join(part.lines)
            for paragraph in _paragraphs(text):
                yield paragraph, BlockKind.PARAGRAPH
    yield from ((field, BlockKind.TABLE) for field in page.fields)
    yield from ((remark, BlockKind.PARAGRAPH) for remark in page.remarks)


def _entry_of(paragraph: str, awaited: list[tuple[int, str]]) -> int | None:
    words = " ".join(paragraph.split()).casefold()
    return next((index for index, (_, title) in enumerate(awaited) if title.casefold() == words), None)


def _paragraphs(page: str) -> Iterator[str]:
    """Yield paragraphs, with the lines that the margin broke put together again."""
    lines = [line.strip() for line in page.split("\n")]
    longest = max((columns_of(line) for line in lines), default=0)
    piece = last = ""
    for line in lines:
        goes_on = columns_of(last) >= _FULL_LINE * longest and not SENTENCE_END.search(last)
        if piece and line and not LIST_ITEM.match(line) and goes_on:
            tight = _WIDE.match(piece[-1]) or _WIDE.match(line[0]) or (_OPEN_HYPHEN.search(piece) and line[0].isdigit())
            piece += ("" if tight else " ") + line
        else:
            if piece:
                yield piece
            piece = line
        last = line
    if piece:
        yield piece


def _torn(what: str) -> ReadError:
    return ReadError(f"torn or damaged PDF: {what}", "Get a fresh copy of it.")


class Hyphens:
    """Knows from the whole text whether a word that a line's end broke has a hyphen of its own."""

    def __init__(self, pages: Iterable[str]) -> None:
        texts = list(pages)
        has_broken = any(_BROKEN.search(text) for text in texts)
        self._words = {word.lower() for text in texts for word in _WORD.findall(text)} if has_broken else set()

    def joined(self, text: str) -> str:
        """Return a text with its broken words put together."""
        return _BROKEN.sub(self._whole, text) if "\x02" in text or "\ufffe" in text else text

    def _whole(self, match: re.Match[str]) -> str:
        """Return the hyphen, or nothing."""
        text, (start, end) = match.string, match.span()
        first = _LAST_WORD.search(text[max(0, start - _LONGEST_WORD) : start])
        second = _FIRST_WORD.match(text[end : end + _LONGEST_WORD])
        if first is None or second is None:
            return "-"
        whole, parted = f"{first[0]}{second[0]}".lower(), f"{first[0]}-{second[0]}".lower()
        if whole in self._words:
            return ""
        keeps = (
            parted in self._words
            or first[0].lower() in _FIRST_PARTS
            or (second[0][0].isupper() and not first[0].isupper())
            or second[0][0].isdigit()
            or first[0][-1].isdigit()
        )
        return "-" if keeps else ""


def drop_repeated(pages: list[Page]) -> None:
    """Take what is at the top or foot of many pages from all but the first; a page's number in it may differ."""
    if len(pages) < _REPEATED_ON:
        return
    edges = [_edges(page) for page in pages]
    keys = [[_keys(_words_of(line), number) for line in edge] for number, edge in enumerate(edges)]
    counts = Counter(key for edge in keys for line in edge for key in line)
    least = max(_REPEATED_ON, int(_SHARE_OF_PAGES * len(pages)))
    seen: set[str] = set()
    for page, edge, known in zip(pages, edges, keys, strict=True):
        for line, found in zip(edge, known, strict=True):
            repeated = {key for key in found if counts[key] >= least}
            if repeated & seen:
                _drop(page, line)
            seen |= repeated


def _keys(words: str, number: int) -> set[str]:
    """Return what a line may be known by on other pages: its words, and those with one number counted on by page.

    A number that differs in another way, as a sum does, is what the page says.
    """
    folded = words.casefold()
    counted = (
        f"{folded[: match.start()]}#{int(match[0]) - number}{folded[match.end() :]}"
        for match in _NUMBER.finditer(folded)
    )
    return {folded, *counted}


def _edges(page: Page) -> list[list[Span]]:
    """Return the lines at the top and foot of a page that stand apart from its text."""
    lines = [line for line in lines_of_spans(page.spans) if _words_of(line)]
    found = []
    for edge in (lines, lines[::-1]):
        for at, line in enumerate(edge[: _apart(edge)]):
            if len(_words_of(line)) <= _MOST_CHARS and not is_over_table(line, edge[at + 1]):
                found.append(line)
    return found


def _apart(lines: list[list[Span]]) -> int:
    """Return how many lines at an edge of a page have a wider gap between them and the rest."""
    gaps = [max(item[0].bottom - other[0].top, other[0].bottom - item[0].top) for item, other in pairwise(lines)]
    usual = sorted(gaps)[len(gaps) // 4] if gaps else 0.0
    for count, gap in enumerate(gaps[:_EDGE_LINES], start=1):
        if gap > _WIDE_GAP * max(lines[count - 1][0].height, usual):
            return count
    return 0


def _words_of(line: list[Span]) -> str:
    return " ".join(" ".join(span.text for span in line).split())


def _drop(page: Page, line: list[Span]) -> None:
    words = _words_of(line).replace(" ", "")
    places = {(span.left, span.bottom) for span in line}
    page.spans = [span for span in page.spans if (span.left, span.bottom) not in places]
    lines = page.text.split("\n")
    at = next((at for at, text in enumerate(lines) if "".join(text.split()) == words), None)
    if at is not None:
        del lines[at]
    page.text = "\n".join(lines)
