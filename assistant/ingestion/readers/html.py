"""Reads web pages without menus and footers, pages saved as one file (MHTML), chats of Telegram, and bookmarks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from email.message import Message
from html.parser import HTMLParser
from itertools import chain
from typing import TYPE_CHECKING, Final

from assistant.errors import ReadError
from assistant.ingestion.base import Block, BlockKind, ReadDocument, Reader, ReadLimits, SourceFile
from assistant.ingestion.readers.dates import parse_date, to_utc
from assistant.ingestion.readers.mail import parse_mail
from assistant.ingestion.readers.markup import Piece, blocks, decode, parse, walk
from assistant.ingestion.readers.packages import check_markup_size
from assistant.ingestion.readers.speakers import Uttered, chat_blocks
from memory_store.models import Locator

if TYPE_CHECKING:
    from bs4 import BeautifulSoup
    from bs4.element import Tag

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
_CHAT_HEAD_CHARS: Final = 200_000
_MESSAGE_TIME: Final = re.compile(r"(\d{2})\.(\d{2})\.(\d{4}) (\d{2}):(\d{2}):(\d{2})(?: UTC([+-])(\d{2}):(\d{2}))?")


def read_html(file: SourceFile, limits: ReadLimits) -> ReadDocument:
    """HTML, located by headings. What surrounds an article is left out if trafilatura does not count it in."""
    check_markup_size(file.size, limits)
    with file.open() as stream:
        data = stream.read()
    markup = decode(data)
    if markup.count("\ufffd") > data.count(b"\xef\xbf\xbd"):
        file.note("the page", "damaged characters, shown as �", "Compare it with the original.")
    if _BOOKMARKS.match(markup):
        return ReadDocument(bookmarks(markup), "Bookmarks")
    chat = telegram_document(markup, file)
    return chat or read_page(markup)


HTML = Reader("text/html", (".html", ".htm", ".xhtml"), read_html)


def read_page(markup: str, address: str = "") -> ReadDocument:
    """Return a page as a document; `address` is where the page is from."""
    page = parse(markup)
    pieces = list(walk(page, addresses_from=address or _address(page, markup)))
    title = _title(page) or next((piece.text for piece in pieces if piece.level == 1), "")
    created_at = parse_date(_meta(page, *_DATE_NAMES))
    return ReadDocument(blocks(_without_surroundings(pieces, markup)), title, _meta(page, "author"), created_at)


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


def read_mhtml(file: SourceFile, limits: ReadLimits) -> ReadDocument:
    """MHTML, located by headings. Pictures are not looked at."""
    with file.open() as stream:
        mail = parse_mail(stream.read())
    pages = [_page(part, file, limits) for part in mail.message.walk() if part.get_content_type() == "text/html"]
    if not pages:
        raise ReadError("damaged: there is no page in it", "Save the page again.")
    first = pages[0]
    return ReadDocument(
        chain.from_iterable(page.blocks for page in pages),
        mail.subject or first.title,
        first.author,
        first.created_at or mail.sent_at,
    )


MHTML = Reader("multipart/related", (".mhtml", ".mht"), read_mhtml)


def _page(part: Message, file: SourceFile, limits: ReadLimits) -> ReadDocument:
    payload = part.get_payload(decode=True)
    data = payload if isinstance(payload, bytes) else b""
    check_markup_size(len(data), limits)
    charset = part.get_content_charset()
    try:
        markup = data.decode(charset) if charset else decode(data)
    except (LookupError, UnicodeDecodeError):
        markup = decode(data)  # the page itself says otherwise, or is asked by its bytes
    return read_page(markup, str(part.get("Content-Location", "")))


def telegram_document(markup: str, file: SourceFile) -> ReadDocument | None:
    """Return a page as a chat, or None if it is none of Telegram's."""
    if 'class="history"' not in markup[:_CHAT_HEAD_CHARS] or 'class="from_name"' not in markup:
        return None
    page = parse(markup)
    title = page.select_one("div.page_header div.text")
    messages = list(_messages(page.select("div.history > div.message")))
    pictures = len(page.select("div.history div.media_wrap"))
    if pictures:
        reason = f"pictures, recordings or files that are not read: {pictures:,}"
        file.note("media", reason, "They lie beside the page.")
    shown = " ".join(title.get_text().split()) if title is not None else ""
    return ReadDocument(chat_blocks(messages), shown)


