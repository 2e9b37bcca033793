"""What the user said or had kept that may govern a request for advice: a taste, a diet, a limit, a plan."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from memory_store.asking import may_ask
from memory_store.database import passages
from memory_store.database.connection import Database
from memory_store.database.filters import may_be_shown
from memory_store.models import AuthorKind, Hit, RecallFilters, SourceKind
from memory_store.retrieval.candidates import VectorSide, embedded, nearest
from memory_store.retrieval.queries import LIKELY, for_tastes, small_talk_chance

_SAID_BY_USER: Final = frozenset({SourceKind.CONVERSATION, SourceKind.MEMORY})
# Models say about as much as the user, at times more; and what was kept stands in the conversation as well.
_SEARCHED: Final = 6
# What was kept is as a rule what matters, and stands before the same words in a conversation.
_KEPT: Final = 0.01


def recall_tastes(database: Database, text: str, k: int, filters: RecallFilters, side: VectorSide | None) -> list[Hit]:
    """Return up to k of the user's sentences and memories, the most likely to govern first; none for small talk.

    Their `score` is that of `for_tastes`. Nothing is known without vectors.
    """
    vector = embedded(database, side, text)
    if k <= 0 or side is None or vector is None or small_talk_chance(vector, side.identity.name) >= LIKELY:
        return []
    filters = replace(filters, kinds=filters.kinds or _SAID_BY_USER)
    found = nearest(side, for_tastes(vector, side.identity.name), _SEARCHED * k, filters)
    with database.read() as connection:
        read = passages.by_rows(connection, [item.row for item in found])
    best: dict[str, Hit] = {}
    for item in found:
        passage = read.get(item.row)
        if passage is None or passage.author.kind is not AuthorKind.USER or not may_be_shown(passage, filters):
            continue
        kept = passage.source.kind is SourceKind.MEMORY
        if kept or not may_ask(passage.text):
            hit = replace(passage.as_hit(), score=item.score + _KEPT * kept)
            if hit.text not in best or best[hit.text].score < hit.score:
                best[hit.text] = hit
    return sorted(best.values(), key=lambda hit: -hit.score)[:k]
