"""A newer statement of what there is one of at a time takes the place of the older, which stays as history."""

from __future__ import annotations

from datetime import timedelta

from assistant.core.events import Captured, NoLongerTrue
from assistant.core.session import Session, TurnSettings
from assistant.llm.scripted import ScriptedChat
from memory_store import NewMemory, Store
from memory_store.models import Author, AuthorKind, RecallFilters

SETTINGS = TurnSettings(titles=False)


async def said(store: Store, *texts: str) -> list[Captured]:
    """Say these in one conversation; return what was captured."""
    session = Session(store, ScriptedChat(otherwise=["Noted."]), SETTINGS)
    return [
        event for text in texts for event in [one async for one in session.turn(text)] if isinstance(event, Captured)
    ]


def living(store: Store) -> list[str]:
    return [one.text for one in store.memories.all()]


async def test_a_move_retires_the_home_before_without_deleting_it(store: Store) -> None:
    captured = await said(store, "I live in Porto.", "No, I moved to Lyon last week.")
    assert living(store) == ["I moved to Lyon last week."]
    assert captured[1].instead_of is not None
    assert captured[1].instead_of.text == "I live in Porto."
    (newest,) = store.memories.all()
    (before,) = store.memories.earlier(newest.id)
    assert before.valid_to is not None
    assert before.sources != newest.sources  # each rests on its own message
    as_of = before.recorded_at + timedelta(microseconds=1)
    recalled = [one.text for one in store.recall("Where do I live? Porto", 9, RecallFilters(as_of=as_of))]
    assert "I live in Porto." in recalled


async def test_what_there_may_be_several_of_stays_beside_each_other(store: Store) -> None:
    await said(
        store, "I'm allergic to penicillin.", "I'm allergic to nuts.", "My sister's name is Ana.", "My name is Ada."
    )
    assert len(living(store)) == 4


async def test_the_same_words_are_not_stored_again(store: Store) -> None:
    captured = await said(store, "I live in Porto.", "I live in Porto.")
    assert len(captured) == 1


async def test_what_a_document_states_is_not_taken_back_by_what_the_user_says(store: Store) -> None:
    store.remember(NewMemory("I live in Porto.", author=Author(AuthorKind.DOCUMENT)))
    captured = await said(store, "I live in Lyon.")
    assert [one.instead_of for one in captured] == [None]
    assert len(living(store)) == 2


async def test_what_a_model_captured_of_the_users_words_gives_way_to_what_the_user_says(store: Store) -> None:
    store.remember(NewMemory("The user has settled in Porto.", author=Author(AuthorKind.MODEL, "m"), about="home"))
    await said(store, "I live in Lyon.")
    assert living(store) == ["I live in Lyon."]


async def test_what_takes_the_place_of_the_pinned_and_private_is_so_too(store: Store) -> None:
    store.remember(NewMemory("My phone number is 555 0100.", pinned=True, private=True))
    await said(store, "My new phone number is 555 0199.")
    (newest,) = store.memories.all()
    assert (newest.text, newest.pinned, newest.private) == ("My new phone number is 555 0199.", True, True)


async def test_what_the_user_takes_back_ends_and_stays_as_history(store: Store) -> None:
    await said(store, "I drive a Golf.", "I want to run a marathon this year.", "I own a piano.")
    session = Session(store, ScriptedChat(otherwise=["Noted."]), SETTINGS)
    events = [event async for event in session.turn("I sold the Golf. I gave up on the marathon, my knee hurts.")]
    ended = [one.memory.text for one in events if isinstance(one, NoLongerTrue)]
    assert ended == ["I drive a Golf.", "I want to run a marathon this year."]
    assert living(store) == ["I own a piano."]
    assert len(store.memories.all(include_superseded=True)) == 3


async def test_what_a_document_states_is_not_ended_by_a_remark(store: Store) -> None:
    store.remember(NewMemory("The Golf is red.", author=Author(AuthorKind.DOCUMENT)))
    await said(store, "I sold the Golf.")
    assert living(store) == ["The Golf is red."]


async def test_what_is_said_again_is_another_source_of_the_same(store: Store) -> None:
    await said(store, "We moved to Lyon.", "I live in Lyon.", "We moved to Lyon.")
    (home,) = store.memories.all()
    assert (home.text, len(home.sources)) == ("We moved to Lyon.", 3)


async def test_another_name_of_whom_there_may_be_several_is_asked_about(store: Store) -> None:
    await said(store, "My sister is called Ana.", "My sister is called Eva.")
    assert len(living(store)) == 2
    (question,) = store.learning.questions.all()
    assert (question.memory.text, question.other and question.other.text) == (
        "My sister is called Eva.",
        "My sister is called Ana.",
    )
    await said(store, "My dog is called Bela.", "Sorry, typo: my dog is called Bella.")
    assert "My dog is called Bela." not in living(store)


async def test_health_is_asked_about_unless_the_user_asked_to_remember_it(store: Store) -> None:
    captured = await said(store, "I have asthma.", "Remember that I'm allergic to nuts.", "I own a piano.")
    assert [one.is_asked_about for one in captured] == [True, False, False]
    assert [one.memory.text for one in store.learning.questions.all()] == ["I have asthma."]


async def test_plan_of_the_same_name_gets_another_time_and_no_other_plan_does(store: Store) -> None:
    await said(store, "My dentist appointment is on 3 May.", "My appointment with the bank is on 5 May.")
    assert len(living(store)) == 2
    await said(store, "I have a job interview on 7 May.", "The interview has been moved to 9 May.")
    assert living(store)[0] == "The interview has been moved to 9 May."
    assert len(living(store)) == 3
