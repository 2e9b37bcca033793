"""Whether a hit has anything to do with the question: for answers that are quotations, where no model judges it."""

from __future__ import annotations

from typing import Final

from memory_store.models import Hit

# Recall's relevance is a probability, fitted so that answers and unrelated passages part in its middle.
_LEAST: Final = 0.5


def is_relevant(hit: Hit) -> bool:
    """Return whether a hit is more likely than not to have to do with what was asked."""
    return hit.relevance >= _LEAST
