"""What ingestion passes along: a file to read, the limits it is read under, and the blocks of text it holds."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from io import BytesIO
from pathlib import PurePosixPath
from typing import BinaryIO, Final

from memory_store.models import Author, Locator, PassageDraft
from memory_store.models import LeftOut as LeftOut

# The slowest format, a Word document, took 2 s a packed megabyte; a slow machine may take ten times as long.
_SECONDS_FOR_ANY: Final = 40.0
_SECONDS_A_MEGABYTE: Final = 4.0


_OF_NOTION: Final = re.compile(r" [0-9a-f]{32}(?:_all)?$")
# What UTF-8, and so SQLite, can't hold; a JSON escape or a broken converter can bring it.
_UNSTORABLE = re.compile("[\ud800-\udfff]")


class BlockKind(StrEnum):
    """What a block is in its document; chunking keeps code and table rows whole where it can."""

    HEADING = "heading"
    PARAGRAPH = "paragraph"
    LIST = "list"
    CODE = "code"
    TABLE = "table"
    QUOTE = "quote"


@dataclass(frozen=True, slots=True)
class Block:
    """One piece of a document's own text and where it stands; a heading's locator includes the heading itself.

    The text is the document's, never escaped or shortened; NUL alone is removed, since SQLite's text ends there.
    """

    text: str
    locator: Locator
    kind: BlockKind
    author: Author | None = None
    created_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ReadDocument:
    """A file as text. `blocks` can be consumed once and may raise `ReadError` while it is being consumed.

    Without a title of its own it has the file's name, without a media type that of its reader.
    `left_out` and `attached` grow until the blocks are consumed; the files of a mailbox are taken away as it is read.
    """

    blocks: Iterator[Block]
    title: str = ""
    author: str | None = None
    created_at: datetime | None = None
    media_type: str = ""
    left_out: list[LeftOut] = field(default_factory=list)
    attached: list[SourceFile] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Cutting:
    """How long a passage is meant to be, and may be, in Latin characters."""

    target_chars: int = 900
    max_chars: int = 1400


@dataclass(frozen=True, slots=True)
class ReadFile:
    """A file as the passages it is stored as, and what of it could not be read."""

    title: str
    media_type: str
    author: str | None
    created_at: datetime | None
    passages: tuple[PassageDraft, ...]
    left_out: tuple[LeftOut, ...]
    attached: tuple[SourceFile, ...] = ()


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file, or a member of a zip, that can be opened any number of times.

    `path` is for people and for the record: absolute, with `!/` before a member of a zip. `size` is in bytes,
    `suffix` is in lower case with its dot, or empty.
    """

    path: str
    open: Callable[[], BinaryIO]
    size: int
    suffix: str
    modified_at: datetime
    left_out: list[LeftOut] = field(default_factory=list, compare=False)
    """Which of its parts could not be read, or are damaged, as far as it was read."""
    attached: list[SourceFile] = field(default_factory=list, compare=False)
    """Files that were found inside of it, such as those of a mail."""

    def note(self, part: str, reason: str, hint: str) -> None:
        """Say that a part of it can't be read, or not as it should be."""
        self.left_out.append(LeftOut(part, reason, hint))

    @property
    def stem(self) -> str:
        """Return the file's name without folder and suffix: the title of a document that names none itself.

        Notion adds 32 hexadecimal digits to the name of a page.
        """
        stem = PurePosixPath(self.path).stem
        return _OF_NOTION.sub("", stem) or stem or self.path


def file_in_memory(path: str, data: bytes, modified_at: datetime, suffix: str | None = None) -> SourceFile:
    """Return a file that was inside of another one; its suffix is that of its path unless it is given."""
    own = PurePosixPath(path).suffix.lower() if suffix is None else suffix
    return SourceFile(path, lambda: BytesIO(data), len(data), own, modified_at)


@dataclass(frozen=True, slots=True)
class ReadLimits:
    """What a file may ask for before it is reported instead of read. Bytes for files, characters for text."""

    max_file_bytes: int = 200 * 1024 * 1024
    max_markup_bytes: int = 32 * 1024 * 1024
    """HTML, and each XML part of a DOCX or EPUB: parsed as a whole, into a tree of about ten times its size."""
    max_text_chars: int = 50_000_000
    max_line_chars: int = 1_000_000
    max_members: int = 10_000
    max_decompressed_bytes: int = 1024 * 1024 * 1024
    max_ratio: int = 200
    """How many bytes one compressed byte may become; text rarely exceeds 20, a bomb starts at about 1,000."""
    max_nesting: int = 2
    max_passages: int = 250_000
    """How many one file may become: text of the allowed length makes about 60,000, many small mails make more."""
    max_seconds: float = 120.0
    """For one file, or one conversation of an export; a small file gets less, see `seconds_for`."""
    max_memory_bytes: int = 2 * 1024 * 1024 * 1024
    """For the process that reads."""

    def seconds_for(self, size: int) -> float:
        """Return how long a file of so many bytes may take: what is small and slow is hostile rather than long."""
        return min(self.max_seconds, _SECONDS_FOR_ANY + _SECONDS_A_MEGABYTE * size / 1024**2)


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """How an import is to be done. `again` brings forgotten files back and reads unchanged ones anew."""

    private: bool = False
    again: bool = False
    cutting: Cutting = field(default_factory=Cutting)
    limits: ReadLimits = field(default_factory=ReadLimits)


FileProgress = Callable[[str, int, int], None]
"""Takes a path, a number and a total."""


@dataclass(frozen=True, slots=True)
class Reader:
    """Turns the files of one format into blocks; `docs/formats.md` has a row for each.

    Suffixes are in lower case with their dot. `read` raises `ReadError`, at once or while the blocks are consumed.
    """

    media_type: str
    suffixes: tuple[str, ...]
    read: Callable[[SourceFile, ReadLimits], ReadDocument]


def make_storable(text: str) -> str:
    """Return `text` without NUL, where SQLite's text ends, and with a sign in place of each half character."""
    if "\x00" in text:
        text = text.replace("\x00", "")
    return _UNSTORABLE.sub("\ufffd", text) if _UNSTORABLE.search(text) else text
