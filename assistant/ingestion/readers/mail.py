"""Parses one mail message: who wrote what to whom and when, in whatever encoding its headers are."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import EmailPolicy
from email.utils import parseaddr, parsedate_to_datetime
from typing import Any, Final, cast

from assistant.errors import ReadError
from assistant.ingestion.readers.charsets import decode_declared, detect_encoding, is_iso2022
from assistant.ingestion.readers.dates import in_utc

_HEADERS: Final = ("Subject", "From", "To", "Cc", "Date")
_SPACE: Final = re.compile(r"\s+")
# The standard library parses a header in time that grows with the square of its length.
_MOST_PARAMETERS: Final = 2000
_MOST_WORDS: Final = 4000
# Two encoded words next to each other are one text, whose characters may be cut between them.
_ENCODED: Final = re.compile(r"=\?([^?\s]{1,60})\?([bBqQ])\?([^?\r\n]{0,2000})\?=")
_SPECIAL: Final = re.compile(r'[,;:<>@()\[\]\\"]')
_CHARSET: Final = re.compile(rb"""charset\s*=\s*["']?([\w.:-]{1,40})""", re.IGNORECASE)
_HEAD_BYTES: Final = 65536
_FIELD: Final = re.compile(rb"([A-Za-z][!-9;-~]{1,60})[ \t]*:")
_ADDRESS: Final = re.compile(r"[\w.+-]{1,100}@[\w.-]{1,200}")
_NO_YEAR: Final = 2100
# What the standard library's parser fails with on a malformed header.
_FAILURES: Final = (ValueError, ArithmeticError, AttributeError, TypeError, LookupError, RecursionError)


class _Headers(EmailPolicy):
    """Takes headers as text; of what parts and types a message is only by its beginning.

    `raw_charset` is what bytes beyond ASCII are taken for that stand in a header as they are.
    """

    raw_charset: str | None = None

    def header_fetch_parse(self, name: str, value: str) -> Any:
        """Return a header's value."""
        # The standard library's own parser of these takes most of the time of a mail.
        if name.lower().startswith("content-"):
            return unfolded(self._decoded(value[:_MOST_PARAMETERS]))
        return header_text(self._decoded(value), quoting=name.lower() != "subject")

    def _decoded(self, value: str) -> str:
        if value.isascii() and "\x1b$" not in value:
            return value
        raw = value.encode("utf-8", "surrogateescape")
        return decode_declared(raw, self.raw_charset)


def header_text(value: str, *, quoting: bool = False) -> str:
    """Return an unfolded header with its encoded words decoded; `quoting` keeps a name with a comma one name."""
    value = value[: 16 * _MOST_WORDS]
    pieces: list[str] = []
    at = 0
    group: list[tuple[str, bytes]] = []
    for match in _ENCODED.finditer(value):
        between = value[at : match.start()]
        if between.strip() or not group:
            pieces += (_words(group, quoting and not _inside_quotes(pieces)), between)
            group = []
        group.append((match[1].partition("*")[0].lower(), _bytes_of(match[2], match[3])))
        at = match.end()
    pieces += (_words(group, quoting and not _inside_quotes(pieces)), value[at:])
    return unfolded("".join(pieces))


def _inside_quotes(pieces: list[str]) -> bool:
    return sum(piece.count('"') for piece in pieces) % 2 == 1


def _bytes_of(encoding: str, body: str) -> bytes:
    import binascii

    raw = body.encode("utf-8", "replace")
    if encoding in "qQ":
        return binascii.a2b_qp(raw, header=True)
    try:
        return binascii.a2b_base64(raw + b"=" * (-len(raw) % 4))
    except binascii.Error:
        return raw


def _words(group: list[tuple[str, bytes]], quoting: bool) -> str:
    """Return encoded words that stand next to each other as text."""
    text, charset, held = "", "", b""
    for name, data in (*group, ("", b"")):
        if name != charset and held:
            text += decode_declared(held, charset)
            held = b""
        charset = name
        held += data
    return '"' + text.replace('"', "'") + '"' if quoting and _SPECIAL.search(text) else text


def unfolded(value: str) -> str:
    """Return a header's value on one line; white space that holds no line's end stays as it is."""
    return _SPACE.sub(lambda space: " " if "\n" in space[0] or "\r" in space[0] else space[0], value).strip()


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
        if not address and (match := _ADDRESS.search(self.headers.get("From", "")[:_MOST_PARAMETERS])):
            address = match[0]
        return name or address or None

    @property
    def sent_at(self) -> datetime | None:
        """When it was sent, by its own account, in UTC."""
        try:
            sent = in_utc(parsedate_to_datetime(self.headers.get("Date", "")[:_MOST_PARAMETERS]))
            return sent if sent and sent.year < _NO_YEAR else None
        except (ValueError, TypeError, IndexError, OverflowError):
            return None  # Spam and old programs write dates that are none.


def parse_mail(data: bytes) -> Mail:
    """Parse a message. Any bytes can be parsed; what is no mail has no headers."""
    policy = _Headers(raw_charset=_raw_charset(data))  # type: ignore[call-overload]
    mail = mail_of(cast(EmailMessage, BytesParser(EmailMessage, policy=policy).parsebytes(data)))
    if not mail.headers and (mended := _mended(data)) is not None:
        mail = mail_of(cast(EmailMessage, BytesParser(EmailMessage, policy=policy).parsebytes(mended)))
    return mail


def _mended(data: bytes) -> bytes | None:
    """Return a message without the lines in its head that end it for a parser; None if it has no head at all."""
    lines = data[:_HEAD_BYTES].splitlines(keepends=True)
    end = next((at for at, line in enumerate(lines) if not line.strip()), len(lines))
    kept: list[bytes] = []
    fields = 0
    for line in lines[:end]:
        if match := _FIELD.match(line):
            kept.append(match[1] + b":" + line[match.end() :])
            fields += 1
        elif line[:1] in (b" ", b"\t") and kept:
            kept.append(line)
    # Text has a line with a colon here and there; a head is made of fields.
    return b"".join(kept) + data[sum(map(len, lines[:end])) :] if fields >= 3 and 2 * fields >= end / 2 else None


def mail_of(message: EmailMessage) -> Mail:
    """Return a parsed message with those of its headers that a person reads."""
    found = ((name, unfolded(str(message.get(name, "")))) for name in _HEADERS)
    return Mail(message, {name: value for name, value in found if value})


def _raw_charset(data: bytes) -> str | None:
    """Return what bytes beyond ASCII in headers are taken for: what the body declares, or else looks like."""
    head = data[:_HEAD_BYTES]
    top = head.partition(b"\n\n")[0] if b"\n\n" in head else head.partition(b"\r\n\r\n")[0]
    if top.isascii() and not is_iso2022(top):
        return None
    declared = _CHARSET.search(head)
    if declared and declared[1].lower() not in (b"us-ascii", b"utf-8"):
        return declared[1].decode("ascii", "replace")
    try:
        return detect_encoding(b"\n".join(line for line in head.splitlines() if not line.isascii()))
    except ReadError:
        return None
