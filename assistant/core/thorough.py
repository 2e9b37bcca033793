"""Looks further for an answer: a question in its parts, what is missing of them, which sentences have no source."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from pydantic import BaseModel, Field

from assistant.core.asking import Form, note_sent, read_form, whole_answer
from assistant.core.framing import estimate_tokens, fit, framed_briefly, quoted
from assistant.core.prompts import prompt
from assistant.ingestion.sentences import sentence_pieces
from assistant.llm.base import ChatMessage, ChatModel, ChatRequest
from memory_store import Store
from memory_store.models import Hit, Purpose, Role

_MOST_PARTS: Final = 4
_MOST_TOKENS: Final = 400
_PART_CHARS: Final = 300
_MOST_SENTENCES: Final = 60
# What a request takes beside its prompt and its sources.
_RESERVE: Final = _MOST_TOKENS + 200


class _Questions(BaseModel):
    questions: list[str] = Field(max_length=2 * _MOST_PARTS)


class _Sentences(BaseModel):
    without_source: list[int] = Field(max_length=_MOST_SENTENCES)


async def split_question(store: Store, model: ChatModel, question: str, question_id: str) -> list[str]:
    """Return what is to be looked for beside a question itself, at most four things. Raises ModelError."""
    await note_sent(store, model.info, (question_id,))
    answer = await _ask(model, Purpose.SPLIT, quoted(question), _Questions, question_id)
    return _kept(answer, question)


async def find_missing(
    store: Store, model: ChatModel, question: str, question_id: str, hits: Sequence[Hit]
) -> list[str]:
    """Return what is still to be looked for, given what was found for a question. Raises ModelError."""
    sources = tuple(enumerate(hits, start=1))
    answer = await _ask_of(store, model, Purpose.MISSING, sources, quoted(question), _Questions, question_id)
    return _kept(answer, question)


async def find_unsupported(
    store: Store, model: ChatModel, text: str, sources: Sequence[tuple[int, Hit]], answer_id: str
) -> list[str]:
    """Return the sentences of an answer that state something which stands in none of its sources. Raises ModelError."""
    sentences = [piece.strip() for piece in sentence_pieces(text) if any(map(str.isalnum, piece))][:_MOST_SENTENCES]
    numbered = "\n".join(f"> {number}. {' '.join(item.split())}" for number, item in enumerate(sentences, start=1))
    answer = await _ask_of(store, model, Purpose.CHECK, sources, numbered, _Sentences, answer_id)
    wanted = {number for number in answer.without_source if 1 <= number <= len(sentences)} if answer else set()
    return [sentences[number - 1] for number in sorted(wanted)]


async def _ask_of(
    store: Store,
    model: ChatModel,
    purpose: Purpose,
    sources: Sequence[tuple[int, Hit]],
    text: str,
    form: type[Form],
    message_id: str,
) -> Form | None:
    """Return the answer to a text, with as many of its numbered sources before it as there is room for."""
    framed = [framed_briefly(number, hit) for number, hit in sources]
    room = model.info.context_tokens - _RESERVE - estimate_tokens(prompt(purpose.value) + text)
    shown, _ = fit(sources, [estimate_tokens(source) for source in framed], room)
    await note_sent(store, model.info, (message_id, *(hit.id for _, hit in shown)))
    return await _ask(model, purpose, "\n\n".join([*framed[: len(shown)], text]), form, message_id)


async def _ask(model: ChatModel, purpose: Purpose, text: str, form: type[Form], message_id: str) -> Form | None:
    """Return the answer in this form; None where it can't be read, as if the model had nothing to say.

    The prompt has the name of the purpose.
    """
    messages = (ChatMessage(Role.SYSTEM, prompt(purpose.value)), ChatMessage(Role.USER, text))
    request = ChatRequest(messages, _MOST_TOKENS, 0.0, form.model_json_schema(), "low", purpose, message_id)
    return read_form((await whole_answer(model, request)).text, form)


def _kept(answer: _Questions | None, question: str) -> list[str]:
    """Return the questions of an answer on one line each, without the question itself and repeats."""
    parts = [" ".join(text.split())[:_PART_CHARS] for text in answer.questions] if answer else []
    own = " ".join(question.split()).casefold()
    return [text for text in dict.fromkeys(parts) if text and text.casefold() != own][:_MOST_PARTS]
