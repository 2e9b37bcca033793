"""Has a model write cards from passages: what it quotes is looked for in the passage, and thrown away if not there."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from assistant.core.asking import note_sent, read_form, whole_answer
from assistant.core.framing import estimate_tokens, framed, quoted
from assistant.core.prompts import prompt
from assistant.display import plain
from assistant.llm.base import ChatMessage, ChatModel, ChatRequest
from memory_store import NewCard, Store, StoredPassage, stands_in
from memory_store.models import Author, AuthorKind, Purpose, Role

_MOST_TOKENS: Final = 1200
# So much is read at once: of more a model makes cards of the first passages alone.
_READ_TOKENS: Final = 1800
_LEAST_QUOTE_CHARS: Final = 6


class _WrittenCard(BaseModel):
    model_config = ConfigDict(extra="ignore", str_strip_whitespace=True)

    passage: int = 1
    question: str = Field(min_length=1, max_length=400)
    answer: str = Field(min_length=1, max_length=800)
    quote: str = Field(min_length=_LEAST_QUOTE_CHARS, max_length=1200)


class _Answer(BaseModel):
    """An answer whose cards are still to be checked, each by itself."""

    cards: list[object] = Field(max_length=200)


class _Schema(BaseModel):
    cards: list[_WrittenCard]


@dataclass(frozen=True, slots=True)
class WrittenCards:
    """Cards that a model wrote from so many passages, and how many of them were thrown away."""

    cards: tuple[NewCard, ...]
    passages: int
    thrown_away: int


async def write_cards(
    store: Store, model: ChatModel, passages: Sequence[StoredPassage], about: str = ""
) -> AsyncGenerator[WrittenCards, None]:
    """Yield the cards that a model writes from these passages, a request after the other.

    `about` is what the learner says of themselves. The caller sees to it that the model may see all of it. Raises
    ModelError.
    """
    learner = [f"The learner says:\n{quoted(about)}"] if about else []
    used = _MOST_TOKENS + estimate_tokens(prompt("cards")) + estimate_tokens("".join(learner)) + 200
    room = min(_READ_TOKENS, model.info.context_tokens - used)
    for batch in _batches(passages, room):
        await note_sent(store, model.info, [passage.id for passage in batch])
        frames = [framed(number, passage.as_hit()) for number, passage in enumerate(batch, start=1)]
        messages = (ChatMessage(Role.SYSTEM, prompt("cards")), ChatMessage(Role.USER, "\n\n".join([*frames, *learner])))
        request = ChatRequest(
            messages, _MOST_TOKENS, 0.0, _Schema.model_json_schema(), reasoning="low", purpose=Purpose.CARDS
        )
        said = await whole_answer(model, request)
        yield _check(said.text, batch, Author(AuthorKind.MODEL, said.model))


def _batches(passages: Sequence[StoredPassage], room: int) -> Iterator[list[StoredPassage]]:
    """Yield passages that fit into the room together; one that does not fit alone is passed over."""
    batch: list[StoredPassage] = []
    taken = 0
    for passage in passages:
        cost = estimate_tokens(framed(1, passage.as_hit()))
        if cost > room:
            continue
        if taken + cost > room:
            yield batch
            batch, taken = [], 0
        batch.append(passage)
        taken += cost
    if batch:
        yield batch


def _check(text: str, passages: Sequence[StoredPassage], author: Author) -> WrittenCards:
    """Return the cards in an answer whose quotes stand in their passages."""
    answer = read_form(text, _Answer)
    kept: list[NewCard] = []
    written = answer.cards if answer is not None else []
    for entry in written:
        try:
            card = _WrittenCard.model_validate(entry)
        except ValidationError:
            continue
        if not 1 <= card.passage <= len(passages) or not stands_in(card.quote, passages[card.passage - 1].text):
            continue
        question, said = plain(card.question, one_line=True), plain(card.answer)
        if question and said:
            kept.append(NewCard(passages[card.passage - 1].id, question, said, card.quote, author))
    return WrittenCards(tuple(kept), len(passages), len(written) - len(kept) if answer is not None else 1)
