"""What the model sees, under a token budget: what stays the same from turn to turn first, then what this turn brings.

Rules, what is pinned and what is known of the user, then the messages so far; and last the question, with the time it
is asked at and what was recalled for it. A provider's cache of prompts holds what came before unchanged.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from assistant.core.events import ContextPart, NumberedSource, PartKind
from assistant.core.framing import author_label, estimate_tokens, fit, framed, one_line, part, plain_text, quoted
from assistant.core.known import Known, tell, tell_summaries, tell_touching
from assistant.core.prompts import prompt
from assistant.llm.base import ChatMessage
from memory_store.models import Hit, Memory, Message, Neighbour, Role, Surroundings

# Room left for the chat template's own tokens.
_RESERVE: Final = 128
_GO_TOGETHER: Final = 8
_NO_CITATION: Final = re.compile(r"(```|~~~).*?(?:\1|\Z)|`[^`\n]*`|\[[^\]\n]*\]\(", re.DOTALL)
_CITATION: Final = re.compile(r"\[(\d{1,3}(?:\s*[,，]\s*\d{1,3})*)\]")


@dataclass(frozen=True, slots=True)
class Context:
    """An assembled prompt: its messages, the hits that found room (source 1 first), and its estimated tokens.

    `hits` were attached or recalled; `known` is told of the user anyway, with its numbers, whether it was recalled or
    not. `items` are the ids of everything stored that is in it: memories, passages and earlier messages. `parts` says
    what takes how much room.
    """

    messages: tuple[ChatMessage, ...]
    hits: tuple[Hit, ...]
    tokens: int
    private: bool
    items: tuple[str, ...]
    parts: tuple[ContextPart, ...]
    known: tuple[tuple[int, Hit], ...] = ()

    @property
    def numbered(self) -> tuple[tuple[int, Hit], ...]:
        """All numbered sources, by their numbers."""
        return (*enumerate(self.hits, start=1), *self.known)

    def sources(self, answer: str) -> tuple[NumberedSource, ...]:
        """Return the sources of an answer as the model saw them, the cited ones marked; of what is known only those."""
        cited = cited_numbers(answer)
        return tuple(
            NumberedSource(number, hit, number in cited)
            for number, hit in self.numbered
            if number <= len(self.hits) or number in cited
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
    moment: datetime | None = None,
    looked: bool = True,
    recipe: str = "",
) -> Context:
    """Assemble the prompt for one turn; `budget` is the window less the answer, in tokens.

    The question always goes in, with the `moment` that it is asked at. Pinned memories come next, then what is `known`
    of the user, each sort up to a share of its own, then hits in their order up to `recall_share`, of which the first
    `attached` are what the user attached, then the latest messages that fit. What of the hits' share is left goes to
    what stands around them (by hit id). `rules` are the names of prompts that the system prompt ends with;
    `looked` says whether memory was looked into; `recipe` how the user wants the question answered.
    The same arguments give the same context.
    """
    known = known or Known()
    system = "\n".join([prompt("system"), *(prompt(rule) for rule in rules)])
    left = budget - _RESERVE - estimate_tokens(system) - estimate_tokens(question) - estimate_tokens(recipe) - 40
    kept_pinned, left = fit(pinned, [estimate_tokens(memory.text) + 2 for memory in pinned], left)
    told = tell(known, budget, left)
    left -= told.tokens
    room = min(left, int(budget * recall_share))
    frames = [framed(number, hit) for number, hit in enumerate(hits, start=1)]
    kept_hits, unused = fit(hits, [estimate_tokens(text) for text in frames], room)
    frames = frames[: len(kept_hits)]
    widened, unused = _widen(kept_hits, frames, surroundings, unused)
    left -= room - unused
    there = {hit.id for hit in (*kept_hits, *(hit for _, hit in told.hits))}
    touching = tell_touching(
        replace(known, touching=[hit for hit in known.touching if hit.id not in there]),
        max([known.first - 1, len(hits), *(number for number, _ in told.hits)]),
        budget,
        left,
    )
    summed = tell_summaries(known, budget, left - touching.tokens)
    left -= touching.tokens + summed.tokens
    kept_history = _latest(history, left)
    rules_part = ContextPart(PartKind.RULES, system, estimate_tokens(system))
    if kept_pinned:
        system += "\n\n" + "\n".join([prompt("pinned"), *(quoted(memory.text) for memory in kept_pinned)])
    if told.text:
        system += "\n\n" + told.text
    messages = [ChatMessage(Role.SYSTEM, system)]
    messages += [ChatMessage(message.role, _said(message)) for message in kept_history]
    asked = _ask(question, frames, [text for text in (touching.text, summed.text, recipe) if text], moment, looked)
    messages.append(ChatMessage(Role.USER, asked))
    return Context(
        tuple(messages),
        tuple(kept_hits),
        sum(estimate_tokens(message.content) + 4 for message in messages),
        told.private
        or touching.private
        or summed.private
        or any(memory.private for memory in kept_pinned)
        or any(hit.private for hit in kept_hits)
        or any(neighbour.private for neighbour in widened)
        or any(message.private for message in kept_history),
        (
            *(memory.id for memory in kept_pinned),
            *told.items,
            *(hit.id for hit in kept_hits),
            *touching.items,
            *summed.items,
            *(neighbour.id for neighbour in widened),
            *(message.id for message in kept_history),
        ),
        (
            rules_part,
            *(part(PartKind.PINNED, item.text, item.id) for item in kept_pinned),
            *told.parts,
            *(part(PartKind.RECENT, item.text, item.id) for item in kept_history),
            *(
                ContextPart(
                    PartKind.ATTACHED if number < attached else PartKind.RECALLED,
                    hit.text,
                    estimate_tokens(text),
                    hit.id,
                )
                for number, (hit, text) in enumerate(zip(kept_hits, frames, strict=True))
            ),
            *touching.parts,
            *summed.parts,
            *([part(PartKind.RECIPE, recipe, None)] if recipe else []),
            part(PartKind.QUESTION, question, None),
        ),
        (*told.hits, *touching.hits),
    )


def _latest(history: Sequence[Message], room: int) -> list[Message]:
    """Return the latest messages that fit, oldest first.

    Those that don't fit go some at a time, so that the beginning stays the same for a few turns.
    """
    newest_first = list(reversed(history))
    kept, _ = fit(newest_first, [estimate_tokens(message.text) + 4 for message in newest_first], room)
    gone = len(history) - len(kept)
    return list(history[min(len(history), -(-gone // _GO_TOGETHER) * _GO_TOGETHER) :])


def _said(message: Message) -> str:
    """Return an earlier message as the model sees it: the numbers that an answer cited were those of its own turn."""
    text = plain_text(message.text)
    return _CITATION.sub("", text) if message.role is Role.ASSISTANT else text


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
            by = "" if neighbour.author == hit.author else f", by {one_line(author_label(neighbour.author))}"
            text = f"\n({place}{by})\n{quoted(neighbour.text)}"
            cost = estimate_tokens(text)
            if cost <= room:
                framed[at] += text
                room -= cost
                added.append(neighbour)
    return added, room


def _ask(question: str, framed: Sequence[str], more: Sequence[str], moment: datetime | None, looked: bool) -> str:
    name = "sources" if framed else "nothing" if looked else "alone"
    return prompt(name).format(
        now=f"{moment:%a, %Y-%m-%d, %H:%M (UTC%z)}" if moment else "not known",
        sources="\n\n".join(framed),
        more="".join(f"{text}\n\n" for text in more),
        question=question,
    )


def renumber(text: str, numbers: Mapping[int, int]) -> str:
    """Return a text with the sources that it cites under other numbers; one that has none is no source, and goes."""

    def replace(match: re.Match[str]) -> str:
        kept = [str(numbers[int(item)]) for item in re.findall(r"\d+", match[1]) if int(item) in numbers]
        return f"[{', '.join(kept)}]" if kept else ""

    return _CITATION.sub(replace, text)


def invented_numbers(answer: str, numbers: Iterable[int]) -> list[int]:
    """Return what an answer cites outside code and links that is none of these numbers, in order: no source has it."""
    return sorted(cited_numbers(_NO_CITATION.sub(" ", answer)).difference(numbers))


def cited_numbers(answer: str) -> set[int]:
    """Return the numbers that an answer cites, as in [1] or [2, 3]; those that are no source's are invented."""
    return {int(item) for group in _CITATION.findall(answer) for item in re.findall(r"\d+", group)}
