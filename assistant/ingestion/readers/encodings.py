"""Decodes text whose encoding is declared or has to be told from its bytes, whole or by lines, and names damage."""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any, BinaryIO, Final

from assistant.errors import ReadError
from assistant.ingestion.base import ReadLimits, SourceFile
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
# What personal files are written in. Rarer encodings would win by chance on texts of a few words.
_LATIN: Final = (
    *("cp1252", "iso8859-1", "cp1250", "iso8859-2", "cp1254", "iso8859-9", "cp1257", "iso8859-13", "cp1258"),
    *("mac-roman", "cp850", "cp437", "cp852", "iso8859-15"),
)
_OTHER_SCRIPTS: Final = (
    *("cp1251", "koi8-r", "koi8-u", "iso8859-5", "cp866", "cp855", "mac-cyrillic", "cp1253", "iso8859-7", "cp1255"),
    *("iso8859-8", "cp1256", "iso8859-6", "cp874", "tis-620"),
)
_EAST_ASIAN: Final = ("gb18030", "big5hkscs", "cp932", "shift_jis_2004", "euc_jis_2004", "cp949", "euc_kr", "johab")
_CANDIDATES: Final = (*_LATIN, *_OTHER_SCRIPTS, *_EAST_ASIAN)
_MULTIBYTE: Final = frozenset(("gb18030", "big5hkscs", "cp932", "euc_jp", "cp949", "johab"))
# The encodings of the web are supersets of what they are called (WHATWG, Encoding, section 4.2).
_SUPERSETS: Final = {
    **dict.fromkeys(("iso8859-1", "latin-1", "iso-8859-1", "latin1", "ansi"), "cp1252"),
    **dict.fromkeys(("gb2312", "gbk", "gb-2312", "x-gbk"), "gb18030"),
    **dict.fromkeys(("euc_kr", "euc-kr", "ks_c_5601-1987", "ksc5601", "ks_c_5601"), "cp949"),
    **dict.fromkeys(("shift_jis", "shift-jis", "sjis", "x-sjis", "shift_jis_2004"), "cp932"),
    **dict.fromkeys(("euc_jis_2004", "x-euc-jp"), "euc_jp"),
    **dict.fromkeys(("big5", "x-x-big5", "big5-hkscs"), "big5hkscs"),
    **dict.fromkeys(("iso8859-9", "iso-8859-9", "latin5"), "cp1254"),
    **dict.fromkeys(("tis-620", "iso-8859-11"), "cp874"),
    **dict.fromkeys(("unicode-1-1-utf-7", "x-unicode-1-1-utf-7"), "utf-7"),
    **dict.fromkeys(("iso-8859-8-i", "iso-8859-8-e"), "iso8859-8"),
    **dict.fromkeys(("macintosh", "x-mac-roman"), "mac-roman"),
    "hz-gb-2312": "hz",
}
# On a word or two the scores of Western and other Latin texts lie this near to each other.
_HABIT: Final = 0.004
_ODDEST: Final = 0.06
_ODDITIES_WITHIN: Final = 4096
_ESCAPE: Final = re.compile(rb"\x1b(\$\)C|\$\([BCD@]|\$[@AB]|\([BHIJ])|[\x0e\x0f]")
_KINDS: Final = {
    **dict.fromkeys((b"$@", b"$B", b"$(@", b"$(B"), "jis"),
    **{b"$(D": "jis2", b"$A": "gb", b"$(C": "kr", b"(I": "kana", b"\x0e": "kr"},
}
_RUN: Final = re.compile(rb"[\x80-\xff]+")


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


def first_lines(file: SourceFile, limits: ReadLimits, count: int) -> list[str]:
    """Return so many lines of the beginning of a text, or all of it."""
    with open_text(file, limits) as stream:
        return list(islice(lines(stream, limits), count))


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


def _note_once(file: SourceFile, part: str, reason: str) -> None:
    """Note lines of a file, which may be opened more than once."""
    if all(known.part != part for known in file.left_out):
        file.note(part, reason, "Compare it with the original.")


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
        _note_once(file, str(damaged), "damaged characters, shown as �")
    if other.count:
        reason = f"not in the encoding of the rest, {found.name}; read as {found.other}"
        _note_once(file, str(other), reason)
    return replace(found, mixed=bool(damaged.count or other.count))


