"""Reads web pages: their text without menus and footers, but never without a list, a table or a recipe."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from assistant.ingestion.base import BlockKind, ReadDocument, ReadLimits, SourceFile
from assistant.ingestion.readers.dates import parse_date
from assistant.ingestion.readers.markup import Piece, blocks, decode, parse, walk
from assistant.ingestion.readers.packages import check_markup_size

if TYPE_CHECKING:
    from bs4 import BeautifulSoup

_SPACE = re.compile(r"\s+")
_LIST_MARK = re.compile(r"^[-•]\s*")
_DATE_NAMES = ("article:published_time", "date", "dc.date", "datepublished", "dcterms.created", "publish-date")
# Above this, guessing what the article is takes longer than reading everything.
_ARTICLE_CHARS = 2_000_000
_MOSTLY_LINKS = 0.6


class HtmlReader:
    """HTML, located by headings. What surrounds the article is left out if trafilatura does not count it in."""

    media_type = "text/html"
    suffixes = (".html", ".htm", ".xhtml")

    def read(self, file: SourceFile, limits: ReadLimits) -> ReadDocument:
        """Return the page's pieces, headings over them."""
        check_markup_size(file.size, limits)
        with file.open() as stream:
            markup = decode(stream.read())
        page = parse(markup)
        pieces = list(walk(page))
        title = _title(page) or next((piece.text for piece in pieces if piece.level == 1), "") or file.stem
        created_at = parse_date(_meta(page, *_DATE_NAMES))
        return ReadDocument(
            title, self.media_type, blocks(_without_surroundings(pieces, markup)), _meta(page, "author"), created_at
        )


def _without_surroundings(pieces: list[Piece], markup: str) -> Iterator[Piece]:
    """Yield what belongs to the page itself.

    Only pieces in navigation and the like, or made of links, are in doubt; trafilatura, which weighs the whole page,
    decides on those. If next to nothing would be left, the page is made of links or menus, and all of it counts.
    """
    doubtful = {index for index, piece in enumerate(pieces) if _is_doubtful(piece)}
    if doubtful:
        article = _article_lines(markup)
        doubtful = {index for index in doubtful if _compact(pieces[index].text) not in article}
    total = sum(len(piece.text) for piece in pieces)
    kept = total - sum(len(pieces[index].text) for index in doubtful)
    for index, piece in enumerate(pieces):
        if index not in doubtful or kept < total / 10:
            yield piece


def _is_doubtful(piece: Piece) -> bool:
    return piece.surrounding or (piece.link_share > _MOSTLY_LINKS and piece.kind is not BlockKind.HEADING)


def _article_lines(markup: str) -> set[str]:
    """Return the lines that trafilatura takes for the article, without white space."""
    if len(markup) > _ARTICLE_CHARS:
        return set()
    from trafilatura import extract  # 0.4 s to import, and few pages need it

    text = extract(markup, include_comments=False, include_tables=True, favor_recall=True) or ""
    return {_compact(_LIST_MARK.sub("", line)) for line in text.splitlines()}


def _compact(text: str) -> str:
    return _SPACE.sub("", text)


def _title(page: BeautifulSoup) -> str:
    return " ".join(page.title.get_text().split()) if page.title is not None else ""


def _meta(page: BeautifulSoup, *names: str) -> str | None:
    for tag in page.find_all("meta"):
        name = tag.get("name") or tag.get("property") or tag.get("itemprop")
        content = tag.get("content")
        if isinstance(name, str) and name.lower() in names and isinstance(content, str) and content.strip():
            return content.strip()
    return None
