"""Reads EPUB books in the order of their spine; each of its sections is a part."""

from __future__ import annotations

import posixpath
import zipfile
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote, urlsplit

from assistant.errors import ReadError
from assistant.ingestion.base import Block, ReadDocument, Reader, ReadLimits, SourceFile
from assistant.ingestion.readers.dates import parse_date
from assistant.ingestion.readers.markup import blocks, decode, parse, walk
from assistant.ingestion.readers.packages import first_texts, open_package, parse_xml, read_part

# What a list of parts names besides pages; old books have types of their own for those.
_NO_PAGES = (
    *("image/gif", "image/jp", "image/png", "image/webp", "text/css", "font/", "application/font"),
    *("application/vnd.ms-opentype", "audio/", "video/"),
)
_PAGE_SUFFIXES = (".xhtml", ".html", ".htm", ".xml", ".xht", ".svg")
_MANY_PICTURES = 3  # a cover and a map are no book of pictures
# Fonts are obfuscated in books without any protection (EPUB OCF 3.3, section 4.4; the second is Adobe's way).
_FONT_METHODS = ("http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC")
_DAMAGED_HINT = "Get a fresh copy of the book."


def read_epub(file: SourceFile, limits: ReadLimits) -> ReadDocument:
    """EPUB without copy protection, located by section and headings. What is broken of it is named, the rest read.

    Each section is unpacked when it is reached.
    """
    with open_package(file, limits) as package:
        _refuse_protection(package, limits)
        names = _Names(package.namelist())
        root, opf_path = _contents(package, names, limits)
        spine = list(_spine(root, opf_path, names, file))
    if not spine:
        raise ReadError("damaged: the book lists no chapters", _DAMAGED_HINT)
    title, author, date = first_texts(root, "title", "creator", "date")
    sections = _sections(file, limits, spine, title or "")
    return ReadDocument(sections, title, author, parse_date(date))


EPUB = Reader("application/epub+zip", (".epub",), read_epub)


class _Names:
    """Finds the parts of a book by names that are written in another way than they are stored."""

    def __init__(self, names: list[str]) -> None:
        self.all = names
        self._folded = {name.casefold(): name for name in reversed(names)}

    def find(self, name: str) -> str | None:
        """Return the part of this name: as it is, with its signs decoded, in another case."""
        for text in (name, unquote(name)):
            found = self._folded.get(posixpath.normpath(text).lstrip("/").casefold())
            if found is not None:
                return found
        return None


def _sections(file: SourceFile, limits: ReadLimits, spine: list[str], book: str) -> Iterator[Block]:
    pictures = []
    with open_package(file, limits) as package:
        number = 0
        for path in spine:
            try:
                page = parse(decode(_required(package, path, limits)))
                pieces = list(walk(page, addresses_from=""))
            except ReadError as error:
                file.note(f"chapter {path}", error.message, error.hint)
                continue
            if not pieces:
                if page.find(["img", "image"]) is not None:
                    pictures.append(path)
                continue
            number += 1
            # A section is not always a chapter: covers and title pages count too, so "chapter" would mislead.
            name = " ".join(page.title.get_text().split()) if page.title is not None else ""
            above = (name,) if name and name != book and not any(piece.level for piece in pieces) else ()
            yield from blocks(pieces, part=f"section {number}", above=above)
    if len(pictures) >= _MANY_PICTURES:
        hint = "Run it through text recognition (OCR)."
        file.note(f"{len(pictures)} sections", "they hold only a picture", hint)


def _refuse_protection(package: zipfile.ZipFile, limits: ReadLimits) -> None:
    encryption = read_part(package, "META-INF/encryption.xml", limits)
    if encryption is None:
        return
    for element in parse_xml(encryption, "list of encrypted parts").iter("{*}EncryptionMethod"):
        if element.get("Algorithm") not in _FONT_METHODS:
            raise ReadError("encrypted: the book is copy-protected (DRM)", "Only books without protection can be read.")


def _contents(package: zipfile.ZipFile, names: _Names, limits: ReadLimits) -> tuple[Any, str]:
    """Return the book's list of parts and its place; none of it where that can't be read."""
    paths: list[str] = []
    try:
        container = parse_xml(read_part(package, "META-INF/container.xml", limits) or b"", "container")
        paths = [element.get("full-path") or "" for element in container.iter("{*}rootfile")]
    except ReadError:
        pass  # the list may be there all the same
    for path in (*paths, *(name for name in names.all if name.endswith(".opf"))):
        found = names.find(path)
        data = read_part(package, found, limits) if found is not None else None
        if found is not None and data is not None:
            try:
                return parse_xml(data, "table of contents"), found
            except ReadError:
                continue  # a book without a list gives its pages by their names
    return None, ""


def _spine(root: Any, opf_path: str, names: _Names, file: SourceFile) -> Iterator[str]:
    """Yield the book's pages in their order, and note those that are listed and not there."""
    if root is None:
        reason = "it can't be read: the pages come in the order of their names"
        file.note("table of contents", reason, _DAMAGED_HINT)
        yield from sorted(name for name in names.all if name.lower().endswith(_PAGE_SUFFIXES))
        return
    folder = posixpath.dirname(opf_path)
    listed = {item.get("id"): item for item in root.iter("{*}item")}
    order = [ref.get("idref") for ref in root.iter("{*}itemref")]
    for name in (name for name in order if name not in listed):
        file.note(f"chapter {name}", "it is missing in the book", _DAMAGED_HINT)
    # Pages that stand outside of the order are reached by links, such as notes.
    beyond = [name for name, item in listed.items() if name not in order and _is_page(item)]
    for item in map(listed.get, [*order, *beyond] if order else listed):
        if item is None or (item.get("media-type") or "").startswith(_NO_PAGES):
            continue
        path = posixpath.join(folder, urlsplit(item.get("href") or "").path)
        found = names.find(path)
        if found is None:
            file.note(f"chapter {unquote(path)}", "it is missing in the book", _DAMAGED_HINT)
        elif found.lower().endswith(_PAGE_SUFFIXES) or "html" in (item.get("media-type") or ""):
            yield found


def _is_page(item: Any) -> bool:
    return "html" in (item.get("media-type") or "") and "nav" not in (item.get("properties") or "").split()


def _required(package: zipfile.ZipFile, path: str, limits: ReadLimits) -> bytes:
    data = read_part(package, path, limits)
    if data is None:
        raise ReadError(f"damaged: {path} is missing in the book", _DAMAGED_HINT)
    return data
