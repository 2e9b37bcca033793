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

from assistant.errors import ReadError
from assistant.ingestion.limits import Cutting as Cutting
from assistant.ingestion.limits import ReadLimits as ReadLimits
from memory_store.models import Author, Locator, PassageDraft
from memory_store.models import LeftOut as LeftOut

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


def check_size(file: SourceFile, limits: ReadLimits) -> None:
    """Raise `ReadError` if a file is empty or too large to be read at all."""
    if file.size == 0:
        raise ReadError("empty file", "There is nothing to remember in it.")
    if file.size > limits.max_file_bytes:
        raise ReadError(
            f"too large: {file.size / 1024**2:,.0f} MB, the limit is {limits.max_file_bytes / 1024**2:,.0f} MB",
            "Split it, or raise the limit in the settings.",
        )


def file_in_memory(path: str, data: bytes, modified_at: datetime, suffix: str | None = None) -> SourceFile:
    """Return a file that was inside of another one; its suffix is that of its path unless it is given."""
    own = PurePosixPath(path).suffix.lower() if suffix is None else suffix
    return SourceFile(path, lambda: BytesIO(data), len(data), own, modified_at)


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
