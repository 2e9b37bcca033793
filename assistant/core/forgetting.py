"""Forgetting as a person asks for it: everything that holds some words, and the plan in words before it runs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from memory_store import Store
from memory_store.database.fulltext import query_terms
from memory_store.models import ErasurePlan, Hit, SourceKind
from memory_store.wording import counted

# More than this can't be looked over before one says yes.
MOST_MATCHING: Final = 200


def matching(store: Store, words: str) -> list[Hit]:
    """Return the passages that hold all of these words, the best first, `MOST_MATCHING` at most."""
    wanted = {term.removesuffix("*") for term in query_terms(words)}
    hits = store.recall(words, MOST_MATCHING) if wanted else []
    return [hit for hit in hits if all(any(term in word for word in hit.matched) for term in wanted)]


def ids_of(hits: Sequence[Hit]) -> tuple[str, ...]:
    """Return what has to be erased for these passages to be gone: messages, memories, and whole documents."""
    return tuple(
        dict.fromkeys(
            hit.message_id if hit.kind is SourceKind.CONVERSATION and hit.message_id else hit.source.id for hit in hits
        )
    )


def plan_lines(plan: ErasurePlan) -> Iterator[str]:
    """Yield what else a person should know before saying yes: what stays, and what a service elsewhere has had."""
    if plan.staying:
        yield f"Stays: {counted(plan.staying)}."
    if plan.backups:
        yield f"Stays in {len(plan.backups)} of your backups, unless you choose otherwise: {', '.join(plan.backups)}."
    for sent in plan.sent:
        yield (
            f"Was sent before, and can't be called back: {sent.items} of it to {sent.endpoint} ({sent.model}), "
            f"last on {sent.last.astimezone():%Y-%m-%d}."
        )
