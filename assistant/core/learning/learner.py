"""Capture after the answer, one waiting message after the other: by the chat model or, where it may not, without."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Final

from assistant.core.asking import note_sent, whole_answer
from assistant.core.capture.classifier import SentenceClassifier
from assistant.core.capture.pointing import build_request, count_tokens, parse_answer
from assistant.core.capture.reading import PROMISING, read_orders, read_statements
from assistant.core.capture.relating import relate_statement
from assistant.core.capture.statement import SINGULAR, Sentence, Statement, split_sentences
from assistant.core.events import Captured, NoLongerTrue, Noted, NothingMeant
from assistant.errors import ModelError
from assistant.llm.base import ChatModel
from assistant.llm.roles import ModelRole, Models
from memory_store import Change, Store
from memory_store.errors import NotFoundError
from memory_store.models import Memory, Message, RecallFilters, SourceKind

_BEFORE: Final = 2
_KNOWN: Final = 8


async def learn(store: Store, models: Models) -> AsyncGenerator[Noted, None]:
    """Capture from every message that waits, the oldest first, and yield what was remembered or ended.

    It may be stopped at any moment: a message is taken from the queue with all that was captured from it. A private
    message goes to no model elsewhere: it is read without one, as all are where there is no model. Raises
    ModelError where the model can't be asked; then the message waits, and in the end it is read without one.
    """
    classifier = SentenceClassifier(store.embed_sentences)
    queue = store.learning.queue
    while (message := await asyncio.to_thread(queue.next)) is not None:
        sentences = split_sentences(message.text)
        readings = await asyncio.to_thread(classifier.read, [sentence.text for sentence in sentences])
        orders = read_orders(sentences, readings)
        pointed: list[Statement] | None = None
        model = models.find(ModelRole.LEARN, private=message.private)
        is_promising = any(reading.chance >= PROMISING for reading in readings) and len(orders) < len(sentences)
        if model is not None and is_promising:
            try:
                pointed = await _point(store, model, message, sentences)
            except ModelError:
                if await asyncio.to_thread(queue.put_off, message.id):
                    raise
            else:
                if pointed is None and await asyncio.to_thread(queue.put_off, message.id):
                    continue
        if pointed is None:
            pointed = read_statements(message, sentences, readings)
        statements = [*orders.values(), *(statement for statement in pointed if not _is_ordered(statement, orders))]
        for noted in await asyncio.to_thread(_keep, store, message, statements, classifier):
            yield noted


async def _point(
    store: Store, model: ChatModel, message: Message, sentences: Sequence[Sentence]
) -> list[Statement] | None:
    """Return what a model points at in a message; None where its answer can't be read. Raises ModelError."""
    before, known = await asyncio.to_thread(_find_context, store, model, message)
    request = build_request(message, sentences, before, known)
    if count_tokens(request) > model.info.context_tokens:
        return []
    await note_sent(
        store, model.info, [message.id, *(earlier.id for earlier in before), *(memory.id for memory in known)]
    )
    answer = await whole_answer(model, request)
    return parse_answer(answer.text, message, sentences, known)


def _find_context(store: Store, model: ChatModel, message: Message) -> tuple[list[Message], list[Memory]]:
    """Return what was said just before a message, and what is known of what it speaks of; what a model may see."""
    before: list[Message] = []
    parent_id = message.parent_id
    try:
        while parent_id is not None and len(before) < _BEFORE:
            earlier = store.conversations.message(parent_id)
            if model.info.is_private or not earlier.private:
                before.insert(0, earlier)
            parent_id = earlier.parent_id
    except NotFoundError:
        pass  # erased meanwhile
    filters = RecallFilters(kinds=frozenset({SourceKind.MEMORY}), include_private=model.info.is_private)
    hits = store.recall(message.text, _KNOWN, filters, private=message.private)
    known = store.memories.find_living([hit.source.id for hit in hits], about=sorted(SINGULAR))
    return before, [memory for memory in known if model.info.is_private or not memory.private]


def _is_ordered(statement: Statement, orders: Mapping[Sentence, Statement]) -> bool:
    return any(ordered.text in statement.text for ordered in orders.values())


def _keep(
    store: Store, message: Message, statements: Sequence[Statement], classifier: SentenceClassifier
) -> list[Noted]:
    """Store what a message states, in one transaction that takes it from the queue; return that as events."""
    changes: list[Change] = []
    unmeant: list[Noted] = []
    for statement in statements:
        found = relate_statement(store, statement, message, classifier)
        changes += found
        if statement.is_order_to_forget and not found:
            unmeant.append(NothingMeant(statement.text))
    stored = store.learning.queue.done(message.id, changes)
    if not stored:
        return unmeant
    store.wake()
    asked = {question.memory.id for question in store.learning.questions.all()}
    return [
        *(
            Captured(memory, superseded, memory.id in asked) if memory.is_living else NoLongerTrue(memory)
            for memory, superseded in stored
        ),
        *unmeant,
    ]
