"""Finds the encoding of a text file and opens it as lines, in memory that does not grow with the file."""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from assistant.errors import ReadError
from assistant.ingestion.base import ReadLimits, SourceFile
from assistant.ingestion.readers.sniffing import HEAD_BYTES, binary_kind, looks_like_utf16

_STEP = 1024 * 1024
_SAMPLE_BYTES = 65536
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# What counts as an everyday character of each legacy encoding. Wrong guesses decode too, but into rare characters.
_LEGACY: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("cp932", re.compile("[\u3040-\u30ff、。「」ー]")),
    ("euc_jp", re.compile("[\u3040-\u30ff、。「」ー]")),
    ("cp949", re.compile("[\uac00-\ud7a3]")),
)
_HANZI = re.compile("[\u4e00-\u9fff]")
_CJK_PUNCTUATION = re.compile("[，。、；：？！“”‘’（）《》—…「」 　]")
_KANA = re.compile("[\u3041-\u3096\u30a1-\u30fa]")
_HALF_WIDTH = re.compile("[\uff61-\uff9f]")
_NON_ASCII_RUN = re.compile(rb"[\x80-\xff]+")


@dataclass(slots=True)
class _Survey:
    """What one pass over the bytes tells: whether they are UTF-8, and a sample of the lines that are not ASCII."""

    utf8: bool = True
    sample: bytearray = field(default_factory=bytearray)


def open_text(file: SourceFile, limits: ReadLimits, *, by_line: bool = True) -> io.TextIOWrapper:
    """Open `file` as text with `\\n` at each line's end. Raise `ReadError` if it is binary or in no known encoding."""
    encoding = find_encoding(file, limits, by_line=by_line)
    return io.TextIOWrapper(file.open(), encoding=encoding, errors="replace", newline=None)


def read_text(file: SourceFile, limits: ReadLimits) -> str:
    """Return the whole text, for formats in which a line means nothing; `max_text_chars` bounds it."""
    with open_text(file, limits, by_line=False) as stream:
        text = stream.read(limits.max_text_chars + 1)
    if len(text) > limits.max_text_chars:
        raise too_much_text(limits)
    return text


def lines(stream: io.TextIOBase, limits: ReadLimits) -> Iterator[str]:
    """Yield each line without its end. Raise `ReadError` at a line longer than `max_line_chars`."""
    while line := stream.readline(limits.max_line_chars + 1):
        if len(line) > limits.max_line_chars and not line.endswith("\n"):
            raise line_too_long(limits)
        yield line.removesuffix("\n")


def line_too_long(limits: ReadLimits) -> ReadError:
    """Return the error for a line that nobody wrote by hand."""
    return ReadError(
        f"it has a line of more than {limits.max_line_chars:,} characters",
        "This looks like data, not text. Break it into lines, or raise the limit for lines in the settings.",
    )


def too_much_text(limits: ReadLimits) -> ReadError:
    """Return the error for a file with more text than may be read."""
    return ReadError(
        f"it holds more than {limits.max_text_chars:,} characters of text",
        "Split it into smaller files, or raise the limit for text in the settings.",
    )


def find_encoding(file: SourceFile, limits: ReadLimits, *, by_line: bool = True) -> str:
    """Return the name of the encoding of `file`: by byte order mark, strict UTF-8, or the likeliest legacy one."""
    with file.open() as stream:
        head = stream.read(HEAD_BYTES)
        for bom, encoding in _BOMS:
            if head.startswith(bom):
                return encoding
        if wide := looks_like_utf16(head):
            return wide
        if kind := binary_kind(head):
            raise ReadError(f"binary: {kind}, not text", "Convert the file to a text format first.")
        stream.seek(0)
        survey = _survey(stream, limits, by_line=by_line)
    return "utf-8" if survey.utf8 else detect_encoding(bytes(survey.sample))


