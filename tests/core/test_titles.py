"""A chat is named by who answered it, once, unless the user did, and never where that would give something away."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from assistant.core.conversation.session import Session, TurnSettings
from assistant.core.conversation.titles import cleaned
from assistant.errors import ModelError
from assistant.llm.base import Finished, TextDelta
from assistant.llm.roles import ModelRole, Models
from assistant.llm.scripted import ScriptedChat, Step
from memory_store import Selection, Store
from memory_store.models import Conversation
from tests.memory_store.support import bytes_of

QUESTION = "Where did I leave the spare key of the garden shed last summer?"
ANSWER: list[Step] = [TextDelta("With Ines."), Finished("stop", "scripted", 50, 4)]
NAMED: list[Step] = [TextDelta("“Garden shed key”\n"), Finished("stop", "scripted", 30, 5)]


async def begun(store: Store, model: ScriptedChat | None, *, temporary: bool = False) -> Session:
    session = Session(store, Models(model), TurnSettings(), temporary=temporary)
    async for _ in session.turn(QUESTION):
        pass
    return session


def stored(store: Store) -> Conversation:
    (conversation,) = store.conversations.all()
    return conversation


async def test_who_answered_names_the_chat(store: Store) -> None:
    session = await begun(store, ScriptedChat(ANSWER, NAMED))
    assert stored(store).title.startswith("Where did I leave")
    assert await session.name_it()
    assert stored(store).title == "Garden shed key"
    assert session.conversation == stored(store)
    async for _ in session.turn("And the bicycle?"):
        pass
    assert not await session.name_it()


async def test_a_name_that_the_user_gave_stays(store: Store) -> None:
    session = await begun(store, ScriptedChat(ANSWER, NAMED))
    store.conversations.rename(stored(store).id, "My own name")
    assert not await session.name_it()
    assert stored(store).title == "My own name"


@pytest.mark.parametrize("told", ["", "Here is a title:\nKeys", "word " * 40, "***"])
async def test_what_is_no_title_is_not_taken(store: Store, told: str) -> None:
    session = await begun(store, ScriptedChat(ANSWER, [TextDelta(told), Finished("stop", "scripted")]))
    assert not await session.name_it()
    assert stored(store).title.startswith("Where did I leave")


async def test_quotations_and_temporary_chats_are_not_named(store: Store) -> None:
    assert not await (await begun(store, None)).name_it()
    model = ScriptedChat(ANSWER, NAMED)
    assert not await (await begun(store, model, temporary=True)).name_it()
    assert len(model.requests) == 1


async def test_what_is_private_is_named_on_this_machine_alone(store: Store) -> None:
    model = ScriptedChat(ANSWER, NAMED)
    session = await begun(store, model)
    store.conversations.mark(stored(store).id, private=True)
    reopened = await Session.open(store, Models(model), TurnSettings(), stored(store).id)
    model.info = replace(model.info, is_private=False)
    assert not await reopened.name_it()
    assert len(model.requests) == 1
    assert store.requests.all() == []
    assert session.conversation is not None


async def test_a_name_asked_of_another_machine_is_in_the_log(store: Store) -> None:
    session = await begun(store, ScriptedChat(ANSWER, NAMED, is_private=False))
    assert await session.name_it()
    assert [(one.purpose, one.items) for one in store.requests.all()] == [("chat", 2), ("chat", 1)]


async def test_a_model_that_fails_leaves_the_title(store: Store) -> None:
    session = await begun(store, ScriptedChat(ANSWER, [ModelError("No.")]))
    with pytest.raises(ModelError):
        await session.name_it()
    assert stored(store).title.startswith("Where did I leave")


@pytest.mark.parametrize("which", [0, 1], ids=["question", "answer"])
async def test_the_name_is_erased_with_what_it_was_taken_from(tmp_path: Path, which: int) -> None:
    with Store.open(tmp_path) as store:
        session = await begun(store, ScriptedChat(ANSWER, NAMED))
        assert await session.name_it()
        store.forget(Selection((session.messages[which].id,)))
        assert stored(store).title == "(title erased)"
        assert b"Garden shed key" not in bytes_of(tmp_path)


def test_titles_lose_what_stands_around_them() -> None:
    assert cleaned('  **"Garden shed key."**\n') == "Garden shed key"
    assert cleaned("《花园的钥匙》。") == "花园的钥匙"


async def test_chat_is_named_by_the_fast_model_and_what_is_private_by_one_at_home(store: Store) -> None:
    fast = ScriptedChat(otherwise=["A quick name"], is_private=False)
    models = Models(ScriptedChat(otherwise=["Lyon."]), {ModelRole.FAST: fast})
    session = Session(store, models, TurnSettings())
    async for _event in session.turn("Where do I live?"):
        pass
    assert await session.name_it()
    assert (stored(store).title, len(fast.requests)) == ("A quick name", 1)
    secret = Session(store, models, TurnSettings())
    await secret.keep_private(private=True)
    async for _event in secret.turn("Where do I hide?"):
        pass
    await secret.name_it()
    assert len(fast.requests) == 1
