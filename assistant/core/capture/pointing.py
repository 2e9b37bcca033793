"""Lets a chat model point at sentences that are worth remembering: it answers with numbers, and can't add a word."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from assistant.core.asking import read_form
from assistant.core.capture.statement import About, Sentence, Statement, join_sentences
from assistant.core.framing import estimate_tokens, quoted
from assistant.core.prompts import prompt
from assistant.core.sensitive import asks_first
from assistant.llm.base import ChatMessage, ChatRequest
from memory_store.models import Memory, MemoryKind, Message, Purpose, Role

_MOST_TOKENS: Final = 800
_EXCERPT_CHARS: Final = 600
_MOST_POINTED: Final = 20
_MOST_SENTENCES: Final = 4
_ENDS: Final = "end"


class Pointed(BaseModel):
    """Sentences that a model points at by their numbers, from 1; the memories are those that it was shown, from 1."""

    model_config = ConfigDict(extra="ignore")

    sentences: list[int] = Field(min_length=1, max_length=_MOST_SENTENCES)
    kind: Literal["fact", "preference", "event", "goal", "note", "end"] = "fact"
    about: About = About.OTHER
    replaces: int | None = None
    contradicts: int | None = None
    repeats: int | None = None
    still_true_from: str | None = None


class _Answer(BaseModel):
    memories: list[Pointed] = Field(max_length=_MOST_POINTED)


def build_request(
    message: Message, sentences: Sequence[Sentence], before: Sequence[Message], known: Sequence[Memory]
) -> ChatRequest:
    """Return the request for what of a message is worth remembering, given what came before it and what is known."""
    parts = ["What came before:"] if before else []
    parts += [f"{earlier.role.value}:\n{quoted(earlier.text[:_EXCERPT_CHARS])}" for earlier in before]
    parts.append("What is remembered already:" if known else "Nothing is remembered of this yet.")
    parts += [_numbered(number, memory.text) for number, memory in enumerate(known, start=1)]
    parts.append(
        f"The sentences of the message, written by the user on {message.created_at.astimezone():%A, %Y-%m-%d}:"
    )
    parts += [f"> {_numbered(number, sentence.text)}" for number, sentence in enumerate(sentences, start=1)]
    messages = (ChatMessage(Role.SYSTEM, prompt("learn")), ChatMessage(Role.USER, "\n".join(parts)))
    return ChatRequest(
        messages,
        _MOST_TOKENS,
        0.0,
        schema=_Answer.model_json_schema(),
        purpose=Purpose.LEARN,
        message_id=message.id,
    )


def count_tokens(request: ChatRequest) -> int:
    """Return an estimate of a request's tokens, its answer with it."""
    return _MOST_TOKENS + sum(estimate_tokens(message.content) for message in request.messages)


def parse_answer(
    answer: str, message: Message, sentences: Sequence[Sentence], known: Sequence[Memory]
) -> list[Statement] | None:
    """Return what a model points at; None where its answer can't be read. What points at nothing is passed over."""
    entries = read_form(answer, _Entries)
    if entries is None:
        return None
    statements = []
    for entry in entries.memories[:_MOST_POINTED]:
        try:
            statement = _as_statement(Pointed.model_validate(entry), message, sentences, known)
        except ValidationError:
            continue
        if statement is not None:
            statements.append(statement)
    return statements


class _Entries(BaseModel):
    """An answer whose entries are still to be checked, each by itself."""

    memories: list[object]


def _as_statement(
    pointed: Pointed, message: Message, sentences: Sequence[Sentence], known: Sequence[Memory]
) -> Statement | None:
    numbers = sorted(set(pointed.sentences))
    if not 1 <= numbers[0] <= numbers[-1] <= len(sentences) or numbers[-1] - numbers[0] >= _MOST_SENTENCES:
        return None
    text = join_sentences(message.text, sentences[numbers[0] - 1 : numbers[-1]])

    def shown(number: int | None) -> str | None:
        return known[number - 1].id if number is not None and 1 <= number <= len(known) else None

    return Statement(
        text,
        MemoryKind.FACT if pointed.kind == _ENDS else MemoryKind(pointed.kind),
        pointed.about,
        ends=pointed.kind == _ENDS,
        replaces=shown(pointed.replaces),
        contradicts=shown(pointed.contradicts),
        repeats=shown(pointed.repeats),
        true_from=_date(pointed.still_true_from),
        is_sensitive=asks_first(text),
        is_pointed=True,
    )


def _numbered(number: int, text: str) -> str:
    return f"{number}. {' '.join(text.split())[:_EXCERPT_CHARS]}"


def _date(text: str | None) -> datetime | None:
    """Return the first moment of a year, month or day; None where a model says something else."""
    for form in ("%Y-%m-%d", "%Y-%m", "%Y"):
        try:
            return datetime.strptime(text or "", form).replace(tzinfo=UTC)
        except ValueError:
            continue
    return None