def _messages(found: list[Tag]) -> Iterator[Uttered]:
    """Yield the messages; one that goes on with the one before does not name its speaker again."""
    speaker = ""
    for tag in found:
        if "service" in (tag.get("class") or []):
            continue
        named = tag.select_one("div.from_name")
        if named is not None:
            speaker = " ".join(named.get_text().split())
        words = tag.select_one("div.body > div.text")
        date = tag.select_one("div.date")
        text = "\n".join(piece.text for piece in walk(words)) if words is not None else ""
        yield Uttered(speaker, text, _message_time(str(date.get("title") or "")) if date is not None else None)


def _message_time(words: str) -> datetime | None:
    match = _MESSAGE_TIME.search(words)
    if match is None:
        return None
    day, month, year, hour, minute, second = (int(group) for group in match.groups()[:6])
    zone = timedelta(hours=int(match[8] or 0), minutes=int(match[9] or 0)) * (-1 if match[7] == "-" else 1)
    try:
        return to_utc(datetime(year, month, day, hour, minute, second, tzinfo=timezone(zone)))
    except ValueError:
        return None


def bookmarks(markup: str) -> Iterator[Block]:
    """Yield a block a bookmark: its title, its address, what is remarked on it, and when it was set.

    Browsers write HTML of 1994 that closes no element: a tree would put one folder into another.
    """
    parser = _Parser()
    parser.feed(markup)
    parser.close()
    return iter(parser.finished())


class _Parser(HTMLParser):
    """Gathers the links between the folders that open and close."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._path: list[str] = []
        self._folder = ""
        self._text: list[str] = []
        self._link: tuple[str, str, datetime | None] | None = None
        self._title = ""
        self._blocks: list[Block] = []

    def finished(self) -> list[Block]:
        """Return all blocks."""
        self._end()
        return self._blocks

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "dl":
            self._text = self._text if self._path else []  # above the first folder is the file's own title
            self._path.append(self._folder)
            self._folder = ""
        if tag in ("dt", "h3", "dl", "hr"):
            self._end()
        given = dict(attrs)
        if tag == "h3":
            self._text = []
        elif tag == "a":
            self._link, self._text = (
                (given.get("href") or "", given.get("tags") or "", _time(given.get("add_date"))),
                [],
            )
        elif tag == "dd":
            self._title, self._text = self._title or self._take_text(), []

    def handle_endtag(self, tag: str) -> None:
        if tag == "h3":
            self._folder, self._text = self._take_text(), []
        elif tag == "a":
            self._title, self._text = self._take_text(), []
        elif tag == "dl":
            self._end()
            self._path = self._path[:-1]

    def handle_data(self, data: str) -> None:
        self._text.append(data)

    def _take_text(self) -> str:
        return " ".join("".join(self._text).split())

    def _end(self) -> None:
        """Finish the bookmark that is being gathered, or the remark on a folder."""
        remark = self._take_text()
        above = tuple(name for name in self._path if name)
        if self._link is not None:
            address, tags, moment = self._link
            lines = [f"{self._title} ({address})" if self._title else address, remark, f"tags: {tags}" if tags else ""]
            text = "\n".join(line for line in lines if line)
            self._blocks.append(Block(text, Locator(headings=above), BlockKind.LIST, created_at=moment))
        elif remark and self._path:
            self._blocks.append(Block(remark, Locator(headings=above), BlockKind.PARAGRAPH))
        self._link, self._title, self._text = None, "", []


def _time(seconds: str | None) -> datetime | None:
    """Return a time in seconds since 1970; some browsers write milliseconds or microseconds."""
    if seconds is None or not seconds.isdecimal() or not int(seconds):
        return None
    value = int(seconds[:17])
    while value > 1e11:
        value //= 1000
    return datetime.fromtimestamp(value, UTC)
