"""What the model sees: pinned memories, recent messages and numbered sources, under a token budget."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from assistant.core.events import ContextPart, NumberedSource, PartKind
from assistant.core.framing import author_label, estimate_tokens, fit, framed, one_line, part, plain_text, quoted
from assistant.core.known import Known, tell
from assistant.core.prompts import prompt
from assistant.core.relevance import is_relevant
from assistant.llm.base import ChatMessage
from memory_store.models import Hit, Memory, Message, Neighbour, Role, Surroundings

# Room left for the chat template's own tokens.
_RESERVE: Final = 128
_CITATION: Final = re.compile(r"\[(\d{1,3}(?:\s*[,，]\s*\d{1,3})*)\]")


@dataclass(frozen=True, slots=True)
class Context:
    """An assembled prompt: its messages, the hits that found room (source 1 first), and its estimated tokens.

    The last `known` of the hits are what is known of the user anyway; the others were attached or recalled. `items` are
    the ids of everything stored that is in it: memories, passages and earlier messages. `parts` says what takes how
    much room.
    """

    messages: tuple[ChatMessage, ...]
    hits: tuple[Hit, ...]
    tokens: int
    private: bool
    items: tuple[str, ...]
    parts: tuple[ContextPart, ...]
    known: int = 0

    def sources(self, answer: str) -> tuple[NumberedSource, ...]:
        """Return the sources of an answer as the model saw them, the cited ones marked; of what is known only those."""
        cited = cited_numbers(answer, len(self.hits))
        recalled = len(self.hits) - self.known
        return tuple(
            NumberedSource(number, hit, number in cited)
            for number, hit in enumerate(self.hits, start=1)
            if number <= recalled or number in cited
        )


def build(
    question: str,
    history: Sequence[Message],
    pinned: Sequence[Memory],
    hits: Sequence[Hit],
    *,
    surroundings: Mapping[str, Surroundings],
    budget: int,
    recall_share: float,
    attached: int = 0,
    known: Known | None = None,
    rules: Sequence[str] = (),
    looked: bool = True,
) -> Context:
    """Assemble the prompt for one turn; `budget` is the window less the answer, in tokens.

    The question always goes in. Pinned memories come next, then hits in their order up to `recall_share`, of which the
    first `attached` are what the user attached, then what is `known` of the user, each sort up to a share of its own,
    then the latest messages that fit. What of the hits' share is left goes to what stands around them (by hit id).
    `rules` are the names of prompts that the system prompt ends with. `looked` says whether memory was looked into.
    The same arguments give the same context.
    """
    system = "\n".join([prompt("system"), *(prompt(one) for one in rules)])
    left = budget - _RESERVE - estimate_tokens(system) - estimate_tokens(question) - 40
    kept_pinned, left = fit(pinned, [estimate_tokens(memory.text) + 2 for memory in pinned], left)
    room = min(left, int(budget * recall_share))
    frames = [framed(number, hit) for number, hit in enumerate(hits, start=1)]
    kept_hits, unused = fit(hits, [estimate_tokens(text) for text in frames], room)
    frames = frames[: len(kept_hits)]
    widened, unused = _widen(kept_hits, frames, surroundings, unused)
    left -= room - unused
    told = tell(known or Known(), kept_hits, budget, left)
    left -= told.tokens
    newest_first = list(reversed(history))
    kept_history, _ = fit(newest_first, [estimate_tokens(message.text) + 4 for message in newest_first], left)
    rules_part = ContextPart(PartKind.RULES, system, estimate_tokens(system))
    if kept_pinned:
        system += "\n\n" + "\n".join([prompt("pinned"), *(quoted(memory.text) for memory in kept_pinned)])
    messages = [ChatMessage(Role.SYSTEM, system)]
    messages += [ChatMessage(message.role, plain_text(message.text)) for message in reversed(kept_history)]
    messages.append(ChatMessage(Role.USER, _ask(question, kept_hits, frames, attached, told.text, looked)))
    return Context(
        tuple(messages),
        (*kept_hits, *told.hits),
        sum(estimate_tokens(message.content) + 4 for message in messages),
        told.private
        or any(memory.private for memory in kept_pinned)
        or any(hit.private for hit in kept_hits)
        or any(neighbour.private for neighbour in widened)
        or any(message.private for message in kept_history),
        (
            *(memory.id for memory in kept_pinned),
            *(hit.id for hit in kept_hits),
            *told.items,
            *(neighbour.id for neighbour in widened),
            *(message.id for message in kept_history),
        ),
        (
            rules_part,
            *(part(PartKind.PINNED, one.text, one.id) for one in kept_pinned),
            *(
                ContextPart(
                    PartKind.ATTACHED if number < attached else PartKind.RECALLED,
                    hit.text,
                    estimate_tokens(text),
                    hit.id,
                )
                for number, (hit, text) in enumerate(zip(kept_hits, frames, strict=True))
            ),
            *told.parts,
            *(part(PartKind.RECENT, one.text, one.id) for one in reversed(kept_history)),
            part(PartKind.QUESTION, question, None),
        ),
        len(told.hits),
    )


def in_view(messages: Sequence[Message], budget: int) -> frozenset[str]:
    """Return the ids of the latest messages that a context of this budget may show: these need not be recalled."""
    newest_first = list(reversed(messages))
    shown, _ = fit(newest_first, [estimate_tokens(message.text) + 4 for message in newest_first], budget)
    # The question itself is always shown.
    return frozenset(message.id for message in (shown or newest_first[:1]))


def _widen(
    hits: Sequence[Hit], framed: list[str], surroundings: Mapping[str, Surroundings], room: int
) -> tuple[list[Neighbour], int]:
    """Add the neighbours of hits to their frames, as far as there is room; return those added and what is left."""
    added: list[Neighbour] = []
    for at, hit in enumerate(hits):
        around = surroundings.get(hit.id, Surroundings())
        for neighbour, place in ((around.before, "before it"), (around.after, "after it")):
            if neighbour is None:
                continue
            text = f"\n({place}, by {one_line(author_label(neighbour.author))})\n{quoted(neighbour.text)}"
            cost = estimate_tokens(text)
            if cost <= room:
                framed[at] += text
                room -= cost
                added.append(neighbour)
    return added, room


def _ask(question: str, hits: Sequence[Hit], framed: Sequence[str], attached: int, known: str, looked: bool) -> str:
    if known:
        known += "\n\n"
    if not framed:
        return prompt("nothing" if looked else "alone").format(question=question, known=known)
    name = "sources" if attached or any(is_relevant(hit) for hit in hits) else "doubtful"
    return prompt(name).format(sources="\n\n".join(framed), question=question, known=known)


def cited_numbers(answer: str, most: int) -> set[int]:
    """Return the source numbers that an answer cites, as in [1] or [2, 3]; numbers beyond `most` are invented."""
    numbers = {int(one) for group in _CITATION.findall(answer) for one in re.findall(r"\d+", group)}
    return {number for number in numbers if 1 <= number <= most}
