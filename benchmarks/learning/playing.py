"""Plays dialogues: the rules read each turn of the user in a fresh store; a model's proposals are checked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from assistant.core.capturing import remember_statements
from assistant.core.events import Captured
from assistant.core.learning.learner import checked
from benchmarks.learning.dialogue_set import Dialogue, ScriptedProposal, Turn
from benchmarks.learning.scoring import Outcome
from memory_store import Store
from memory_store.embedding.base import Embedder
from memory_store.models import USER, Author, AuthorKind, Memory, Message, RecallFilters, Role, SourceKind

_MODEL: Final = Author(AuthorKind.MODEL, "scripted")
_MEMORIES: Final = RecallFilters(kinds=frozenset({SourceKind.MEMORY}))


def play(dialogue: Dialogue, embedder: Embedder | None) -> Outcome:
    """Play one dialogue; without an embedder the first recalled is found by its words alone."""
    captured: list[str] = []
    with TemporaryDirectory() as folder, Store.open(Path(folder), embedder if dialogue.question else None) as store:
        said = say(store, dialogue)
        for message in said:
            noted = remember_statements(store, message, private=False)
            captured += [one.memory.text for one in noted if isinstance(one, Captured)]
        living = tuple(one.text for one in store.memories.all())
        first = _first_recalled(store, dialogue.question, with_vectors=embedder is not None)
        known = [store.remember(text) for text in dialogue.known]
        kept_honest = _kept(dialogue.honest, said[-1], known)
        kept_invented = _kept(dialogue.invented, said[-1], known)
    return Outcome(dialogue, tuple(captured), living, first, kept_honest, kept_invented)


def say(store: Store, dialogue: Dialogue) -> list[Message]:
    """Store what is said, a conversation a day, at its own time; return the messages of the user."""
    said: list[Message] = []
    conversation = last = None
    day = None
    for turn, moment in dialogue.moments():
        if conversation is None or turn.day != day:
            conversation, last, day = store.conversations.start("Talk", created_at=moment), None, turn.day
        message = store.conversations.append(
            conversation.id, turn.role, turn.text, _author(turn), parent_id=last, created_at=moment
        )
        last = message.id
        if turn.role is Role.USER:
            said.append(message)
    return said


def _author(turn: Turn) -> Author:
    return USER if turn.role is Role.USER else _MODEL


def _first_recalled(store: Store, question: str, *, with_vectors: bool) -> str | None:
    if not question:
        return None
    if with_vectors:
        store.embed_pending()
    hits = store.recall(question, 1, _MEMORIES)
    return hits[0].text if hits else None


def _kept(
    proposals: Iterable[ScriptedProposal], message: Message, known: Sequence[Memory]
) -> tuple[ScriptedProposal, ...]:
    """Return the proposals that pass the check, each taken alone, the model having been shown what is known."""
    return tuple(one for one in proposals if checked(one, message, known, known, _MODEL) is not None)
