"""Reads the pages that Telegram exports a chat to: who said what, and when."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Final

from assistant.ingestion.base import LeftOut, ReadDocument
from assistant.ingestion.readers.dates import in_utc
from assistant.ingestion.readers.markup import parse, walk
from assistant.ingestion.readers.speakers import Uttered, chat_blocks

if TYPE_CHECKING:
    from bs4.element import Tag

_HEAD_CHARS: Final = 200_000
_TIME: Final = re.compile(r"(\d{2})\.(\d{2})\.(\d{4}) (\d{2}):(\d{2}):(\d{2})(?: UTC([+-])(\d{2}):(\d{2}))?")


def telegram_document(markup: str, name: str, media_type: str) -> ReadDocument | None:
    """Return a page as a chat, or None if it is none of Telegram's."""
    if 'class="history"' not in markup[:_HEAD_CHARS] or 'class="from_name"' not in markup:
        return None
    page = parse(markup)
    title = page.select_one("div.page_header div.text")
    left_out: list[LeftOut] = []
    messages = list(_messages(page.select("div.history > div.message")))
    pictures = len(page.select("div.history div.media_wrap"))
    if pictures:
        reason = f"pictures, recordings or files that are not read: {pictures:,}"
        left_out.append(LeftOut("media", reason, "They lie beside the page."))
    shown = " ".join(title.get_text().split()) if title is not None else ""
    return ReadDocument(shown or name, media_type, chat_blocks(messages), left_out=left_out)


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
        yield Uttered(speaker, text, _time(str(date.get("title") or "")) if date is not None else None)


def _time(words: str) -> datetime | None:
    match = _TIME.search(words)
    if match is None:
        return None
    day, month, year, hour, minute, second = (int(group) for group in match.groups()[:6])
    zone = timedelta(hours=int(match[8] or 0), minutes=int(match[9] or 0)) * (-1 if match[7] == "-" else 1)
    try:
        return in_utc(datetime(year, month, day, hour, minute, second, tzinfo=timezone(zone)))
    except ValueError:
        return None
