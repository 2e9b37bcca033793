"""Whether a hit has anything to do with the question: for answers that are quotations, where no model judges it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from memory_store.models import Hit

# Recall's relevance is a probability, fitted so that answers and unrelated passages part in its middle.
_LEAST: Final = 0.5
# What ranks so far below the best is beside the point, whatever its relevance. Scores are sums of weighted standard
# deviations; on the sample questions answers lie 6 to 11 above all else, or within 2 of it where nothing stands out.
_FAR: Final = 5.0


def is_relevant(hit: Hit) -> bool:
    """Return whether a hit is more likely than not to have to do with what was asked."""
    return hit.relevance >= _LEAST


def worth_quoting(hits: Sequence[Hit]) -> list[Hit]:
    """Return the relevant ones among hits that lie best first, without those far below the first of them."""
    relevant = [hit for hit in hits if is_relevant(hit)]
    return [hit for hit in relevant if hit.score >= relevant[0].score - _FAR]
