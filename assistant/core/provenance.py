"""Where something that is remembered comes from, followed from one thing to the next down to the original words."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from assistant.core.places import label_of
from assistant.core.recipes.using import recipes_behind
from memory_store import Store, ids
from memory_store.errors import NotFoundError
from memory_store.models import Author, AuthorKind, Memory, Message, Role, SourceKind

# The id of what something rests on, how it bears on that, and the words of it that count.
_Below = Iterator[tuple[str, str, str | None]]
_Read = tuple["Origin", _Below]
# A chain this long is a circle of answers that cite each other's conversations.
_DEEPEST: Final = 12


@dataclass(frozen=True, slots=True)
class Origin:
    """One thing on the way to the original words: who said or wrote it, when, and where.

    `relation` says how it bears on what it stands under: `rests on`, `in place of`, `cites`. `quote` are the words of
    it that count there. `place` names the file, the conversation, or the export of another assistant. What has no
    `origins` is where the words come from; one that was erased since has no author.
    """

    id: str
    kind: str
    relation: str
    text: str
    author: Author | None
    at: datetime | None
    place: str = ""
    quote: str | None = None
    origins: tuple[Origin, ...] = ()


def provenance(store: Store, identifier: str, *, whole: bool = True) -> Origin:
    """Return where anything that is remembered comes from, a card or recipe too; not `whole`: one step only.

    Raises NotFoundError.
    """
    return _read(store, identifier, "", None, 0 if whole else _DEEPEST - 1, frozenset())


def _read(store: Store, identifier: str, relation: str, quote: str | None, depth: int, above: frozenset[str]) -> Origin:
    kinds: dict[str | None, Callable[[Store, str], _Read]] = {
        ids.MEMORY: _memory,
        ids.MESSAGE: _message,
        ids.DOCUMENT: _document,
        ids.CONVERSATION: _conversation,
        ids.PASSAGE: _passage,
        ids.CARD: _card,
        ids.RECIPE: _recipe,
    }
    read = kinds.get(ids.prefix_of(identifier))
    if read is None:
        raise NotFoundError(f"{identifier} is nothing that has an origin.", "Name a memory, message or document.")
    own, below = read(store, identifier)
    origins = []
    for other, how, words in below if depth < _DEEPEST else ():
        if other in above or other == identifier:
            continue
        try:
            origins.append(_read(store, other, how, words, depth + 1, above | {identifier}))
        except NotFoundError:
            origins.append(Origin(other, "erased", how, "", None, None, quote=words))
    return Origin(own.id, own.kind, relation, own.text, own.author, own.at, own.place, quote, tuple(origins))


def _memory(store: Store, identifier: str) -> _Read:
    memory = store.memories.get(identifier)

    def below() -> _Below:
        for ground in store.memories.grounds(memory.id):
            yield ground.source_id, "rests on", ground.quote
        for earlier in _just_before(store, memory):
            yield earlier.id, "in place of", None

    place = f"imported as {memory.origin}" if memory.origin else "" if memory.sources else "written by hand"
    return Origin(memory.id, "memory", "", memory.text, memory.author, memory.recorded_at, place), below()


def _just_before(store: Store, memory: Memory) -> list[Memory]:
    return [item for item in store.memories.get_earlier(memory.id) if item.superseded_by == memory.id]


def _message(store: Store, identifier: str) -> _Read:
    message = store.conversations.message(identifier)
    conversation = store.conversations.get(message.conversation_id)
    place = f"conversation “{conversation.title}” {conversation.id}"
    for name in recipes_behind(store, message.id) if message.role is Role.ASSISTANT else ():
        place += f", by the recipe {name}"
    if message.origin or conversation.origin:
        place += f", imported as {message.origin or conversation.origin}"
    return Origin(message.id, "message", "", message.text, message.author, message.created_at, place), _cited(
        store, message
    )


def _cited(store: Store, message: Message) -> _Below:
    if message.role is not Role.ASSISTANT:
        return
    for citation in store.conversations.citations(message.id):
        if citation.cited:
            yield citation.passage_id or "", f"cites [{citation.number}]", None


def _passage(store: Store, identifier: str) -> _Read:
    if not identifier:
        raise NotFoundError("It was erased since.")
    found = store.passage(identifier)
    source = found.source.id
    if found.source.kind is SourceKind.CONVERSATION and found.message_id:
        source = found.message_id

    def below() -> _Below:
        yield source, "part of", None

    label = label_of(found.locator)
    return Origin(found.id, "passage", "", found.text, found.author, found.created_at, label), below()


def _card(store: Store, identifier: str) -> _Read:
    card = store.cards.get(identifier)

    def below() -> _Below:
        yield card.passage_id, "rests on", card.quote

    return Origin(card.id, "card", "", f"{card.question}\n{card.answer}", card.author, card.made_at), below()


def _recipe(store: Store, identifier: str) -> _Read:
    recipe = store.recipes.get(identifier)

    def below() -> _Below:
        if recipe.conversation_id is not None:
            yield recipe.conversation_id, "made from", None

    author = Author(AuthorKind.USER)  # who kept it has read and changed it
    return Origin(recipe.id, "recipe", "", f"{recipe.name}\n{recipe.skill}", author, recipe.made_at), below()


def _document(store: Store, identifier: str) -> _Read:
    document = store.documents.get(identifier)
    place = f"{document.path}, SHA-256 {document.content_hash}, imported {document.imported_at:%Y-%m-%d}"
    return Origin(document.id, "document", "", document.title, document.author, document.created_at, place), iter(())


def _conversation(store: Store, identifier: str) -> _Read:
    conversation = store.conversations.get(identifier)
    place = f"imported as {conversation.origin}" if conversation.origin else "held here"
    messages = store.conversations.messages(identifier)
    below = ((message.id, "holds", None) for message in messages)
    return Origin(conversation.id, "conversation", "", conversation.title, None, conversation.created_at, place), below
