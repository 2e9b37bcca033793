"""Finds where text can be cut: at sentence ends in English, Chinese and Japanese, then at ever smaller joints."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from assistant.ingestion.base import BlockKind
from memory_store.languages import Rule

# A Chinese or Japanese character is about as many tokens as this many Latin ones (multilingual-e5's tokenizer).
_WIDE_WEIGHT = 2.5
_WIDE = re.compile("[\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff]")
_WIDE_END = r"[。！？；…]+[”’\"'』」）)】]*"
# A run of marks is looked at once, from its beginning: tried from each of its marks, its cost would be its square.
_LATIN_END = r"(?<![.!?])[.!?]++[\"')\]”’]*+(?=\s)|(?<=[\u2e80-\u9fff])[!?]+"
_END = re.compile(f"{_WIDE_END}|{_LATIN_END}")
# Much Chinese is typed with half-width commas and no space after them.
_CLAUSE = re.compile(r"(?<![,;:])[,;:]++(?=\s)|[，、：；]+|(?<=[\u2e80-\u9fff])[,;:]+")
_BLANK_LINE = re.compile(r"\n[ \t]*\n")
_LINE = re.compile(r"\n")
_CELL = re.compile(r" \| ")
_SPACE = re.compile(r"\s+")
_ABBREVIATION = Rule("sentences", "abbreviation")
_ABBREVIATION_CHARS = 12
_LOWER = re.compile(r"\s*[a-z]")

Span = tuple[int, int]
Joint = Callable[[str], Iterator[int]]


def weight(text: str) -> int:
    """Return how much of an embedder's window `text` takes, in Latin characters."""
    return len(text) + int((_WIDE_WEIGHT - 1) * len(_WIDE.findall(text)))


def cut(text: str, kind: BlockKind, most: int) -> list[Span]:
    """Return spans that together are all of `text`, each of a weight up to `most`, cut at the largest joints possible.

    Prose is cut at sentences, then clauses, then spaces; code and tables at blank lines, lines and cells first.
    """
    if kind in (BlockKind.CODE, BlockKind.TABLE):
        joints: tuple[Joint, ...] = (
            _ends(_BLANK_LINE),
            _ends(_LINE),
            _ends(_CELL),
            sentence_ends,
            _ends(_CLAUSE),
            _ends(_SPACE),
        )
    else:
        joints = (sentence_ends, *map(_ends, (_CLAUSE, _LINE, _SPACE)))
    spans = [(0, len(text))]
    for joint in joints:
        spans = [smaller for span in spans for smaller in _cut_at(text, span, joint, most)]
    return [smaller for span in spans for smaller in _cut_hard(text, span, most)]


def sentence_ends(text: str) -> Iterator[int]:
    """Yield the offset after each sentence."""
    for match in _END.finditer(text):
        end = match.end()
        if text[match.start()] == ".":
            before = text[max(0, match.start() - _ABBREVIATION_CHARS) : match.start() + 1]
            if _ABBREVIATION.search(before) or _LOWER.match(text, end):
                continue
        yield end


def sentence_pieces(text: str) -> Iterator[str]:
    """Yield a text sentence by sentence; together they are all of it, and what is left after the last may be empty."""
    begin = 0
    for end in (*sentence_ends(text), len(text)):
        yield text[begin:end]
        begin = end


def _ends(mark: re.Pattern[str]) -> Joint:
    def ends(text: str) -> Iterator[int]:
        for match in mark.finditer(text):
            yield match.end()

    return ends


def _cut_at(text: str, span: Span, joint: Joint, most: int) -> Iterator[Span]:
    start, end = span
    piece = text[start:end]
    if weight(piece) <= most:
        yield span
        return
    last = 0
    for offset in joint(piece):
        if offset > last:
            yield start + last, start + offset
            last = offset
    if last < len(piece):
        yield start + last, end


def _cut_hard(text: str, span: Span, most: int) -> Iterator[Span]:
    start, end = span
    while start < end and weight(text[start : min(end, start + most + 1)]) > most:
        step = most
        if weight(text[start : start + step]) > most:
            step = max(1, int(most / _WIDE_WEIGHT))
        step = min(step, end - start)
        yield start, start + step
        start += step
    if start < end:
        yield start, end
