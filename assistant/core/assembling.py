"""Assembling: what is recalled for a question, what is known anyway, and how it all fits what the model can take."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from assistant.core import context, known
from assistant.core.attachments import SHARE, Attached, attach
from assistant.core.effort import DIALS
from assistant.core.events import NumberedSource, Recalled
from assistant.core.relevance import is_relevant, worth_quoting, worth_telling
from assistant.core.turn_settings import TurnSettings
from assistant.llm.base import Answerer
from memory_store import Store
from memory_store.asking import asks_something, is_small_talk
from memory_store.clock import now
from memory_store.models import Hit, Message, RecallFilters, Source, SourceKind

# What stands around the best of what was recalled, and around what is attached, comes along: what was said is often
# half of an exchange, while a passage of a document holds what it has to say.
_WIDENED: Final = 3
# Tokens that attachments leave for what is recalled.
_FOR_RECALL: Final = 400
# Of a request for advice the taste that should govern it is among so many in 98 of 100 cases, where 50 tastes are told
# among 300 other messages (`benchmarks/daily.py`).
_MOST_TOUCHING: Final = 36
# Where something answers, a taste may govern as well ("What shall I cook?", with recipes at hand): of what was kept
# only, and of 3 in 4 tastes that should govern; of what should not, nearly all stand below.
_MOST_BESIDE: Final = 6
_LEAST_BESIDE: Final = 0.04


@dataclass(frozen=True, slots=True)
class Assembled:
    """A context, what became of the attachments, and how much that would be in it stays here as it is private."""

    context: context.Context
    attached: Attached
    withheld: int

    def event(self) -> Recalled:
        """Return what to tell whoever shows the turn."""
        seen = self.context
        along = self.attached
        return Recalled(
            tuple(NumberedSource(number, hit, False) for number, hit in seen.numbered),
            seen.tokens,
            seen.parts,
            along.left_out,
            along.shortened,
            self.withheld,
        )


def assemble(
    store: Store,
    answerer: Answerer,
    settings: TurnSettings,
    messages: Sequence[Message],
    text: str,
    attached: Sequence[Source],
    conversation_id: str | None,
    *,
    private: bool,
    also: Sequence[str] = (),
    reserve: int = 0,
    recipe: str = "",
) -> Assembled:
    """Recall for the question, the last of the messages, and build what the model sees.

    What is to be looked for `also` shares the room for passages with the question; so many tokens are kept in
    `reserve`; `recipe` is how the user wants it answered. Private text goes only to a model
    on this machine, but for the question; to an embedder elsewhere not even that, if it is `private`.
    """
    include_private = answerer.info.is_private
    budget = answerer.info.context_tokens - settings.max_answer_tokens - reserve
    # Who only quotes sees no earlier message: what was told a moment ago is found like anything.
    in_view = context.in_view(messages, budget if answerer.reads else 0)
    filters = RecallFilters(include_private=include_private, exclude_message_ids=in_view)
    looks = settings.recall and not is_small_talk(text)
    hits, stays = (
        _recall_all(store, (text, *also), settings.passages, filters, private, answerer) if looks else ([], [])
    )
    share = max(SHARE, settings.context_share) if attached else settings.context_share
    room = int(budget * share) - _FOR_RECALL
    along = attach(store, attached, text, room=room, include_private=include_private, private=private)
    there = {hit.id for hit in along.hits}
    hits = [*along.hits, *(hit for hit in hits if hit.id not in there)][: len(there) + settings.passages]
    if not include_private:
        hits = without_private_titles(store, hits)
    # What is known is numbered behind the most that can be recalled, so that its numbers stay.
    first = max(settings.passages, len(hits)) + 1
    tells = settings.recall and answerer.reads
    told = partial(known.gather, store, settings.shares, first=first) if tells else None
    of_user = told(include_private=include_private) if told else known.Known()
    if told:
        summaries = known.summaries_of(store, hits, include_private=include_private, without=conversation_id)
        answered = any(map(is_relevant, hits))
        touching = _touching(store, text, filters, private, answered) if looks and asks_something(text) else []
        of_user = replace(of_user, summaries=summaries, touching=touching)
    # Quotations are of the passages found; only a model reads what stands around them.
    built = context.build(
        text,
        [message for message in messages[:-1] if message.text and (include_private or not message.private)],
        store.memories.get_pinned(include_private=include_private) if settings.recall else [],
        hits,
        surroundings=store.surroundings(_widened(hits, len(along.hits), settings), filters) if answerer.reads else {},
        budget=budget,
        recall_share=share,
        attached=len(along.hits),
        known=of_user,
        moment=now().astimezone(),
        rules=("to_the_point",) if settings.to_the_point else (),
        looked=settings.recall,
        recipe=recipe,
    )
    if include_private or not settings.recall:
        return Assembled(built, along, 0)
    withheld = {message.id for message in messages[:-1] if message.text and message.private}
    withheld |= {hit.source.id if hit.kind is SourceKind.MEMORY else hit.id for hit in stays if is_relevant(hit)}
    if store.privacy.holds_any():
        withheld |= {memory.id for memory in store.memories.get_pinned(include_private=True) if memory.private}
        withheld |= told(include_private=True).private() if told else set()
    return Assembled(built, along, len(withheld))


def _recall_all(
    store: Store, texts: Sequence[str], most: int, filters: RecallFilters, private: bool, answerer: Answerer
) -> tuple[list[Hit], list[Hit]]:
    """Return what is found for all of some texts, the best of each first, and what stays here as it is private."""
    found: list[list[Hit]] = []
    stays: dict[str, Hit] = {}
    for at, text in enumerate(texts):
        if filters.include_private:
            # All but the question is from a model that may have seen what is private.
            seen = at > 0 and store.privacy.holds_any()
            hits = store.recall(text, most, filters, private=private or seen)
        else:
            hits, apart = store.recall_apart(text, most, filters, private=private)
            stays.update((hit.id, hit) for hit in apart)
        found.append(worth_telling(hits) if answerer.reads else worth_quoting(hits))
    by_turns = [hit for row in itertools.zip_longest(*found) for hit in row if hit is not None]
    return list({hit.id: hit for hit in by_turns}.values())[:most], list(stays.values())


def _widened(hits: Sequence[Hit], attached: int, settings: TurnSettings) -> list[Hit]:
    """Return the hits whose surroundings come along: of documents only what is attached, and the best."""
    if DIALS[settings.effort].looks_again:
        return list(hits)
    near = hits[: attached + _WIDENED]
    return [hit for at, hit in enumerate(near) if at <= attached or hit.kind is SourceKind.CONVERSATION]


def _touching(store: Store, text: str, filters: RecallFilters, private: bool, answered: bool) -> list[Hit]:
    """Return what the user said that may hold a taste which governs a request; of what was kept, if it is answered."""
    if not answered:
        return store.recall_tastes(text, _MOST_TOUCHING, filters, private)
    kept = replace(filters, kinds=frozenset({SourceKind.MEMORY}))
    found = store.recall_tastes(text, _MOST_BESIDE, kept, private)
    return [hit for hit in found if hit.score >= _LEAST_BESIDE]


def without_private_titles(store: Store, hits: Sequence[Hit]) -> list[Hit]:
    """Leave out the titles of conversations that were taken from what is private in them."""
    hidden = store.conversations.find_private_titles()
    return [replace(hit, source=replace(hit.source, title="")) if hit.source.id in hidden else hit for hit in hits]
