"""What is known of the user whatever they ask: living facts and open goals; and the talks that a question touches.

Facts and goals stand before all else in a request and keep their numbers from turn to turn, so that a provider need
not read them again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from assistant.core.capture.statement import SINGULAR
from assistant.core.events import ContextPart, PartKind
from assistant.core.framing import estimate_tokens, fit, framed, framed_briefly, one_line, part, quoted
from assistant.core.prompts import prompt
from assistant.core.turn_settings import Shares
from memory_store import Store
from memory_store.clock import now
from memory_store.models import Hit, Memory, MemoryKind, Review, SourceKind, Summary

# More would drown the question, however large the window is.
_MOST_FACTS: Final = 16
_MOST_GOALS: Final = 6
_MOST_SUMMARIES: Final = 3
# Where nothing that was recalled takes its room: some thirty sentences at a window of 8,192 tokens.
_TOUCHING_SHARE: Final = 0.16
# What tells who a person is comes before what they like, and both before what happened.
_TELLING: Final = {MemoryKind.FACT: 2.0, MemoryKind.PREFERENCE: 1.5, MemoryKind.EVENT: 1.0, MemoryKind.NOTE: 0.7}


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
    """What is known, what matters most first; a summary comes with the title of its conversation.

    Facts and goals are numbered from `first` on, and behind them what the user once said that may touch the question.
    """

    facts: Sequence[Hit] = ()
    goals: Sequence[KnownGoal] = ()
    summaries: Sequence[tuple[str, Summary]] = ()
    shares: Shares = field(default_factory=Shares)
    first: int = 1
    touching: Sequence[Hit] = ()

    def private(self) -> set[str]:
        """Return the ids of what of it is private; a summary goes by its conversation."""
        hits = (*self.facts, *self.touching, *(goal.hit for goal in self.goals))
        private = {hit.source.id for hit in hits if hit.private}
        return private | {summary.conversation_id for _, summary in self.summaries if summary.private}


@dataclass(frozen=True, slots=True)
class Told:
    """What of it found room: its text, its numbered hits, its parts and tokens."""

    text: str = ""
    hits: tuple[tuple[int, Hit], ...] = ()
    parts: tuple[ContextPart, ...] = ()
    tokens: int = 0
    private: bool = False
    items: tuple[str, ...] = ()


def gather(store: Store, shares: Shares, *, include_private: bool, first: int = 1) -> Known:
    """Return the facts and goals of the user.

    Pinned memories are in every prompt already. A memory of health or mood of which the user was not asked yet, or of
    which it is open whether it is true, is not among it.
    """
    moment = now()
    open_ones = {question.memory.id for question in store.learning.questions.all()}
    matters = store.memories.importance(moment, include_private=include_private)
    living = [item for item in store.memories.find_living(list(matters)) if item.id not in open_ones]

    def rank(memory: Memory) -> tuple[float, str]:
        telling = 3.0 if memory.about in SINGULAR else _TELLING.get(memory.kind, 1.0)
        return -telling * matters.get(memory.id, 0.0), memory.id

    chosen = sorted((item for item in living if item.kind is not MemoryKind.GOAL), key=rank)[:_MOST_FACTS]
    goals = sorted((item for item in living if item.kind is MemoryKind.GOAL), key=rank)[:_MOST_GOALS]
    goal_hits = {hit.source.id: hit for hit in store.memories.as_hits([goal.id for goal in goals])}
    known_goals = [
        KnownGoal(goal_hits[item.id], item.why, item.horizon, next(iter(store.memories.reviews(item.id)), None))
        for item in goals
        if item.id in goal_hits
    ]
    facts = store.memories.as_hits([item.id for item in chosen])
    return Known(facts, known_goals, (), shares, first)


def summaries_of(
    store: Store, hits: Sequence[Hit], *, include_private: bool, without: str | None
) -> list[tuple[str, Summary]]:
    """Return the summaries of the conversations that these hits are from, with their titles, the best hit's first."""
    found: dict[str, tuple[str, Summary]] = {}
    for hit in hits:
        if hit.kind is SourceKind.CONVERSATION and hit.source.id != without and hit.source.id not in found:
            summary = store.learning.summaries.get(hit.source.id)
            if summary is not None and (include_private or not summary.private):
                found[hit.source.id] = (hit.source.title, summary)
    return list(found.values())[:_MOST_SUMMARIES]


