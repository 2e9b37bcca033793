"""Opens a text file of any encoding as lines, in memory that does not grow with the file, and names what is damaged."""

from __future__ import annotations

import codecs
import io
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import BinaryIO

from assistant.errors import ReadError
from assistant.ingestion.base import LeftOut, ReadLimits, SourceFile
from assistant.ingestion.readers.charsets import ISO2022, decode, detect_encoding, is_iso2022, is_nearly_utf8
from assistant.ingestion.readers.sniffing import HEAD_BYTES, binary_kind, wide_encoding

_STEP = 1024 * 1024
_SAMPLE_BYTES = 65536
_MOST_NAMED = 8
# The marks of UTF-32 begin with those of UTF-16.
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# A byte of these may begin a character of the next; a line of theirs can be valid UTF-8 by chance.
_WIDE = frozenset(("gb18030", "big5hkscs", "cp932", "euc_jp", "cp949", "johab"))


@dataclass(slots=True)
class _Lines:
    """The numbers of some lines, of which the first are kept."""

    count: int = 0
    first: list[int] = field(default_factory=list)

    def add(self, number: int) -> None:
        """Count a line."""
        self.count += 1
        if len(self.first) < _MOST_NAMED:
            self.first.append(number)

    def __str__(self) -> str:
        named = ", ".join(f"{number:,}" for number in self.first)
        more = f" and {self.count - len(self.first):,} more" if self.count > len(self.first) else ""
        return f"line{'s' if self.count > 1 else ''} {named}{more}"


@dataclass(frozen=True, slots=True)
class TextEncoding:
    """What a text is written in: `name`, and where that does not fit a line, `other`, if there is such a line."""

    name: str
    other: str | None = None
    mixed: bool = False

    def line(self, raw: bytes) -> tuple[str, bool, bool]:
        """Return a line as text, whether it is in the other encoding, and whether a character of it is damaged."""
        order = [self.name, *([self.other] if self.other else [])]
        if self.other == "utf-8" and self.name not in _WIDE:
            order.reverse()  # What has one byte a character decodes anything, UTF-8 too.
        for encoding in order:
            try:
                return decode(raw, encoding), encoding != self.name and not raw.isascii(), False
            except UnicodeDecodeError:
                continue
        if "utf-8" in order and is_nearly_utf8(raw):
            return raw.decode("utf-8", "replace"), self.name != "utf-8", True
        foreign = self.name if self.name != "utf-8" or self.other is None else self.other
        return decode(raw, foreign, "replace"), foreign != self.name, True


def open_text(file: SourceFile, limits: ReadLimits, *, by_line: bool = True) -> io.TextIOWrapper:
    """Open `file` as text with `\\n` at each line's end. Raise `ReadError` if it is binary or in no known encoding.

    What of it is damaged, or written in another encoding than the rest, is noted with the file.
    """
    found = find_encoding(file, limits, by_line=by_line)
    if not found.mixed:
        return io.TextIOWrapper(file.open(), encoding=found.name, errors="replace", newline=None)
    return io.TextIOWrapper(io.BufferedReader(_Mended(file.open(), found)), encoding="utf-8", newline=None)


class _Mended(io.RawIOBase):
    """A text as UTF-8, whose lines are decoded one by one."""

    def __init__(self, stream: BinaryIO, encoding: TextEncoding) -> None:
        self._stream = stream
        self._lines = raw_lines(stream)
        self._encoding = encoding
        self._held = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview | bytearray) -> int:  # type: ignore[override]
        while not self._held and (raw := next(self._lines, b"")):
            plain = raw.isascii() and self._encoding.name != ISO2022
            self._held = raw if plain else self._encoding.line(raw)[0].encode("utf-8")
        count = min(len(buffer), len(self._held))
        buffer[:count] = self._held[:count]
        self._held = self._held[count:]
        return count

    def close(self) -> None:
        self._stream.close()
        super().close()


