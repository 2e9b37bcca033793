"""Memories as one table, for a spreadsheet (CSV, RFC 4180)."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Final

from memory_store.clock import to_text
from memory_store.transfer.record import Record

COLUMNS: Final = (
    "id",
    "kind",
    "text",
    "author_kind",
    "author_name",
    "pinned",
    "private",
    "recorded_at",
    "valid_from",
    "valid_to",
    "superseded_by",
    "sources",
)
# A spreadsheet takes a cell that begins like this for a formula, which may read files or call servers.
_LIKE_FORMULAS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def csv_lines(record: Record) -> Iterator[str]:
    """Yield the table line by line, a memory each; a byte order mark lets spreadsheets see that it is UTF-8."""
    yield "\ufeff" + _line(COLUMNS)
    for memory in record.memories():
        yield _line(
            (
                memory.id,
                memory.kind.value,
                memory.text,
                memory.author.kind.value,
                memory.author.name or "",
                "yes" if memory.pinned else "no",
                "yes" if memory.private else "no",
                to_text(memory.recorded_at),
                to_text(memory.valid_from) if memory.valid_from else "",
                to_text(memory.valid_to) if memory.valid_to else "",
                memory.superseded_by if memory.superseded_by and record.shows(memory.superseded_by) else "",
                " ".join(filter(record.shows, memory.sources)),
            )
        )


def _line(cells: tuple[str, ...]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer).writerow(f"'{cell}" if cell.startswith(_LIKE_FORMULAS) else cell for cell in cells)
    return buffer.getvalue()
