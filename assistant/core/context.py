"""What the model sees: pinned memories, recent messages and numbered sources, under a token budget."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from assistant.core.events import ContextPart, NumberedSource, PartKind
from assistant.core.prompts import prompt
from assistant.core.relevance import is_relevant
from assistant.llm.base import ChatMessage
from memory_store.models import Author, AuthorKind, Hit, Memory, Message, Neighbour, Role, Surroundings

T = TypeVar("T")

# Room left for the chat template's own tokens.
_RESERVE: Final = 128
_WIDE: Final = re.compile("[\u3041-\u30ff\u3400-\u9fff\uac00-\ud7a3]")
# What chat templates of local models take for their own marks, wherever it stands: a text that holds them could end its
# frame and speak as the system. A blank after the first sign makes them plain text.
_TEMPLATE_MARK: Final = re.compile(
    r"<(?=[|｜]|/?(?:s|bos|eos|pad|unk)>|(?:start|end)_of_turn>|/?<SYS>>)|"
    r"\[(?=/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS)\])",
    re.IGNORECASE,
)
_TAKEN: Final = re.compile(r"\W*(?:(?:the|a|your|an) )*(?:user|model|system|assistant|keepsake)\b", re.IGNORECASE)
_PLACE_CHARS: Final = 240
_CITATION: Final = re.compile(r"\[(\d{1,3}(?:\s*[,，]\s*\d{1,3})*)\]")


@dataclass(frozen=True, slots=True)
class Context:
    """An assembled prompt: its messages, the hits that found room (source 1 first), and its estimated tokens.

    `items` are the ids of everything stored that is in it: memories, passages and earlier messages. `parts` says what
    takes how much room.
    """

    messages: tuple[ChatMessage, ...]
    hits: tuple[Hit, ...]
    tokens: int
    private: bool
    items: tuple[str, ...]
    parts: tuple[ContextPart, ...]


def estimate_tokens(text: str) -> int:
    """Return an estimate of a text's tokens, on the high side: one for 3.5 Latin characters, one for each CJK sign."""
    wide = len(_WIDE.findall(text))
    return wide + int((len(text) - wide) / 3.5) + 1


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
) -> Context:
    """Assemble the prompt for one turn; `budget` is the window less the answer, in tokens.

    The question always goes in. Pinned memories come next, then hits in their order up to `recall_share`, of which the
    first `attached` are what the user attached, then the latest messages that fit. What of the hits' share is left goes
    to what stands around them (by hit id).
    The same arguments give the same context.
    """
    left = budget - _RESERVE - estimate_tokens(prompt("system")) - estimate_tokens(question) - 40
    kept_pinned, left = _fit(pinned, [estimate_tokens(memory.text) + 2 for memory in pinned], left)
    room = min(left, int(budget * recall_share))
    framed = [_frame(number, hit) for number, hit in enumerate(hits, start=1)]
    kept_hits, unused = _fit(hits, [estimate_tokens(text) for text in framed], room)
    framed = framed[: len(kept_hits)]
    widened, unused = _widen(kept_hits, framed, surroundings, unused)
    left -= room - unused
    newest_first = list(reversed(history))
    kept_history, _ = _fit(newest_first, [estimate_tokens(message.text) + 4 for message in newest_first], left)
    system = prompt("system")
    if kept_pinned:
        system += "\n\n" + "\n".join([prompt("pinned"), *(quoted(memory.text) for memory in kept_pinned)])
    messages = [ChatMessage(Role.SYSTEM, system)]
    messages += [ChatMessage(message.role, _plain(message.text)) for message in reversed(kept_history)]
    messages.append(ChatMessage(Role.USER, _ask(question, kept_hits, framed, attached)))
    return Context(
        tuple(messages),
        tuple(kept_hits),
        sum(estimate_tokens(message.content) + 4 for message in messages),
        any(memory.private for memory in kept_pinned)
        or any(hit.private for hit in kept_hits)
        or any(neighbour.private for neighbour in widened)
        or any(message.private for message in kept_history),
        (
            *(memory.id for memory in kept_pinned),
            *(hit.id for hit in kept_hits),
            *(neighbour.id for neighbour in widened),
            *(message.id for message in kept_history),
        ),
        (
            ContextPart(PartKind.RULES, prompt("system"), estimate_tokens(prompt("system"))),
            *(_part(PartKind.PINNED, one.text, one.id) for one in kept_pinned),
            *(
                ContextPart(
                    PartKind.ATTACHED if number < attached else PartKind.RECALLED,
                    hit.text,
                    estimate_tokens(text),
                    hit.id,
                )
                for number, (hit, text) in enumerate(zip(kept_hits, framed, strict=True))
            ),
            *(_part(PartKind.RECENT, one.text, one.id) for one in reversed(kept_history)),
            _part(PartKind.QUESTION, question, None),
        ),
    )


