"""Reads OpenDocument presentations (ODP): slide by slide, with the notes of the speaker."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from assistant.errors import ReadError
from assistant.ingestion.base import About, Block, BlockKind, LeftOut, ReadDocument, ReadLimits, SourceFile
from assistant.ingestion.readers.dates import parse_date
from assistant.ingestion.readers.markup import Piece, blocks
from assistant.ingestion.readers.odt import container, nearest, open_document, value_of


class OdpReader:
    """ODP, located by slide and title. Pictures and media are not looked at."""

    media_type = "application/vnd.oasis.opendocument.presentation"
    suffixes = (".odp", ".otp")
    about = About(
        "OpenDocument presentation",
        "text, tables, charts, comments, the speaker's notes",
        "slide, its title",
        "its properties",
    )

    def read(self, file: SourceFile, limits: ReadLimits) -> ReadDocument:
        """Return the slides in their order."""
        root, about = open_document(file, limits, "presentation")
        slides = list(root.iter("{*}page"))
        if not slides:
            raise ReadError(
                "damaged: the presentation lists no slides", "Open it in a presentation program and save it."
            )
        left_out: list[LeftOut] = []
        return ReadDocument(
            about["title"] or file.stem,
            self.media_type,
            _blocks(slides, left_out),
            about["initial-creator"] or about["creator"],
            parse_date(about["creation-date"]),
            left_out,
        )


def _blocks(slides: list[Any], left_out: list[LeftOut]) -> Iterator[Block]:
    for number, slide in enumerate(slides, start=1):
        part = f"slide {number}"
        notes = [item for item in slide if item.tag.rpartition("}")[2] == "notes"]
        titles: list[Piece] = []
        others: list[Piece] = []
        for shape in slide:
            if shape in notes:
                continue
            pieces = list(container([shape], BlockKind.PARAGRAPH))
            (titles if value_of(shape, "class") == "title" else others).extend(pieces)
        title = " ".join(" ".join(piece.text for piece in titles).split())
        if title:
            yield from blocks([Piece(title, BlockKind.HEADING, 1), *others], part=part)
        else:
            yield from blocks(others, part=part)
        if not title and not others and next(nearest(slide, "image"), None) is not None:
            hint = "Save it as PDF and run that through text recognition (OCR)."
            left_out.append(LeftOut(part, "it holds only a picture", hint))
        above = (title, "Notes") if title else ("Notes",)
        yield from blocks((piece for note in notes for piece in container(note, BlockKind.PARAGRAPH)), part, above)
