"""A question in a study session: the learner answers first, and gets at most three hints before the solution.

How many hints there are, and what comes before the solution, is held here and not left to a model.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, field
from typing import Final

from assistant.core.asking import note_sent, whole_answer
from assistant.core.framing import framed, quoted
from assistant.core.prompts import prompt
from assistant.display import plain
from assistant.llm.base import ChatMessage, ChatModel, ChatRequest
from memory_store import NewCard, Store, StoredPassage
from memory_store.errors import NotFoundError
from memory_store.models import Purpose, Role

MOST_HINTS: Final = 3
_MOST_TOKENS: Final = 300
_HINT_CHARS: Final = 600
_WORD: Final = re.compile(r"\w+")
_WIDE: Final = re.compile("[\u3041-\u30ff\u3400-\u9fff\uac00-\ud7a3]")


@dataclass(slots=True)
class Exercise:
    """A question, the passage it is from, what the learner wrote, and the hints that were given."""

    card: NewCard
    passage: StoredPassage
    attempts: list[str] = field(default_factory=list)
    hints: list[str] = field(default_factory=list)

    @property
    def hints_left(self) -> int:
        """How many hints may still be asked for."""
        return MOST_HINTS - len(self.hints)

    @property
    def may_be_solved(self) -> bool:
        """Whether the solution may be shown: the learner has answered, or had all hints."""
        return bool(self.attempts) or not self.hints_left


def gives_away(hint: str, answer: str) -> bool:
    """Say whether a hint has the words of the answer in it; of a script without spaces its signs."""
    said, right = (" ".join(_WORD.findall(text.casefold())) for text in (hint, answer))
    if _WIDE.search(right):
        return right.replace(" ", "") in said.replace(" ", "")
    return bool(right) and f" {right} " in f" {said} "


async def give_hint(store: Store, model: ChatModel, exercise: Exercise) -> str:
    """Return the next hint, and count it; an empty text where what the model said would give the answer away.

    What the learner wrote of a private topic goes to no model elsewhere. Raises ModelError, NotFoundError where the
    passage was erased meanwhile or may no longer be shown to the model, and ValueError where all hints were given.
    """
    if not exercise.hints_left:
        raise ValueError("all hints were given")
    passage = (await asyncio.to_thread(store.passage, exercise.passage.id)).as_hit()
    if passage.private and not model.info.is_private:
        raise NotFoundError("This passage is private by now.")
    attempts = [text for text in exercise.attempts if model.info.is_private or not store.privacy.covers(text)]
    parts = [
        framed(1, passage),
        f"The question:\n{quoted(exercise.card.question)}",
        f"The right answer:\n{quoted(exercise.card.answer)}",
        *(f"The learner wrote:\n{quoted(text)}" for text in attempts),
        *(f"A hint they had:\n{quoted(text)}" for text in exercise.hints if text),
        f"Give hint {len(exercise.hints) + 1} of {MOST_HINTS}.",
    ]
    await note_sent(store, model.info, [exercise.passage.id])
    messages = (ChatMessage(Role.SYSTEM, prompt("hint")), ChatMessage(Role.USER, "\n\n".join(parts)))
    said = await whole_answer(model, ChatRequest(messages, _MOST_TOKENS, reasoning="low", purpose=Purpose.HINT))
    hint = plain(said.text, one_line=True)[:_HINT_CHARS]
    if gives_away(hint, exercise.card.answer):
        hint = ""
    exercise.hints.append(hint)
    return hint
