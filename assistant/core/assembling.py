"""Assembling: what is recalled for a question, what is known anyway, and how it all fits what the model can take."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from assistant.core import context, known
from assistant.core.asking import is_capable
from assistant.core.attachments import SHARE, Attached, attach
from assistant.core.events import Recalled
from assistant.core.relevance import is_relevant, worth_quoting
from assistant.core.turn_settings import TurnSettings
from assistant.llm.base import ChatModel
from memory_store import Store
from memory_store.models import Hit, Message, RecallFilters, Source
from memory_store.retrieval.signals import is_asked

# Tokens that attachments leave for what is recalled.
_FOR_RECALL: Final = 400


@dataclass(frozen=True, slots=True)
class Assembled:
    """A context, what became of the attachments, and how many relevant passages stay here as they are private."""

    context: context.Context
    attached: Attached
    withheld: int

    def event(self) -> Recalled:
        """Return what to tell whoever shows the turn."""
        seen = self.context
        along = self.attached
        return Recalled(seen.hits, seen.tokens, seen.parts, along.left_out, along.shortened, self.withheld)


def assemble(
    store: Store,
    model: ChatModel,
    settings: TurnSettings,
    messages: Sequence[Message],
    text: str,
    attached: Sequence[Source],
    conversation_id: str | None,
) -> Assembled:
    """Recall for the question, the last of the messages, and build what the model sees.

    Private text goes only to a model on this machine.
    """
    include_private = model.is_private
    budget = model.context_tokens - settings.max_answer_tokens
    in_view = context.in_view(messages, budget)
    filters = RecallFilters(include_private=include_private, exclude_message_ids=in_view)
    hits = _recalled(store, text, settings.passages, filters)
    if model.quotes_only:
        hits = worth_quoting(hits)
    share = max(SHARE, settings.context_share) if attached else settings.context_share
    along = attach(store, attached, text, room=int(budget * share) - _FOR_RECALL, include_private=include_private)
    there = {hit.id for hit in along.hits}
    hits = [*along.hits, *(hit for hit in hits if hit.id not in there)][: len(there) + settings.passages]
    # Quotations are of the passages found; only a model reads what stands around them.
    built = context.build(
        text,
        [one for one in messages[:-1] if one.text and (include_private or not one.private)],
        store.memories.pinned(include_private=include_private),
        hits,
        surroundings={} if model.quotes_only else store.surroundings(hits, filters),
        budget=budget,
        recall_share=share,
        attached=len(along.hits),
        known=known.gather(store, settings.shares, include_private=include_private, conversation_id=conversation_id)
        if is_capable(model)
        else None,
        rules=("to_the_point",) if settings.to_the_point else (),
    )
    return Assembled(built, along, 0 if include_private else _withheld(store, text, settings.passages, in_view))


def _recalled(store: Store, text: str, most: int, filters: RecallFilters) -> list[Hit]:
    # Twice as many as are needed: what the user once asked is found easily, and answers nothing.
    recalled = store.recall(text, 2 * most, filters)
    return [hit for hit in recalled if not is_asked(hit.kind, hit.author.kind, hit.text)]


def _withheld(store: Store, text: str, most: int, in_view: frozenset[str]) -> int:
    """Return how many private passages would have been among the most relevant ones."""
    everything = _recalled(store, text, most, RecallFilters(exclude_message_ids=in_view))[:most]
    return sum(hit.private and is_relevant(hit) for hit in everything)
