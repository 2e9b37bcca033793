"""Tells what a file really is from its first bytes, for when its suffix is missing or wrong."""

from __future__ import annotations

import codecs
import re

HEAD_BYTES = 8192

ZIP = b"PK\x03\x04"
EMPTY_ZIP = b"PK\x05\x06"
PDF = b"%PDF-"
RTF = b"{\\rtf"
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
OLD_OFFICE = "an old Office file"

_PICTURES = (b"\x89PNG\r\n", b"\xff\xd8\xff", b"II*\x00", b"MM\x00*")
_HEIF = (b"heic", b"heix", b"heim", b"heis", b"mif1", b"msf1")

# Formats that are known not to be text, in the words of a message. The first match wins.
_BINARY_MAGIC: tuple[tuple[bytes | tuple[bytes, ...], str], ...] = (
    (b"\x89PNG\r\n", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    ((b"GIF87a", b"GIF89a"), "a GIF image"),
    ((b"II*\x00", b"MM\x00*"), "a TIFF image"),
    ((b"RIFF", b"OggS", b"ID3", b"fLaC"), "a media file"),
    (b"\x1aE\xdf\xa3", "a video"),
    ((b"\x7fELF", b"MZ\x90", b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe"), "a program"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"BZh9", "a bzip2 archive"),
    (b"\xfd7zXZ\x00", "an xz archive"),
    (b"SQLite format 3\x00", "an SQLite database"),
    (OLE, OLD_OFFICE),
)
_BOMS = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_BE)
_WIDE = ("utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be")
# Tab, line feed, form feed, carriage return, backspace and escape occur in text; the other control bytes rarely do.
_CONTROL = bytes(set(range(32)) - {0, 8, 9, 10, 12, 13, 27}) + b"\x7f"
# Each comment is taken once and whole: a `.*?` that may try again tries every way to part a row of comments.
_HTML_HEAD = re.compile(
    rb"\s*+(?:(?><!--.*?-->)\s*+)*+(?:<\?xml[^>]*>\s*)?(?:<!doctype html|<html[\s>])", re.IGNORECASE | re.DOTALL
)
_MBOX_HEAD = re.compile(rb"From \S.*+\r?\n([!-9;-~]++:.*\r?\n)")


def is_picture(head: bytes) -> bool:
    """Return whether `head` begins a picture whose text may be recognised."""
    return (
        head.startswith(_PICTURES)
        or (head.startswith(b"RIFF") and head[8:12] == b"WEBP")
        or (head[4:8] == b"ftyp" and head[8:12] in _HEIF)
    )


def binary_kind(head: bytes) -> str | None:
    """Return in words what sort of binary `head` begins, or None if it may be text."""
    for magic, words in _BINARY_MAGIC:
        if head.startswith(magic):
            return words
    if head[4:8] == b"ftyp":
        return "a video or photo"
    if head.startswith(_BOMS) or wide_encoding(head):
        return None
    if b"\x1b$)C" in head:  # ISO-2022-KR shifts in and out of Korean with two more of them.
        head = head.translate(None, b"\x0e\x0f")
    zeros, controls = head.count(0), len(head) - len(head.translate(None, _CONTROL))
    # A program that writes text may leave a zero byte or two in it, and nothing else that is no text.
    if zeros * 20 > len(head) or (zeros and controls) or controls > len(head) // 10:
        return "a binary file"
    return None


def is_tar(head: bytes) -> bool:
    """Return whether `head` opens a tar archive (POSIX.1-1988, ustar)."""
    return head[257:262] == b"ustar"


def wide_encoding(head: bytes) -> str | None:
    """Return `utf-16-le`, `utf-32-be` or the like if a head without byte order mark reads as such, else None.

    Text has line feeds or spaces, which hold a zero byte; read in the wrong order they are no characters at all.
    """
    if b"\x00" not in head or len(head) < 4 or (len(head) % 2 and len(head) < HEAD_BYTES):
        return None
    whole = head[: len(head) // 2 * 2]
    readable = {encoding: _readable_share(whole, encoding) for encoding in _WIDE}
    best = max(readable, key=lambda encoding: readable[encoding])
    return best if readable[best] >= 0.98 else None


def _readable_share(data: bytes, encoding: str) -> float:
    # The head may end inside a surrogate pair, so an incomplete end is no error.
    try:
        text = codecs.getincrementaldecoder(encoding)().decode(data)
    except UnicodeDecodeError:
        return 0.0
    spaces = sum(character.isspace() for character in text)
    if "\x00" in text or spaces * 500 < len(text):
        return 0.0
    return (spaces + sum(character.isprintable() and character != " " for character in text)) / len(text)


def looks_like_html(head: bytes) -> bool:
    """Return whether `head` opens an HTML page."""
    return _HTML_HEAD.match(head.removeprefix(codecs.BOM_UTF8)) is not None


def text_suffix(head: bytes) -> str:
    """Return the suffix of what a text without a known one is by its beginning: a page, a calendar, contacts, mails."""
    opening = head.removeprefix(codecs.BOM_UTF8).lstrip()[:16].upper()
    if looks_like_html(head):
        return ".html"
    if opening.startswith(b"BEGIN:VCALENDAR"):
        return ".ics"
    if opening.startswith(b"BEGIN:VCARD"):
        return ".vcf"
    return ".mbox" if _MBOX_HEAD.match(head) else ".txt"
