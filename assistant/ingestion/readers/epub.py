"""Reads EPUB books in the order of their spine; each of its sections is a part."""

from __future__ import annotations

import posixpath
import zipfile
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote, urlsplit

from assistant.errors import ReadError
from assistant.ingestion.base import Block, ReadDocument, ReadLimits, SourceFile
from assistant.ingestion.readers.dates import parse_date
from assistant.ingestion.readers.markup import blocks, decode, parse, walk
from assistant.ingestion.readers.packages import open_package, parse_xml, read_part, texts

_PAGES = ("application/xhtml+xml", "text/html")
# Fonts are obfuscated in books without any protection (EPUB OCF 3.3, section 4.4; the second is Adobe's way).
_FONT_METHODS = ("http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC")
_DAMAGED_HINT = "Get a fresh copy of the book."


class EpubReader:
    """EPUB without copy protection, located by section and headings."""

    media_type = "application/epub+zip"
    suffixes = (".epub",)

    def read(self, file: SourceFile, limits: ReadLimits) -> ReadDocument:
        """Return the book's sections, each unpacked when it is reached."""
        with open_package(file, limits) as package:
            _refuse_protection(package, limits)
            opf_path = _opf_path(package, limits)
            root = parse_xml(_required(package, opf_path, limits), "table of contents")
            spine = _spine(root, opf_path)
        if not spine:
            raise ReadError("damaged: the book lists no chapters", _DAMAGED_HINT)
        title, author, date = (next(iter(texts(root, name)), None) for name in ("title", "creator", "date"))
        return ReadDocument(
            title or file.stem, self.media_type, _sections(file, limits, spine, title or ""), author, parse_date(date)
        )


def _sections(file: SourceFile, limits: ReadLimits, spine: list[str], book: str) -> Iterator[Block]:
    with open_package(file, limits) as package:
        number = 0
        for path in spine:
            page = parse(decode(_required(package, path, limits)))
            pieces = list(walk(page))
            if not pieces:
                continue
            number += 1
            # A section is not always a chapter: covers and title pages count too, so "chapter" would mislead.
            name = " ".join(page.title.get_text().split()) if page.title is not None else ""
            above = (name,) if name and name != book and not any(piece.level for piece in pieces) else ()
            yield from blocks(pieces, part=f"section {number}", above=above)


def _refuse_protection(package: zipfile.ZipFile, limits: ReadLimits) -> None:
    encryption = read_part(package, "META-INF/encryption.xml", limits)
    if encryption is None:
        return
    for element in parse_xml(encryption, "list of encrypted parts").iter("{*}EncryptionMethod"):
        if element.get("Algorithm") not in _FONT_METHODS:
            raise ReadError("encrypted: the book is copy-protected (DRM)", "Only books without protection can be read.")


def _opf_path(package: zipfile.ZipFile, limits: ReadLimits) -> str:
    container = parse_xml(_required(package, "META-INF/container.xml", limits), "container")
    for element in container.iter("{*}rootfile"):
        if path := element.get("full-path"):
            return str(path)
    raise ReadError("damaged: the book names no table of contents", _DAMAGED_HINT)


def _spine(root: Any, opf_path: str) -> list[str]:
    folder = posixpath.dirname(opf_path)
    pages = {
        item.get("id"): posixpath.normpath(posixpath.join(folder, unquote(urlsplit(item.get("href") or "").path)))
        for item in root.iter("{*}item")
        if item.get("media-type") in _PAGES
    }
    return [pages[ref.get("idref")] for ref in root.iter("{*}itemref") if ref.get("idref") in pages]


def _required(package: zipfile.ZipFile, path: str, limits: ReadLimits) -> bytes:
    data = read_part(package, path, limits)
    if data is None:
        raise ReadError(f"damaged: {path} is missing in the book", _DAMAGED_HINT)
    return data
