"""Memories as the lines that Claude's memory import takes.

Source: support.claude.com/en/articles/12123587, which has each entry as `[date saved, if available] - memory content`.
"""

from __future__ import annotations

from collections.abc import Iterator

from memory_store.clock import now
from memory_store.transfer.record import Record


def memory_lines(record: Record) -> Iterator[str]:
    """Yield a line for each memory that holds today; one superseded, over or yet to come would be taken for true."""
    moment = now()
    for one in record.memories():
        over = one.valid_to is not None and one.valid_to <= moment
        to_come = one.valid_from is not None and one.valid_from > moment
        if one.superseded_by is None and not over and not to_come:
            yield f"[{one.recorded_at.astimezone():%Y-%m-%d}] - {' '.join(one.text.split())}\n"
