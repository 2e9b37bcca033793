"""What is known about the user, on one page: what is true of them now, by its kind, each with where it is from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from memory_store import Store
from memory_store.clock import now
from memory_store.errors import NotFoundError
from memory_store.ids import DOCUMENT, prefix_of
from memory_store.models import Memory, MemoryKind

# What says most about a person comes first.
_ORDER: Final = (MemoryKind.FACT, MemoryKind.PREFERENCE, MemoryKind.GOAL, MemoryKind.EVENT, MemoryKind.NOTE)


@dataclass(frozen=True, slots=True)
class ProfileLine:
    """One memory with the titles of what it was made from; none where it was written by hand.

    `since` is when it became true, else when it was learned; `earlier` are the texts whose place it took, latest first.
    """

    memory: Memory
    sources: tuple[str, ...]
    since: datetime
    earlier: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ProfileSection:
    """The memories of one kind, the latest first, the pinned before all."""

    kind: MemoryKind
    lines: tuple[ProfileLine, ...]


def profile(store: Store, as_of: datetime | None = None) -> list[ProfileSection]:
    """Return what is known; kinds of which there is nothing are left out. Private memories are in it: it stays here.

    What is over, and what the user was not asked about yet (health, mood, what contradicts another), is no line of it.
    With a moment, an aware datetime, it is what was true then, by what is known today.
    """
    asked = {one.memory.id for one in store.learning.questions.all()}
    moment = as_of or now()
    living = [
        one
        for one in store.memories.all(as_of=as_of)
        if one.id not in asked and (one.valid_to is None or one.valid_to > moment)
    ]
    sections = []
    for kind in _ORDER:
        of_kind = sorted((one for one in living if one.kind is kind), key=lambda one: not one.pinned)
        if of_kind:
            sections.append(ProfileSection(kind, tuple(_line(store, one) for one in of_kind)))
    return sections


def _line(store: Store, memory: Memory) -> ProfileLine:
    earlier = tuple(one.text for one in store.memories.earlier(memory.id))
    return ProfileLine(memory, _titles(store, memory.sources), memory.valid_from or memory.recorded_at, earlier)


def _titles(store: Store, sources: Sequence[str]) -> tuple[str, ...]:
    titles = []
    for one in sources:
        try:
            if prefix_of(one) == DOCUMENT:
                titles.append(store.documents.get(one).title)
            else:
                titles.append(store.conversations.get(store.conversations.message(one).conversation_id).title)
        except NotFoundError:
            continue  # erased since the memory was read
    return tuple(dict.fromkeys(titles))
