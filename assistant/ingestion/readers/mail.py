"""Reads mails (EML, EMLX) and mailboxes (mbox): headers in any encoding, all text in its order, what is attached."""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import EmailPolicy
from email.utils import parseaddr, parsedate_to_datetime
from pathlib import PurePosixPath
from typing import Any, Final, cast

from assistant.errors import ReadError
from assistant.ingestion.base import Block, BlockKind, ReadDocument, Reader, ReadLimits, SourceFile, file_in_memory
from assistant.ingestion.readers.dates import to_utc
from assistant.ingestion.readers.encodings import decode_declared, detect_encoding, is_iso2022
from assistant.ingestion.readers.failures import translate_failures
from assistant.ingestion.readers.markup import blocks, parse, walk
from assistant.ingestion.readers.packages import check_markup_size
from assistant.ingestion.readers.paragraphs import Line, paragraphs
from assistant.ingestion.readers.quoting import Known, Stretch, opens_rest, split_quotes, unflow
from assistant.ingestion.readers.recognition import hint_unless_read, may_hold_text
from memory_store.models import Author, AuthorKind, Locator

_LENGTH = re.compile(rb"\s*(\d{1,12})\s*\r?\n")
_QUOTED_FROM = re.compile(rb"^>+From ")
# "From ann@home.example Mon May  5 16:02:11 2025", where the address may be "-" or a number, and the zone be named.
_SEPARATOR = re.compile(
    rb"From \s*\S+\s.*(?:\b(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),?\s+\S+\s+\S+\s.*\d\d:\d\d|\d{4}-\d\d-\d\d|\d\d:\d\d:\d\d)"
)
_HEADER = re.compile(
    rb">?(?:Return-Path|Received|From|To|Cc|Subject|Date|Message-ID|MIME-Version|Delivered-To|Reply-To|Sender|Status|"
    rb"References|In-Reply-To|DKIM-Signature|Envelope-To|Content-[A-Za-z-]+|X-[A-Za-z0-9-]+)[ \t]*:",
    re.IGNORECASE,
)
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
_DEEPEST: Final = 20
_MOST_ATTACHED: Final = 1000
_MEDIA: Final = ("image", "audio", "video", "font")
_SIGNATURES: Final = frozenset(
    ("application/pkcs7-signature", "application/x-pkcs7-signature", "application/pgp-signature")
)
_ENCRYPTED: Final = frozenset(("application/pkcs7-mime", "application/x-pkcs7-mime", "application/pgp-encrypted"))
_TNEF: Final = frozenset(("application/ms-tnef", "application/vnd.ms-tnef"))
_CALENDARS: Final = frozenset(("text/calendar", "application/ics"))
_NOT_SHOWN: Final = re.compile(r"<(style|script|head|title)\b[^>]*+>.*?</\1\s*>|<!--.*?-->|<[^<>]*+>", re.DOTALL | re.I)
_WORD: Final = re.compile(r"[^\W_]{2,}")
_QUOTED: Final = "quoted"
_TEXT: Final = BlockKind.PARAGRAPH
_SAVE: Final = "Save them from the mail program."
# Where the plain text is long, it is only compared with HTML of much more text: that has to be parsed for it.
_PLACEHOLDER_CHARS: Final = 400
_PLACEHOLDER_LACKS: Final = 3
_BEGIN: Final = re.compile(r"begin [0-7]{3,4} (\S.{0,150})")
_END: Final = "end"


def read_eml(file: SourceFile, limits: ReadLimits) -> ReadDocument:
    """One mail; its subject is the title, its sender the author. What is attached to it are files of their own."""
    with file.open() as stream:
        data = stream.read()
    # Apple Mail writes the message's length before it, and its own marks behind it.
    if file.suffix == ".emlx" and (match := _LENGTH.match(data)):
        data = data[match.end() : match.end() + int(match[1])]
    mail = parse_mail(data)
    if not mail.headers:
        raise ReadError("not a mail: it has no headers", "If it is text, give it the suffix .txt.")
    return mail_document(mail, file, limits)


EML = Reader("message/rfc822", (".eml", ".emlx"), read_eml)


def mail_document(mail: Mail, file: SourceFile, limits: ReadLimits) -> ReadDocument:
    """Return one mail as a document."""
    content = _Content(file, limits)
    content.add(mail, 0)
    return ReadDocument(iter(content.blocks), mail.subject, mail.sender, mail.sent_at)


