"""Reads reStructuredText: headings by the lines under them, literal blocks as code, roles and links as words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from assistant.ingestion.base import Block, BlockKind, ReadDocument, Reader, ReadLimits, SourceFile
from assistant.ingestion.readers.paragraphs import Line, Outline, lines_block, numbered_lines, paragraphs

_RULE: Final = re.compile(r"([=\-`:.'\"~^_*+#<>])\1{2,}[ \t]*")
_DIRECTIVE: Final = re.compile(r"[ \t]*\.\. ([\w:-]+)::[ \t]*(.*)")
_COMMENT: Final = re.compile(r"\.\.(?:[ \t](?!\[|_|\|).*)?")
_OPTION: Final = re.compile(r"[ \t]+:[\w-]+:.*")
_ROLE: Final = re.compile(r":[\w:.+-]{1,60}:`([^`<>]{1,500}?)(?:\s*<[^<>`]{0,500}>)?`")
_LINK: Final = re.compile(r"`([^`<>]{1,500}?)\s*<([^<>`]{1,2000})>`__?")
_LITERAL: Final = re.compile(r"``([^`]{1,500})``")
_REFERENCE: Final = re.compile(r"`([^`]{1,500})`_{0,2}")
_CODE: Final = frozenset(("code", "code-block", "sourcecode", "literalinclude", "parsed-literal", "math", "highlight"))
_HOLDERS: Final = 64


def read_rst(file: SourceFile, limits: ReadLimits) -> ReadDocument:
    """RST: heading paths and line numbers."""
    title = next((block.text for block in _blocks(file, limits) if block.kind is BlockKind.HEADING), "")
    return ReadDocument(_blocks(file, limits), title)


RST = Reader("text/x-rst", (".rst", ".rest"), read_rst)


def _blocks(file: SourceFile, limits: ReadLimits) -> Iterator[Block]:
    outline = Outline()
    levels: list[str] = []
    run: list[Line] = []
    over, code = "", False
    for line in numbered_lines(file, limits):
        number, text = line.number, line.text
        inside = text[:1] in (" ", "\t") and bool(text.strip())
        if code and (inside or not text.strip()):
            run += [Line(number, text)] if text.strip() or run else []
            continue
        if code and text.strip():
            yield from _code(run, outline)
            run, code = [], False
        rule = _RULE.fullmatch(text)
        if rule and len(run) == 1 and len(text.strip()) >= len(run[0].text.strip()) - 2 and not inside:
            title, mark = _replace_roles(run[0].text.strip()), over + rule[1]
            levels += [mark] if mark not in levels else []
            yield from outline.heading(levels.index(mark) + 1, title, run[0].number, number)
            run, over = [], ""
        elif rule and not run:
            over = rule[1]  # A line over the title, or one that parts paragraphs.
        elif directive := _DIRECTIVE.fullmatch(text):
            yield from _prose(run, outline)
            words = directive[2] if directive[1] not in ("image", "include", "toctree", "contents") else ""
            run = [Line(number, words)] if words.strip() and directive[1] not in _CODE else []
            code = directive[1] in _CODE
        elif _COMMENT.fullmatch(text) or _OPTION.fullmatch(text):
            continue
        elif not text.strip() or len(run) >= _HOLDERS:
            code = bool(run) and run[-1].text.rstrip().endswith("::") and not text.strip()
            yield from _prose(run, outline)
            run = [Line(number, text)] if text.strip() else []
        else:
            run.append(Line(number, text))
    yield from _code(run, outline) if code else _prose(run, outline)


def _code(run: list[Line], outline: Outline) -> Iterator[Block]:
    while run and not run[-1].text.strip():
        run = run[:-1]
    if run:
        yield lines_block(run, BlockKind.CODE, outline.path)


def _prose(run: list[Line], outline: Outline) -> Iterator[Block]:
    if run:
        yield from paragraphs([Line(line.number, _replace_roles(line.text)) for line in run], outline.path)


def _replace_roles(text: str) -> str:
    if "`" not in text:
        return text
    text = _LITERAL.sub(r"\1", _LINK.sub(r"\1 (\2)", _ROLE.sub(r"\1", text)))
    return _REFERENCE.sub(r"\1", text)
