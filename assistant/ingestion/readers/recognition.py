"""Reads pictures of text, such as scans and photographs of letters, through RapidOCR (extra `ocr`, with its models)."""

from __future__ import annotations

import functools
import logging
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from io import BytesIO
from statistics import fmean
from typing import TYPE_CHECKING, Any, Final

from assistant.errors import ReadError
from assistant.ingestion import processor_time
from assistant.ingestion.base import Block, BlockKind, ReadDocument, Reader, ReadLimits, SourceFile
from memory_store.models import Locator

if TYPE_CHECKING:
    from PIL.Image import Image

INSTALL: Final = 'Text recognition is an extra: `pip install "keepsake-assistant[ocr]"`, then import it with `--again`.'
PICTURES: Final = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp", ".heic", ".heif")
RECOGNISED: Final = frozenset({*PICTURES, ".pdf"})
# A page takes two to four seconds. The time to parse a file is not longer for that: the processor's time ends it.
_TIMES_LONGER: Final = 15
_MOST_SECONDS: Final = 60
# The part of a file's time after which no further page is begun.
_PART_OF_TIME: Final = 0.8
# More would read no faster what one person imports, and would count against the time of a file.
_THREADS: Final = 2
# A picture wider or higher than that is made smaller first: letters of a scanned page stay large enough.
_MOST_PIXELS: Final = 3000
# Below that, words are wrong that a reader would notice.
_SURE: Final = 0.85
# A line further below the last one than this part of its height begins a paragraph.
_GAP: Final = 0.8
# What came with a mail or a note is a logo or an icon unless it takes this many bytes, or is this wide and high.
_NO_LOGO_BYTES: Final = 50_000
_NO_LOGO_PIXELS: Final = 600
_WIDE: Final = re.compile("[\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef]")
# A picture unpacks to three bytes a pixel.
_MOST_PICTURE_PIXELS: Final = 120_000_000


@dataclass(frozen=True, slots=True)
class Recognised:
    """What a picture says: its paragraphs from the top down, and how sure that is, 0 to 1, the mean of its lines."""

    paragraphs: tuple[str, ...]
    confidence: float

    @property
    def label(self) -> str:
        """How a passage of it is marked."""
        return f"read by OCR, {min(self.confidence, 0.99):.0%} sure"

    def note_doubt(self, file: SourceFile, part: str) -> None:
        """Note that this part of a file was hard to read, if it was."""
        if self.paragraphs and self.confidence < _SURE:
            reason = f"its text was hard to recognise ({self.confidence:.0%} sure)"
            file.note(part, reason, "Compare it with the picture; a sharper or straighter one is read better.")


@dataclass(frozen=True, slots=True)
class _Line:
    text: str
    left: float
    top: float
    bottom: float


@functools.cache
def is_available() -> bool:
    """Return whether the extra is installed."""
    return all(find_spec(name) is not None for name in ("rapidocr", "onnxruntime"))


def seconds_for(file: SourceFile, limits: ReadLimits) -> float:
    """Return how long a file may take, with the pages that may have to be recognised in it."""
    times = _TIMES_LONGER if file.suffix in RECOGNISED and is_available() else 1
    return times * limits.seconds_for(file.size)


def deadline(file: SourceFile, limits: ReadLimits) -> float:
    """Return the moment, of `time.monotonic`, after which no further page of a file is begun that is read from now."""
    return time.monotonic() + _PART_OF_TIME * seconds_for(file, limits)


def note_too_late(file: SourceFile, part: str) -> None:
    """Note that a part was not begun before the deadline."""
    hint = "Raise max_seconds in the settings and import it again with --again."
    file.note(part, "there was no time left to recognise its text", hint)


def hint_unless_read(data: bytes, suffix: str) -> str | None:
    """Return what would help to read a picture that came with a mail or a note, "" for nothing; None if it is read."""
    is_large = may_hold_text(data, suffix)
    if is_large and is_available():
        return None
    return INSTALL if is_large else ""


def may_hold_text(data: bytes, suffix: str) -> bool:
    """Return whether a picture that came with a mail or a note may be a scan or a photograph rather than a logo."""
    if suffix not in PICTURES:
        return False
    return len(data) >= _NO_LOGO_BYTES or (is_available() and _least_side(data) >= _NO_LOGO_PIXELS)


def _least_side(data: bytes) -> int:
    from PIL import Image

    try:
        with Image.open(BytesIO(data)) as picture:
            return min(picture.size)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return 0  # HEIC too, which is rarely that small.


