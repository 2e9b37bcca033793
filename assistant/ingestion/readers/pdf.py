"""Reads PDF page by page, with the headings of its outline, through pypdfium2."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from assistant.errors import ReadError
from assistant.ingestion.base import Block, BlockKind, ReadDocument, ReadLimits, SourceFile
from assistant.ingestion.readers.dates import parse_pdf_date
from assistant.ingestion.readers.encodings import too_much_text
from assistant.ingestion.readers.outline import Outline
from assistant.ingestion.readers.paragraphs import LIST_ITEM
from memory_store.models import Locator

if TYPE_CHECKING:
    import pypdfium2

# PDFium keeps global state: two calls at once, even on two documents, crash the process.
_PDFIUM = threading.Lock()
_PASSWORD_ERROR = 4  # FPDF_ERR_PASSWORD in fpdfview.h
_TAIL_BYTES = 65536
# What PDFium puts where a word was hyphenated at a line's end.
_HYPHENATION = re.compile("[\ufffe\x02](?:\r?\n)?")
_SENTENCE_END = re.compile(r"[.!?。！？；:：][\"'”’」』）)\]]*$")
_WIDE = re.compile("[\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef]")
_UNTITLED = re.compile(r"^(untitled|unknown|document\d*|microsoft word - .*|.*\.(docx?|indd|tex|dvi))?$", re.IGNORECASE)
# A line this near to the page's longest was broken by the margin, not by the author.
_FULL_LINE = 0.7

_Outline = Mapping[int, list[tuple[int, str]]]


class PdfReader:
    """PDF with a text layer, located by page and by the headings of its outline."""

    media_type = "application/pdf"
    suffixes = (".pdf",)

    def read(self, file: SourceFile, limits: ReadLimits) -> ReadDocument:
        """Return the pages' paragraphs. All pages are read here, so that a torn file fails as a whole."""
        with file.open() as stream:
            data = stream.read()
        if b"%%EOF" not in data[-_TAIL_BYTES:] and b"startxref" not in data[-_TAIL_BYTES:]:
            raise _torn("its end is missing")
        document = _open(data)
        try:
            with _PDFIUM:
                metadata = document.get_metadata_dict()
                outline = _outline(document)
            pages = _page_texts(document, limits)
        finally:
            with _PDFIUM:
                document.close()
        if not any(page.strip() for page in pages):
            raise ReadError("no text layer: it holds only images of pages", "Run it through text recognition (OCR).")
        title = metadata.get("Title", "").strip()
        author = metadata.get("Author", "").strip()
        return ReadDocument(
            file.stem if _UNTITLED.match(title) else title,
            self.media_type,
            _blocks(pages, outline),
            None if author.lower() in ("", "anonymous", "unknown", "unspecified") else author,
            parse_pdf_date(metadata.get("CreationDate")),
        )


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


def _page_texts(document: pypdfium2.PdfDocument, limits: ReadLimits) -> list[str]:
    import pypdfium2

    pages: list[str] = []
    total = 0
    with _PDFIUM:
        count = len(document)
    if not count:
        raise _torn("it has no pages")
    for index in range(count):
        try:
            pages.append(_page_text(document, index))
        except pypdfium2.PdfiumError as error:
            raise _torn(f"page {index + 1} can't be read") from error
        total += len(pages[-1])
        if total > limits.max_text_chars:
            raise too_much_text(limits)
    return pages


def _page_text(document: pypdfium2.PdfDocument, index: int) -> str:
    with _PDFIUM:  # One page at a time, so that another import's PDF does not wait for a whole book.
        page = document[index]
        try:
            text_page = page.get_textpage()
            try:
                text: str = text_page.get_text_bounded()
            finally:
                text_page.close()
        finally:
            page.close()
    return _HYPHENATION.sub("", text).replace("\r\n", "\n").replace("\r", "\n")


def _outline(document: pypdfium2.PdfDocument) -> _Outline:
    """Return the outline's entries, as (level, title), by the index of the page they point to."""
    entries: dict[int, list[tuple[int, str]]] = {}
    for bookmark in document.get_toc():
        target = bookmark.get_dest()
        index = target.get_index() if target is not None else None
        if index is not None:
            entries.setdefault(index, []).append((bookmark.level + 1, " ".join(bookmark.get_title().split())))
    return entries


def _blocks(pages: list[str], entries: _Outline) -> Iterator[Block]:
    outline = Outline()
    for index, text in enumerate(pages):
        awaited = [entry for entry in entries.get(index, []) if entry[1]]
        for paragraph in _paragraphs(text):
            found = _entry_of(paragraph, awaited)
            if found is not None:
                for level, title in awaited[: found + 1]:
                    outline.enter(level, title)
                del awaited[: found + 1]
            kind = BlockKind.PARAGRAPH if found is None else BlockKind.HEADING
            if kind is BlockKind.PARAGRAPH and LIST_ITEM.match(paragraph):
                kind = BlockKind.LIST
            yield Block(paragraph, Locator(page=index + 1, headings=outline.path), kind)
        # An entry whose title does not stand on its page as a line of its own is in force from the next page on.
        for level, title in awaited:
            outline.enter(level, title)


def _entry_of(paragraph: str, awaited: list[tuple[int, str]]) -> int | None:
    words = " ".join(paragraph.split()).casefold()
    return next((index for index, (_, title) in enumerate(awaited) if title.casefold() == words), None)


def _paragraphs(page: str) -> Iterator[str]:
    """Yield paragraphs, with the lines that the margin broke put together again."""
    lines = [line.strip() for line in page.split("\n")]
    longest = max((_columns(line) for line in lines), default=0)
    piece = last = ""
    for line in lines:
        if piece and line and not LIST_ITEM.match(line) and _goes_on(last, longest):
            piece += ("" if _WIDE.match(piece[-1]) or _WIDE.match(line[0]) else " ") + line
        else:
            if piece:
                yield piece
            piece = line
        last = line
    if piece:
        yield piece


def _goes_on(line: str, longest: int) -> bool:
    return _columns(line) >= _FULL_LINE * longest and not _SENTENCE_END.search(line)


def _columns(line: str) -> int:
    return len(line) + len(_WIDE.findall(line))


def _torn(what: str) -> ReadError:
    return ReadError(f"torn or damaged PDF: {what}", "Get a fresh copy of it.")
