"""How much a memory matters now, for ranking alone: how often it was cited, on how much it rests, how long ago."""

from __future__ import annotations

import math
import sqlite3
from datetime import datetime
from typing import Final

from memory_store.clock import from_text, to_text

# In so many days without use, what a memory matters falls to a half.
HALF_LIFE_DAYS: Final = 180.0
# Of memories that were never cited and rest on one source or none, only the latest of each sort can matter most.
_LATEST: Final = 64
_USES: Final = """
WITH grounds AS (SELECT memory_id, count(*) AS sources FROM memory_sources GROUP BY memory_id),
cited AS (
    SELECT p.memory_id, count(m.id) AS uses, max(m.created_at) AS used_at
    FROM citations AS k JOIN passages AS p ON p.id = k.passage_id JOIN messages AS m ON m.id = k.message_id
    WHERE k.cited = 1 AND p.memory_id IS NOT NULL GROUP BY p.memory_id
),
sorted AS (
    SELECT y.id, y.recorded_at, coalesce(g.sources, 0) AS sources, coalesce(c.uses, 0) AS uses, c.used_at,
           row_number() OVER (
               PARTITION BY y.kind, coalesce(y.about, ''), g.sources IS NULL ORDER BY y.recorded_at DESC, y.id
           ) AS place
    FROM memories AS y LEFT JOIN grounds AS g ON g.memory_id = y.id LEFT JOIN cited AS c ON c.memory_id = y.id
    WHERE y.retired_at IS NULL AND y.pinned = 0 AND y.private <= ? AND (y.valid_to IS NULL OR y.valid_to > ?)
)
SELECT * FROM sorted WHERE place <= ? OR uses > 0 OR sources > 1
"""


def importance(connection: sqlite3.Connection, moment: datetime, *, include_private: bool) -> dict[str, float]:
    """Return how much memories matter at a moment, by their ids; a number above 0, of use for order alone.

    They are those that live, are not pinned and not over. Left out is what can't be among the first of its sort.
    """
    found = {}
    for row in connection.execute(_USES, (int(include_private), to_text(moment), _LATEST)):
        last = from_text(max(row["recorded_at"], row["used_at"] or ""))
        days = max(0.0, (moment - last).total_seconds() / 86400)
        weight = 1.0 + math.log2(1 + row["uses"]) + 0.5 * math.log2(1 + row["sources"])
        found[row["id"]] = weight * 0.5 ** (days / HALF_LIFE_DAYS)
    return found
