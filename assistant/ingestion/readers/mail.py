"""Turns one mail message into blocks: its headers, its text, and the names of what is attached."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import EmailPolicy
from email.utils import parseaddr, parsedate_to_datetime
from typing import Any, cast

from assistant.errors import ReadError
from assistant.ingestion.base import Block, BlockKind, ReadLimits
from assistant.ingestion.readers.charsets import detect_encoding
from assistant.ingestion.readers.dates import in_utc
from assistant.ingestion.readers.markup import blocks, parse, walk
from assistant.ingestion.readers.packages import check_markup_size
from assistant.ingestion.readers.paragraphs import Line, paragraphs
from memory_store.models import Author, AuthorKind, Locator

_HEADERS = ("Subject", "From", "To", "Cc", "Date")
_SPACE = re.compile(r"\s+")
# The standard library parses a header in time that grows with the square of its length.
_MOST_WORDS = 4000
_MOST_PARAMETERS = 2000
# What its parser fails with on a malformed header.
_FAILURES = (ValueError, ArithmeticError, AttributeError, TypeError, LookupError, RecursionError)


class _Headers(EmailPolicy):
    """Parses headers of a length that people and programs write, and takes longer or malformed ones as they stand."""

    def header_fetch_parse(self, name: str, value: str) -> Any:
        """Return a header's value; of what parts and types a message is only by its beginning."""
        structured = name.lower().startswith("content-")
        if structured:
            value = value[:_MOST_PARAMETERS]
        if structured or len(value) <= _MOST_WORDS:
            try:
                return super().header_fetch_parse(name, value)
            except _FAILURES:
                if structured:
                    return super().header_fetch_parse(name, value.partition(";")[0][:80])
        return "\n".join(_line(line) for line in value.splitlines())


def _line(line: str) -> str:
    """Return one line of a header with its encoded words decoded."""
    if "=?" not in line or len(line) > _MOST_PARAMETERS:
        return line
    try:
        return str(make_header(decode_header(line)))
    except _FAILURES:
        return line


@dataclass(frozen=True, slots=True)
class Mail:
    """One message, parsed."""

    message: EmailMessage
    headers: dict[str, str]

    @property
    def subject(self) -> str:
        """The subject, or an empty string."""
        return self.headers.get("Subject", "")

    @property
    def sender(self) -> str | None:
        """The sender's name, or the address if no name is given."""
        try:
            name, address = parseaddr(self.headers.get("From", "")[:_MOST_PARAMETERS])
        except _FAILURES:
            return None
        return name or address or None

    @property
    def sent_at(self) -> datetime | None:
        """When it was sent, by its own account, in UTC."""
        try:
            return in_utc(parsedate_to_datetime(self.headers.get("Date", "")))
        except (ValueError, TypeError, IndexError, OverflowError):
            return None  # Spam and old programs write dates that are none.


def parse_mail(data: bytes) -> Mail:
    """Parse a message. Any bytes can be parsed; what is no mail has no headers."""
    message = cast(EmailMessage, BytesParser(EmailMessage, policy=_Headers()).parsebytes(data))
    headers = {name: value for name in _HEADERS if (value := _header(message, name))}
    return Mail(message, headers)


def mail_blocks(mail: Mail, limits: ReadLimits, part: str | None = None) -> Iterator[Block]:
    """Yield the message's headers, text and attachments' names, each with its sender and time."""
    sender = Author(AuthorKind.DOCUMENT, mail.sender)
    sent_at = mail.sent_at
    top = "\n".join(f"{name}: {value}" for name, value in mail.headers.items())
    pieces = [Block(top, Locator(part=part), BlockKind.PARAGRAPH), *_body(mail.message, limits, part)]
    names = "\n".join(f"Attachment: {name}" for name in _attachments(mail.message))
    pieces.append(Block(names, Locator(part=part), BlockKind.PARAGRAPH))
    for block in pieces:
        if block.text:
            yield Block(block.text, block.locator, block.kind, sender, sent_at)


def _header(message: EmailMessage, name: str) -> str:
    return _unfolded(str(message.get(name, "")))


def _unfolded(value: str) -> str:
    """Return a header's value on one line; white space that holds no line's end stays as it is."""
    return _SPACE.sub(lambda space: " " if "\n" in space[0] or "\r" in space[0] else space[0], value).strip()


def _body(message: EmailMessage, limits: ReadLimits, part: str | None) -> Iterator[Block]:
    body = message.get_body(preferencelist=("plain", "html"))
    if body is None or not isinstance(body, EmailMessage):
        return
    text = _content(body)
    if body.get_content_type() == "text/html":
        check_markup_size(len(text), limits)
        yield from blocks(walk(parse(text)), part=part)
        return
    for block in paragraphs(Line(number, line) for number, line in enumerate(text.splitlines(), 1)):
        # Lines of an encoded body are not lines of the file, so they would lead nowhere.
        yield Block(block.text, Locator(part=part), block.kind)


def _content(body: EmailMessage) -> str:
    payload = body.get_payload(decode=True)
    data = payload if isinstance(payload, bytes) else b""
    for charset in (body.get_content_charset(), "utf-8"):
        if charset is None:
            continue
        try:
            return data.decode("gb18030" if charset in ("gb2312", "gbk") else charset)
        except (UnicodeDecodeError, LookupError):
            continue  # A wrong or unknown declaration; the next guess follows.
    try:
        return data.decode(detect_encoding(data), errors="replace")
    except ReadError:
        return data.decode("latin-1")  # One unreadable body must not cost the rest of a mailbox.


def _attachments(message: EmailMessage) -> Iterator[str]:
    for attached in message.iter_attachments() if message.is_multipart() else ():
        if attached.get_content_type() == "message/rfc822":
            inner = attached.get_payload(0)
            yield f"forwarded message {_header(inner, 'Subject') if isinstance(inner, EmailMessage) else ''}".strip()
        elif name := attached.get_filename():
            yield _unfolded(name)
