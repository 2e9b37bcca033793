"""Reads mails as Outlook stores them (MSG): properties in a compound file, made into a mail like any other."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from io import BytesIO
from typing import Any, Final

from assistant.errors import ReadError
from assistant.ingestion.base import ReadDocument, Reader, ReadLimits, SourceFile
from assistant.ingestion.readers.encodings import decode_declared
from assistant.ingestion.readers.mail import Mail, mail_document, parse_mail

# Property ids of MS-OXPROPS.
_SUBJECT, _BODY, _HTML, _RTF = 0x0037, 0x1000, 0x1013, 0x1009
_SENT, _DELIVERED, _HEADERS = 0x0039, 0x0E06, 0x007D
_SENDER_NAME, _SENDER_ADDRESS, _SENDER_SMTP = 0x0C1A, 0x0C1F, 0x5D01
_TO, _CC = 0x0E04, 0x0E03
_CODEPAGES: Final = (0x3FDE, 0x3FFD)
_DATA, _LONG_NAME, _SHORT_NAME, _SHOWN_NAME, _MIME, _CONTENT_ID = 0x3701, 0x3707, 0x3704, 0x3001, 0x370E, 0x3712
_DEEPEST: Final = 5
_EPOCH: Final = datetime(1601, 1, 1, tzinfo=UTC)


def read_msg(file: SourceFile, limits: ReadLimits) -> ReadDocument:
    """One mail of Outlook's, with what is attached to it."""
    import olefile

    with file.open() as stream:
        data = stream.read()
    try:
        with olefile.OleFileIO(BytesIO(data)) as ole:
            mail = _mail(_Properties(ole, (), 32), 0)
    except (OSError, ValueError, TypeError, IndexError, struct.error) as error:  # What olefile meets in damage.
        raise ReadError("damaged: its compound file can't be read", "Save the mail again in Outlook.") from error
    if not mail.headers:
        raise ReadError("not a mail: it has no headers", "Save it again in Outlook.")
    return mail_document(mail, file, limits)


MSG = Reader("application/vnd.ms-outlook", (".msg",), read_msg)


@dataclass(frozen=True, slots=True)
class _Properties:
    """The properties of a message or an attachment: a storage in the compound file (MS-OXMSG, section 2)."""

    ole: Any
    place: tuple[str, ...]
    fixed_from: int
    """Where in the stream of fixed properties they begin: 32 for the message, 24 for one in it, 8 for an attachment."""

    def raw(self, identity: int, kind: int) -> bytes | None:
        """Return a property of variable length."""
        return self._stream(f"__substg1.0_{identity:04X}{kind:04X}")

    def text(self, identity: int) -> str:
        """Return a text, or an empty one."""
        wide = self.raw(identity, 0x001F)
        if wide is not None:
            return wide.decode("utf-16-le", "replace").rstrip("\x00")
        narrow = self.raw(identity, 0x001E)
        return decode_declared(narrow, self.charset()).rstrip("\x00") if narrow else ""

    def charset(self) -> str | None:
        """Return the charset of texts that are no UTF-16."""
        for identity in _CODEPAGES:
            value = self._fixed(identity)
            if value is not None and (page := int.from_bytes(value[:4], "little")):
                return {65001: "utf-8", 28591: "iso-8859-1", 20127: "us-ascii", 50220: "iso-2022-jp"}.get(
                    page, f"cp{page}"
                )
        return None

    def moment(self, identity: int) -> datetime | None:
        """Return a time: 100 nanoseconds since 1601."""
        value = self._fixed(identity)
        if value is None or not any(value):
            return None  # Not sent yet.
        try:
            return _EPOCH + timedelta(microseconds=int.from_bytes(value, "little") // 10)
        except OverflowError:
            return None

    def inner(self, prefix: str) -> list[tuple[str, ...]]:
        """Return the storages inside of it whose name begins so, in order."""
        depth = len(self.place) + 1
        names = {
            tuple(entry[:depth])
            for entry in self.ole.listdir()
            if len(entry) > depth and tuple(entry[: depth - 1]) == self.place and entry[depth - 1].startswith(prefix)
        }
        return sorted(names)

    def _fixed(self, identity: int) -> bytes | None:
        stream = self._stream("__properties_version1.0") or b""
        for at in range(self.fixed_from, len(stream) - 15, 16):
            if int.from_bytes(stream[at + 2 : at + 4], "little") == identity:
                return stream[at + 8 : at + 16]
        return None

    def _stream(self, name: str) -> bytes | None:
        path = [*self.place, name]
        if not self.ole.exists(path):
            return None
        return bytes(self.ole.openstream(path).read())


def _mail(found: _Properties, depth: int) -> Mail:
    """Return a message as a mail whose parts are those of the Internet's mails."""
    message = EmailMessage()
    _set_text(message, found)
    for place in found.inner("__attach_version1.0_") if depth < _DEEPEST else ():
        _attach(message, _Properties(found.ole, place, 8), depth)
    given = parse_mail(found.text(_HEADERS).encode("utf-8", "replace") + b"\n\n").headers
    sent = found.moment(_SENT) or found.moment(_DELIVERED)
    name, address = found.text(_SENDER_NAME), found.text(_SENDER_SMTP) or found.text(_SENDER_ADDRESS)
    sender = f'"{name}" <{address}>' if name and "@" in address and name != address else name or address
    headers = {
        "Subject": found.text(_SUBJECT) or given.get("Subject", ""),
        "From": given.get("From") or sender,
        "To": given.get("To") or found.text(_TO),
        "Cc": given.get("Cc") or found.text(_CC),
        "Date": given.get("Date") or (sent.strftime("%a, %d %b %Y %H:%M:%S +0000") if sent else ""),
    }
    return Mail(message, {key: " ".join(value.split()) for key, value in headers.items() if value.strip("\x00 ")})


def _set_text(message: EmailMessage, found: _Properties) -> None:
    html = found.raw(_HTML, 0x0102)
    markup = decode_declared(html, found.charset()) if html else found.text(_HTML)
    plain = found.text(_BODY)
    if not plain.strip() and not markup.strip() and (packed := found.raw(_RTF, 0x0102)):
        plain = _of_rtf(packed)
    message.set_content(plain)
    if markup.strip():
        message.add_alternative(markup, subtype="html")


def _of_rtf(packed: bytes) -> str:
    from compressed_rtf import decompress

    from assistant.ingestion.readers.rtf import plain_of_rtf

    return plain_of_rtf(decompress(packed).decode("latin-1"))


def _attach(message: EmailMessage, found: _Properties, depth: int) -> None:
    name = found.text(_LONG_NAME) or found.text(_SHORT_NAME) or found.text(_SHOWN_NAME)
    inner = [*found.place, f"__substg1.0_{_DATA:04X}000D"]
    if found.ole.exists(inner):
        mail = _mail(_Properties(found.ole, tuple(inner), 24), depth + 1)
        forwarded = mail.message
        for key, value in mail.headers.items():
            if forwarded[key] is None:
                forwarded[key] = value
        message.add_attachment(forwarded)
        return
    main, _, sub = (found.text(_MIME) or "application/octet-stream").partition("/")
    content_id = found.text(_CONTENT_ID)
    message.add_attachment(
        found.raw(_DATA, 0x0102) or b"",
        maintype=main if main.isalpha() and main not in ("multipart", "message") else "application",
        subtype=sub if sub.replace("-", "").replace(".", "").isalnum() else "octet-stream",
        filename=" ".join(name.split()) or None,
        cid=f"<{content_id}>" if content_id.isascii() and content_id.isprintable() and content_id else None,
    )
