"""Takes from PDFium what stands on a page of a PDF: text, fields of forms, remarks, and whether it is a picture."""

from __future__ import annotations

import ctypes
import math
import re
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from assistant.ingestion.readers.pdf_layout import JOINED_GAP, Span, is_rtl, word_from_right

if TYPE_CHECKING:
    import pypdfium2

    from assistant.ingestion.readers.recognition import Recognised

_WORD: Final = re.compile(r"\S+")
_MOST_CHARACTERS: Final = 50_000
_MOST_ANNOTATIONS: Final = 2000
_MOST_ADDRESS: Final = 1000
_MOST_MARKED: Final = 50  # lines under one mark
_MOST_OBJECTS: Final = 5000
_PICTURE_SHARE: Final = 0.5  # of a page that a picture covers where the page is one
_STAMP_CHARS: Final = 120  # what a scanner, a fax or a court stamps on a picture
_LIGATURES: Final = str.maketrans({"\ufb00": "ff", "\ufb01": "fi", "\ufb02": "fl", "\ufb03": "ffi", "\ufb04": "ffl"})
_PART_OF_NAME: Final = re.compile(r"\[\d+\]|#\w+")
_SAMPLED: Final = 200  # characters that tell which way a page is written
_MOSTLY: Final = 0.8
_HIDDEN: Final = 2
_POINTS_AN_INCH: Final = 72
_DOTS_AN_INCH: Final = 200
_MOST_DOTS: Final = 3000  # on the longer side
_NEAR: Final = 150  # points between a field and its label
# Kinds of annotations, and of fields, as fpdf_annot.h and fpdf_formfill.h number them.
_LINK, _HIGHLIGHT, _STRIKEOUT, _POPUP, _WIDGET = 2, 9, 12, 16, 20
_BUTTON, _CHECKBOX, _RADIO, _SIGNATURE = 1, 2, 3, 7


@dataclass(slots=True)
class Page:
    """What stands on a page. `is_picture`: nearly all of it is one, `unreadable`: it draws text that has no letters."""

    text: str
    spans: list[Span] = field(default_factory=list)
    fields: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    is_picture: bool = False
    unreadable: bool = False
    recognised: Recognised | None = None
    """What text recognition made of a picture."""


_Box = tuple[float, float, float, float]  # left, bottom, right, top


@dataclass(frozen=True, slots=True)
class _Turn:
    """Which way most of a page is written: by how many quarters of a turn its lines leave the horizontal."""

    quarters: int
    width: float
    height: float

    def upright(self, left: float, bottom: float, right: float, top: float) -> _Box:
        """Return a place as it is on the page whose lines are horizontal."""
        if self.quarters == 1:
            return self.height - top, left, self.height - bottom, right
        if self.quarters == 2:
            return self.width - right, self.height - top, self.width - left, self.height - bottom
        if self.quarters == 3:
            return bottom, self.width - right, top, self.width - left
        return left, bottom, right, top


