"""Archives of older format versions: how each of their records becomes records of the present format."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

# What records lack that were written before a version, by that version and table.
_ADDED_IN: Final[dict[int, dict[str, dict[str, Any]]]] = {
    2: {
        "conversations": {"origin": None, "current_message_id": None, "title_message_id": None},
        "messages": {"origin": None},
        "memories": {"origin": None},
        "tombstones": {"erasure_id": None, "lifted": 0},
    },
    4: {"conversations": {"archived": 0}, "citations": {"dismissed": 0}},
    5: {
        "memories": {"about": None, "retired_at": None, "why": None, "horizon": None},
        "memory_sources": {"quote": None},
    },
    6: {"documents": {"left_out": None}},
}


def upgraded(version: int, table: str, record: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield (table, record) in the present format for one record of an archive of this version."""
    current = _completed(version, table, record)
    source = current.pop("source_message_id", None) if table == "memories" else None  # only in version 1
    if table == "memories" and version < 5 and record["superseded_by"] is not None:
        current["retired_at"] = record["valid_to"] or record["recorded_at"]
    yield table, current
    if source is not None:
        sources = {"memory_id": record["id"], "message_id": source, "document_id": None}
        yield "memory_sources", _completed(version, "memory_sources", sources)


def _completed(version: int, table: str, record: dict[str, Any]) -> dict[str, Any]:
    """Return a record with what it lacks."""
    current = dict(record)
    for since, added in _ADDED_IN.items():
        if version < since:
            current |= added.get(table, {})
    return current