def recognise(picture: Image) -> Recognised:
    """Read the text in a picture of mode RGB; none is no paragraphs at all."""
    import numpy as np

    processor_time.allow(_MOST_SECONDS)
    picture.thumbnail((_MOST_PIXELS, _MOST_PIXELS))
    found = _engine()(np.asarray(picture)[:, :, ::-1])  # it takes blue first
    if found.txts is None or found.boxes is None:
        return Recognised((), 0.0)
    lines = [
        _Line(text, float(box[:, 0].min()), float(box[:, 1].min()), float(box[:, 1].max()))
        for text, box in zip(found.txts, found.boxes, strict=True)
    ]
    return Recognised(tuple(_paragraphs(_rows(lines))), fmean(found.scores))


@functools.cache
def _engine() -> Any:
    """Return the engine with its models; loading takes about a second."""
    import cv2
    from rapidocr import RapidOCR

    logging.getLogger("RapidOCR").disabled = True
    cv2.setNumThreads(_THREADS)
    return RapidOCR(
        params={
            "EngineConfig.onnxruntime.intra_op_num_threads": _THREADS,
            "EngineConfig.onnxruntime.inter_op_num_threads": 1,
            "Global.log_level": "critical",
        }
    )


def _rows(lines: list[_Line]) -> Iterator[_Line]:
    """Yield lines from the top down; pieces that stand side by side become one line, from left to right."""
    row: list[_Line] = []
    for line in sorted(lines, key=lambda item: item.top + item.bottom):
        if row and (line.top + line.bottom) / 2 > max(item.bottom for item in row):
            yield _join_row(row)
            row = []
        row.append(line)
    if row:
        yield _join_row(row)


def _join_row(row: list[_Line]) -> _Line:
    row.sort(key=lambda line: line.left)
    text = "  ".join(line.text.strip() for line in row)
    return _Line(text, row[0].left, min(line.top for line in row), max(line.bottom for line in row))


def _paragraphs(lines: Iterator[_Line]) -> Iterator[str]:
    """Yield paragraphs: lines that stand close below each other, put together as they would be written."""
    piece, last = "", None
    for line in lines:
        height = line.bottom - line.top
        if last is not None and line.top - last.bottom > _GAP * height:
            yield piece
            piece = ""
        tight = piece and (_WIDE.match(piece[-1]) and _WIDE.match(line.text[:1] or " "))
        piece += ("" if tight or not piece else " ") + line.text.strip()
        last = line
    if piece.strip():
        yield piece


def read_image(file: SourceFile, limits: ReadLimits) -> ReadDocument:
    """Pictures with text in them, located by page where a file holds several."""
    if not is_available():
        raise ReadError("a picture: its text was not recognised", INSTALL)
    until = deadline(file, limits)
    with file.open() as stream:
        picture = _open(stream.read())
    pages = getattr(picture, "n_frames", 1)
    blocks = _blocks(picture, pages, until, file)
    return ReadDocument(blocks, media_type=f"image/{(picture.format or 'unknown').lower()}")


IMAGE = Reader("image/*", PICTURES, read_image)


def _open(data: bytes) -> Image:
    from pi_heif import register_heif_opener
    from PIL import Image, UnidentifiedImageError

    register_heif_opener()
    try:
        picture = Image.open(BytesIO(data))
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise ReadError("damaged: it can't be shown as a picture", "Check that it opens elsewhere.") from error
    if picture.width * picture.height > _MOST_PICTURE_PIXELS:
        raise ReadError(
            f"too large: {picture.width:,} × {picture.height:,} pixels", "Save it smaller; 3,000 pixels suffice."
        )
    return picture


def _blocks(picture: Image, pages: int, until: float, file: SourceFile) -> Iterator[Block]:
    from PIL import ImageOps

    for number in range(1, pages + 1):
        page = number if pages > 1 else None
        if number > 1 and time.monotonic() > until:
            note_too_late(file, f"pages {number}–{pages}")
            return
        try:
            picture.seek(number - 1)
            shown = ImageOps.exif_transpose(picture).convert("RGB")
        except (OSError, ValueError, SyntaxError, EOFError) as error:
            if number == 1:
                raise ReadError("damaged: it can't be shown as a picture", "Check that it opens elsewhere.") from error
            file.note(f"page {number}", "it is damaged", "Check that it opens elsewhere.")
            continue
        found = recognise(shown)
        found.note_doubt(file, "the picture" if page is None else f"page {page}")
        for text in found.paragraphs:
            yield Block(text, Locator(page=page, part=found.label), BlockKind.PARAGRAPH)
