"""Reads Rich Text (RTF) as plain paragraphs, by way of striprtf."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import groupby

from assistant.errors import ReadError
from assistant.ingestion.base import Block, BlockKind, ReadDocument, Reader, ReadLimits, SourceFile
from assistant.ingestion.readers.dates import parse_date
from assistant.ingestion.readers.packages import check_markup_size
from assistant.ingestion.readers.paragraphs import Line, paragraphs
from assistant.ingestion.readers.tables import Row, table_lines
from memory_store.models import Locator

_INFO = re.compile(r"\{\\(title|author) ((?:[^{}\\]|\\'[0-9A-Fa-f]{2}|\\u-?\d{1,5} ?){1,300})\}")
_CODE_PAGE = re.compile(r"\\ansicpg\d{1,5}")
# What stands beside the text: striprtf passes over it.
_ASIDE = re.compile(r"\{(?:\\\*)?\\(footnote|annotation|header[flr]?|footer[flr]?)(?![a-z])")
_BRACE = re.compile(r"\\.|[{}]", re.DOTALL)
_CREATED = re.compile(r"\{\\creatim\\yr(\d{4})\\mo(\d{1,2})\\dy(\d{1,2})")
_HEAD_CHARS = 65536


def read_rtf(file: SourceFile, limits: ReadLimits) -> ReadDocument:
    """RTF: paragraphs in their order, notes and remarks after them. Pictures and embedded objects are not looked at."""
    check_markup_size(file.size, limits)
    with file.open() as stream:
        markup = stream.read().decode("latin-1")
    if markup.rstrip("\r\n\x00 ")[-1:] != "}":
        raise ReadError("torn or damaged RTF: its end is missing", "Get a fresh copy of it.")
    page = (_CODE_PAGE.findall(markup[:_HEAD_CHARS]) or [""])[0]
    info = {
        match[1]: plain_of_rtf(f"{{\\rtf1\\ansi{page} {match[2]}}}").strip()
        for match in _INFO.finditer(markup[:_HEAD_CHARS])
    }
    created = _CREATED.search(markup[:_HEAD_CHARS])
    return ReadDocument(
        _blocks(plain_of_rtf(markup)),
        info.get("title", ""),
        info.get("author"),
        parse_date("-".join(created.groups())) if created else None,
    )


RTF = Reader("application/rtf", (".rtf",), read_rtf)


def plain_of_rtf(markup: str) -> str:
    """Return the text of RTF. Raise `ReadError` if its control words make no sense."""
    from striprtf.striprtf import rtf_to_text

    try:
        return str(rtf_to_text(_move_asides_to_end(markup), errors="replace"))  # type: ignore[no-untyped-call]
    except (RecursionError, MemoryError):
        raise
    except Exception as error:  # striprtf raises whatever a malformed control word leads to
        raise ReadError("damaged: its content is malformed", "Open it in a word processor and save it.") from error


def _move_asides_to_end(markup: str) -> str:
    """Return RTF with its notes, remarks, headers and footers after its text, and signs that lead to the notes."""
    pieces: list[str] = []
    asides: dict[str, None] = {}
    at = signs = 0
    while match := _ASIDE.search(markup, at):
        depth, end = 1, len(markup)
        for brace in _BRACE.finditer(markup, match.end()):
            depth += (brace[0] == "{") - (brace[0] == "}")
            if not depth:
                end = brace.end()
                break
        sign = ""
        if match[1] in ("footnote", "annotation"):
            signs += 1
            sign = f"[{signs}] "
        pieces += [markup[at : match.start()], sign.rstrip()]
        asides[f"\\par {{{sign}{markup[match.end() : end].removeprefix(' ')}"] = None
        at = end
    if not asides:
        return markup
    body = "".join((*pieces, markup[at:]))
    return "".join((body[: body.rfind("}")], *asides, "}"))


def _blocks(text: str) -> Iterator[Block]:
    # A line's end in RTF is a paragraph's end; striprtf ends each cell of a table's row with a stroke.
    for is_table, lines in groupby(text.splitlines(), lambda line: line.endswith("|")):
        if is_table:
            rows = (Row(line.removesuffix("|").split("|")) for line in lines)
            for _, row in table_lines(rows, has_header=False):
                yield Block(row, Locator(), BlockKind.TABLE)
            continue
        for line in lines:
            for block in paragraphs([Line(1, line)]):
                # The lines of the text are not lines of the file, so they would lead nowhere.
                yield Block(block.text, Locator(), block.kind)