def read_mbox(file: SourceFile, limits: ReadLimits) -> ReadDocument:
    """A mailbox: each message a part, with its own sender and time."""
    with file.open() as stream:
        if not stream.read(8192).lstrip().startswith(b"From "):
            raise ReadError("not a mailbox: it does not begin with a From line", "Export the mailbox again.")
    return ReadDocument(_messages(file, limits))


MBOX = Reader("application/mbox", (".mbox", ".mbx"), read_mbox)


def _messages(file: SourceFile, limits: ReadLimits) -> Iterator[Block]:
    """Yield the blocks of each message; what is wrong with one costs no other."""
    known = Known()
    for number, data in enumerate(_split(file), start=1):
        part = f"message {number}"
        try:
            with translate_failures():
                mail = parse_mail(data)
                inside, part = f"{part}/", f"{part}: {mail.subject}" if mail.subject else part
                content = _Content(file, limits, inside, part, known)
                content.add(mail, 0)
        except ReadError as error:
            file.note(part, error.message, error.hint)
            continue
        yield from content.blocks


def _split(file: SourceFile) -> Iterator[bytes]:
    """Yield the bytes of each message: they begin at a `From ` line after a blank one (RFC 4155, appendix A).

    A sentence may begin so too; what separates messages has a date in it, or a header after it.
    """
    message: list[bytes] = []
    started, after_blank = False, True
    held: bytes | None = None
    with file.open() as stream:
        for line in stream:
            if held is not None:
                begins = not started or bool(_SEPARATOR.match(held)) or bool(_HEADER.match(line))
                if begins and started:
                    yield b"".join(message)
                message, started = ([], True) if begins else ([*message, held], True)
                held = None
            if after_blank and line.startswith(b"From "):
                held = line
            elif started:
                message.append(line[1:] if _QUOTED_FROM.match(line) else line)
            after_blank = not line.strip()
    if held is not None:
        message.append(held)
    if started:
        yield b"".join(message)


class _Headers(EmailPolicy):
    """Takes headers as text; of what parts and types a message is only by its beginning.

    `raw_charset` is what bytes beyond ASCII are taken for that stand in a header as they are.
    """

    raw_charset: str | None = None

    def header_fetch_parse(self, name: str, value: str) -> Any:
        """Return a header's value."""
        # The standard library's own parser of these takes most of the time of a mail.
        if name.lower().startswith("content-"):
            return unfold(self._decode(value[:_MOST_PARAMETERS]))
        return header_text(self._decode(value), quoting=name.lower() != "subject")

    def _decode(self, value: str) -> str:
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
    return unfold("".join(pieces))


def _inside_quotes(pieces: list[str]) -> bool:
    return sum(piece.count('"') for piece in pieces) % 2 == 1


def _bytes_of(encoding: str, body: str) -> bytes:
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


def unfold(value: str) -> str:
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
            sent = to_utc(parsedate_to_datetime(self.headers.get("Date", "")[:_MOST_PARAMETERS]))
            return sent if sent and sent.year < _NO_YEAR else None
        except (ValueError, TypeError, IndexError, OverflowError):
            return None  # Spam and old programs write dates that are none.


def parse_mail(data: bytes) -> Mail:
    """Parse a message. Any bytes can be parsed; what is no mail has no headers."""
    policy = _Headers(raw_charset=_raw_charset(data))  # type: ignore[call-overload]
    mail = mail_of(cast(EmailMessage, BytesParser(EmailMessage, policy=policy).parsebytes(data)))
    if not mail.headers and (mended := _mend_head(data)) is not None:
        mail = mail_of(cast(EmailMessage, BytesParser(EmailMessage, policy=policy).parsebytes(mended)))
    return mail


def _mend_head(data: bytes) -> bytes | None:
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
    found = ((name, unfold(str(message.get(name, "")))) for name in _HEADERS)
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