def _survey(stream: BinaryIO, limits: ReadLimits, *, by_line: bool) -> _Survey:
    survey = _Survey()
    decoder = codecs.getincrementaldecoder("utf-8")()
    since_newline = 0
    while step := stream.read(_STEP):
        last = max(step.rfind(b"\n"), step.rfind(b"\r"))
        since_newline = since_newline + len(step) if last < 0 else len(step) - last - 1
        # Four bytes is the longest character there is, so this line is too long in any encoding.
        if by_line and since_newline > 4 * limits.max_line_chars:
            raise line_too_long(limits)
        if survey.utf8:
            try:
                decoder.decode(step)
            except UnicodeDecodeError:
                survey.utf8 = False
        if len(survey.sample) < _SAMPLE_BYTES and not step.isascii():
            _add_sample(survey, step)
    if survey.utf8:
        try:
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            survey.utf8 = False
    return survey


def _add_sample(survey: _Survey, step: bytes) -> None:
    for line in step.splitlines(keepends=True):
        if not line.isascii():
            survey.sample += line[:_SAMPLE_BYTES]
            if len(survey.sample) >= _SAMPLE_BYTES:
                return


def detect_encoding(sample: bytes) -> str:
    """Return the likeliest encoding of bytes that are not UTF-8. Raise `ReadError` if none fits.

    Chinese, Japanese and Korean are told apart by how everyday their characters would be, which works on a line
    or two, where statistical detection does not; anything else is left to charset-normalizer.
    """
    body = sample[:_SAMPLE_BYTES]
    scores = {encoding: _everyday_share(body, encoding, everyday) for encoding, everyday in _LEGACY}
    scores["gb18030"] = _hanzi_share(body, "gb18030", "gb2312", 0xD7)
    scores["big5"] = _hanzi_share(body, "big5", "big5", 0xC6)
    best = max(scores, key=lambda encoding: scores[encoding])
    if scores[best] >= 0.5 and not _looks_western(body):
        return best
    if _looks_western(body):
        return "cp1252" if _decodes(body, "cp1252") else "latin-1"
    return _statistical(body)


def _looks_western(body: bytes) -> bool:
    """Return whether what is not ASCII stands alone between ASCII letters, as accents and quotation marks do."""
    runs = _NON_ASCII_RUN.findall(body)
    accented = sum(len(run) for run in runs)
    letters = sum(1 for byte in body if chr(byte).isalpha() and byte < 128)
    return bool(runs) and accented / len(runs) <= 1.6 and accented < letters


def _decode(body: bytes, encoding: str) -> str | None:
    # The sample may be cut inside a character, so an incomplete end is no error.
    try:
        return codecs.getincrementaldecoder(encoding)().decode(body)
    except UnicodeDecodeError:
        return None


def _decodes(body: bytes, encoding: str) -> bool:
    return _decode(body, encoding) is not None


def _everyday_share(body: bytes, encoding: str, everyday: re.Pattern[str]) -> float:
    text = _decode(body, encoding)
    if text is None:
        return 0.0
    wide = [character for character in text if ord(character) > 127]
    if not wide or len(_HALF_WIDTH.findall(text)) > len(wide) // 10:
        return 0.0
    common = len(everyday.findall(text))
    share = common / len(wide)
    if encoding == "cp949":
        # Korean bytes are everyday hanzi too, but only half of a Chinese text would be hangul.
        return 1.5 if share >= 0.95 else share / 2
    # Japanese mixes kana with kanji: a fifth of kana among valid text settles it, no kana rules it out.
    return min(1.0, 0.5 + share) if len(_KANA.findall(text)) >= 0.2 * len(wide) else 0.0


def _hanzi_share(body: bytes, encoding: str, core: str, last_common_lead: int) -> float:
    """Return the share of everyday hanzi: GB2312 and Big5 both list the commonest first, by their lead byte."""
    text = _decode(body, encoding)
    if text is None:
        return 0.0
    wide = [character for character in text if ord(character) > 127]
    common = len(_CJK_PUNCTUATION.findall(text))
    for character in _HANZI.findall(text):
        raw = character.encode(core, errors="ignore")
        common += len(raw) == 2 and raw[0] <= last_common_lead
    return common / len(wide) if wide else 0.0


def _statistical(body: bytes) -> str:
    from charset_normalizer import from_bytes  # 0.1 s to import, and most files are UTF-8

    match = from_bytes(body).best()
    if match is None:
        raise ReadError("its encoding can't be told", "Save it as UTF-8 and import it again.")
    return match.encoding
