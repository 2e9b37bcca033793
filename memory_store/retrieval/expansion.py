"""Expansion: what stands on both sides of a hit, for a context that has room for it."""

from __future__ import annotations

from collections.abc import Sequence

from memory_store.database import passages
from memory_store.database.connection import Database
from memory_store.models import Hit, Neighbour, RecallFilters, Surroundings


def surroundings(database: Database, hits: Sequence[Hit], filters: RecallFilters) -> dict[str, Surroundings]:
    """Return what stands right before and after each hit, by the hit's id.

    Left out is what the filters keep private or in view, and what is a hit itself. Memories stand alone.
    """
    ids = [hit.id for hit in hits]
    with database.read() as connection:
        rows = passages.rows_of(connection, ids)
        wanted = sorted({row + offset for row in rows.values() for offset in (-1, 1)} - set(rows.values()))
        beside = passages.by_rows(connection, wanted)
    found: dict[str, Surroundings] = {}
    for hit in hits:
        if hit.id in rows:
            # What stands between two hits is told once.
            sides = [beside.pop(rows[hit.id] + offset, None) for offset in (-1, 1)]
            found[hit.id] = Surroundings(_neighbour(hit, sides[0], filters), _neighbour(hit, sides[1], filters))
    return found


def _neighbour(hit: Hit, passage: passages.StoredPassage | None, filters: RecallFilters) -> Neighbour | None:
    """Return a passage if it is of the hit's source, whose passages are stored in its order, and may be shown."""
    if (
        passage is None
        or passage.source.id != hit.source.id
        or (passage.private and not filters.include_private)
        or (passage.message_id is not None and passage.message_id in filters.exclude_message_ids)
    ):
        return None
    return Neighbour(passage.text, passage.author, passage.private)
