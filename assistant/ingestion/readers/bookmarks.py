"""Reads the bookmarks of a browser, as all of them export them: folders are headings, each link keeps its address.

The format is HTML of 1994 that closes no element, so that a tree would put one folder into another.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from html.parser import HTMLParser

from assistant.ingestion.base import Block, BlockKind
from memory_store.models import Locator


def bookmarks(markup: str) -> Iterator[Block]:
    """Yield a block a bookmark: its title, its address, what is remarked on it, and when it was set."""
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
            self._title, self._text = self._title or self._said(), []

    def handle_endtag(self, tag: str) -> None:
        if tag == "h3":
            self._folder, self._text = self._said(), []
        elif tag == "a":
            self._title, self._text = self._said(), []
        elif tag == "dl":
            self._end()
            self._path = self._path[:-1]

    def handle_data(self, data: str) -> None:
        self._text.append(data)

    def _said(self) -> str:
        return " ".join("".join(self._text).split())

    def _end(self) -> None:
        """Finish the bookmark that is being gathered, or the remark on a folder."""
        remark = self._said()
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
