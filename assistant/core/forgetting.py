"""Forgetting as a person asks for it: what holds some words, and the plan in words before it runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from memory_store.database.passages import StoredPassage
from memory_store.models import ErasurePlan
from memory_store.wording import counted

# What has to be typed for an erasure: nobody writes it alone by chance, and it is the same in every language.
ERASE_WORD: Final = "erase"
# An answer that comes sooner was under way before the question could be read.
UNREAD_SECONDS: Final = 0.5
# More than this can't be looked over before one says yes: the rest is counted.
MOST_SHOWN: Final = 200


def ids_of(found: Iterable[StoredPassage]) -> tuple[str, ...]:
    """Return what has to be erased for these passages to be gone: messages, memories, and whole documents."""
    return tuple(dict.fromkeys(one.message_id or one.source.id for one in found))


def means_erase(answer: str) -> bool:
    """Say whether an answer is the word, and nothing beside it."""
    return answer.strip().casefold() == ERASE_WORD


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