def raw_lines(stream: BinaryIO) -> Iterator[bytes]:
    """Yield each line with its end, whichever end it has."""
    for line in stream:
        yield from line.splitlines(keepends=True)


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


def find_encoding(file: SourceFile, limits: ReadLimits, *, by_line: bool = True) -> TextEncoding:
    """Return the encoding of `file`: by byte order mark, escapes, strict UTF-8, or the likeliest legacy one."""
    with file.open() as stream:
        head = stream.read(HEAD_BYTES)
        for bom, encoding in _BOMS:
            if head.startswith(bom):
                return TextEncoding(encoding)
        if wide := wide_encoding(head):
            return TextEncoding(wide)
        if kind := binary_kind(head):
            raise ReadError(f"binary: {kind}, not text", "Convert the file to a text format first.")
        stream.seek(0)
        utf8, escapes = _survey(stream, limits, by_line=by_line)
    if escapes:
        return TextEncoding(ISO2022, mixed=True)
    return TextEncoding("utf-8") if utf8 else _by_lines(file)


def _survey(stream: BinaryIO, limits: ReadLimits, *, by_line: bool) -> tuple[bool, bool]:
    """Return whether bytes are UTF-8, and whether they switch between character sets by escapes."""
    utf8, escapes = True, False
    decoder = codecs.getincrementaldecoder("utf-8")()
    since_newline = 0
    while step := stream.read(_STEP):
        last = max(step.rfind(b"\n"), step.rfind(b"\r"))
        since_newline = since_newline + len(step) if last < 0 else len(step) - last - 1
        # Four bytes is the longest character there is, so this line is too long in any encoding.
        if by_line and since_newline > 4 * limits.max_line_chars:
            raise line_too_long(limits)
        escapes = escapes or (is_iso2022(step) and step.isascii())
        if utf8:
            try:
                decoder.decode(step)
            except UnicodeDecodeError:
                utf8 = False
    if utf8:
        try:
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            utf8 = False
    return utf8, escapes


Numbered = Callable[[], Iterable[tuple[int, bytes]]]
"""Gives the lines of a text with their numbers, each time it is asked."""


def _by_lines(file: SourceFile) -> TextEncoding:
    def numbered() -> Iterator[tuple[int, bytes]]:
        with file.open() as stream:
            yield from enumerate(raw_lines(stream), start=1)

    return encoding_by_lines(numbered, file)


def encoding_by_lines(numbered: Numbered, file: SourceFile) -> TextEncoding:
    """Return the encoding of a text that may not be UTF-8 as a whole: no foreign line or torn byte turns another line.

    What is damaged, or in another encoding than the rest, is noted with the file.
    """
    sample = bytearray()
    as_utf8 = foreign = 0
    for _, raw in numbered():
        if raw.isascii():
            continue
        if is_nearly_utf8(raw):
            as_utf8 += 1
        else:
            foreign += 1
            if len(sample) < _SAMPLE_BYTES:
                sample += raw[:_SAMPLE_BYTES] + b"\n"
    legacy = detect_encoding(bytes(sample)) if foreign else None
    if legacy is None or as_utf8 >= foreign:
        found = TextEncoding("utf-8", legacy)
    else:
        found = TextEncoding(legacy, "utf-8" if as_utf8 else None)
    damaged, other = _Lines(), _Lines()
    for number, raw in numbered():
        if not raw.isascii():
            _, is_other, is_damaged = found.line(raw)
            if is_damaged:
                damaged.add(number)
            elif is_other:
                other.add(number)
    if damaged.count:
        file.note(LeftOut(str(damaged), "damaged characters, shown as �", "Compare it with the original."))
    if other.count:
        reason = f"not in the encoding of the rest, {found.name}; read as {found.other}"
        file.note(LeftOut(str(other), reason, "Compare it with the original."))
    return replace(found, mixed=bool(damaged.count or other.count))
