"""Mends the text of a PDF's pages: words that a line's end broke, and what stands at the top or foot of every page."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from itertools import pairwise
from typing import Final

from assistant.ingestion.readers.pdf_layout import Span, is_over_table, lines_of_spans
from assistant.ingestion.readers.pdf_page import Page

# What PDFium puts where a word was hyphenated at a line's end.
_BROKEN: Final = re.compile("[\ufffe\x02]\n?")
_LAST_WORD, _FIRST_WORD = re.compile(r"\w+$"), re.compile(r"\w+")
_LONGEST_WORD: Final = 40
_WORD: Final = re.compile(r"\w+(?:-\w+)*")
# Words that mostly are parts of a word with a hyphen, and no beginning of one without.
_FIRST_PARTS: Final = frozenset(
    ("well", "self", "high", "low", "long", "short", "half", "full", "part", "ill", "hard", "old", "new", "fast",
     "first", "second", "third", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
     "slow", "all", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety", "cross", "so", "e",
     "x", "t", "u", "mother", "father", "sister", "brother", "son", "daughter", "in")
)  # fmt: skip
_REPEATED_ON: Final = 3
_SHARE_OF_PAGES: Final = 0.3
_EDGE_LINES: Final = 2
_WIDE_GAP: Final = 1.2  # as a part of the height of letters, and of the gaps between the lines of the page
_MOST_CHARS: Final = 200
_NUMBER: Final = re.compile(r"\d{1,5}")


class Hyphens:
    """Knows from the whole text whether a word that a line's end broke has a hyphen of its own."""

    def __init__(self, pages: Iterable[str]) -> None:
        texts = list(pages)
        has_broken = any(_BROKEN.search(text) for text in texts)
        self._words = {word.lower() for text in texts for word in _WORD.findall(text)} if has_broken else set()

    def joined(self, text: str) -> str:
        """Return a text with its broken words put together."""
        return _BROKEN.sub(self._whole, text) if "\x02" in text or "\ufffe" in text else text

    def _whole(self, match: re.Match[str]) -> str:
        """Return the hyphen, or nothing."""
        text, (start, end) = match.string, match.span()
        first = _LAST_WORD.search(text[max(0, start - _LONGEST_WORD) : start])
        second = _FIRST_WORD.match(text[end : end + _LONGEST_WORD])
        if first is None or second is None:
            return "-"
        whole, parted = f"{first[0]}{second[0]}".lower(), f"{first[0]}-{second[0]}".lower()
        if whole in self._words:
            return ""
        keeps = (
            parted in self._words
            or first[0].lower() in _FIRST_PARTS
            or (second[0][0].isupper() and not first[0].isupper())
            or second[0][0].isdigit()
            or first[0][-1].isdigit()
        )
        return "-" if keeps else ""


def drop_repeated(pages: list[Page]) -> None:
    """Take what is at the top or foot of many pages from all but the first; a page's number in it may differ."""
    if len(pages) < _REPEATED_ON:
        return
    edges = [_edges(page) for page in pages]
    keys = [[_keys(_words(line), number) for line in edge] for number, edge in enumerate(edges)]
    counts = Counter(key for edge in keys for line in edge for key in line)
    least = max(_REPEATED_ON, int(_SHARE_OF_PAGES * len(pages)))
    seen: set[str] = set()
    for page, edge, known in zip(pages, edges, keys, strict=True):
        for line, found in zip(edge, known, strict=True):
            repeated = {key for key in found if counts[key] >= least}
            if repeated & seen:
                _drop(page, line)
            seen |= repeated


def _keys(words: str, number: int) -> set[str]:
    """Return what a line may be known by on other pages: its words, and those with one number counted on by page.

    A number that differs in another way, as a sum does, is what the page says.
    """
    folded = words.casefold()
    counted = (
        f"{folded[: match.start()]}#{int(match[0]) - number}{folded[match.end() :]}"
        for match in _NUMBER.finditer(folded)
    )
    return {folded, *counted}


def _edges(page: Page) -> list[list[Span]]:
    """Return the lines at the top and foot of a page that stand apart from its text."""
    lines = [line for line in lines_of_spans(page.spans) if _words(line)]
    found = []
    for edge in (lines, lines[::-1]):
        for at, line in enumerate(edge[: _apart(edge)]):
            if len(_words(line)) <= _MOST_CHARS and not is_over_table(line, edge[at + 1]):
                found.append(line)
    return found


def _apart(lines: list[list[Span]]) -> int:
    """Return how many lines at an edge of a page have a wider gap between them and the rest."""
    gaps = [max(item[0].bottom - other[0].top, other[0].bottom - item[0].top) for item, other in pairwise(lines)]
    usual = sorted(gaps)[len(gaps) // 4] if gaps else 0.0
    for count, gap in enumerate(gaps[:_EDGE_LINES], start=1):
        if gap > _WIDE_GAP * max(lines[count - 1][0].height, usual):
            return count
    return 0


def _words(line: list[Span]) -> str:
    return " ".join(" ".join(span.text for span in line).split())


def _drop(page: Page, line: list[Span]) -> None:
    words = _words(line).replace(" ", "")
    places = {(span.left, span.bottom) for span in line}
    page.spans = [span for span in page.spans if (span.left, span.bottom) not in places]
    lines = page.text.split("\n")
    at = next((at for at, text in enumerate(lines) if "".join(text.split()) == words), None)
    if at is not None:
        del lines[at]
    page.text = "\n".join(lines)