def detect_encoding(sample: bytes) -> str:
    """Return the likeliest encoding of bytes that are not UTF-8. Raise `ReadError` if none fits."""
    body = sample[:_SAMPLE_BYTES]
    if is_iso2022(body):
        return ISO2022
    found = _find_likeliest(body)
    if found in _OTHER_SCRIPTS and _looks_western(body):
        found = _find_likeliest(body, _LATIN)  # No word of those scripts is a single letter between Latin ones.
    if found in _MULTIBYTE or _looks_western(body):
        return found or "cp1252"
    found = _despite_damage(body) or found
    if found is None:
        raise ReadError("its encoding can't be told", "Save it as UTF-8 and import it again.")
    return found


ISO2022: Final = "iso2022_jp_ext"
"""What stands for all encodings by escapes; `decode` reads more of them than Python's codec of that name."""


def is_iso2022(data: bytes) -> bool:
    """Return whether bytes switch between character sets by escapes (ISO-2022-JP, ISO-2022-KR); a terminal's do not."""
    at = data.find(b"\x1b$")
    return at >= 0 and data[at + 2 : at + 3] in (b"@", b"A", b"B", b"(", b")")


def decode(data: bytes, encoding: str, errors: str = "strict") -> str:
    """Decode bytes. Raise `UnicodeDecodeError` where they don't fit, or `LookupError` for an unknown encoding."""
    if encoding == ISO2022:
        return _by_escapes(data, errors)
    return data.decode(encoding, errors)


def decode_declared(data: bytes, charset: str | None) -> str:
    """Return bytes as text, by their escapes, by what is declared of them if that fits, or by detection."""
    if is_iso2022(data):
        return _by_escapes(data, "replace")
    declared = codec_of(charset)
    as_utf8 = _decode_if_fitting(data, "utf-8")
    if as_utf8 is not None and declared != "utf-7" and (declared not in _MULTIBYTE or not data.isascii()):
        wide = sum(character > "\x7f" for character in as_utf8)
        # Two characters of Chinese may be one of UTF-8 by chance; hardly ever are three.
        if declared not in _MULTIBYTE or wide >= 3:
            return as_utf8 if declared != "hz" else data.decode("hz", "replace")
    western = declared == "cp1252"  # What many programs declare whatever they write.
    if declared is not None and (text := _decode_if_fitting(data, declared)) is not None:
        if not western or _looks_western(data) or (found := _find_likeliest(data)) not in _MULTIBYTE:
            return text
        declared = found
    if as_utf8 is not None:
        return as_utf8
    if is_nearly_utf8(data):
        return data.decode("utf-8", "replace")
    try:
        return decode(data, detect_encoding(b"\n".join(line for line in data.splitlines() if not line.isascii())))
    except (ReadError, UnicodeDecodeError):
        return data.decode("cp1252" if declared in (None, "ascii") else declared, "replace")


def codec_of(charset: str | None) -> str | None:
    """Return Python's codec for a declared charset, or for the superset that is meant by it; None if unknown."""
    name = re.split(r"[;,\s]", (charset or "").strip("\"' \t").lower())[0]
    found = _SUPERSETS.get(name, name)
    try:
        return found if found and "".encode(found) is not None else None
    except (LookupError, UnicodeError, ValueError):
        return None


def is_nearly_utf8(data: bytes) -> bool:
    """Return whether bytes are UTF-8, or were until a few of them were torn."""
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        text = data.decode("utf-8", "replace")
        torn = text.count("\ufffd")
        return sum(character > "\x7f" for character in text) >= 4 * torn
    return True


