"""Reads web pages that a browser saved as one file (MHTML): the page, and what stood in its frames."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import parsedate_to_datetime

from assistant.errors import ReadError
from assistant.ingestion.base import About, Block, ReadDocument, ReadLimits, SourceFile
from assistant.ingestion.readers.html import read_page
from assistant.ingestion.readers.markup import decode
from assistant.ingestion.readers.packages import check_markup_size


class MhtmlReader:
    """MHTML, located by headings. Pictures are not looked at."""

    media_type = "multipart/related"
    suffixes = (".mhtml", ".mht")
    about = About(
        "Web page in one file",
        "as HTML, with its frames",
        "headings",
        "its subject, the page's metadata, when it was saved",
    )

    def read(self, file: SourceFile, limits: ReadLimits) -> ReadDocument:
        """Return the page's pieces, headings over them."""
        with file.open() as stream:
            message = message_from_bytes(stream.read(), policy=policy.default)
        pages = [_page(part, file, limits) for part in message.walk() if part.get_content_type() == "text/html"]
        if not pages:
            raise ReadError("damaged: there is no page in it", "Save the page again.")
        first = pages[0]
        subject = _header(message, "Subject")
        return ReadDocument(
            subject or first.title,
            self.media_type,
            _blocks(pages),
            first.author,
            first.created_at or _time(_header(message, "Date")),
        )


def _page(part: EmailMessage, file: SourceFile, limits: ReadLimits) -> ReadDocument:
    payload = part.get_payload(decode=True)
    data = payload if isinstance(payload, bytes) else b""
    check_markup_size(len(data), limits)
    charset = part.get_content_charset()
    try:
        markup = data.decode(charset) if charset else decode(data)
    except (LookupError, UnicodeDecodeError):
        markup = decode(data)  # the page itself says otherwise, or is asked by its bytes
    return read_page(markup, file.stem, MhtmlReader.media_type, _header(part, "Content-Location"))


def _blocks(pages: list[ReadDocument]) -> Iterator[Block]:
    for page in pages:
        yield from page.blocks


def _header(message: EmailMessage, name: str) -> str:
    try:
        return " ".join(str(message[name] or "").split())
    except (ValueError, IndexError, AttributeError):
        return ""  # the standard library raises these for some malformed headers


def _time(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError):
        return None  # no date, or none that can be
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