def tell(known: Known, budget: int, left: int) -> Told:
    """Return as many facts and goals as their shares of the budget and what is `left` of it (tokens) have room for."""
    number = known.first - 1
    sections: list[str] = []
    hits: list[tuple[int, Hit]] = []
    parts: list[ContextPart] = []
    pieces: tuple[tuple[str, PartKind, float, Sequence[tuple[Hit, str]]], ...] = (
        ("known", PartKind.KNOWN, known.shares.facts, [(fact, "") for fact in known.facts]),
        ("goals", PartKind.GOALS, known.shares.goals, [(goal.hit, goal.text()) for goal in known.goals]),
    )
    for name, kind, share, entries in pieces:
        frames = [framed(number + at, hit, text) for at, (hit, text) in enumerate(entries, start=1)]
        kept, left = _take(name, frames, share, budget, left)
        if kept:
            hits += [(number + at, hit) for at, (hit, _) in enumerate(entries[: len(kept)], start=1)]
            number += len(kept)
            parts += [
                ContextPart(kind, text or hit.text, estimate_tokens(frame), hit.id)
                for (hit, text), frame in zip(entries, kept, strict=False)
            ]
            sections.append("\n\n".join([prompt(name), *kept]))
    text = "\n\n".join(sections)
    private = any(hit.private for _, hit in hits)
    items = tuple(hit.id for _, hit in hits)
    return Told(text, tuple(hits), tuple(parts), estimate_tokens(text) if text else 0, private, items)


def tell_touching(known: Known, after: int, budget: int, left: int) -> Told:
    """Return as much of what may touch the question as its share of the budget has room for, numbered on."""
    frames = [framed_briefly(number, hit) for number, hit in enumerate(known.touching, start=after + 1)]
    kept, left = _take("touching", frames, _TOUCHING_SHARE if known.shares.facts else 0.0, budget, left)
    if not kept:
        return Told()
    hits = tuple(enumerate(known.touching[: len(kept)], start=after + 1))
    text = "\n\n".join([prompt("touching"), *kept])
    return Told(
        text,
        hits,
        tuple(
            ContextPart(PartKind.TOUCHING, hit.text, estimate_tokens(frame), hit.id)
            for (_, hit), frame in zip(hits, kept, strict=True)
        ),
        estimate_tokens(text),
        any(hit.private for _, hit in hits),
        tuple(hit.id for _, hit in hits),
    )


def tell_summaries(known: Known, budget: int, left: int) -> Told:
    """Return as many summaries as their share of the budget and what is `left` of it, in tokens, have room for."""
    summed_up = [
        f"{one_line(title)} ({summary.made_at:%Y-%m-%d})\n{quoted(summary.text)}" for title, summary in known.summaries
    ]
    kept, left = _take("summaries", summed_up, known.shares.summaries, budget, left)
    if not kept:
        return Told()
    summed = [summary for _, summary in known.summaries[: len(kept)]]
    text = "\n\n".join([prompt("summaries"), *kept])
    return Told(
        text,
        parts=tuple(part(PartKind.SUMMARIES, summary.text, summary.conversation_id) for summary in summed),
        tokens=estimate_tokens(text),
        private=any(summary.private for summary in summed),
        items=tuple(summary.message_id for summary in summed),  # a summary is known by the message that it reaches to
    )


def _take(name: str, frames: Sequence[str], share: float, budget: int, left: int) -> tuple[list[str], int]:
    """Return the first frames that fit a share of the budget, with their heading, and what is left of it then."""
    heading = estimate_tokens(prompt(name)) + 4
    room = min(left, int(budget * share)) - heading
    kept, unused = fit(frames, [estimate_tokens(frame) + 2 for frame in frames], max(0, room))
    return kept, left - (room - unused + heading if kept else 0)
