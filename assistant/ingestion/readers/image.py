"""Reads pictures of text, such as photographs of letters and scans, by text recognition (extra `ocr`)."""

from __future__ import annotations

import time
from collections.abc import Iterator
from io import BytesIO
from typing import TYPE_CHECKING, Final

from assistant.errors import ReadError
from assistant.ingestion.base import About, Block, BlockKind, LeftOut, ReadDocument, ReadLimits, SourceFile
from assistant.ingestion.readers.recognition import INSTALL, PICTURES, deadline, is_available, recognise, too_late
from memory_store.models import Locator

if TYPE_CHECKING:
    from PIL.Image import Image

# A picture unpacks to three bytes a pixel.
_MOST_PIXELS: Final = 120_000_000


class ImageReader:
    """Pictures with text in them, located by page where a file holds several."""

    media_type = "image/*"
    suffixes = PICTURES
    about = About(
        "Picture of text (extra `ocr`)",
        "its text, with how sure the recognition is",
        "page where it has several, `read by OCR, 97% sure`",
        "the file's name",
    )

    def read(self, file: SourceFile, limits: ReadLimits) -> ReadDocument:
        """Return the text in the picture."""
        if not is_available():
            raise ReadError("a picture: its text was not recognised", INSTALL)
        until = deadline(file, limits)
        with file.open() as stream:
            picture = _open(stream.read())
        pages = getattr(picture, "n_frames", 1)
        left_out: list[LeftOut] = []
        blocks = _blocks(picture, pages, until, left_out)
        return ReadDocument(file.stem, f"image/{(picture.format or 'unknown').lower()}", blocks, left_out=left_out)


def _open(data: bytes) -> Image:
    from pi_heif import register_heif_opener
    from PIL import Image, UnidentifiedImageError

    register_heif_opener()
    try:
        picture = Image.open(BytesIO(data))
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise ReadError("damaged: it can't be shown as a picture", "Check that it opens elsewhere.") from error
    if picture.width * picture.height > _MOST_PIXELS:
        raise ReadError(
            f"too large: {picture.width:,} × {picture.height:,} pixels", "Save it smaller; 3,000 pixels suffice."
        )
    return picture


def _blocks(picture: Image, pages: int, until: float, left_out: list[LeftOut]) -> Iterator[Block]:
    from PIL import ImageOps

    for number in range(1, pages + 1):
        page = number if pages > 1 else None
        if number > 1 and time.monotonic() > until:
            left_out.append(too_late(f"pages {number}–{pages}"))
            return
        try:
            picture.seek(number - 1)
            shown = ImageOps.exif_transpose(picture).convert("RGB")
        except (OSError, ValueError, SyntaxError, EOFError) as error:
            if number == 1:
                raise ReadError("damaged: it can't be shown as a picture", "Check that it opens elsewhere.") from error
            left_out.append(LeftOut(f"page {number}", "it is damaged", "Check that it opens elsewhere."))
            continue
        found = recognise(shown)
        if doubt := found.doubt("the picture" if page is None else f"page {page}"):
            left_out.append(doubt)
        for text in found.paragraphs:
            yield Block(text, Locator(page=page, part=found.label), BlockKind.PARAGRAPH)
