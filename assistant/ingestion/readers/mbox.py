"""Reads mailboxes (mbox) one message at a time."""

from __future__ import annotations

import re
from collections.abc import Iterator

from assistant.errors import ReadError
from assistant.ingestion.base import About, Block, LeftOut, ReadDocument, ReadLimits, SourceFile
from assistant.ingestion.readers.eml import attached_files
from assistant.ingestion.readers.failures import translated
from assistant.ingestion.readers.mail import parse_mail
from assistant.ingestion.readers.mail_parts import mail_content
from assistant.ingestion.readers.quoting import Known

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


class MboxReader:
    """A mailbox: each message a part, with its own sender and time."""

    media_type = "application/mbox"
    suffixes = (".mbox", ".mbx")
    about = About(
        "Mailbox",
        "each mail, the same",
        "`message 2: Subject`",
        "each message has its own sender and time",
    )

    def read(self, file: SourceFile, limits: ReadLimits) -> ReadDocument:
        """Return the messages as they are consumed."""
        with file.open() as stream:
            if not stream.read(8192).lstrip().startswith(b"From "):
                raise ReadError("not a mailbox: it does not begin with a From line", "Export the mailbox again.")
        left_out: list[LeftOut] = []
        attached: list[SourceFile] = []
        messages = _messages(file, limits, left_out, attached)
        return ReadDocument(file.stem, self.media_type, messages, left_out=left_out, attached=attached)


def _messages(
    file: SourceFile, limits: ReadLimits, left_out: list[LeftOut], attached: list[SourceFile]
) -> Iterator[Block]:
    """Yield the blocks of each message; what is wrong with one costs no other."""
    known = Known()
    for number, data in enumerate(_split(file), start=1):
        part = f"message {number}"
        try:
            with translated():
                mail = parse_mail(data)
                part += f": {mail.subject}" if mail.subject else ""
                content = mail_content(mail, limits, part, known)
        except ReadError as error:
            left_out.append(LeftOut(part, error.message, error.hint))
            continue
        left_out.extend(content.left_out)
        attached.extend(attached_files(content, file, f"{file.path}!/message {number}/"))
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
