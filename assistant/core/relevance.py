"""Whether a hit has anything to do with the question: for answers that are quotations, where no model judges it."""

from __future__ import annotations

import re
from typing import Final

from memory_store.database.fulltext import query_terms
from memory_store.models import Hit

# Cosines of multilingual-e5-small between a question and a passage that answers it lie above .81 (Chinese: .85) on
# the questions it was tried on; those of unrelated pairs below.
_NEAR: Final = 0.81
_NEAR_CJK: Final = 0.85
_CJK: Final = re.compile("[\u3041-\u30ff\u3400-\u9fff\uac00-\ud7a3]")


def is_relevant(question: str, hit: Hit) -> bool:
    """Return whether enough of the question's words stand in the hit, or its meaning is near enough."""
    terms = query_terms(question)
    matched = max((len(reason.words) for reason in hit.reasons), default=0)
    if matched >= 2 or (terms and matched * 2 >= len(terms)):
        return True
    near = _NEAR_CJK if _CJK.search(question) else _NEAR
    return any(not reason.words and reason.score >= near for reason in hit.reasons if reason.list_name == "meaning")