def _part(kind: PartKind, text: str, identifier: str | None) -> ContextPart:
    return ContextPart(kind, text, estimate_tokens(text), identifier)


def in_view(messages: Sequence[Message], budget: int) -> frozenset[str]:
    """Return the ids of the latest messages that a context of this budget may show: these need not be recalled."""
    newest_first = list(reversed(messages))
    shown, _ = _fit(newest_first, [estimate_tokens(message.text) + 4 for message in newest_first], budget)
    # The question itself is always shown.
    return frozenset(message.id for message in (shown or newest_first[:1]))


def _fit(items: Sequence[T], costs: Sequence[int], room: int) -> tuple[list[T], int]:
    """Take items in their order until one does not fit; return them and the room that is left."""
    kept: list[T] = []
    for item, cost in zip(items, costs, strict=True):
        if cost > room:
            break
        room -= cost
        kept.append(item)
    return kept, room


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
            text = f"\n({place}, by {_one_line(author_label(neighbour.author))})\n{quoted(neighbour.text)}"
            cost = estimate_tokens(text)
            if cost <= room:
                framed[at] += text
                room -= cost
                added.append(neighbour)
    return added, room


def _ask(question: str, hits: Sequence[Hit], framed: Sequence[str], attached: int) -> str:
    if not framed:
        return prompt("nothing").format(question=question)
    name = "sources" if attached or any(is_relevant(hit) for hit in hits) else "doubtful"
    return prompt(name).format(sources="\n\n".join(framed), question=question)


def _frame(number: int, hit: Hit) -> str:
    """Return a hit as a numbered source: where it is from on one line, its words each on a line marked as quoted."""
    place = hit.locator.label()
    pieces = [
        hit.source.title or hit.source.kind.value,
        place,
        f"{hit.created_at:%Y-%m-%d}",
        f"by {author_label(hit.author)}",
    ]
    return f"[{number}] " + " | ".join(_one_line(piece) for piece in pieces if piece) + "\n" + quoted(hit.text)


def quoted(text: str) -> str:
    """Return a text with each line marked as quoted, so that nothing in it can end its frame."""
    return "\n".join("> " + line for line in _plain(text).splitlines())


def _one_line(text: str) -> str:
    """Return a name or place that a document gave: on one line, and too short to say much."""
    return _plain(" ".join(text.split()))[:_PLACE_CHARS]


def _plain(text: str) -> str:
    return _TEMPLATE_MARK.sub(lambda match: match[0] + " ", text)


def author_label(author: Author) -> str:
    """Return who made a passage, in words."""
    if author.kind is AuthorKind.USER:
        return author.name or "the user"
    if author.kind is AuthorKind.MODEL:
        return f"the model {author.name}" if author.name else "a model"
    # A document may call its author what it likes, but not the user or the model.
    return "the document" if not author.name or _TAKEN.match(author.name) else author.name


def cited_numbers(answer: str, most: int) -> set[int]:
    """Return the source numbers that an answer cites, as in [1] or [2, 3]; numbers beyond `most` are invented."""
    numbers = {int(one) for group in _CITATION.findall(answer) for one in re.findall(r"\d+", group)}
    return {number for number in numbers if 1 <= number <= most}


def numbered_sources(answer: str, hits: tuple[Hit, ...]) -> tuple[NumberedSource, ...]:
    """Return the sources of an answer as the model saw them, the cited ones marked."""
    cited = cited_numbers(answer, len(hits))
    return tuple(NumberedSource(number, hit, number in cited) for number, hit in enumerate(hits, start=1))
