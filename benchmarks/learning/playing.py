"""Plays dialogues in a fresh store: each turn of the user is captured from, by a scripted model or without one."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncGenerator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from assistant.core.events import Captured
from assistant.core.learning.learner import learn
from assistant.llm.base import ChatModel, ChatRequest, Finished, ModelEvent, TextDelta
from assistant.llm.roles import Models
from assistant.llm.scripted import ScriptedChat
from benchmarks.learning.dialogue_set import Dialogue, Turn
from benchmarks.learning.scoring import Outcome, fits
from memory_store import Store
from memory_store.embedding.base import Embedder
from memory_store.models import USER, Author, AuthorKind, RecallFilters, Role, SourceKind

_MODEL: Final = Author(AuthorKind.MODEL, "scripted")
_MEMORIES: Final = RecallFilters(kinds=frozenset({SourceKind.MEMORY}))
_SENTENCE: Final = re.compile(r"^> (\d+)\. (.*)$", re.MULTILINE)
_KNOWN: Final = re.compile(r"^(\d+)\. (.*)$", re.MULTILINE)


class PointingModel(ScriptedChat):
    """A good model: it points at the sentences of a dialogue that are to be remembered, and at what they replace."""

    def __init__(self, dialogue: Dialogue) -> None:
        super().__init__()
        self._dialogue = dialogue

    async def stream(self, request: ChatRequest) -> AsyncGenerator[ModelEvent, None]:
        """Answer with numbers of sentences, as asked."""
        shown = request.messages[-1].content
        wanted = self._dialogue.living + self._dialogue.ended
        known = [int(number) for number, text in _KNOWN.findall(shown) if fits(text, self._dialogue.ended)]
        sentences = _SENTENCE.findall(shown)
        pointed: list[dict[str, Any]] = [
            {"sentences": [int(number)], "replaces": known[0] if known and fits(text, self._dialogue.living) else None}
            for number, text in sentences
            if fits(text, wanted)
        ]
        if known and not pointed:
            pointed = [{"sentences": [int(sentences[0][0])], "kind": "end", "replaces": known[0]}]
        yield TextDelta(json.dumps({"memories": pointed}))
        yield Finished("stop", "scripted")


def play(dialogue: Dialogue, embedder: Embedder | None, *, with_model: bool = False) -> Outcome:
    """Play one dialogue; without an embedder sentences are read, and the first recalled is found, by words alone."""
    captured: list[str] = []
    model = PointingModel(dialogue) if with_model else None
    with TemporaryDirectory() as folder, Store.open(Path(folder), embedder) as store:
        conversation = last = day = None
        for turn, moment in dialogue.moments():  # a conversation a day, each turn at its own time
            if conversation is None or turn.day != day:
                conversation, last, day = store.conversations.start("Talk", created_at=moment), None, turn.day
            is_users = turn.role is Role.USER
            message = store.conversations.append(
                conversation.id,
                turn.role,
                turn.text,
                _author(turn),
                parent_id=last,
                created_at=moment,
                capture=is_users,
            )
            last = message.id
            if is_users:
                captured += capture_waiting(store, model)
        living = tuple(memory.text for memory in store.memories.all())
        first = _first_recalled(store, dialogue.question)
    return Outcome(dialogue, tuple(captured), living, first)


def capture_waiting(store: Store, model: ChatModel | None) -> list[str]:
    """Capture from every message that waits; return the texts of the new memories."""

    async def capture() -> list[str]:
        return [event.memory.text async for event in learn(store, Models(model)) if isinstance(event, Captured)]

    return asyncio.run(capture())


def _author(turn: Turn) -> Author:
    return USER if turn.role is Role.USER else _MODEL


def _first_recalled(store: Store, question: str) -> str | None:
    if not question:
        return None
    store.embed_pending()
    hits = store.recall(question, 1, _MEMORIES)
    return hits[0].text if hits else None
