"""Finds the reader of a file by its content and suffix, and holds every reader to the same promises."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from assistant.errors import ReadError
from assistant.ingestion.base import Block, ReadDocument, Reader, ReadLimits, SourceFile, check_size, make_storable
from assistant.ingestion.readers import packages, sniffing
from assistant.ingestion.readers.calendars import ICS, VCF
from assistant.ingestion.readers.csv import CSV
from assistant.ingestion.readers.docx import DOCX
from assistant.ingestion.readers.encodings import too_much_text
from assistant.ingestion.readers.epub import EPUB
from assistant.ingestion.readers.failures import translate_failures
from assistant.ingestion.readers.html import HTML, MHTML
from assistant.ingestion.readers.json import JSON, JSON_LINES
from assistant.ingestion.readers.mail import EML, MBOX
from assistant.ingestion.readers.markdown import MARKDOWN
from assistant.ingestion.readers.msg import MSG
from assistant.ingestion.readers.note_exports import ENEX, JOPLIN
from assistant.ingestion.readers.opendocument import ODP, ODS, ODT
from assistant.ingestion.readers.org import ORG
from assistant.ingestion.readers.packages import package_kind
from assistant.ingestion.readers.pdf import PDF
from assistant.ingestion.readers.pptx import PPTX
from assistant.ingestion.readers.recognition import IMAGE
from assistant.ingestion.readers.rst import RST
from assistant.ingestion.readers.rtf import RTF
from assistant.ingestion.readers.subtitles import SUBTITLES
from assistant.ingestion.readers.tex import TEX
from assistant.ingestion.readers.text import TEXT
from assistant.ingestion.readers.xlsx import OLD_EXCEL, XLSX
from memory_store.models import Locator

READERS: tuple[Reader, ...] = (
    *(MARKDOWN, TEXT, HTML, MHTML, PDF, DOCX, PPTX),
    *(XLSX, ODT, ODS, ODP, OLD_EXCEL, RTF, EPUB),
    *(EML, MSG, MBOX, ICS, VCF, CSV, JSON, JSON_LINES),
    *(ENEX, SUBTITLES, ORG, TEX, RST, JOPLIN, IMAGE),
)
_BY_SUFFIX = {suffix: reader for reader in READERS for suffix in reader.suffixes}
# Formats that only their content makes: a file with such a suffix and other content is broken or misnamed.
_NAMED = (
    (PDF, "PDF"),
    (DOCX, "Word document"),
    (PPTX, "PowerPoint presentation"),
    (XLSX, "Excel workbook"),
    (ODT, "OpenDocument text"),
    (ODS, "OpenDocument spreadsheet"),
    (ODP, "OpenDocument presentation"),
    (EPUB, "EPUB book"),
    (RTF, "RTF document"),
    (MSG, "mail of Outlook"),
    (JOPLIN, "export of Joplin"),
)
_NAMES = {suffix: name for reader, name in _NAMED for suffix in reader.suffixes}
_OFFICE = frozenset((*DOCX.suffixes, *PPTX.suffixes, *XLSX.suffixes))

# Longer than any title; the text of a heading itself is never cut.
_NAME_CHARS = 200
_MOST_HEADINGS = 20

NOT_READ = "not a format Keepsake reads"
NOT_READ_HINT = (
    "It reads Markdown, text, HTML, PDF, DOCX, PPTX, XLSX, XLS, ODT, ODS, ODP, RTF, EPUB, EML, MSG, MBOX, ICS, VCF, "
    "CSV, TSV, JSON, JSONL."
)
# How to make something readable of what is not.
_CONVERT = {
    packages.IWORK: "Export it from its program: Numbers as Excel or CSV, Pages as Word, Keynote as PowerPoint.",
    sniffing.OLD_OFFICE: "Open it in a word processor or presentation program and save it as DOCX or PPTX.",
    packages.OTHER_OPEN_DOCUMENT: "Open it in LibreOffice and save it as PDF.",
}


def known_suffixes() -> frozenset[str]:
    """Return every suffix that a reader claims, in lower case with its dot."""
    return frozenset(_BY_SUFFIX)


def reader_for(file: SourceFile) -> Reader:
    """Return the reader of `file`. Content with a clear signature decides, then the suffix, then text or not.

    Raise `ReadError` if it can't be opened, is binary, or is not what its suffix says.
    """
    with translate_failures(), file.open() as stream:
        head = stream.read(sniffing.HEAD_BYTES)
    if head.startswith(sniffing.PDF):
        return _BY_SUFFIX[".pdf"]
    if head.startswith((sniffing.ZIP, sniffing.EMPTY_ZIP)):
        return _package_reader(file)
    if head.startswith(sniffing.RTF):
        return _BY_SUFFIX[".rtf"]
    is_old_excel = file.suffix in OLD_EXCEL.suffixes
    if head.startswith(sniffing.OLE) and (is_old_excel or file.suffix in MSG.suffixes):
        return _BY_SUFFIX[file.suffix]
    if sniffing.is_tar(head) and file.suffix in JOPLIN.suffixes:
        return _BY_SUFFIX[file.suffix]
    if is_old_excel and not sniffing.binary_kind(head):
        return _BY_SUFFIX[".html" if sniffing.looks_like_html(head) else ".csv"]  # as banks and web pages save tables
    if head.startswith(sniffing.OLE) and file.suffix in _OFFICE:
        hint = "Save a copy without password and import it."
        raise ReadError(f"encrypted: the {_NAMES[file.suffix]} needs a password", hint)
    if name := _NAMES.get(file.suffix):
        # Mail gateways and old printers put a few bytes before a PDF's signature; the format allows for it.
        if name == "PDF" and sniffing.PDF in head[:1024]:
            return _BY_SUFFIX[".pdf"]
        raise ReadError(f"wrong suffix or damaged: it is no {name} inside", "Check that the file opens elsewhere.")
    if sniffing.is_picture(head) or file.suffix in IMAGE.suffixes:
        return _BY_SUFFIX[".png"]
    if kind := sniffing.binary_kind(head):
        reason = f"binary: {kind}" if file.suffix in _BY_SUFFIX else f"{NOT_READ} ({kind})"
        raise ReadError(reason, _CONVERT.get(kind, NOT_READ_HINT))
    return _BY_SUFFIX.get(file.suffix) or _BY_SUFFIX[sniffing.text_suffix(head)]


def read_document(file: SourceFile, limits: ReadLimits) -> ReadDocument:
    """Return `file` as text. Every failure is a `ReadError`, raised here or while the blocks are consumed.

    Blocks come without NUL and without blank ones. A file without any text is an error, as is one with more than
    the limits allow.
    """
    check_size(file, limits)
    reader = reader_for(file)
    with translate_failures():
        document = reader.read(file, limits)
    return replace(
        document,
        title=_name(document.title) or file.stem,
        media_type=document.media_type or reader.media_type,
        author=_name(document.author or "") or None,
        blocks=_guard(document, file, limits),
        left_out=file.left_out,
        attached=file.attached,
    )


def _guard(document: ReadDocument, file: SourceFile, limits: ReadLimits) -> Iterator[Block]:
    total = 0
    given = kept = Locator()
    with translate_failures():
        for block in document.blocks:
            text = make_storable(block.text)
            if not text.strip():
                continue
            total += len(text)
            if total > limits.max_text_chars:
                raise too_much_text(limits)
            if block.locator is not given:
                given, kept = block.locator, _bound(block.locator)
            author = block.author
            if author is not None and author.name is not None:
                author = replace(author, name=_name(author.name) or None)
            yield Block(text, kept, block.kind, author, block.created_at)
    if not total and file.left_out:
        # What could not be read says more than that characters of it are damaged.
        first = min(file.left_out, key=lambda part: "�" in part.reason)
        raise ReadError(first.reason, first.hint)
    if not total:
        raise ReadError("no text in it", "There is nothing to remember in it.")


def _bound(locator: Locator) -> Locator:
    """Return a place in names that can be stored and shown: it goes with every passage, so none may be endless."""
    headings = tuple(_name(heading) for heading in locator.headings[:_MOST_HEADINGS])
    part = None if locator.part is None else _name(locator.part)
    if headings == locator.headings and part == locator.part:
        return locator
    return replace(locator, headings=headings, part=part)


def _name(text: str) -> str:
    """Return what names something on one line of a bounded length."""
    return " ".join(make_storable(text[: 2 * _NAME_CHARS]).split())[:_NAME_CHARS]


def _package_reader(file: SourceFile) -> Reader:
    with translate_failures():
        kind = package_kind(file)
    if kind in _BY_SUFFIX:
        return _BY_SUFFIX[kind]
    if kind in _CONVERT:
        raise ReadError(f"{NOT_READ} ({kind})", _CONVERT[kind])
    if file.suffix in _NAMES:
        raise ReadError(f"no {_NAMES[file.suffix]} inside", "Check that the file opens elsewhere.")
    raise ReadError(f"{NOT_READ} ({kind})", NOT_READ_HINT)
