"""What the types of an archive's columns don't say: times that are times, places that are places, no circles."""

from __future__ import annotations

import base64
import json
import re
import sqlite3
from collections.abc import Callable
from dataclasses import astuple
from typing import Any, Final

import numpy as np

from memory_store import ids, receipts
from memory_store.clock import from_text
from memory_store.database import tables
from memory_store.database.rows import left_out_from_json, locator_from_json
from memory_store.errors import ArchiveError

_TIMES: Final = frozenset({"valid_from", "valid_to", "not_before"})
_MOST: Final = 1 << 63
_MOST_DIMENSIONS: Final = 65_536
_LENGTH_TOLERANCE: Final = 0.05
_ID: Final = re.compile(rf"(?:{'|'.join(ids.PREFIXES)})_[0-9a-z]{{1,64}}")


def check_record(table: str, record: dict[str, Any]) -> None:
    """Raise ValueError, TypeError or KeyError for a value that could be stored but not be read again.

    SQLite would make a text of a number, and the other way round.
    """
    columns = tables.BY_NAME[table].schema
    for name, value in record.items():
        if value is None:
            continue
        if (column := columns.get(name)) is not None and column.kind is int:
            if type(value) is not int or not -_MOST < value < _MOST:
                raise ValueError(f"{name} is no whole number")
        elif not isinstance(value, str):
            raise TypeError(f"{name} is no text")
        else:
            value.encode("utf-8")  # half of a surrogate pair can't be stored
            if name == "id" or name.endswith("_id"):
                check_id(value)
            if name.endswith("_at") or name in _TIMES:
                from_text(value)
            elif name in _PARSED:
                _PARSED[name](value)
    if table == "embedders" and not 1 <= record["dimension"] <= _MOST_DIMENSIONS:
        raise ValueError("dimension is not one that an embedder has")
    if table == "embeddings":
        _check_vector(record["vector"])
    if table == "erasures" and record["completed_at"] is None:
        raise ValueError("an erasure that is not complete would be carried out here")
    if table == "capture_queue" and record["attempts"] < 0:
        raise ValueError("attempts are counted from zero")


def _check_vector(encoded: str) -> None:
    """Raise ValueError for a vector that is no direction: not finite, or so long that it would outweigh all others."""
    raw = base64.b64decode(encoded, validate=True)
    if len(raw) % 4 or len(raw) > 4 * _MOST_DIMENSIONS:
        raise ValueError("a vector is none of float32")
    length = float(np.linalg.norm(np.frombuffer(raw, dtype="<f4").astype(np.float64)))
    if not np.isfinite(length) or (length != 0 and abs(length - 1) > _LENGTH_TOLERANCE):
        raise ValueError("a vector is not finite, or not of unit length")


def check_id(value: str) -> None:
    """Raise ValueError for what can't be an id of ours: ids become parts of file names and of links."""
    if not _ID.fullmatch(value):
        raise ValueError("an id is none of ours")


def _check_counts(text: str) -> None:
    if not all(isinstance(load, int) for load in json.loads(text).values()):
        raise ValueError("counts are no numbers")


def _check_left_out(text: str) -> None:
    if not all(isinstance(item, str) for part in left_out_from_json(text) for item in astuple(part)):
        raise ValueError("what was left out is no text")


_PARSED: Final[dict[str, Callable[[str], object]]] = {
    "locator": locator_from_json,
    "receipt": receipts.parse_receipt,
    "counts": _check_counts,
    "left_out": _check_left_out,
}


def check_chains(connection: sqlite3.Connection) -> None:
    """Raise ArchiveError if messages answer, or memories supersede, each other in a circle."""
    chains = [
        (table.name, name) for table in tables.ARCHIVED for name, to in table.references().items() if to == table.name
    ]
    for table, column in chains:
        reached, total = connection.execute(
            f"WITH RECURSIVE reached (id) AS (SELECT id FROM {table} WHERE {column} IS NULL UNION "
            f"SELECT later.id FROM {table} AS later JOIN reached ON later.{column} = reached.id) "
            f"SELECT (SELECT count(*) FROM reached), (SELECT count(*) FROM {table})"
        ).fetchone()
        if reached != total:
            raise ArchiveError(f"Some {table} of the archive lead to each other in a circle.", "Nothing was changed.")