def _decode_if_fitting(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except (UnicodeError, LookupError):
        return None  # A wrong declaration; the next guess follows.


def _find_likeliest(body: bytes, candidates: tuple[str, ...] = _CANDIDATES) -> str | None:
    """Return what chardet, which weighs the languages too, finds likeliest."""
    if not body:
        return None
    from chardet import detect_all  # 60 ms to import, and most files are UTF-8

    found: list[Any] = [
        item
        for item in detect_all(body, ignore_threshold=True, include_encodings=candidates, compat_names=False)
        if item["encoding"]
    ]
    if not found:
        return None
    nearest = [item for item in found if item["confidence"] >= found[0]["confidence"] - _ODDEST]
    best = max(nearest, key=lambda item: item["confidence"] + _likelihood(body, str(item["encoding"])))
    name = str(best["encoding"])
    return _SUPERSETS.get(name, name)


def _likelihood(body: bytes, encoding: str) -> float:
    """Return what speaks for an encoding beside its score: that it is usual, and its signs stand where they belong."""
    habit = _HABIT if encoding == "cp1252" else 0.0
    if encoding not in _LATIN:
        return habit
    text = body[:_ODDITIES_WITHIN].decode(encoding, "replace")
    places = [at for at, sign in enumerate(text) if sign > "\x7f"]
    odd = sum(_is_odd(text, at) for at in places)
    return habit - _ODDEST * odd / max(1, len(places))


def _is_odd(text: str, at: int) -> bool:
    """Return whether a sign breaks a word, as a currency sign or a capital in the middle of one does."""
    sign, before, after = text[at], text[at - 1 : at], text[at + 1 : at + 2]
    if sign.isalpha():
        return sign.isupper() and before.islower()
    breaks = before.isalpha() and after.isalpha() and sign not in "’–—·\u00ad"
    return breaks or sign < "\xa0" or sign in "¨¯´¸¤" or "\u2500" <= sign < "\u25a0"


def _looks_western(body: bytes) -> bool:
    """Return whether what is not ASCII stands alone between ASCII letters, as accents and quotation marks do."""
    runs = _RUN.findall(body)
    accented = sum(len(run) for run in runs)
    letters = sum(1 for byte in body if byte < 128 and chr(byte).isalpha())
    return bool(runs) and accented / len(runs) <= 1.6 and accented < letters


def _despite_damage(body: bytes) -> str | None:
    """Return the encoding of two bytes a character that most of the text is in, though a byte of it is torn.

    Such a byte makes the whole undecodable, so that only what has one byte a character is left to detection.
    """
    pieces = [line for line in body.splitlines() if not line.isascii()][:40]
    if len(pieces) < 2:
        pieces = list(_around_damage(body))
    weights: dict[str, int] = {}
    for piece in pieces:
        found = _find_likeliest(piece)
        if found in _MULTIBYTE:
            weights[found] = weights.get(found, 0) + len(piece)
    best = max(weights, key=lambda name: weights[name], default=None)
    return best if best and 2 * weights[best] > min(len(body), sum(map(len, pieces))) else None


def _around_damage(body: bytes) -> list[bytes]:
    """Return the longest piece that decodes without damage."""
    longest = b""
    for encoding in _MULTIBYTE:
        try:
            body.decode(encoding)
        except UnicodeDecodeError as error:
            longest = max(longest, body[: error.start], body[error.end :], key=len)
    return [longest] if longest else []


def _by_escapes(data: bytes, errors: str) -> str:
    """Decode ISO-2022-JP and -KR with the rows that vendors added (13, 89 to 92), which Python's codecs lack."""
    return "".join(_line_by_escapes(line, errors) for line in data.splitlines(keepends=True))


def _line_by_escapes(line: bytes, errors: str) -> str:
    pieces: list[str] = []
    kind, at = "", 0
    for match in _ESCAPE.finditer(line):
        pieces.append(_of_kind(line[at : match.start()], kind, errors))
        at = match.end()
        kind = _KINDS.get(match[1] or match[0], "")
    pieces.append(_of_kind(line[at:], kind, errors))
    return "".join(pieces)


def _of_kind(run: bytes, kind: str, errors: str) -> str:
    body = run.rstrip(b"\r\n")
    end = run[len(body) :].decode("ascii")
    if not kind:
        return body.decode("ascii" if body.isascii() else "cp1252", errors) + end
    if kind == "jis":
        return _shift_jis(body).decode("cp932", errors) + end
    high = bytes(byte | 0x80 for byte in body)
    if kind == "jis2":
        high = b"".join(b"\x8f" + high[index : index + 2] for index in range(0, len(high), 2))
    return high.decode({"jis2": "euc_jp", "gb": "gb2312", "kr": "cp949", "kana": "cp932"}[kind], errors) + end


def _shift_jis(body: bytes) -> bytes:
    """Return pairs of JIS X 0208 as Shift-JIS, whose codec of Windows has the vendors' rows (JIS X 0208, annex 1)."""
    shifted = bytearray()
    for high, low in zip(body[::2], body[1::2], strict=False):
        shifted.append(((high + 1) >> 1) + (0x70 if high < 0x5F else 0xB0))
        shifted.append(low + (0x7E if not high & 1 else 0x1F + (low >= 0x60)) & 0xFF)
    if len(body) % 2:
        shifted.append(0x81)  # Half a character: damage.
    return bytes(byte & 0xFF for byte in shifted)
