"""Expansion: what stands on both sides of a hit, for a context that has room for it."""

from __future__ import annotations

from collections.abc import Sequence

from memory_store.database import passages
from memory_store.database.connection import Database
from memory_store.database.filters import may_be_shown
from memory_store.models import Hit, Neighbour, RecallFilters, Surroundings
from memory_store.retrieval.pool import AROUND


def surroundings(database: Database, hits: Sequence[Hit], filters: RecallFilters) -> dict[str, Surroundings]:
    """Return what stands right before and after each hit, by the hit's id.

    Left out is what the filters keep private or in view, and what is a hit itself. Memories stand alone.
    """
    ids = [hit.id for hit in hits]
    with database.read() as connection:
        rows = passages.rows_of(connection, ids)
        wanted = sorted({row + offset for row in rows.values() for offset in AROUND} - set(rows.values()))
        beside = passages.by_rows(connection, wanted)
    found: dict[str, Surroundings] = {}
    for hit in hits:
        if hit.id in rows:
            # What stands between two hits is told once.
            sides = [_nearest(hit, rows[hit.id], step, beside) for step in (-1, 1)]
            found[hit.id] = Surroundings(_shown(sides[0], filters), _shown(sides[1], filters))
    return found


def _nearest(hit: Hit, row: int, step: int, beside: dict[int, passages.StoredPassage]) -> passages.StoredPassage | None:
    """Take what stands next to a hit out of what was read; a memory may have been stored between two messages."""
    for distance in (1, 2):
        passage = beside.get(row + step * distance)
        if passage is not None and passage.source.id == hit.source.id:
            return beside.pop(row + step * distance)
    return None


def _shown(passage: passages.StoredPassage | None, filters: RecallFilters) -> Neighbour | None:
    """Return a passage as a neighbour if it may be shown."""
    if passage is None or not may_be_shown(passage, filters):
        return None
    return Neighbour(passage.id, passage.text, passage.author, passage.private)
