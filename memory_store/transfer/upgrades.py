"""Archives of older format versions: how each of their records becomes records of the present format."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

# What a record of version 1 lacks, by table.
_ADDED_IN_2: Final[dict[str, dict[str, Any]]] = {
    "conversations": {"origin": None, "current_message_id": None, "title_message_id": None},
    "messages": {"origin": None},
    "memories": {"origin": None},
    "tombstones": {"erasure_id": None, "lifted": 0},
}


# What a record of version 3 and before lacks, by table.
_ADDED_IN_4: Final[dict[str, dict[str, Any]]] = {"conversations": {"archived": 0}, "citations": {"dismissed": 0}}

# What a record of version 4 and before lacks, by table.
_ADDED_IN_5: Final[dict[str, dict[str, Any]]] = {
    "memories": {"about": None, "retired_at": None, "why": None, "horizon": None},
    "memory_sources": {"quote": None},
}


def upgraded(version: int, table: str, record: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield (table, record) in the present format for one record of an archive of this version."""
    if version >= 5:
        yield table, record
        return
    current = {**record, **_ADDED_IN_5.get(table, {})}
    if table == "memories" and record["superseded_by"] is not None:
        current["retired_at"] = record["valid_to"] or record["recorded_at"]
    if version <= 3:
        current |= _ADDED_IN_4.get(table, {})
    if version >= 2:
        yield table, current
        return
    current |= _ADDED_IN_2.get(table, {})
    source = current.pop("source_message_id", None) if table == "memories" else None
    yield table, current
    if source is not None:
        yield (
            "memory_sources",
            {
                "memory_id": record["id"],
                "message_id": source,
                "document_id": None,
                "quote": None,
            },
        )
