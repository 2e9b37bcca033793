"""Learning beside the chat, questions that only the user can answer, goals, the profile edited, a chat kept private."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from textual.widgets import Input, OptionList

from assistant import config
from assistant.llm.scripted import ScriptedChat
from assistant.tui.screens.about_me import AboutMeScreen
from assistant.tui.screens.ask import AskScreen
from assistant.tui.screens.chooser import Chooser
from memory_store import NewMemory, Store
from memory_store.models import MemoryKind, QuestionKind
from tests.tui.support import House, chatting

LEARNING = config.Settings(chat=config.ChatConfig(titles=False))
POINTED = json.dumps({"memories": [{"sentences": [1], "kind": "fact", "about": "hobby"}]})


async def choose(house: House, place: int) -> None:
    dialog = await house.dialog(Chooser)
    dialog.query_one(OptionList).highlighted = place
    await house.pilot.press("enter")
    await house.until(lambda: house.app.screen is not dialog)


async def fill(house: House, text: str) -> None:
    dialog = await house.dialog(AskScreen)
    dialog.query_one(Input).value = text
    await house.pilot.press("enter")
    await house.until(lambda: house.app.screen is not dialog)


async def test_what_was_said_is_learned_from_after_the_answer(tmp_path: Path) -> None:
    model = ScriptedChat(["How lovely."], [POINTED])
    async with chatting(tmp_path, model, settings=LEARNING) as house:
        await house.ask("By the way, I keep bees on the roof.")
        await house.until(lambda: "Remembered: By the way, I keep bees on the roof." in house.notices)
        (memory,) = house.store.memories.all()
        assert [ground.quote for ground in house.store.memories.grounds(memory.id)] == [memory.text]
        await house.say("/learn")
        await house.until(lambda: "There was nothing to learn." in house.notices)
        await house.say(f"/forget {memory.id}")
        await house.erase()
        await house.until(lambda: any("nothing of it is left" in one for one in house.notices))
        assert not any("bees" in one for one in house.notices)


async def test_note_that_is_erased_in_a_chat_without_messages_leaves_the_screen(tmp_path: Path) -> None:
    async with chatting(tmp_path) as house:
        await house.say("/remember My locker is number 77")
        await house.until(lambda: any("Remembered: My locker" in one for one in house.notices))
        await house.say(f"/forget {house.store.memories.all()[0].id}")
        await house.erase()
        await house.until(lambda: any("nothing of it is left" in one for one in house.notices))
        assert not any("locker" in one for one in house.notices)


async def test_what_waits_for_another_model_is_told(tmp_path: Path) -> None:
    async with chatting(tmp_path, None, settings=LEARNING) as house:
        await house.say("/learn")
        await house.until(lambda: "There was nothing to learn." in house.notices)


def sensitive(store: Store) -> None:
    one = store.remember(NewMemory("I have asthma.", MemoryKind.FACT))
    store.learning.questions.ask(QuestionKind.SENSITIVE, one.id)
    old = store.remember(NewMemory("My car is red.", MemoryKind.FACT))
    new = store.remember(NewMemory("My car is blue.", MemoryKind.FACT))
    store.learning.questions.ask(QuestionKind.CONTRADICTION, new.id, old.id)


async def test_questions_are_answered_one_after_the_other(tmp_path: Path) -> None:
    async with chatting(tmp_path, prepare=sensitive) as house:
        await house.say("/about-me")
        await house.dialog(AboutMeScreen)
        await house.pilot.press("a")
        await choose(house, 0)  # yes
        await house.until(lambda: "Noted: I have asthma." in house.notices)
        await choose(house, 0)  # the newer
        await house.until(lambda: "Noted: My car is blue." in house.notices)
        assert {one.text for one in house.store.memories.all()} == {"I have asthma.", "My car is blue."}
        assert house.store.learning.questions.all() == []


async def test_no_erases_what_may_not_be_remembered(tmp_path: Path) -> None:
    async with chatting(tmp_path, prepare=sensitive) as house:
        await house.say("/questions")
        await choose(house, 1)
        await house.erase()
        await house.dialog(Chooser)
        await house.pilot.press("escape")
        assert "I have asthma." not in {one.text for one in house.store.memories.all()}


async def test_goal_is_set_reviewed_and_ended(tmp_path: Path) -> None:
    async with chatting(tmp_path) as house:
        await house.say("/goals run a marathon")
        await fill(house, "for the heart")
        await fill(house, "by October")
        await house.until(lambda: any(one.startswith("Goal set: run a marathon") for one in house.notices))
        (goal,) = house.store.memories.all()
        assert (goal.kind, goal.why, goal.horizon) == (MemoryKind.GOAL, "for the heart", "by October")
        await house.say("/goals")
        await choose(house, 0)
        await choose(house, 0)
        await fill(house, "ran ten kilometres")
        await house.until(lambda: house.store.memories.reviews(goal.id))
        await house.settled()
        await house.say("/goals")
        await choose(house, 0)
        await choose(house, 1)
        await house.until(lambda: not house.store.memories.all())


async def test_goal_is_given_up_by_closing_a_question_and_set_by_leaving_it_empty(tmp_path: Path) -> None:
    async with chatting(tmp_path) as house:
        await house.say("/goals run a marathon")
        await house.dialog(AskScreen)
        await house.pilot.press("escape")
        await house.settled()
        assert house.store.memories.all() == []
        await house.say("/goals run a marathon")
        await fill(house, "")
        await fill(house, "")
        await house.until(house.store.memories.all)
        (goal,) = house.store.memories.all()
        assert (goal.why, goal.horizon) == (None, None)


async def test_page_of_the_profile_is_edited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def edited(_skin: object, text: str, _name: str) -> str:
        return text.replace("red", "green") + "\n## Goals\n\n- Learn to sail.\n"

    monkeypatch.setattr("assistant.tui.screens.chat_skin.ChatSkin.edit", edited)
    async with chatting(tmp_path, prepare=sensitive) as house:
        await house.say("/about-me")
        await house.dialog(AboutMeScreen)
        await house.pilot.press("e")
        await house.until(lambda: "Remembered: Learn to sail." in house.notices)
        kinds = {one.text: one.kind for one in house.store.memories.all()}
        assert kinds["My car is green."] is MemoryKind.FACT
        assert kinds["Learn to sail."] is MemoryKind.GOAL


async def test_chat_is_kept_private_from_its_beginning(tmp_path: Path) -> None:
    async with chatting(tmp_path, ScriptedChat(["Fine."], ["Fine."])) as house:
        await house.say("/private")
        await house.until(lambda: house.notices)
        await house.ask("The code is 4411.")
        (talk,) = house.store.conversations.all()
        assert talk.private
        assert all(one.private for one in house.store.conversations.messages(talk.id))
        await house.say("/private")
        await house.until(lambda: not house.store.conversations.get(talk.id).private)


async def test_private_chat_is_refused_to_a_model_elsewhere(tmp_path: Path) -> None:
    model = ScriptedChat(["Never."], is_private=False)
    async with chatting(tmp_path, model) as house:
        await house.say("/private")
        await house.until(lambda: house.notices)
        await house.say("The code is 4411.")
        await house.settled()
        assert model.requests == []
