"""Reads single mails (EML), also as Apple Mail keeps them (EMLX)."""

from __future__ import annotations

import re

from assistant.errors import ReadError
from assistant.ingestion.base import About, ReadDocument, ReadLimits, SourceFile, file_in_memory
from assistant.ingestion.readers.mail import Mail, parse_mail
from assistant.ingestion.readers.mail_parts import MailContent, mail_content

_LENGTH = re.compile(rb"\s*(\d{1,12})\s*\r?\n")


class EmlReader:
    """One mail; its subject is the title, its sender the author. What is attached to it are files of their own."""

    media_type = "message/rfc822"
    suffixes = (".eml", ".emlx")
    about = About(
        "Mail",
        "headers, all text in its order, what it quotes, forwarded mails; invitations and attachments as documents",
        "the mail, what it quotes, what is forwarded in it",
        "subject, sender, date",
    )

    def read(self, file: SourceFile, limits: ReadLimits) -> ReadDocument:
        """Return the mail's headers and text."""
        with file.open() as stream:
            data = stream.read()
        # Apple Mail writes the message's length before it, and its own marks behind it.
        if file.suffix == ".emlx" and (match := _LENGTH.match(data)):
            data = data[match.end() : match.end() + int(match[1])]
        mail = parse_mail(data)
        if not mail.headers:
            raise ReadError("not a mail: it has no headers", "If it is text, give it the suffix .txt.")
        return mail_document(mail, file, limits, self.media_type)


def mail_document(mail: Mail, file: SourceFile, limits: ReadLimits, media_type: str) -> ReadDocument:
    """Return one mail as a document."""
    content = mail_content(mail, limits)
    return ReadDocument(
        mail.subject or file.stem,
        media_type,
        iter(content.blocks),
        mail.sender,
        mail.sent_at,
        content.left_out,
        attached_files(content, file, f"{file.path}!/"),
    )


def attached_files(content: MailContent, file: SourceFile, place: str) -> list[SourceFile]:
    """Return what is attached to a mail as files whose paths begin with that place."""
    return [
        file_in_memory(f"{place}{attached.name}", attached.data, attached.sent_at or file.modified_at)
        for attached in content.attached
    ]
