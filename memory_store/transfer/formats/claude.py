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
    for memory in record.memories():
        over = memory.valid_to is not None and memory.valid_to <= moment
        to_come = memory.valid_from is not None and memory.valid_from > moment
        if memory.superseded_by is None and not over and not to_come:
            yield f"[{memory.recorded_at.astimezone():%Y-%m-%d}] - {' '.join(memory.text.split())}\n"
