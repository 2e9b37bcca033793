"""Reads plain text of any encoding; what opens like Markdown, a chat or a Kindle's clippings is read as such."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from assistant.ingestion.base import About, Block, ReadDocument, ReadLimits, SourceFile
from assistant.ingestion.readers.clippings import are_clippings, clippings_document
from assistant.ingestion.readers.encodings import lines, open_text
from assistant.ingestion.readers.markdown import MarkdownReader, opens_like_markdown
from assistant.ingestion.readers.paragraphs import Line, paragraphs
from assistant.ingestion.readers.speakers import chat_document, may_be_chat


class TextReader:
    """Plain text: paragraphs by blank lines, list items by their marks, each with its line numbers."""

    media_type = "text/plain"
    suffixes = (".txt", ".text", ".log", ".adoc")
    about = About(
        "Plain text",
        "text in any usual encoding; chats of WhatsApp, Signal, WeChat and LINE; clippings of a Kindle",
        "lines, speaker",
        "the file's name",
    )

    def read(self, file: SourceFile, limits: ReadLimits) -> ReadDocument:
        """Return the file's paragraphs, read as they are consumed."""
        stream = open_text(file, limits)
        with stream:
            first = list(islice(lines(stream, limits), 3))
        if are_clippings(first):
            return clippings_document(file, limits)
        if file.suffix != ".log" and may_be_chat(first) and (chat := chat_document(file, limits, self.media_type)):
            return chat
        if file.suffix in (".txt", ".text") and opens_like_markdown(first):
            return MarkdownReader().read(file, limits)
        return ReadDocument(file.stem, self.media_type, _blocks(file, limits))


def _blocks(file: SourceFile, limits: ReadLimits) -> Iterator[Block]:
    with open_text(file, limits) as stream:
        yield from paragraphs(Line(number, line) for number, line in enumerate(lines(stream, limits), start=1))
