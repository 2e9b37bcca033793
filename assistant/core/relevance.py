"""Whether a hit has anything to do with the question: what is quoted, and what a model is told at all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from memory_store.models import Hit

# Recall's relevance is a probability, fitted so that answers and unrelated passages part in its middle.
_LEAST: Final = 0.5
# A model judges for itself, so it is told what is less likely to answer, too. Without any evidence the chance is .166.
_LEAST_TOLD: Final = 0.17
# What ranks so far below the best is beside the point, whatever its relevance. Scores are sums of weighted standard
# deviations; on the sample questions answers lie 6 to 11 above all else, or within 2 of it where nothing stands out.
_FAR: Final = 5.0


def is_relevant(hit: Hit) -> bool:
    """Return whether a hit is more likely than not to have to do with what was asked."""
    return hit.relevance >= _LEAST


def worth_quoting(hits: Sequence[Hit]) -> list[Hit]:
    """Return the relevant ones among hits that lie best first, without those far below the first of them."""
    relevant = [hit for hit in hits if is_relevant(hit)]
    best = max((hit.score for hit in relevant), default=0.0)
    near = [hit for hit in relevant if hit.score >= best - _FAR]
    # What the user may have asked before says nothing beside what tells something.
    return [hit for hit in near if not hit.may_ask] or near


def worth_telling(hits: Sequence[Hit]) -> list[Hit]:
    """Return the hits that a model is to see: none where nothing may have to do with the question."""
    return [hit for hit in hits if hit.relevance >= _LEAST_TOLD]