class _Content:
    """The text of a mail and of those that are forwarded in it, after their headers; files go to the file it is in.

    `inside` is the folder of its files, `part` names it in a mailbox. What it quotes of the texts that are `known` is
    left away, for it stands there.
    """

    def __init__(
        self,
        file: SourceFile,
        limits: ReadLimits,
        inside: str = "",
        part: str | None = None,
        known: Known | None = None,
    ) -> None:
        self.blocks: list[Block] = []
        self._file = file
        self._limits = limits
        self._place = f"{file.path}!/{inside}"
        self._part = part
        self._known = known or Known()
        self._mail: Mail
        self._names: list[str] = []
        self._given: dict[str, bytes] = {}
        self._media: list[str] = []
        self._media_hint = _SAVE
        self._has_text = False

    def add(self, mail: Mail, depth: int) -> None:
        """Add a mail: its headers, its text, the names of what is attached."""
        self._mail, self._names, self._has_text = mail, [], False
        self._add(Block("\n".join(f"{name}: {value}" for name, value in mail.headers.items()), Locator(), _TEXT))
        self._walk(mail.message, depth)
        names = "\n".join(f"Attachment: {name}" for name in self._names)
        self._add(Block(names, Locator(), _TEXT))
        if self._media:
            named = ", ".join(self._media[:5]) + (" …" if len(self._media) > 5 else "")
            self._leave_out(named, "pictures and recordings are not read", self._media_hint)
            self._media, self._media_hint = [], _SAVE

    def _walk(self, message: EmailMessage, depth: int) -> None:
        kind = message.get_content_type()
        if depth > _DEEPEST:
            self._leave_out(kind, "nested too deeply to be a document", "Get a plainer copy of it.")
        elif kind in ("message/rfc822", "message/global", "message/news"):
            self._forwarded(message, depth)
        elif kind == "message/delivery-status":
            self._delivery(message)
        elif message.is_multipart():
            if kind == "multipart/alternative":
                self._alternatives(_parts(message), depth)
            elif kind == "multipart/related":
                self._related(_parts(message), depth)
            else:
                for part in _parts(message):
                    self._walk(part, depth + 1)
        else:
            self._leaf(message, kind)

    def _forwarded(self, message: EmailMessage, depth: int) -> None:
        """Add a forwarded mail as one of its own, with its own sender and time."""
        inner = next(iter(_parts(message)), None)
        if inner is None:
            return
        mail = mail_of(inner)
        if not mail.headers and (packed := _decode_packed(inner)):  # Packed as no mail may be, and as some are.
            mail = parse_mail(packed)
        self._names.append(f"forwarded message {mail.subject}".strip())
        outer = (self._mail, self._names, self._part, self._has_text)
        self._part = " › ".join(piece for piece in (self._part, f"forwarded: {mail.subject}".strip(" :")) if piece)
        self.add(mail, depth + 1)
        self._mail, self._names, self._part, self._has_text = outer

    def _delivery(self, message: EmailMessage) -> None:
        """Add what a mail server reports of a delivery: fields, as headers are."""
        for item in _parts(message):
            fields = "\n".join(f"{name}: {unfold(str(value))}" for name, value in item.items())
            self._add(Block(fields, Locator(), _TEXT))

    def _alternatives(self, parts: list[EmailMessage], depth: int) -> None:
        """Add that of several forms of one text which says most: the plain one unless it is but a placeholder."""
        plain = next((part for part in parts if part.get_content_type() == "text/plain"), None)
        rich = next((part for part in parts if part is not plain and _html_in(part) is not None), None)
        html = _html_in(rich) if rich is not None else None
        chosen = plain if rich is None or (plain is not None and not _says_more(html, plain)) else rich
        for part in parts:
            if part is chosen or part not in (plain, rich):
                self._walk(part, depth + 1)
            elif part is rich and part.is_multipart():
                # Files may lie beside the form that is not chosen.
                self._related([inner for inner in _parts(part) if _html_in(inner) is None], depth + 1)

    def _related(self, parts: list[EmailMessage], depth: int) -> None:
        """Add a text with what it shows; small pictures are part of how it looks."""
        for part in parts:
            is_shown = part.get_content_maintype() in _MEDIA and (part.get("Content-ID") or not part.get_filename())
            if not is_shown or may_hold_text(_payload(part), _picture_suffix(part)):
                self._walk(part, depth + 1)

    def _leaf(self, message: EmailMessage, kind: str) -> None:
        name, is_attachment = _filename(message), message.get_content_disposition() == "attachment"
        if kind in _SIGNATURES:
            return
        if kind in _ENCRYPTED:
            self._leave_out(name or kind, "encrypted: the mail's text", "Decrypt it in the mail program.")
        elif kind in _TNEF or name.lower() == "winmail.dat":
            self._names.append(name or "winmail.dat")
            reason = "Outlook's own package (TNEF), which may hold the text or attachments"
            self._leave_out(name or "winmail.dat", reason, "Ask the sender for plain attachments, or unpack it.")
        elif kind in ("text/plain", "text/html") and not is_attachment and not (name and self._has_text):
            self._text(message, kind)
        elif message.get_content_maintype() in ("message", "multipart") or kind == "text/rfc822-headers":
            self._text(message, "text/plain")  # What a mail server reports, or parts without their boundary.
        elif kind in _CALENDARS or name.lower().endswith(".ics"):
            self._attach(name or "invite.ics", _payload(message), ".ics")
        elif message.get_content_maintype() in _MEDIA:
            self._medium(message, name or kind)
        elif name or is_attachment:
            self._attach(name or "attachment" + _suffix(kind), _payload(message), _suffix(kind))
        elif kind.startswith("text/"):
            self._text(message, "text/plain")
        elif data := _payload(message):
            self._leave_out(kind, f"a part of {len(data):,} bytes without a name", "Open the mail in its program.")

    def _medium(self, message: EmailMessage, name: str) -> None:
        """Add a picture that may hold text as a file, and the name alone of any other picture or recording."""
        data, suffix = _payload(message), _picture_suffix(message)
        unread = hint_unless_read(data, suffix)
        if unread is None:
            self._attach(name.replace("/", "."), data, suffix)
            return
        self._names.append(name)
        self._media.append(name)
        self._media_hint = unread or self._media_hint

    def _attach(self, name: str, data: bytes, suffix: str) -> None:
        self._names.append(name)
        if not data:
            self._leave_out(name, "empty file", "There is nothing to remember in it.")
        elif len(self._given) >= _MOST_ATTACHED:
            reason = f"it holds more than {_MOST_ATTACHED:,} attachments"
            self._leave_out(name, reason, "Save it from the mail program.")
        elif data not in self._given.values():  # An invitation comes twice in one mail.
            stem, own = PurePosixPath(name).stem, PurePosixPath(name).suffix or suffix
            number, unique = 1, f"{stem}{own}"
            while unique in self._given:
                number += 1
                unique = f"{stem} ({number}){own}"
            self._given[unique] = data
            sent_at = self._mail.sent_at or self._file.modified_at
            self._file.attached.append(file_in_memory(f"{self._place}{unique}", data, sent_at))

    def _text(self, message: EmailMessage, kind: str) -> None:
        text = _text_of(message)
        self._has_text = True
        if text.count("\ufffd") > _payload(message).count(b"\xef\xbf\xbd"):
            self._leave_out(kind, "damaged characters, shown as �", "Compare it with the original.")
        if kind == "text/html":
            check_markup_size(len(text), self._limits)
            rest: Stretch | None = None
            for block in blocks(walk(parse(text))):
                if rest is None and (author := opens_rest(block.text.splitlines(), 0)) is not None:
                    rest = Stretch((), quoted=True, author=author or None)
                quoted = block.kind is BlockKind.QUOTE
                self._add(block, rest or (Stretch((), quoted=True) if quoted else None))
            return
        lines, files = extract_files(text.splitlines())
        for name, data in files:
            self._attach(_plain_name(name), data, "")
        if (message.get_param("format") or "") == "flowed":
            delete_space = str(message.get_param("delsp") or "").lower() == "yes"
            lines = list(unflow(lines, delete_space=delete_space))
        for stretch in split_quotes(lines):
            for block in paragraphs(Line(number, line) for number, line in enumerate(stretch.lines, 1)):
                # Lines of an encoded body are not lines of the file, so they would lead nowhere.
                self._add(Block(block.text, Locator(), block.kind), stretch if stretch.quoted else None)

    def _add(self, block: Block, stretch: Stretch | None = None) -> None:
        """Add a block of the mail that is being read; a stretch says that it is quoted, and of whom."""
        if not block.text.strip():
            return
        part, author, when = self._part, Author(AuthorKind.DOCUMENT, self._mail.sender), self._mail.sent_at
        if stretch is not None:
            if self._known.has(block.text):
                return
            part, when = " › ".join(piece for piece in (part, _QUOTED) if piece), None
            author = Author(AuthorKind.DOCUMENT, stretch.author)
        self._known.add(block.text)
        place = replace(block.locator, part=part)
        kind = BlockKind.QUOTE if stretch is not None and block.kind is BlockKind.PARAGRAPH else block.kind
        self.blocks.append(Block(block.text, place, kind, author, when))

    def _leave_out(self, what: str, reason: str, hint: str) -> None:
        part = " › ".join(piece for piece in (self._part, what) if piece)
        self._file.note(part, reason, hint)


