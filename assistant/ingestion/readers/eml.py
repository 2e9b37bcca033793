"""Reads single mails (EML)."""

from __future__ import annotations

from assistant.errors import ReadError
from assistant.ingestion.base import ReadDocument, ReadLimits, SourceFile
from assistant.ingestion.readers.mail import mail_blocks, parse_mail


class EmlReader:
    """One mail; its subject is the title, its sender the author."""

    media_type = "message/rfc822"
    suffixes = (".eml",)

    def read(self, file: SourceFile, limits: ReadLimits) -> ReadDocument:
        """Return the mail's headers and text."""
        with file.open() as stream:
            mail = parse_mail(stream.read())
        if not mail.headers:
            raise ReadError("not a mail: it has no headers", "If it is text, give it the suffix .txt.")
        return ReadDocument(
            mail.subject or file.stem, self.media_type, mail_blocks(mail, limits), mail.sender, mail.sent_at
        )
