"""Reads subtitles (SRT, WebVTT): what is said, as running text without its times."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import Final

from assistant.ingestion.base import Block, BlockKind, ReadDocument, Reader, ReadLimits, SourceFile
from assistant.ingestion.readers.paragraphs import numbered_lines
from memory_store.models import Locator

_TIMES: Final = re.compile(r"\s*(?:\d+:)?\d{1,2}:\d\d[.,]\d{1,3}\s*-->\s*(?:\d+:)?\d{1,2}:\d\d[.,]\d{1,3}.*")
_VOICE: Final = re.compile(r"<v(?:\.[^\s>]*)?\s+([^>]{1,80})>")
_TAGS: Final = re.compile(r"</?[a-zA-Z][^<>]{0,200}>|<\d[\d:.]{0,20}>|\{\\[^{}]{0,80}\}")
_ENDS: Final = re.compile(r"[.!?。！？…][\"'”’」』）)\]♪]*\s*$")
_WIDE: Final = re.compile("[\u3040-\u30ff\u4e00-\u9fff]")
_PARAGRAPH_CHARS: Final = 500
_LONGEST_SENTENCE: Final = 3000


def read_subtitles(file: SourceFile, limits: ReadLimits) -> ReadDocument:
    """SRT and VTT: sentences put together over the cues that cut them. Paragraphs end with a sentence."""
    media_type = "text/vtt" if file.suffix == ".vtt" else "application/x-subrip"
    return ReadDocument(_paragraphs(file, limits), media_type=media_type)


SUBTITLES = Reader("application/x-subrip", (".srt", ".vtt"), read_subtitles)


def _paragraphs(file: SourceFile, limits: ReadLimits) -> Iterator[Block]:
    held, first, last = "", 0, 0
    for number, line in _spoken_lines(file, limits):
        voiced = _VOICED.match(line)
        full = len(held) >= _PARAGRAPH_CHARS and _ENDS.search(held)
        if held and (full or voiced or len(held) > _LONGEST_SENTENCE):
            yield Block(held, Locator(line_start=first, line_end=last), BlockKind.PARAGRAPH)
            held = ""
        first = first if held else number
        between = "" if not held or (_WIDE.match(held[-1]) and _WIDE.match(line[0])) else " "
        held, last = f"{held}{between}{line}", number
    if held:
        yield Block(held, Locator(line_start=first, line_end=last), BlockKind.PARAGRAPH)


_VOICED: Final = re.compile(r"[^:\s][^:]{0,60}: |[-–—] ?\S")


def _spoken_lines(file: SourceFile, limits: ReadLimits) -> Iterator[tuple[int, str]]:
    """Yield the lines that are said. Rolling captions show a line again in the next cue; it is said once."""
    inside = False
    shown: list[str] = []
    before: list[str] = []
    for line in numbered_lines(file, limits):
        if _TIMES.fullmatch(line.text):
            inside, before, shown = True, [*before[-2:], *shown], []
        elif not line.text.strip():
            inside = inside and not shown
        elif inside:
            spoken = _TAGS.sub("", _VOICE.sub(r"\1: ", line.text))
            if words := " ".join(html.unescape(spoken).split()):
                if words not in before[-4:]:
                    yield line.number, words
                shown.append(words)