def _html_in(message: EmailMessage) -> EmailMessage | None:
    """Return the HTML of a part, or of the parts in it."""
    if message.get_content_type() == "text/html":
        return message
    if message.get_content_maintype() != "multipart":
        return None
    return next((item for item in _parts(message) if item.get_content_type() == "text/html"), None)


def _says_more(html: EmailMessage | None, plain: EmailMessage) -> bool:
    """Return whether most words of an HTML part are not in the plain one, which then only stands in for it."""
    if html is None:
        return False
    short = _text_of(plain)
    if not short.strip():
        return True
    markup = _text_of(html)
    said = len(_SPACE.sub("", short))
    if said > _PLACEHOLDER_CHARS and said > 0.6 * len(_SPACE.sub("", _NOT_SHOWN.sub("", markup))):
        return False
    shown = {word.casefold() for piece in walk(parse(markup)) for word in _WORD.findall(piece.text)}
    lacking = len(shown - {word.casefold() for word in _WORD.findall(short)})
    return lacking > max(_PLACEHOLDER_LACKS, len(shown) / 2)


def _parts(message: EmailMessage) -> list[EmailMessage]:
    payload = message.get_payload()
    return [item for item in payload if isinstance(item, EmailMessage)] if isinstance(payload, list) else []


def _text_of(message: EmailMessage) -> str:
    return decode_declared(_payload(message), message.get_content_charset())


