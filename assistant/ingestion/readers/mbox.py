"""Reads mailboxes (mbox) one message at a time."""

from __future__ import annotations

import re
from collections.abc import Iterator

from assistant.errors import ReadError
from assistant.ingestion.base import Block, LeftOut, ReadDocument, ReadLimits, SourceFile
from assistant.ingestion.readers.failures import translated
from assistant.ingestion.readers.mail import mail_blocks, parse_mail

_QUOTED_FROM = re.compile(rb"^>+From ")


class MboxReader:
    """A mailbox: each message a part, with its own sender and time."""

    media_type = "application/mbox"
    suffixes = (".mbox", ".mbx")

    def read(self, file: SourceFile, limits: ReadLimits) -> ReadDocument:
        """Return the messages as they are consumed."""
        with file.open() as stream:
            if not stream.read(8192).lstrip().startswith(b"From "):
                raise ReadError("not a mailbox: it does not begin with a From line", "Export the mailbox again.")
        left_out: list[LeftOut] = []
        return ReadDocument(file.stem, self.media_type, _messages(file, limits, left_out), left_out=left_out)


def _messages(file: SourceFile, limits: ReadLimits, left_out: list[LeftOut]) -> Iterator[Block]:
    """Yield the blocks of each message; what is wrong with one costs no other."""
    for number, data in enumerate(_split(file), start=1):
        part = f"message {number}"
        try:
            with translated():
                mail = parse_mail(data)
                part += f": {mail.subject}" if mail.subject else ""
                blocks = list(mail_blocks(mail, limits, part=part))
        except ReadError as error:
            left_out.append(LeftOut(part, error.message, error.hint))
            continue
        yield from blocks


def _split(file: SourceFile) -> Iterator[bytes]:
    """Yield the bytes of each message: they begin at a `From ` line after a blank one (RFC 4155, appendix A)."""
    message: list[bytes] = []
    started, after_blank = False, True
    with file.open() as stream:
        for line in stream:
            if after_blank and line.startswith(b"From "):
                if started:
                    yield b"".join(message)
                message, started = [], True
            elif started:
                message.append(line[1:] if _QUOTED_FROM.match(line) else line)
            after_blank = not line.strip()
    if started:
        yield b"".join(message)
