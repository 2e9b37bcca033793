"""The archive format: the names of its members, and how a row is written as one line of JSON."""

from __future__ import annotations

import base64
from typing import Any, Final

from memory_store.database.tables import Table

FORMAT: Final = "keepsake-archive"
FORMAT_VERSION: Final = 6
MANIFEST: Final = "manifest.json"
SETTINGS: Final = "config.toml"  # there if the exporting program gave its settings


ORDERS: Final = frozenset({"capture_queue"})  # what waits there for a model: work, not something remembered
VECTOR_TABLES: Final = frozenset({"embedders", "embeddings"})


def encode(table: Table, row: tuple[Any, ...]) -> dict[str, Any]:
    """Return a row as a JSON object; bytes become base64."""
    return {
        name: base64.b64encode(value).decode("ascii") if table.schema[name].kind is bytes else value
        for name, value in zip(table.columns, row, strict=True)
    }


def decode(table: Table, record: dict[str, Any]) -> tuple[Any, ...]:
    """Return the row that `encode` wrote. Raises KeyError or ValueError for another shape."""
    if set(record) != set(table.columns):
        raise KeyError(", ".join(sorted(set(record) ^ set(table.columns))))
    return tuple(
        base64.b64decode(record[name], validate=True) if table.schema[name].kind is bytes else record[name]
        for name in table.columns
    )