def _payload(message: EmailMessage) -> bytes:
    payload = message.get_payload(decode=True)
    return payload if isinstance(payload, bytes) else b""


def _decode_packed(message: EmailMessage) -> bytes:
    payload = message.get_payload()
    try:
        return binascii.a2b_base64(payload.strip().encode("ascii")) if isinstance(payload, str) else b""
    except (binascii.Error, UnicodeError):
        return b""


def _filename(message: EmailMessage) -> str:
    """Return the name of a part's file as one that leads nowhere."""
    try:
        name = message.get_filename() or ""
    except (ValueError, TypeError, LookupError, AttributeError):
        return ""  # A parameter that can't be parsed.
    return _plain_name(str(name))


def _plain_name(name: str) -> str:
    plain = unfold(header_text(name)).replace("\\", "/").rpartition("/")[2]
    return plain.replace("!", "_")[:150].strip(". ") if plain.strip(". ") else ""


def _picture_suffix(message: EmailMessage) -> str:
    """Return the suffix of a picture, by its name or its kind; empty for what is none."""
    if message.get_content_maintype() != "image":
        return ""
    return PurePosixPath(_filename(message)).suffix.lower() or _suffix(message.get_content_type())


def _suffix(kind: str) -> str:
    import mimetypes

    return (
        {"text/plain": ".txt", "text/html": ".html", "image/jpg": ".jpg"}.get(kind)
        or mimetypes.guess_extension(kind)
        or ""
    )


def extract_files(lines: Sequence[str]) -> tuple[list[str], list[tuple[str, bytes]]]:
    """Return the lines that are text, and (name, content) of each file between them (POSIX.1-2017, uuencode)."""
    kept: list[str] = []
    files: list[tuple[str, bytes]] = []
    at = 0
    while at < len(lines):
        match = _BEGIN.fullmatch(lines[at].rstrip())
        end = _decode(lines, at + 1) if match else None
        if match is None or end is None:
            kept.append(lines[at])
            at += 1
        else:
            at, data = end
            files.append((match[1].strip(), data))
    return kept, files


def _decode(lines: Sequence[str], start: int) -> tuple[int, bytes] | None:
    """Return where a file ends that begins here, and its content; None if it is none."""
    pieces: list[bytes] = []
    for at in range(start, len(lines)):
        line = lines[at].rstrip("\r\n")
        if line.strip() == _END:
            return (at + 1, b"".join(pieces)) if pieces else None
        if not line:
            return None
        try:
            pieces.append(binascii.a2b_uu(line))
        except (binascii.Error, ValueError):
            return None  # A sentence that begins like one.
    return None
