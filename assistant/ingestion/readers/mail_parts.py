"""Walks through the parts of a mail: its text in order, what is forwarded in it, what is attached to it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from datetime import datetime
from email.message import EmailMessage
from pathlib import PurePosixPath
from typing import Final

from assistant.ingestion.base import Block, BlockKind, LeftOut, ReadLimits
from assistant.ingestion.readers.charsets import decode_declared
from assistant.ingestion.readers.mail import Mail, header_text, mail_of, parse_mail, unfolded
from assistant.ingestion.readers.markup import blocks, parse, walk
from assistant.ingestion.readers.packages import check_markup_size
from assistant.ingestion.readers.paragraphs import Line, paragraphs
from assistant.ingestion.readers.quoting import Known, Stretch, opens_rest, stretches, unflowed
from assistant.ingestion.readers.recognition import hint_unless_read, may_hold_text
from assistant.ingestion.readers.uuencoded import without_files
from memory_store.models import Author, AuthorKind, Locator

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
_SPACE: Final = re.compile(r"\s+")
_QUOTED: Final = "quoted"
# Where the plain text is long, it is only compared with HTML of much more text: that has to be parsed for it.
_PLACEHOLDER_CHARS: Final = 400
_PLACEHOLDER_LACKS: Final = 3


@dataclass(frozen=True, slots=True)
class Attached:
    """A file that came with a mail."""

    name: str
    data: bytes
    sent_at: datetime | None


@dataclass(slots=True)
class MailContent:
    """What a mail holds: its own text, whose first block are its headers, the files with it, and what is not read."""

    blocks: list[Block] = field(default_factory=list)
    attached: list[Attached] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)


def mail_content(mail: Mail, limits: ReadLimits, part: str | None = None, known: Known | None = None) -> MailContent:
    """Return what a mail holds. What it quotes of the texts that are `known` is left away, for it stands there."""
    content = MailContent()
    _Walk(limits, part, content, known or Known()).mail(mail, 0)
    return content


class _Walk:
    """The walk through one mail and those that are forwarded in it."""

    def __init__(self, limits: ReadLimits, part: str | None, content: MailContent, known: Known) -> None:
        self._limits = limits
        self._part = part
        self._content = content
        self._known = known
        self._mail: Mail
        self._names: list[str] = []
        self._media: list[str] = []
        self._media_hint = _SAVE
        self._has_text = False

    def mail(self, mail: Mail, depth: int) -> None:
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
            parts = [item for item in message.get_payload() if isinstance(item, EmailMessage)]
            if kind == "multipart/alternative":
                self._alternatives(parts, depth)
            elif kind == "multipart/related":
                self._related(parts, depth)
            else:
                for part in parts:
                    self._walk(part, depth + 1)
        else:
            self._leaf(message, kind)

    def _forwarded(self, message: EmailMessage, depth: int) -> None:
        """Add a forwarded mail as one of its own, with its own sender and time."""
        payload = message.get_payload()
        inner = payload[0] if isinstance(payload, list) and payload else None
        if not isinstance(inner, EmailMessage):
            return
        mail = mail_of(inner)
        if not mail.headers and (packed := _unpacked(inner)):  # Packed as no mail may be, and as some are.
            mail = parse_mail(packed)
        self._names.append(f"forwarded message {mail.subject}".strip())
        outer = (self._mail, self._names, self._part, self._has_text)
        self._part = " › ".join(piece for piece in (self._part, f"forwarded: {mail.subject}".strip(" :")) if piece)
        self.mail(mail, depth + 1)
        self._mail, self._names, self._part, self._has_text = outer

    def _delivery(self, message: EmailMessage) -> None:
        """Add what a mail server reports of a delivery: fields, as headers are."""
        payload = message.get_payload()
        for item in payload if isinstance(payload, list) else ():
            if not isinstance(item, EmailMessage):
                continue
            fields = "\n".join(f"{name}: {unfolded(str(value))}" for name, value in item.items())
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
                for inner in part.get_payload():  # Files may lie beside the form that is not chosen.
                    if isinstance(inner, EmailMessage) and _html_in(inner) is None:
                        self._related([inner], depth + 1)

    def _related(self, parts: list[EmailMessage], depth: int) -> None:
        """Add a text with what it shows; small pictures are part of how it looks."""
        for part in parts:
            is_shown = part.get_content_maintype() in _MEDIA and (part.get("Content-ID") or not part.get_filename())
            if not is_shown or may_hold_text(_payload(part), _picture_suffix(part)):
                self._walk(part, depth + 1)

    def _leaf(self, message: EmailMessage, kind: str) -> None:
        name = _filename(message)
        if kind in _SIGNATURES:
            return
        if kind in _ENCRYPTED:
            self._leave_out(name or kind, "encrypted: the mail's text", "Decrypt it in the mail program.")
        elif kind in _TNEF or name.lower() == "winmail.dat":
            self._names.append(name or "winmail.dat")
            reason = "Outlook's own package (TNEF), which may hold the text or attachments"
            self._leave_out(name or "winmail.dat", reason, "Ask the sender for plain attachments, or unpack it.")
        elif kind in ("text/plain", "text/html") and self._is_body(message, name):
            self._text(message, kind)
        elif message.get_content_maintype() in ("message", "multipart") or kind == "text/rfc822-headers":
            self._text(message, "text/plain")  # What a mail server reports, or parts without their boundary.
        elif kind in _CALENDARS or name.lower().endswith(".ics"):
            self._attach(name or "invite.ics", _payload(message), ".ics")
        elif message.get_content_maintype() in _MEDIA:
            self._medium(message, name or kind)
        elif name or message.get_content_disposition() == "attachment":
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

    def _is_body(self, message: EmailMessage, name: str) -> bool:
        disposition = message.get_content_disposition()
        return disposition != "attachment" and not (name and self._has_text)

    def _attach(self, name: str, data: bytes, suffix: str) -> None:
        self._names.append(name)
        if not data:
            self._leave_out(name, "empty file", "There is nothing to remember in it.")
        elif len(self._content.attached) >= _MOST_ATTACHED:
            reason = f"it holds more than {_MOST_ATTACHED:,} attachments"
            self._leave_out(name, reason, "Save it from the mail program.")
        elif not any(
            attached.data == data for attached in self._content.attached
        ):  # An invitation comes twice in one mail.
            stem, own = PurePosixPath(name).stem, PurePosixPath(name).suffix or suffix
            number, unique = 1, f"{stem}{own}"
            while any(attached.name == unique for attached in self._content.attached):
                number += 1
                unique = f"{stem} ({number}){own}"
            self._content.attached.append(Attached(unique, data, self._mail.sent_at))

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
        lines, files = without_files(text.splitlines())
        for name, data in files:
            self._attach(_plain_name(name), data, "")
        if (message.get_param("format") or "") == "flowed":
            delete_space = str(message.get_param("delsp") or "").lower() == "yes"
            lines = list(unflowed(lines, delete_space=delete_space))
        for stretch in stretches(lines):
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
        self._content.blocks.append(Block(block.text, place, kind, author, when))

    def _leave_out(self, what: str, reason: str, hint: str) -> None:
        part = " › ".join(piece for piece in (self._part, what) if piece)
        self._content.left_out.append(LeftOut(part, reason, hint))


_TEXT: Final = BlockKind.PARAGRAPH
_SAVE: Final = "Save them from the mail program."


def _html_in(message: EmailMessage) -> EmailMessage | None:
    """Return the HTML of a part, or of the parts in it."""
    if message.get_content_type() == "text/html":
        return message
    if not message.is_multipart() or message.get_content_maintype() != "multipart":
        return None
    inner = (item for item in message.get_payload() if isinstance(item, EmailMessage))
    return next((item for item in inner if item.get_content_type() == "text/html"), None)


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


def _text_of(message: EmailMessage) -> str:
    return decode_declared(_payload(message), message.get_content_charset())


def _payload(message: EmailMessage) -> bytes:
    payload = message.get_payload(decode=True)
    return payload if isinstance(payload, bytes) else b""


def _unpacked(message: EmailMessage) -> bytes:
    import binascii

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
    plain = unfolded(header_text(name)).replace("\\", "/").rpartition("/")[2]
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
