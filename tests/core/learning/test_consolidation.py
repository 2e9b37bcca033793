"""Duplicates become one memory with all sources, long conversations are summed up, and nothing is deleted."""

from __future__ import annotations

import asyncio

import pytest

from assistant.core.learning.consolidation import Merged, consolidate, merge_duplicates
from assistant.core.learning.summing_up import EVERY, EXTRACTED, extract, sum_up
from assistant.llm.roles import Models
from assistant.llm.scripted import ScriptedChat
from memory_store import NewMemory, Selection, Store
from memory_store.models import USER, Author, AuthorKind, MemoryKind, Message, Role, Summary

MODEL = Author(AuthorKind.MODEL, "scripted")


def said(store: Store, *texts: str, private: bool = False) -> list[Message]:
    talk = store.conversations.start("Talk")
    messages: list[Message] = []
    for text in texts:
        parent = messages[-1].id if messages else None
        messages.append(store.conversations.append(talk.id, Role.USER, text, USER, parent_id=parent, private=private))
    return messages


def fact(text: str, *sources: Message, author: Author = USER, private: bool = False) -> NewMemory:
    ids = tuple(one.id for one in sources)
    return NewMemory(text, MemoryKind.FACT, author, private=private, sources=ids, quote=text)


def test_what_says_the_same_becomes_one_memory_with_all_sources(store: Store) -> None:
    first, second = said(store, "I keep bees.", "I keep bees!")
    by_model = store.remember(fact("i keep  bees!", second, author=MODEL))
    mine = store.remember(fact("I keep bees.", first))
    others = [store.remember(fact("I keep no bees.")), store.remember(fact("I keep bees.", private=True))]
    assert merge_duplicates(store) == [Merged(mine, by_model)]
    assert set(store.memories.get(mine.id).sources) == {first.id, second.id}
    assert [one.id for one in store.memories.get_earlier(mine.id)] == [by_model.id]
    assert {one.id for one in store.memories.all()} == {mine.id, *(one.id for one in others)}
    assert merge_duplicates(store) == []
    store.forget(Selection((first.id,)))
    assert "I keep bees." in {one.text for one in store.memories.all()}  # it has its other source


def test_note_by_hand_takes_no_sources_that_it_could_be_lost_with(store: Store) -> None:
    (message,) = said(store, "I keep bees.")
    store.remember(fact("I keep bees.", message))
    store.remember(NewMemory("I keep bees.", pinned=True))
    merge_duplicates(store)
    store.forget(Selection((message.id,)))
    assert [one.text for one in store.memories.all()] == ["I keep bees."]


LONG = [f"Fact number {number} is about the boiler and its valve." for number in range(EVERY)]


async def summed_up(store: Store, model: ScriptedChat | None) -> list[Summary]:
    return [one async for one in consolidate(store, Models(model)) if isinstance(one, Summary)]


async def test_long_conversation_is_summed_up_by_the_model_and_again_when_it_has_grown(store: Store) -> None:
    messages = said(store, *LONG)
    model = ScriptedChat(["The user told 3 facts of the boiler. It cost 950 euros."], ["More of it."])
    [summary] = await summed_up(store, model)
    assert summary.text == "The user told 3 facts of the boiler."  # nobody spoke of 950
    assert (summary.author, summary.message_id) == (MODEL, messages[-1].id)
    assert await summed_up(store, model) == []
    talk, parent = messages[0].conversation_id, messages[-1].id
    for text in LONG:
        parent = store.conversations.append(talk, Role.USER, text, USER, parent_id=parent).id
    [again] = await summed_up(store, model)
    assert again.text == "More of it."
    assert "The earlier summary" in model.requests[-1].messages[-1].content


async def test_without_a_model_the_conversations_own_sentences_are_taken(store: Store) -> None:
    said(store, "The boiler loses pressure every night.", "Is that bad?", *LONG)
    [summary] = await summed_up(store, None)
    assert summary.author == EXTRACTED
    assert summary.text.startswith("The boiler loses pressure every night.")
    assert "Is that bad?" not in summary.text


async def test_short_conversation_is_left_as_it_is(store: Store) -> None:
    said(store, *LONG[:-1])
    assert await summed_up(store, None) == []


@pytest.mark.parametrize("whole", [True, False])
async def test_private_words_are_in_no_request_and_in_no_public_summary(store: Store, whole: bool) -> None:
    messages = said(store, *LONG)
    talk = messages[0].conversation_id
    secret = store.conversations.append(
        talk, Role.USER, "The safe opens with 4711.", USER, parent_id=messages[-1].id, private=True
    )
    if whole:
        store.conversations.mark(talk, private=True)
    model = ScriptedChat(["Of the boiler."], is_private=False)
    summary = await sum_up(store, Models(model), talk)
    assert summary is not None
    assert (summary.private, summary.message_id) == (whole, secret.id)
    assert len(model.requests) == (not whole)
    assert "4711" not in "".join(one.content for request in model.requests for one in request.messages)
    assert whole or "4711" not in summary.text


def test_extract_of_nothing_is_nothing() -> None:
    assert extract([]) == ""


async def test_conversation_erased_meanwhile_keeps_no_summary(store: Store) -> None:
    messages = said(store, *LONG)
    gate = asyncio.Event()
    model = ScriptedChat(["Of the ", gate, "boiler."])
    going = asyncio.create_task(sum_up(store, Models(model), messages[0].conversation_id))
    await model.waiting.wait()
    await asyncio.to_thread(store.forget, Selection((messages[-1].id,)))
    gate.set()
    await going
    assert store.learning.summaries.get(messages[0].conversation_id) is None
