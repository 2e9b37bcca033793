"""How much a memory matters now, for ranking alone: how often it was cited, on how much it rests, how long ago."""

from __future__ import annotations

import math
import sqlite3
from datetime import datetime
from typing import Final

from memory_store.clock import from_text

# In so many days without use, what a memory matters falls to a half.
HALF_LIFE_DAYS: Final = 180.0
_USES: Final = """
SELECT y.id, y.recorded_at AS recorded_at, max(m.created_at) AS used_at, count(m.id) AS uses,
       (SELECT count(*) FROM memory_sources AS s WHERE s.memory_id = y.id) AS sources
FROM memories AS y
LEFT JOIN passages AS p ON p.memory_id = y.id
LEFT JOIN citations AS k ON k.passage_id = p.id AND k.cited = 1
LEFT JOIN messages AS m ON m.id = k.message_id
WHERE y.retired_at IS NULL
GROUP BY y.id
"""


def importance(connection: sqlite3.Connection, moment: datetime) -> dict[str, float]:
    """Return how much each living memory matters at a moment, by its id; a number above 0, of use for order alone."""
    found = {}
    for row in connection.execute(_USES):
        last = from_text(max(row["recorded_at"], row["used_at"] or ""))
        days = max(0.0, (moment - last).total_seconds() / 86400)
        weight = 1.0 + math.log2(1 + row["uses"]) + 0.5 * math.log2(1 + row["sources"])
        found[row["id"]] = weight * 0.5 ** (days / HALF_LIFE_DAYS)
    return found
