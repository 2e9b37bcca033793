"""What the user called not relevant for a question is not recalled for that question again, however it is worded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from memory_store.retrieval.query import Query, understand

# The least part of the words of both questions that they share. "Where is the spare key?" and "who has the spare key"
# ask for the same; "where is the key to the cellar" does not.
SAME_QUESTION: Final = 0.6


def dismissed_for(query: Query, questions: Mapping[int, Sequence[str]], asked_at: datetime) -> frozenset[int]:
    """Return the rows of passages that were called not relevant for this question; `questions` are by row."""
    return frozenset(
        row for row, texts in questions.items() if any(_same(query, understand(text, (), asked_at)) for text in texts)
    )


def _same(query: Query, other: Query) -> bool:
    if query.text.casefold().split() == other.text.casefold().split():
        return True
    mine, theirs = set(query.terms), set(other.terms)
    return bool(mine & theirs) and len(mine & theirs) / len(mine | theirs) >= SAME_QUESTION
