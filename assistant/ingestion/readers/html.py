"""Reads web pages: their text without menus and footers, but never without a list, a table or a recipe."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from assistant.ingestion.base import About, LeftOut, ReadDocument, ReadLimits, SourceFile
from assistant.ingestion.readers.bookmarks import bookmarks
from assistant.ingestion.readers.dates import parse_date
from assistant.ingestion.readers.markup import Piece, blocks, decode, parse, walk
from assistant.ingestion.readers.packages import check_markup_size
from assistant.ingestion.readers.telegram import telegram_document

if TYPE_CHECKING:
    from bs4 import BeautifulSoup

_SPACE = re.compile(r"\s+")
_LIST_MARK = re.compile(r"^[-•]\s*")
_DATE_NAMES = ("article:published_time", "date", "dc.date", "datepublished", "dcterms.created", "publish-date")
# Above this, guessing what the article is takes longer than reading everything.
_ARTICLE_CHARS = 2_000_000
_LEAST_ARTICLE = 0.6
_HEAD_CHARS = 4096
_SAVED_FROM = re.compile(
    r"(?:saved from url=\(\d+\)|Page saved with SingleFile\s+url:\s*)(https?://\S+)", re.IGNORECASE
)
_BOOKMARKS = re.compile(r"\s*<!DOCTYPE NETSCAPE-Bookmark", re.IGNORECASE)


class HtmlReader:
    """HTML, located by headings. What surrounds an article is left out if trafilatura does not count it in."""

    media_type = "text/html"
    suffixes = (".html", ".htm", ".xhtml")
    about = About(
        "HTML",
        "all that a person sees, tables, forms, formulas, alternative texts, addresses; bookmarks; Telegram's pages",
        "headings",
        "`<title>`, the page's metadata",
    )

    def read(self, file: SourceFile, limits: ReadLimits) -> ReadDocument:
        """Return the page's pieces, headings over them."""
        check_markup_size(file.size, limits)
        with file.open() as stream:
            data = stream.read()
        markup = decode(data)
        if markup.count("\ufffd") > data.count(b"\xef\xbf\xbd"):
            file.note(LeftOut("the page", "damaged characters, shown as �", "Compare it with the original."))
        if _BOOKMARKS.match(markup):
            return ReadDocument("Bookmarks", self.media_type, bookmarks(markup))
        chat = telegram_document(markup, file.stem, self.media_type)
        return chat or read_page(markup, file.stem, self.media_type)


def read_page(markup: str, name: str, media_type: str, address: str = "") -> ReadDocument:
    """Return a page as a document; `name` stands in for a title, `address` is where the page is from."""
    page = parse(markup)
    pieces = list(walk(page, addresses_from=address or _address(page, markup)))
    title = _title(page) or next((piece.text for piece in pieces if piece.level == 1), "") or name
    created_at = parse_date(_meta(page, *_DATE_NAMES))
    return ReadDocument(
        title, media_type, blocks(_without_surroundings(pieces, markup)), _meta(page, "author"), created_at
    )


def _without_surroundings(pieces: list[Piece], markup: str) -> Iterator[Piece]:
    """Yield what belongs to the page itself.

    Only pieces in navigation and the like are in doubt; trafilatura, which weighs the whole page, decides on those.
    Where it takes less than most of the page for the article, the page is none, and all of it counts.
    """
    doubtful = {index for index, piece in enumerate(pieces) if piece.surrounding}
    if doubtful:
        article = _article_lines(markup)
        total = sum(len(_compact(piece.text)) for piece in pieces)
        if sum(map(len, article)) < _LEAST_ARTICLE * total:
            doubtful = set()
        doubtful = {index for index in doubtful if _compact(pieces[index].text) not in article}
    yield from (piece for index, piece in enumerate(pieces) if index not in doubtful)


def _article_lines(markup: str) -> set[str]:
    """Return the lines that trafilatura takes for the article, without white space."""
    if len(markup) > _ARTICLE_CHARS:
        return set()
    from trafilatura import extract  # 0.4 s to import, and few pages need it

    text = extract(markup, include_comments=True, include_tables=True, favor_recall=True) or ""
    return {_compact(_LIST_MARK.sub("", line)) for line in text.splitlines()}


def _compact(text: str) -> str:
    return _SPACE.sub("", text)


def _address(page: BeautifulSoup, markup: str) -> str:
    """Return where a page was saved from; empty if it does not say so."""
    if saved := _SAVED_FROM.search(markup[:_HEAD_CHARS]):
        return saved[1]
    for tag in page.find_all(["link", "base"]):
        href = tag.get("href")
        if isinstance(href, str) and (tag.name == "base" or "canonical" in tag.get_attribute_list("rel")):
            return href
    return _meta(page, "og:url") or ""


def _title(page: BeautifulSoup) -> str:
    return " ".join(page.title.get_text().split()) if page.title is not None else ""


def _meta(page: BeautifulSoup, *names: str) -> str | None:
    for tag in page.find_all("meta"):
        name = tag.get("name") or tag.get("property") or tag.get("itemprop")
        content = tag.get("content")
        if isinstance(name, str) and name.lower() in names and isinstance(content, str) and content.strip():
            return content.strip()
    return None
