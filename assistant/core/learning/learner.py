"""Capture by the chat model: one waiting message after the other, proposed by the model and checked without it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import Final

from assistant.core.asking import note_sent, whole_answer
from assistant.core.capture import about
from assistant.core.capturing import alike, bare, noted_of, rival
from assistant.core.events import Noted
from assistant.core.learning import words
from assistant.core.learning.proposals import Proposal, asked, read, tokens_of
from assistant.core.learning.support import why_not_ended, why_unsupported
from assistant.core.sensitive import asks_first
from assistant.errors import ModelError
from assistant.llm.base import ChatModel, ChatRequest
from memory_store import Change, ChangeKind, NewMemory, Store
from memory_store.errors import NotFoundError
from memory_store.models import Author, AuthorKind, Memory, Message, RecallFilters, SourceKind

# A message this long is a pasted text, and hardly says who wrote it.
_MOST_CHARS: Final = 4000
_BEFORE: Final = 2
_KNOWN: Final = 8
_CHANGING: Final = frozenset(
    {"now", "moved", "new", "instead", "changed", "switched", "became", "longer", "anymore", "left", "sold", "stopped"}
    | {"不", "现", "改", "换", "搬", "新", "已"}
)


async def learn(store: Store, model: ChatModel | None) -> AsyncGenerator[Noted, None]:
    """Capture from every message that waits, the oldest first, and yield what was remembered or ended.

    It may be stopped at any moment: a message is taken from the queue with all that was captured from it. A private
    message waits for a model on this machine. Raises ModelError where the model can't be asked; then it waits on.
    """
    while model is not None:
        message = await asyncio.to_thread(store.learning.queue.next, include_private=model.info.is_private)
        if message is None:
            return
        for one in await _learn_from(store, model, message):
            yield one


async def _learn_from(store: Store, model: ChatModel, message: Message) -> list[Noted]:
    material = await asyncio.to_thread(_material, store, model, message)
    if material is None:
        await asyncio.to_thread(store.learning.queue.done, message.id)
        return []
    await note_sent(store, model.info, material.items(message))
    try:
        said = await whole_answer(model, material.request)
    except ModelError:
        await asyncio.to_thread(store.learning.queue.failed, message.id)
        raise
    proposals = read(said.text)
    if proposals is None:
        await asyncio.to_thread(store.learning.queue.failed, message.id)
        return []
    living = await asyncio.to_thread(_living, store, material.known, proposals)
    author = Author(AuthorKind.MODEL, said.model)
    found = (checked(one, message, material.known, living, author) for one in proposals)
    changes = [one for one in found if one is not None]
    return await asyncio.to_thread(_keep, store, message, changes)


@dataclass(frozen=True, slots=True)
class _Material:
    request: ChatRequest
    before: Sequence[Message]
    known: Sequence[Memory]

    def items(self, message: Message) -> tuple[str, ...]:
        return (message.id, *(one.id for one in self.before), *(one.id for one in self.known))


def _material(store: Store, model: ChatModel, message: Message) -> _Material | None:
    """Return what a model is asked about a message; None where it says nothing that could be remembered."""
    if not message.text.strip() or len(message.text) > _MOST_CHARS:
        return None
    shown = model.info.is_private
    before: list[Message] = []
    at = message
    while at.parent_id is not None and len(before) < _BEFORE:
        try:
            at = store.conversations.message(at.parent_id)
        except NotFoundError:
            break
        if shown or not at.private:
            before.insert(0, at)
    hits = store.recall(
        message.text,
        _KNOWN,
        RecallFilters(kinds=frozenset({SourceKind.MEMORY}), include_private=shown),
        private=message.private,
    )
    known = [one for hit in hits if (one := _memory(store, hit.source.id)) is not None]
    request = asked(message, before, [one.text for one in known])
    return _Material(request, before, known) if tokens_of(request) <= model.info.context_tokens else None


def _memory(store: Store, memory_id: str) -> Memory | None:
    try:
        return store.memories.get(memory_id)
    except NotFoundError:
        return None  # erased since it was recalled


def checked(
    proposal: Proposal, message: Message, known: Sequence[Memory], living: Sequence[Memory], author: Author
) -> Change | None:
    """Return the change that a proposal makes, or None: what the user did not say is not remembered.

    `known` are the memories that the model was shown, by its numbers; `living` are those that may say the same.

    The place of another memory is taken only where it is plain that the newer one makes it untrue: both are about what
    there is one of at a time, or the user says that something changed. Else the user is asked. What a document states
    is not overruled by what the user says in passing.
    """
    number = proposal.memory or 0
    other = known[number - 1] if 1 <= number <= len(known) else None
    if proposal.action == "end":
        if other is None or other.author.kind is AuthorKind.DOCUMENT:
            return None
        ends = why_not_ended(other.text, proposal.quote, message.text) is None
        return Change(ChangeKind.END, NewMemory(other.text), other.id) if ends else None
    if why_unsupported(proposal.text, proposal.quote, message.text) is not None:
        return None
    same = next((one for one in living if bare(one.text) == bare(proposal.text)), None)
    new = NewMemory(
        proposal.text.strip(),
        proposal.kind,
        author,
        private=message.private,
        sources=(message.id,),
        about=_about(proposal),
        quote=proposal.quote,
    )
    sensitive = asks_first(proposal.text)
    confirmed = same or (other if proposal.action == "confirm" else None)
    if confirmed is not None:
        return Change(ChangeKind.CONFIRM, new, confirmed.id)
    other = rival(living, new.about) or (other if proposal.action != "add" else None)
    if other is None:
        return Change(ChangeKind.ADD, new, sensitive=sensitive)
    plain = proposal.action != "contradict" and _takes_the_place(new, other, message)
    return Change(ChangeKind.SUPERSEDE if plain else ChangeKind.CONTRADICT, new, other.id, sensitive)


def _about(proposal: Proposal) -> str:
    return about(proposal.text) or " ".join(proposal.about.lower().split())


def _living(store: Store, known: Sequence[Memory], proposals: Sequence[Proposal]) -> list[Memory]:
    """Return the living memories that proposals may be about: those that were shown, and what is alike."""
    found = {one.id: one for one in store.memories.living([one.id for one in known])}
    for proposal in proposals:
        found |= {one.id: one for one in alike(store, proposal.text, [_about(proposal)])}
    return sorted(found.values(), key=lambda one: one.recorded_at, reverse=True)


def _takes_the_place(new: NewMemory, other: Memory, message: Message) -> bool:
    if other.author.kind is AuthorKind.DOCUMENT:
        return False
    if new.about and new.about == (other.about or about(other.text)):
        return True
    shared = set(words.content(words.tokens(new.text))) & set(words.content(words.tokens(other.text)))
    return bool(shared) and bool(set(words.tokens(message.text)) & _CHANGING)


def _keep(store: Store, message: Message, changes: Sequence[Change]) -> list[Noted]:
    stored = store.learning.queue.done(message.id, changes)
    store.wake()
    return noted_of(store, stored)
