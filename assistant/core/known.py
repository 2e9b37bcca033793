"""What is known of the user whatever they ask: living facts, open goals and recent conversations, each in its room."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from assistant.core.events import ContextPart, PartKind
from assistant.core.framing import estimate_tokens, fit, framed, one_line, part, quoted
from assistant.core.prompts import prompt
from memory_store import Store
from memory_store.clock import now
from memory_store.learned import Review, Summary
from memory_store.models import Hit, Memory, MemoryKind

# More would drown the question, however large the window is.
_MOST_FACTS: Final = 16
_MOST_GOALS: Final = 6
_MOST_SUMMARIES: Final = 5
# What tells who a person is comes before what they like, and both before what happened.
_TELLING: Final = {MemoryKind.FACT: 2.0, MemoryKind.PREFERENCE: 1.5, MemoryKind.EVENT: 1.0, MemoryKind.NOTE: 0.7}


@dataclass(frozen=True, slots=True)
class Shares:
    """The largest parts of the window that each sort of what is known may take, from 0 to 1; 0 leaves it out."""

    facts: float = 0.08
    goals: float = 0.04
    summaries: float = 0.08


@dataclass(frozen=True, slots=True)
class KnownGoal:
    """An open goal: its passage, and what it is for, until when, and what was said of it last."""

    hit: Hit
    why: str | None = None
    horizon: str | None = None
    review: Review | None = None

    def text(self) -> str:
        """Return it as the model sees it."""
        lines = [self.hit.text]
        if self.why:
            lines.append(f"What for: {self.why}")
        if self.horizon:
            lines.append(f"Until when: {self.horizon}")
        if self.review:
            lines.append(f"Said of it on {self.review.reviewed_at:%Y-%m-%d}: {self.review.text}")
        return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class Known:
    """What is known, what matters most first; a summary comes with the title of its conversation."""

    facts: Sequence[Hit] = ()
    goals: Sequence[KnownGoal] = ()
    summaries: Sequence[tuple[str, Summary]] = ()
    shares: Shares = field(default_factory=Shares)

    def private(self) -> set[str]:
        """Return the ids of what of it is private; a summary goes by its conversation."""
        hits = (*self.facts, *(one.hit for one in self.goals))
        private = {one.source.id for one in hits if one.private}
        return private | {one.conversation_id for _, one in self.summaries if one.private}


@dataclass(frozen=True, slots=True)
class Told:
    """What of it found room: its text, its hits in the order of their numbers, its parts and tokens."""

    text: str
    hits: tuple[Hit, ...]
    parts: tuple[ContextPart, ...]
    tokens: int
    private: bool
    items: tuple[str, ...]


def gather(store: Store, shares: Shares, *, include_private: bool, conversation_id: str | None) -> Known:
    """Return what is known of the user, but for what was said in this conversation.

    Pinned memories are in every prompt already. A memory of health or mood of which the user was not asked yet, or of
    which it is open whether it is true, is not among it.
    """
    moment = now()
    open_ones = {one.memory.id for one in store.learning.questions.all()}
    matters = store.memories.importance(moment, include_private=include_private)
    living = [one for one in store.memories.living(list(matters)) if one.id not in open_ones]

    def rank(memory: Memory) -> tuple[float, str]:
        telling = 3.0 if memory.about else _TELLING.get(memory.kind, 1.0)
        return -telling * matters.get(memory.id, 0.0), memory.id

    chosen = sorted((one for one in living if one.kind is not MemoryKind.GOAL), key=rank)[:_MOST_FACTS]
    goals = sorted((one for one in living if one.kind is MemoryKind.GOAL), key=rank)[:_MOST_GOALS]
    goal_hits = {one.source.id: one for one in store.memories.as_hits([goal.id for goal in goals])}
    known_goals = [
        KnownGoal(goal_hits[one.id], one.why, one.horizon, next(iter(store.memories.reviews(one.id)), None))
        for one in goals
        if one.id in goal_hits
    ]
    summaries = store.learning.summaries.recent(
        _MOST_SUMMARIES, include_private=include_private, without=conversation_id
    )
    facts = store.memories.as_hits([one.id for one in chosen])
    return Known(facts, known_goals, summaries, shares)


def tell(known: Known, recalled: Sequence[Hit], budget: int, left: int) -> Told:
    """Return as much of what is known as its shares of the budget, and what is left of it, have room for, in tokens.

    What was recalled is not told twice. Facts and goals are numbered on from the recalled.
    """
    there = {one.source.id for one in recalled}
    number = len(recalled)
    sections: list[str] = []
    hits: list[Hit] = []
    parts: list[ContextPart] = []
    pieces: tuple[tuple[str, PartKind, float, Sequence[tuple[Hit, str]]], ...] = (
        ("known", PartKind.KNOWN, known.shares.facts, [(one, "") for one in known.facts]),
        ("goals", PartKind.GOALS, known.shares.goals, [(one.hit, one.text()) for one in known.goals]),
    )
    for name, kind, share, entries in pieces:
        fresh = [(hit, text) for hit, text in entries if hit.source.id not in there]
        frames = [framed(number + at, hit, text) for at, (hit, text) in enumerate(fresh, start=1)]
        kept, left = _take(name, frames, share, budget, left)
        if kept:
            number += len(kept)
            hits += [hit for hit, _ in fresh[: len(kept)]]
            parts += [
                ContextPart(kind, text or hit.text, estimate_tokens(frame), hit.id)
                for (hit, text), frame in zip(fresh, kept, strict=False)
            ]
            sections.append("\n\n".join([prompt(name), *kept]))
    summed_up = [f"{one_line(title)} ({one.made_at:%Y-%m-%d})\n{quoted(one.text)}" for title, one in known.summaries]
    kept, left = _take("summaries", summed_up, known.shares.summaries, budget, left)
    summed = [one for _, one in known.summaries[: len(kept)]]
    if kept:
        parts += [part(PartKind.SUMMARIES, one.text, one.conversation_id) for one in summed]
        sections.append("\n\n".join([prompt("summaries"), *kept]))
    text = "\n\n".join(sections)
    private = any(one.private for one in hits) or any(one.private for one in summed)
    # A summary is known by the message that it reaches to.
    items = (*(one.id for one in hits), *(one.message_id for one in summed))
    return Told(text, tuple(hits), tuple(parts), estimate_tokens(text) if text else 0, private, items)


def _take(name: str, frames: Sequence[str], share: float, budget: int, left: int) -> tuple[list[str], int]:
    """Return the first frames that fit a share of the budget, with their heading, and what is left of it then."""
    heading = estimate_tokens(prompt(name)) + 4
    room = min(left, int(budget * share)) - heading
    kept, unused = fit(frames, [estimate_tokens(one) + 2 for one in frames], max(0, room))
    return kept, left - (room - unused + heading if kept else 0)
