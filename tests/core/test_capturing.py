"""A newer statement of what there is one of at a time takes the place of the older, which stays as history."""

from __future__ import annotations

from datetime import timedelta

from assistant.core.events import Captured
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
