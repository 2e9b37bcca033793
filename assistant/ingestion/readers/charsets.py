"""Decodes bytes whose character encoding is declared, or has to be told from the bytes themselves."""

from __future__ import annotations

import re
from typing import Any, Final

from assistant.errors import ReadError

_SAMPLE_BYTES: Final = 65536
# What personal files are written in. Rarer encodings would win by chance on texts of a few words.
_LATIN: Final = (
    *(
        "cp1252",
        "iso8859-1",
        "cp1250",
        "iso8859-2",
        "cp1254",
        "iso8859-9",
        "cp1257",
        "iso8859-13",
        "cp1258",
        "mac-roman",
    ),
    *("cp850", "cp437", "cp852", "iso8859-15"),
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


def detect_encoding(sample: bytes) -> str:
    """Return the likeliest encoding of bytes that are not UTF-8. Raise `ReadError` if none fits."""
    body = sample[:_SAMPLE_BYTES]
    if is_iso2022(body):
        return ISO2022
    found = _likeliest(body)
    if found in _OTHER_SCRIPTS and _looks_western(body):
        found = _likeliest(body, _LATIN)  # No word of those scripts is a single letter between Latin ones.
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
    as_utf8 = _fitting(data, "utf-8")
    if as_utf8 is not None and declared != "utf-7" and (declared not in _MULTIBYTE or not data.isascii()):
        wide = sum(character > "\x7f" for character in as_utf8)
        # Two characters of Chinese may be one of UTF-8 by chance; hardly ever are three.
        if declared not in _MULTIBYTE or wide >= 3:
            return as_utf8 if declared != "hz" else data.decode("hz", "replace")
    western = declared == "cp1252"  # What many programs declare whatever they write.
    if declared is not None and (text := _fitting(data, declared)) is not None:
        if not western or _looks_western(data) or (found := _likeliest(data)) not in _MULTIBYTE:
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


def _fitting(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except (UnicodeError, LookupError):
        return None  # A wrong declaration; the next guess follows.


def _likeliest(body: bytes, candidates: tuple[str, ...] = _CANDIDATES) -> str | None:
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
        found = _likeliest(piece)
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
