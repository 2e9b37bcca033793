"""How files are cut, and what they may ask for: the defaults of the settings stand here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

# The slowest format, a Word document, took 2 s a packed megabyte; a slow machine may take ten times as long.
_SECONDS_FOR_ANY: Final = 40.0
_SECONDS_A_MEGABYTE: Final = 4.0


@dataclass(frozen=True, slots=True)
class Cutting:
    """How long a passage is meant to be, and may be, in Latin characters."""

    target_chars: int = 900
    max_chars: int = 1400


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
