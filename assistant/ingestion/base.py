"""What ingestion passes along: a file to read, the limits it is read under, and the blocks of text it holds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import PurePosixPath
from typing import BinaryIO, Protocol

from memory_store.models import Author, Locator


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
    """A file as text. `blocks` can be consumed once and may raise `ReadError` while it is being consumed."""

    title: str
    media_type: str
    blocks: Iterator[Block]
    author: str | None = None
    created_at: datetime | None = None


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

    @property
    def stem(self) -> str:
        """Return the file's name without folder and suffix: the title of a document that names none itself."""
        return PurePosixPath(self.path).stem or self.path


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
    max_seconds: float = 120.0
    """For one file that is parsed in a process of its own; that process gets so much memory."""
    max_memory_bytes: int = 2 * 1024 * 1024 * 1024


class Reader(Protocol):
    """Turns the files of one format into blocks."""

    @property
    def media_type(self) -> str:
        """The format's media type, such as `text/markdown`."""
        ...

    @property
    def suffixes(self) -> tuple[str, ...]:
        """The suffixes of the format's files, in lower case with their dot."""
        ...

    def read(self, file: SourceFile, limits: ReadLimits) -> ReadDocument:
        """Return the file as text. Raise `ReadError`, now or while the blocks are consumed, if that can't be."""
        ...
