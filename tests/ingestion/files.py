"""Makes files to read, in memory, for the tests of ingestion."""

from __future__ import annotations

import tarfile
import zipfile
from collections.abc import Mapping
from datetime import UTC, datetime
from io import BytesIO
from pathlib import PurePosixPath

from assistant.ingestion.base import Block, ReadDocument, ReadLimits, SourceFile
from assistant.ingestion.readers.registry import read_document

LIMITS = ReadLimits()
MODIFIED = datetime(2025, 1, 2, tzinfo=UTC)


def file_of(content: bytes | str, name: str = "notes.txt") -> SourceFile:
    """Return a file of that name and content."""
    data = content.encode() if isinstance(content, str) else content
    return SourceFile(f"/home/me/{name}", lambda: BytesIO(data), len(data), PurePosixPath(name).suffix, MODIFIED)


def read(content: bytes | str, name: str, limits: ReadLimits = LIMITS) -> tuple[ReadDocument, list[Block]]:
    """Read a file to its end."""
    document = read_document(file_of(content, name), limits)
    return document, list(document.blocks)


def text_of(blocks: list[Block]) -> str:
    """Return all text of blocks."""
    return "\n".join(block.text for block in blocks)


def zip_of(members: Mapping[str, bytes | str], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Return a zip with these members."""
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name, (2025, 3, 4, 5, 6, 8)), content, compression)
    return buffer.getvalue()


def mark_encrypted(data: bytes) -> bytes:
    """Return a zip whose members all claim to be encrypted."""
    changed = bytearray(data)
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = changed.find(signature)
        while at >= 0:
            changed[at + offset] |= 1
            at = changed.find(signature, at + 4)
    return bytes(changed)


def docx_of(body: str, extra: Mapping[str, bytes | str] | None = None) -> bytes:
    """Return a Word document with this inside `w:body`."""
    word = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    package = "http://schemas.openxmlformats.org/package/2006"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    return zip_of(
        {
            "[Content_Types].xml": f'<Types xmlns="{package}/content-types">'
            '<Default Extension="xml" ContentType="application/xml"/>'
            '<Override PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-officedocument.'
            'wordprocessingml.document.main+xml"/></Types>',
            "_rels/.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="r1" '
            f'Type="{office}/officeDocument" Target="word/document.xml"/></Relationships>',
            "word/document.xml": f'<w:document xmlns:w="{word}"><w:body>{body}</w:body></w:document>',
            "word/styles.xml": f'<w:styles xmlns:w="{word}"><w:style w:type="paragraph" w:styleId="Heading1">'
            '<w:name w:val="heading 1"/></w:style></w:styles>',
            "word/_rels/document.xml.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="r1" '
            f'Type="{office}/styles" Target="styles.xml"/></Relationships>',
            **(extra or {}),
        }
    )


def docx_paragraph(text: str, style: str = "") -> str:
    """Return a paragraph of a Word document."""
    properties = f'<w:pPr><w:pStyle w:val="{style}"/></w:pPr>' if style else ""
    return f"<w:p>{properties}<w:r><w:t>{text}</w:t></w:r></w:p>"


def epub_of(chapters: list[str], extra: Mapping[str, bytes | str] | None = None) -> bytes:
    """Return a book with these pages; the manifest lists them backwards, the spine in order."""
    items = "".join(
        f'<item id="c{number}" href="c%20{number}.xhtml" media-type="application/xhtml+xml"/>'
        for number in reversed(range(len(chapters)))
    )
    spine = "".join(f'<itemref idref="c{number}"/>' for number in range(len(chapters)))
    return zip_of(
        {
            "mimetype": "application/epub+zip",
            "META-INF/container.xml": '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
            '<rootfile full-path="OEBPS/content.opf"/></rootfiles></container>',
            "OEBPS/content.opf": '<package xmlns="http://www.idpf.org/2007/opf"><metadata '
            'xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>Logbook</dc:title><dc:creator>Ada</dc:creator>'
            f"<dc:date>2024-05-06</dc:date></metadata><manifest>{items}</manifest><spine>{spine}</spine></package>",
            **{f"OEBPS/c {number}.xhtml": page for number, page in enumerate(chapters)},
            **(extra or {}),
        }
    )


def enex_of(*notes: str) -> bytes:
    """Return an export of Evernote's with these elements inside its notes."""
    inner = "".join(f"<note>{note}</note>" for note in notes)
    head = '<?xml version="1.0"?><!DOCTYPE en-export SYSTEM "http://xml.evernote.com/pub/evernote-export4.dtd">'
    return f'{head}<en-export application="Evernote">{inner}</en-export>'.encode()


def jex_of(members: Mapping[str, bytes | str]) -> bytes:
    """Return an export of Joplin with these members."""
    buffer = BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in members.items():
            data = content.encode() if isinstance(content, str) else content
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, BytesIO(data))
    return buffer.getvalue()
