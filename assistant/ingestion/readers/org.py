"""Reads notes of Org mode: headings with their tags and properties, links as they are shown."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import groupby, islice
from typing import Final

from assistant.ingestion.base import Block, BlockKind, ReadDocument, Reader, ReadLimits, SourceFile
from assistant.ingestion.readers.dates import parse_words
from assistant.ingestion.readers.encodings import first_lines
from assistant.ingestion.readers.paragraphs import Line, Outline, lines_block, numbered_lines, paragraphs
from assistant.ingestion.readers.tables import Row, table_lines
from memory_store.models import Locator

_HEADING: Final = re.compile(r"(\*+)[ \t]+(.*?)(?:[ \t]+(:[\w@#%:]+:))?[ \t]*")
_KEYWORD: Final = re.compile(r"#\+(\w+):[ \t]*(.*)", re.IGNORECASE)
_BEGIN: Final = re.compile(r"[ \t]*#\+begin_(\w+)\b.*", re.IGNORECASE)
_END: Final = re.compile(r"[ \t]*#\+end_\w+[ \t]*", re.IGNORECASE)
_DRAWER: Final = re.compile(r"[ \t]*:(?:PROPERTIES|LOGBOOK|CLOCK):[ \t]*", re.IGNORECASE)
_PROPERTY: Final = re.compile(r"[ \t]*:([\w+@#%-]+):[ \t]+(\S.*)")
_OF_THE_PROGRAM: Final = re.compile(
    r"[ \t]*(?::(?:ID|CUSTOM_ID|CREATED|LAST_REPEAT|ARCHIVE_\w+):|CLOCK:|- (?:State|Refiled|Rescheduled) ).*",
    re.IGNORECASE,
)
_DRAWER_END: Final = re.compile(r"[ \t]*:END:[ \t]*", re.IGNORECASE)
_LINK: Final = re.compile(r"\[\[([^\[\]]+)\](?:\[([^\[\]]+)\])?\]")
_STAMP: Final = re.compile(r"[<\[](\d{4}-\d\d-\d\d)[^<>\[\]]*[>\]]")
_ROW: Final = re.compile(r"[ \t]*\|.*\|[ \t]*")
_RULE: Final = re.compile(r"[ \t]*\|[-+|]+[ \t]*")
_CODE: Final = ("src", "example", "export")
_HEAD_LINES: Final = 100
_MOST_OF_A_BLOCK: Final = 5000


def read_org(file: SourceFile, limits: ReadLimits) -> ReadDocument:
    """Org: title, author and date from its keywords, line numbers, heading paths."""
    told: dict[str, str] = {}
    for line in first_lines(file, limits, _HEAD_LINES):
        if match := _KEYWORD.fullmatch(line):
            told.setdefault(match[1].lower(), match[2].strip())
    date = told.get("date", "")
    stamp = _STAMP.search(date)
    created_at = parse_words(stamp[1] if stamp else date)
    title = told.get("title") or file.stem
    return ReadDocument(_blocks(file, limits), title, told.get("author"), created_at)


ORG = Reader("text/org", (".org",), read_org)


def _blocks(file: SourceFile, limits: ReadLimits) -> Iterator[Block]:
    outline = Outline()
    run: list[Line] = []
    numbered = numbered_lines(file, limits)
    for line in numbered:
        if heading := _HEADING.fullmatch(line.text):
            yield from _prose(run, outline)
            run = []
            title = _replace_links(heading[2])
            shown = f"{title} {heading[3]}" if heading[3] else title
            yield from outline.heading(len(heading[1]), title, line.number, line.number, shown)
        elif _DRAWER.fullmatch(line.text):
            run += _of_drawer(numbered)
        elif begin := _BEGIN.fullmatch(line.text):
            yield from _prose(run, outline)
            run = []
            inner = _until_end(numbered)
            if begin[1].lower() in _CODE:
                yield from ([lines_block(inner, BlockKind.CODE, outline.path)] if inner else [])
            else:
                yield from _prose(inner, outline)
        elif match := _KEYWORD.fullmatch(line.text):
            if match[1].lower() in ("caption", "title", "subtitle", "description", "filetags"):
                run.append(Line(line.number, match[2]))
        elif not line.text.strip() or len(run) >= (_MOST_OF_A_BLOCK if _ROW.fullmatch(line.text) else 64):
            yield from _prose(run, outline)
            run = [line] if line.text.strip() else []
        elif not line.text.lstrip().startswith("# "):
            run.append(line)
    yield from _prose(run, outline)


def _of_drawer(numbered: Iterator[Line]) -> Iterator[Line]:
    """Yield what a person wrote into a drawer; the program's own marks are passed over."""
    for line in islice(numbered, _MOST_OF_A_BLOCK):
        if _DRAWER_END.fullmatch(line.text):
            return
        if line.text.strip() and not _OF_THE_PROGRAM.fullmatch(line.text):
            match = _PROPERTY.fullmatch(line.text)
            yield Line(line.number, f"{match[1]}: {match[2]}") if match else line


def _until_end(numbered: Iterator[Line]) -> list[Line]:
    inner: list[Line] = []
    for line in numbered:
        if _END.fullmatch(line.text):
            break
        inner.append(line)
    return inner


def _prose(run: list[Line], outline: Outline) -> Iterator[Block]:
    for is_table, group in groupby(run, lambda line: _ROW.fullmatch(line.text) is not None):
        if is_table:
            for row, text in table_lines(_rows(list(group)), has_header=False):
                place = Locator(headings=outline.path, line_start=row.first_line, line_end=row.last_line)
                yield Block(text, place, BlockKind.TABLE)
        else:
            yield from paragraphs([Line(line.number, _replace_links(line.text)) for line in group], outline.path)


def _rows(table: list[Line]) -> Iterator[Row]:
    """Yield the rows of a table; those above its first rule name the columns."""
    rules = [at for at, line in enumerate(table) if _RULE.fullmatch(line.text)]
    named = next((at for at in rules if at), 0)
    for at, line in enumerate(table):
        if not _RULE.fullmatch(line.text):
            cells = [
                cell.strip()
                for cell in _replace_links(line.text).strip().removeprefix("|").removesuffix("|").split("|")
            ]
            yield Row(cells, first_line=line.number, last_line=line.number, marked=at < named < len(table) - 1)


def _replace_links(text: str) -> str:
    """Return a line with its links as words, and with the address where it is one of the web."""
    if "[[" not in text:
        return text
    return _LINK.sub(lambda match: _link(match[1], match[2]), text)


def _link(target: str, shown: str | None) -> str:
    if shown is None:
        return target.rpartition("::")[2].lstrip("*#") or target
    return f"{shown} ({target})" if target.startswith(("http:", "https:", "mailto:")) and target != shown else shown
