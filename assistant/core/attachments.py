"""What the user attaches to a message: passages of a document, a chat or a memory, before anything that is recalled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from assistant.core.framing import estimate_tokens
from memory_store import Store
from memory_store.models import Hit, RecallFilters, Source

# The part of the window that attachments and what is recalled may take together: who attaches wants them read.
SHARE: Final = 0.75
_FRAME_TOKENS: Final = 40  # the line above a source that says where it is from, about
_MOST_RANKED: Final = 200


@dataclass(frozen=True, slots=True)
class Attached:
    """What of the attachments goes along, in reading order; titles of what stays here, as it is private; and of what
    goes along only in part, as there is no room for all of it."""

    hits: tuple[Hit, ...] = ()
    left_out: tuple[str, ...] = ()
    shortened: tuple[str, ...] = ()


def attach(
    store: Store, sources: Sequence[Source], question: str, *, room: int, include_private: bool, private: bool = False
) -> Attached:
    """Take the attached sources in their order into so many tokens; of one that is too long, what fits the question.

    A source that was erased meanwhile has no passages, and is left out as if it had not been attached.
    `private` says that the question is.
    """
    taken: list[Hit] = []
    left_out: list[str] = []
    shortened: list[str] = []
    for source in sources:
        passages = [passage.as_hit() for passage in store.passages_in(source)]
        open_ones = [passage for passage in passages if include_private or not passage.private]
        if len(open_ones) < len(passages):
            left_out.append(source.title)
        kept = _fitting(store, source, open_ones, question, room, private)
        if len(kept) < len(open_ones):
            shortened.append(source.title)
        room -= sum(_tokens(hit) for hit in kept)
        taken += kept
    return Attached(tuple(taken), tuple(left_out), tuple(shortened))


def _fitting(
    store: Store, source: Source, passages: Sequence[Hit], question: str, room: int, private: bool
) -> list[Hit]:
    if sum(_tokens(passage) for passage in passages) <= room:
        return list(passages)
    filters = RecallFilters(source_ids=frozenset((source.id,)))
    found = store.recall(question, _MOST_RANKED, filters, private=private)
    ranked = {hit.id: place for place, hit in enumerate(found)}
    places = {passage.id: place for place, passage in enumerate(passages)}
    kept: list[Hit] = []
    for passage in sorted(passages, key=lambda passage: (ranked.get(passage.id, len(ranked)), places[passage.id])):
        if _tokens(passage) <= room:
            room -= _tokens(passage)
            kept.append(passage)
    return sorted(kept, key=lambda hit: places[hit.id])


def _tokens(hit: Hit) -> int:
    return estimate_tokens(hit.text) + _FRAME_TOKENS
