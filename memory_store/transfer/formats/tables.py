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
    for one in record.memories():
        yield _line(
            (
                one.id,
                one.kind.value,
                one.text,
                one.author.kind.value,
                one.author.name or "",
                "yes" if one.pinned else "no",
                "yes" if one.private else "no",
                to_text(one.recorded_at),
                to_text(one.valid_from) if one.valid_from else "",
                to_text(one.valid_to) if one.valid_to else "",
                one.superseded_by if one.superseded_by and record.shows(one.superseded_by) else "",
                " ".join(filter(record.shows, one.sources)),
            )
        )


def _line(cells: tuple[str, ...]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer).writerow(f"'{cell}" if cell.startswith(_LIKE_FORMULAS) else cell for cell in cells)
    return buffer.getvalue()
