"""Reads Word documents: headings, paragraphs, lists and tables, by way of mammoth."""

from __future__ import annotations

import re
import zipfile
from io import BytesIO
from typing import Any

from assistant.errors import ReadError
from assistant.ingestion.base import About, BlockKind, ReadDocument, ReadLimits, SourceFile
from assistant.ingestion.readers.dates import parse_date
from assistant.ingestion.readers.docx_parts import embedded, headers_and_footers, other_lines, prepared
from assistant.ingestion.readers.failures import translated
from assistant.ingestion.readers.markup import Piece, blocks, parse, walk
from assistant.ingestion.readers.packages import check_markup_size, open_package, parse_xml, read_part, texts, unpack

_TEMPLATE_OF = "2013-12-23T23:15:00Z"
_STYLES = "p[style-name='Title'] => h1:fresh\np[style-name='Subtitle'] => p:fresh\ncomment-reference => sup"
_BACK, _NOTE = re.compile("^#(?:comment|footnote|endnote)-ref-"), re.compile("^(?:footnote|endnote)-")


class DocxReader:
    """DOCX, located by headings. Tracked changes are read as accepted; pictures and macros are not looked at."""

    media_type = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
    suffixes = (".docx", ".docm", ".dotx")
    about = About(
        "Word",
        "text as accepted, tables, lists, notes, comments, text boxes, formulas, ticked boxes, charts, diagrams, "
        "headers and footers",
        "headings",
        "its properties, else the first heading",
    )

    def read(self, file: SourceFile, limits: ReadLimits) -> ReadDocument:
        """Return the document's pieces; the package is checked before mammoth sees it."""
        with open_package(file, limits) as package:
            _check_parts(package, limits)
            core = read_part(package, "docProps/core.xml", limits)
            headers, footers = headers_and_footers(package, limits)
            others = list(other_lines(package, limits))
            left_out = list(embedded(package, limits))
            body = _pieces(prepared(package, limits))
        root = parse_xml(core, "properties") if core else None
        title, author, created = (_first(root, name) for name in ("title", "creator", "created"))
        # The template of a library carries its own name and time.
        author = None if author == "python-docx" else author
        created = None if created == _TEMPLATE_OF else created
        title = title or next((piece.text for piece in body if piece.level == 1), file.stem)
        pieces = [
            *(Piece(line, BlockKind.PARAGRAPH) for line in headers),
            *body,
            *(Piece(line, BlockKind.PARAGRAPH) for line in (*others, *footers)),
        ]
        return ReadDocument(title, self.media_type, blocks(pieces), author, parse_date(created), left_out)


def _check_parts(package: zipfile.ZipFile, limits: ReadLimits) -> None:
    for info in package.infolist():
        if not info.filename.endswith((".xml", ".rels")):
            continue
        check_markup_size(info.file_size, limits)
        # Word writes no DTD. One is where entities that grow without end are declared.
        if b"<!DOCTYPE" in unpack(package, info):
            raise ReadError("damaged: it declares XML entities, as no word processor does", "Save it again from Word.")


def _pieces(document: BytesIO) -> list[Piece]:
    page = parse(_html(document))
    for back in page.find_all("a", href=_BACK):
        back.decompose()  # from a note to where it is noted
    notes = page.find_all("li", id=_NOTE)
    for number, note in enumerate(notes, start=1):
        (note.find("p") or note).insert(0, f"[{number}] ")
    return list(walk(page, numbers=False, addresses_from=""))


def _html(document: BytesIO) -> str:
    import mammoth

    def no_image(_: Any) -> dict[str, str]:
        return {}

    with translated():
        try:
            result = mammoth.convert_to_html(
                document, style_map=_STYLES, convert_image=mammoth.images.img_element(no_image)
            )
        except (OSError, RecursionError, MemoryError, zipfile.BadZipFile):
            raise
        except Exception as error:  # mammoth raises whatever its parsers raise
            raise ReadError("damaged: its content is malformed", "Open it in a word processor and save it.") from error
    return str(result.value)


def _first(root: Any, name: str) -> str | None:
    return None if root is None else next(iter(texts(root, name)), None)
