"""A model captures from what waits: once, in the background, nothing unsupported, nothing private elsewhere."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from assistant.core.events import Captured
from assistant.core.learning.learner import learn
from assistant.core.session import Session, TurnSettings
from assistant.errors import ModelError
from assistant.llm.base import TextDelta
from assistant.llm.scripted import ScriptedChat, Step
from memory_store import NewMemory, Store
from memory_store.models import USER, Author, AuthorKind, MemoryKind, Message, Role
from tests.support.embedder import HashEmbedder


def waiting(store: Store, text: str, *, private: bool = False) -> Message:
    talk = store.conversations.start("Talk")
    return store.conversations.append(talk.id, Role.USER, text, USER, parent_id=None, private=private, capture=True)


def said(*changes: dict[str, Any]) -> list[Step]:
    return [TextDelta(json.dumps({"changes": list(changes)}))]


def change(text: str, quote: str, **more: Any) -> dict[str, Any]:
    return {"action": "add", "text": text, "quote": quote, "kind": "fact", "about": "", "memory": None, **more}


async def learned(store: Store, *answers: list[Step], is_private: bool = True) -> list[Captured]:
    noted = [one async for one in learn(store, ScriptedChat(*answers, is_private=is_private))]
    return [one for one in noted if isinstance(one, Captured)]


async def test_memory_names_its_message_quotes_it_and_who_made_it(store: Store) -> None:
    message = waiting(store, "By the way, I keep bees in Lyon.")
    [one] = await learned(store, said(change("The user keeps bees in Lyon.", "I keep bees in Lyon")))
    assert (one.memory.sources, one.memory.author) == ((message.id,), Author(AuthorKind.MODEL, "scripted"))
    assert [ground.quote for ground in store.memories.grounds(one.memory.id)] == ["I keep bees in Lyon"]
    assert await learned(store) == []  # nothing waits, so no script is needed


async def test_newer_home_takes_the_place_of_the_older_one(store: Store) -> None:
    porto = store.remember(NewMemory("I live in Porto.", MemoryKind.FACT))
    waiting(store, "We moved to Lyon in spring.")
    proposal = change("We moved to Lyon in spring.", "We moved to Lyon in spring", action="supersede", memory=1)
    [one] = await learned(store, said({**proposal, "about": "home"}))
    assert one.instead_of is not None
    assert one.instead_of.id == porto.id
    assert [memory.text for memory in store.memories.all()] == ["We moved to Lyon in spring."]


async def test_what_nobody_can_tell_is_asked(store: Store) -> None:
    store.remember(NewMemory("I like strong coffee best.", MemoryKind.PREFERENCE))
    waiting(store, "I like green tea best.")
    await learned(store, said(change("I like green tea best.", "I like green tea best", action="supersede", memory=1)))
    assert len(store.memories.all()) == 2
    [question] = store.learning.questions.all()
    assert question.other is not None
    assert (question.memory.text, question.other.text) == ("I like green tea best.", "I like strong coffee best.")


async def test_what_a_document_states_is_not_overruled_in_passing(store: Store) -> None:
    lease = NewMemory("I live in Porto.", MemoryKind.FACT, Author(AuthorKind.DOCUMENT, "Lease"))
    store.remember(lease)
    waiting(store, "I live in Lyon now.")
    await learned(
        store, said(change("I live in Lyon now.", "I live in Lyon now", action="supersede", memory=1, about="home"))
    )
    assert {one.text for one in store.memories.all()} == {"I live in Porto.", "I live in Lyon now."}
    assert len(store.learning.questions.all()) == 1


async def test_saying_it_again_adds_a_source_and_no_memory(store: Store) -> None:
    first = waiting(store, "I keep bees.")
    second = waiting(store, "You know I keep bees.")
    again = change("I keep bees.", "I keep bees", action="confirm", memory=1)
    await learned(store, said(change("I keep bees.", "I keep bees")), said(again))
    [memory] = store.memories.all()
    assert set(memory.sources) == {first.id, second.id}


INVENTED = [
    change("The user lives in Paris.", "I live in Paris"),
    change("The user keeps bees in Paris.", "I keep bees"),
    change("The user keeps 12 hives.", "I keep bees"),
    change("The user hates bees.", "I keep bees"),
    change("The user wants honey.", "you should sell honey"),
    {"action": "add", "text": "No quote."},
    {"action": "erase", "text": "I keep bees", "quote": "I keep bees"},
    "not even an object",
]


async def test_nothing_that_a_model_invents_is_kept(store: Store) -> None:
    waiting(store, "I keep bees.")
    assert await learned(store, [TextDelta(json.dumps({"changes": INVENTED}))]) == []
    assert store.memories.all() == []
    assert store.learning.queue.waiting() == 0


@pytest.mark.parametrize("answer", ["", "I would remember that.", "{", '{"changes": 5}', "[" * 5000])
async def test_answer_that_cant_be_read_is_asked_for_again_later(store: Store, answer: str) -> None:
    waiting(store, "I keep bees.")
    assert await learned(store, [TextDelta(answer)] if answer else [TextDelta(" ")]) == []
    assert store.learning.queue.waiting() == 1
    assert store.learning.queue.next(include_private=True) is None  # not at once


async def test_failing_model_leaves_the_message_waiting(store: Store) -> None:
    waiting(store, "I keep bees.")
    with pytest.raises(ModelError):
        await learned(store, [ModelError("No network.", "Try again.")])
    assert store.learning.queue.waiting() == 1


async def test_answer_stopped_in_the_middle_changes_nothing_and_is_given_again(store: Store, tmp_path: Path) -> None:
    waiting(store, "I keep bees.")
    model = ScriptedChat(said(change("I keep bees.", "I keep bees")))
    learning = learn(store, model)
    assert (await anext(learning)).memory.text == "I keep bees."
    await learning.aclose()
    store.close()
    with Store.open(store.folder, HashEmbedder()) as later:
        assert later.learning.queue.waiting() == 0
        assert [one.text for one in later.memories.all()] == ["I keep bees."]


async def test_who_only_quotes_is_not_asked(store: Store) -> None:
    waiting(store, "I keep bees.")
    assert [one async for one in learn(store, None)] == []
    async for _ in Session(store, None, TurnSettings()).turn("I keep wasps too."):
        pass
    assert store.learning.queue.waiting() == 1  # nothing waits for a model that won't come


async def test_private_words_and_memories_stay_here(store: Store) -> None:
    store.remember(NewMemory("I hide bees in the cellar.", private=True))
    waiting(store, "My bees are secret.", private=True)
    waiting(store, "I keep bees in the garden.")
    model = ScriptedChat(otherwise=said(), is_private=False)
    assert [one async for one in learn(store, model)] == []
    [request] = model.requests
    sent = "\n".join(one.content for one in request.messages)
    assert "garden" in sent
    assert "cellar" not in sent
    assert "secret" not in sent
    assert store.learning.queue.waiting() == 1
    assert [one.purpose for one in store.requests.all()] == ["chat"]


async def test_turn_lets_the_message_wait_with_its_row(store: Store) -> None:
    model = ScriptedChat(["Noted."])
    async for _ in Session(store, model, TurnSettings(capture=False)).turn("I keep bees."):
        pass
    async for _ in Session(store, ScriptedChat(["No."]), TurnSettings(learn=False)).turn("I keep wasps."):
        pass
    async for _ in Session(store, ScriptedChat(["No."]), TurnSettings(), temporary=True).turn("I keep ants."):
        pass
    message = store.learning.queue.next(include_private=True)
    assert message is not None
    assert message.text == "I keep bees."
    assert store.learning.queue.waiting() == 1


@pytest.mark.parametrize(
    ("message", "quote", "ends"),
    [
        ("The Golf is sold, a bakery bought it.", "The Golf is sold", True),
        ("That I have a Golf is wrong, I never had a car.", "That I have a Golf is wrong", True),
        ("我已经把Golf卖了。", "我已经把Golf卖了", True),
        ("Do I still own the Golf, or is it sold?", "is it sold", False),
        ("If the Golf is sold, I'll take the bus.", "the Golf is sold", False),
        ("He said “the Golf is sold”.", "the Golf is sold", False),
        ("The piano is sold.", "The piano is sold", False),
        ("The Golf runs well.", "The Golf runs well", False),
        ("I moved.", "The Golf is sold", False),
    ],
)
async def test_what_the_user_takes_back_ends_and_nothing_else_does(
    store: Store, message: str, quote: str, ends: bool
) -> None:
    car = store.remember(NewMemory("I drive a Golf.", MemoryKind.FACT))
    waiting(store, message)
    await learned(store, said({**change("", quote, action="end"), "memory": 1}))
    assert store.memories.get(car.id).is_living is not ends
    assert store.memories.get(car.id).text == "I drive a Golf."


async def test_what_a_document_states_is_not_ended_by_what_a_model_proposes(store: Store) -> None:
    car = store.remember(NewMemory("The Golf is red.", author=Author(AuthorKind.DOCUMENT)))
    waiting(store, "The Golf is sold.")
    await learned(store, said({**change("", "The Golf is sold", action="end"), "memory": 1}))
    assert store.memories.get(car.id).is_living