def _turn(page: pypdfium2.PdfPage, text_page: pypdfium2.PdfTextPage, text: str) -> _Turn:
    import pypdfium2.raw as raw

    places = [at for at in range(0, len(text), max(1, len(text) // _SAMPLED)) if not text[at].isspace()]
    angles = Counter(round(raw.FPDFText_GetCharAngle(text_page, at) / (math.pi / 2)) % 4 for at in places)
    quarters, count = angles.most_common(1)[0] if angles else (0, 0)
    left, bottom, right, top = page.get_mediabox()
    return _Turn(quarters if count > _MOSTLY * len(places) else 0, left + right, bottom + top)


def read_page(document: pypdfium2.PdfDocument, index: int) -> Page:
    """Return a page. The caller holds PDFium's lock. Raises PdfiumError."""
    page = document[index]
    try:
        text_page = page.get_textpage()
        try:
            raw_text = text_page.get_text_range()
            text = _from_right(text_page) if is_rtl(raw_text) else raw_text
            text = text.replace("\r\n", "\n").replace("\r", "\n").translate(_LIGATURES)
            turn = _turn(page, text_page, raw_text)
            found = Page(text, _spans(text_page, raw_text, turn))
            _read_annotations(document, page, text_page, found, turn)
            found.remarks += _links(document, page, text_page, found.text)
            _look_at_objects(page, found)
        finally:
            text_page.close()
    finally:
        page.close()
    return found


def recognise_page(document: pypdfium2.PdfDocument, index: int, lock: threading.Lock) -> Recognised:
    """Return what text recognition reads on a page; `lock` is PDFium's. Raises PdfiumError."""
    from assistant.ingestion.readers.recognition import recognise

    with lock:
        page = document[index]
        try:
            longest = max(page.get_size()) / _POINTS_AN_INCH
            scale = min(_DOTS_AN_INCH, _MOST_DOTS / max(longest, 1)) / _POINTS_AN_INCH
            picture = page.render(scale=scale).to_pil().convert("RGB")
        finally:
            page.close()
    return recognise(picture)


def _spans(text_page: pypdfium2.PdfTextPage, text: str, turn: _Turn) -> list[Span]:
    """Return the pieces of lines that stand together, by the places of their words.

    PDFium's own rectangles overlap where letters are set close, and then give the same letter twice.
    """
    if len(text) != text_page.count_chars() or len(text) > _MOST_CHARACTERS:
        return []  # signs beyond the first 65,536: no place of the text tells a character's number
    spans: list[Span] = []
    words: list[str] = []
    box, ended = (0.0, 0.0, 0.0, 0.0), 0
    for match in _WORD.finditer(text):
        here = _box(text_page, match.start(), match.end() - 1, turn)
        if here is None:
            words += [match[0]] if words else []
            continue
        between = text[ended : match.start()]
        if words and ("\r" in between or "\n" in between or not _goes_on(box, here)):
            spans.append(Span(*box, " ".join(words).translate(_LIGATURES)))
            words = []
        box = here if not words else (box[0], min(box[1], here[1]), max(box[2], here[2]), max(box[3], here[3]))
        words.append(match[0])
        ended = match.end()
    return [*spans, Span(*box, " ".join(words).translate(_LIGATURES))] if words else spans


def _box(text_page: pypdfium2.PdfTextPage, first: int, last: int, turn: _Turn) -> _Box | None:
    """Return left, bottom, right and top of a word, by its first and last character; None if it has no extent."""
    left, bottom, right, top = text_page.get_charbox(first)
    if last != first:
        other = text_page.get_charbox(last)
        left, bottom = min(left, other[0]), min(bottom, other[1])
        right, top = max(right, other[2]), max(top, other[3])
    box = turn.upright(left, bottom, right, top)
    return box if box[2] > box[0] else None


def _goes_on(box: _Box, here: _Box) -> bool:
    """Say whether a character stands right after the others, on their line."""
    height = max(1.0, box[3] - box[1])
    on_line = box[1] - 0.5 * height <= (here[1] + here[3]) / 2 <= box[3] + 0.5 * height
    return on_line and -2 * height < here[0] - box[2] < JOINED_GAP * height


def _from_right(text_page: pypdfium2.PdfTextPage) -> str:
    """Return the text with the characters of each word in the order in which they are read, by their places."""
    import pypdfium2.raw as raw

    pieces: list[str] = []
    word: list[tuple[float, str]] = []

    def end_word() -> None:
        text = "".join(character for _, character in word)
        pieces.append(word_from_right(word) if is_rtl(text) else text)
        word.clear()

    for index in range(text_page.count_chars()):
        character = chr(raw.FPDFText_GetUnicode(text_page, index))
        if character.isspace() or character == "\0":
            end_word()
            pieces.append(character.replace("\r", ""))
        else:
            word.append((text_page.get_charbox(index)[0], character))
    end_word()
    return "".join(pieces)


def _read_annotations(
    document: pypdfium2.PdfDocument, page: pypdfium2.PdfPage, text_page: pypdfium2.PdfTextPage, found: Page, turn: _Turn
) -> None:
    import pypdfium2.raw as raw

    for index in range(min(raw.FPDFPage_GetAnnotCount(page), _MOST_ANNOTATIONS)):
        annotation = raw.FPDFPage_GetAnnot(page, index)
        if not annotation:
            continue
        try:
            kind = raw.FPDFAnnot_GetSubtype(annotation)
            if raw.FPDFAnnot_GetFlags(annotation) & _HIDDEN:
                continue
            if kind == _WIDGET:
                found.fields += _field(document, annotation, found.spans, turn)
            elif kind not in (_LINK, _POPUP) and (text := _value(annotation, b"Contents")):
                found.remarks.append(_remark(annotation, kind, text, text_page))
        finally:
            raw.FPDFPage_CloseAnnot(annotation)


def _links(
    document: pypdfium2.PdfDocument, page: pypdfium2.PdfPage, text_page: pypdfium2.PdfTextPage, text: str
) -> Iterator[str]:
    """Yield the words that lead to an address, with that, where the page does not show it; each once."""
    import pypdfium2.raw as raw

    at, link, place = ctypes.c_int(0), raw.FPDF_LINK(), raw.FS_RECTF()
    found: dict[str, str] = {}
    for _ in range(_MOST_ANNOTATIONS):
        if not raw.FPDFLink_Enumerate(page, at, link):
            break
        action = raw.FPDFLink_GetAction(link)
        size = raw.FPDFAction_GetURIPath(document, action, None, 0) if action else 0
        if not 1 < size <= _MOST_ADDRESS or not raw.FPDFLink_GetAnnotRect(link, place):
            continue
        buffer = ctypes.create_string_buffer(size)
        raw.FPDFAction_GetURIPath(document, action, buffer, size)
        address = buffer.value.decode("utf-8", "replace")
        shown = address.removeprefix("mailto:").removeprefix("tel:")
        low, high = sorted((place.bottom, place.top))
        said = " ".join(text_page.get_text_bounded(place.left, low, place.right, high).split())
        # A link that a line's end breaks is several of them.
        found[shown] = f"{found[shown]} {said}" if shown in found and said not in found[shown] else said
    whole = "".join(text.split())
    for address, said in found.items():
        if said and "".join(address.split("://")[-1].rstrip("/")) not in whole:
            yield f"{said} ({address})"


def _remark(annotation: Any, kind: int, text: str, text_page: pypdfium2.PdfTextPage) -> str:
    import pypdfium2.raw as raw

    author, marked = _value(annotation, b"T"), ""
    if _HIGHLIGHT <= kind <= _STRIKEOUT:
        points = raw.FS_QUADPOINTSF()
        for index in range(min(raw.FPDFAnnot_CountAttachmentPoints(annotation), _MOST_MARKED)):
            if raw.FPDFAnnot_GetAttachmentPoints(annotation, index, points):
                across = (points.x1, points.x2, points.x3, points.x4)
                upward = (points.y1, points.y2, points.y3, points.y4)
                line = text_page.get_text_bounded(min(across), min(upward), max(across), max(upward))
                marked = " ".join((marked + " " + line).split())
    by, on = f" by {author}" if author else "", f" on “{marked}”" if marked else ""
    return f"comment{by}{on}: {text}"


def _field(document: pypdfium2.PdfDocument, annotation: Any, spans: list[Span], turn: _Turn) -> Iterator[str]:
    """Yield a field of a form as `name: value`, if it has one."""
    import pypdfium2.raw as raw

    form = document.formenv
    if form is None:
        return
    kind = raw.FPDFAnnot_GetFormFieldType(form, annotation)
    if kind in (_BUTTON, _SIGNATURE):
        return
    name = _string(raw.FPDFAnnot_GetFormFieldAlternateName, form, annotation)
    name = name or _label(annotation, spans, turn, is_box=kind in (_CHECKBOX, _RADIO))
    name = name or _PART_OF_NAME.sub("", _string(raw.FPDFAnnot_GetFormFieldName, form, annotation)).rpartition(".")[2]
    value = _string(raw.FPDFAnnot_GetFormFieldValue, form, annotation)
    if kind in (_CHECKBOX, _RADIO):
        if not raw.FPDFAnnot_IsChecked(form, annotation):
            return
        # A box says by itself only that it is set; which of several buttons is, its value says.
        value = f"☒ {value}" if kind == _RADIO and value not in ("", "Yes", "On", "1") else "☒"
    if value:
        yield f"{name.rstrip(' :')}: {value}" if name else value


def _label(annotation: Any, spans: list[Span], turn: _Turn, *, is_box: bool) -> str:
    """Return the words beside a field: right of a box, left of another field, on its line."""
    import pypdfium2.raw as raw

    place = raw.FS_RECTF()
    if not raw.FPDFAnnot_GetRect(annotation, place):
        return ""
    left_end, bottom, right_end, top = turn.upright(place.left, place.bottom, place.right, place.top)
    middle = (top + bottom) / 2
    beside = [span for span in spans if span.bottom - 2 <= middle <= span.top + 2 and span.text.strip()]
    if is_box:
        right = [span for span in beside if -2 <= span.left - right_end <= _NEAR]
        if right:
            return min(right, key=lambda span: span.left).text.strip()
    left = [span for span in beside if -2 <= left_end - span.right <= _NEAR]
    return max(left, key=lambda span: span.right).text.strip() if left else ""


def _look_at_objects(page: pypdfium2.PdfPage, found: Page) -> None:
    """Look for a picture that covers the page, and for text of no extent, which PDFium leaves out of its text."""
    import pypdfium2.raw as raw

    little = len(found.text.strip()) <= _STAMP_CHARS
    if not little and len(found.spans) > 1:
        return
    width, height = page.get_size()
    for number, item in enumerate(page.get_objects(filter=[raw.FPDF_PAGEOBJ_IMAGE, raw.FPDF_PAGEOBJ_TEXT])):
        if number > _MOST_OBJECTS:
            return
        left, bottom, right, top = item.get_bounds()
        if item.type == raw.FPDF_PAGEOBJ_IMAGE:
            covered = max(0.0, min(right, width) - max(left, 0.0)) * max(0.0, min(top, height) - max(bottom, 0.0))
            text = found.text.strip()
            found.is_picture |= not text or (little and covered > _PICTURE_SHARE * width * height)
        elif right - left < 0.01 and top - bottom > 1:
            found.unreadable = True


def _value(annotation: Any, key: bytes) -> str:
    import pypdfium2.raw as raw

    return _string(raw.FPDFAnnot_GetStringValue, annotation, key)


def _string(call: Any, *arguments: Any) -> str:
    """Return what a call of PDFium writes as UTF-16 into a buffer that it is first asked the size of."""
    size = call(*arguments, None, 0)
    if size <= 2:
        return ""
    buffer = ctypes.create_string_buffer(size)
    call(*arguments, ctypes.cast(buffer, ctypes.POINTER(ctypes.c_ushort)), size)
    return " ".join(buffer.raw.decode("utf-16-le", "replace").replace("\0", "").split())
