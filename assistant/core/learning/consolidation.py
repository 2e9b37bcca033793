"""Consolidation: what says the same becomes one memory with all its sources, long conversations get a summary.

Nothing is deleted: what is merged stays as history of the memory that it became.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Final

from assistant.core.capture.classifier import SentenceClassifier
from assistant.core.capture.relating import fold_text
from assistant.core.learning.summing_up import EVERY, sum_up
from assistant.llm.roles import Models
from memory_store import Store
from memory_store.errors import StoreError
from memory_store.models import AuthorKind, Memory, Summary

# So few at once that what is drawn meanwhile doesn't stutter.
_READ_AT_ONCE: Final = 16


@dataclass(frozen=True, slots=True)
class Merged:
    """A memory, and one that said the same and is its history now."""

    memory: Memory
    duplicate: Memory


async def consolidate(store: Store, models: Models) -> AsyncGenerator[Merged | Summary, None]:
    """Look what memories are about, merge duplicates, then sum up the conversations that have grown.

    Raises ModelError where the model fails.
    """
    while await asyncio.to_thread(name_topics, store):
        pass
    for merged in await asyncio.to_thread(merge_duplicates, store):
        yield merged
    for conversation_id in await asyncio.to_thread(store.learning.summaries.find_outdated, EVERY):
        summary = await sum_up(store, models, conversation_id)
        if summary is not None:
            yield summary


def name_topics(store: Store) -> bool:
    """Look what a few memories are about of which nobody has looked: written by hand, imported, of an earlier version.

    Return whether there were any. Raises EmbeddingError.
    """
    unread = store.memories.find_unread()[:_READ_AT_ONCE]
    classifier = SentenceClassifier(store.embed_sentences)
    store.memories.set_about({memory.id: classifier.read([memory.text])[0].about.value for memory in unread})
    return bool(unread)


def merge_duplicates(store: Store) -> list[Merged]:
    """Merge living memories that say the same, word for word.

    What is pinned stays before what is not, the user's own wording before a model's, the older before the newer. A
    private memory and one that is not never become one, nor do two that were true at different times.
    """
    groups: dict[tuple[object, ...], list[Memory]] = {}
    for memory in store.memories.all():
        ended = memory.valid_to.date() if memory.valid_to else None
        groups.setdefault((fold_text(memory.text), memory.private, ended), []).append(memory)
    merged = []
    for group in groups.values():
        first, *others = sorted(
            group,
            key=lambda memory: (
                not memory.pinned,
                memory.author.kind is not AuthorKind.USER,
                memory.recorded_at,
                memory.id,
            ),
        )
        for duplicate in others:
            try:
                for ground in store.memories.grounds(duplicate.id):  # one written by hand takes none
                    store.memories.rest_on(first.id, ground.source_id, ground.quote)
                store.memories.let_supersede(duplicate.id, first.id)
            except StoreError:
                continue  # changed or erased meanwhile
            merged.append(Merged(first, duplicate))
    return merged
