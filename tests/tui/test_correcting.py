"""Corrections in the conversation: the memory that is meant is shown, and corrected or erased on a yes."""

from __future__ import annotations

from pathlib import Path

from textual.widgets import OptionList, TextArea

from assistant import config
from assistant.llm.scripted import ScriptedChat
from assistant.tui.screens.chooser import Chooser
from assistant.tui.screens.memory_editor import MemoryEditor
from memory_store import Store
from tests.memory_store.support import bytes_of
from tests.tui.support import House, chatting

KEY = "The spare key is with Ines at number 12."


def prepare(store: Store) -> None:
    store.remember(KEY)


def requests(house: House) -> int:
    assert isinstance(house.model, ScriptedChat)
    return len(house.model.requests)


async def test_forget_that_erases_what_was_just_captured_with_the_words_on_a_yes(tmp_path: Path) -> None:
    learning = config.Settings(chat=config.ChatConfig(titles=False))
    async with chatting(tmp_path, settings=learning) as house:
        await house.ask("Remember that the quincunx is buried.")
        await house.until(lambda: [one.text for one in house.store.memories.all()] == ["the quincunx is buried"])
        await house.say("Forget that.")
        dialog = await house.dialog(Chooser)
        assert dialog.query_one(OptionList).option_count == 2
        await house.pilot.press("enter")
        await house.erase()
        await house.until(lambda: any("Erased, and verified" in one for one in house.notices))
        assert house.store.memories.all() == []
        assert requests(house) == 1
    assert b"quincunx" not in bytes_of(tmp_path / "memory")


async def test_that_is_wrong_leads_to_what_is_right(tmp_path: Path) -> None:
    async with chatting(tmp_path, ScriptedChat(["With Ines [1]."]), prepare=prepare) as house:
        await house.ask("Who has the spare key?")
        await house.say("No, that's wrong!")
        await house.dialog(Chooser)
        await house.pilot.press("enter")
        editor = await house.dialog(MemoryEditor)
        assert editor.query_one(TextArea).text == KEY
        editor.query_one(TextArea).text = "The spare key is with Tom."
        await house.pilot.press("ctrl+s")
        await house.until(lambda: any("Put right: The spare key is with Tom." in one for one in house.notices))
        (memory,) = house.store.memories.all()
        assert [one.text for one in house.store.memories.get_earlier(memory.id)] == [KEY]


async def test_closed_nothing_is_done_or_said_and_the_words_stay(tmp_path: Path) -> None:
    async with chatting(tmp_path, ScriptedChat(["With Ines [1]."]), prepare=prepare) as house:
        await house.ask("Who has the spare key?")
        await house.say("I never said that")
        await house.dialog(Chooser)
        await house.pilot.press("escape")
        await house.until(lambda: house.chat.prompt.text == "I never said that")
        assert requests(house) == 1
        assert len(house.store.memories.all()) == 1


async def test_none_of_these_is_said_to_the_model(tmp_path: Path) -> None:
    model = ScriptedChat(["With Ines [1]."], ["Sorry."])
    async with chatting(tmp_path, model, prepare=prepare) as house:
        await house.ask("Who has the spare key?")
        await house.say("That's wrong")
        await house.dialog(Chooser)
        await house.pilot.press("down", "enter")
        await house.until(lambda: len(house.answers) == 2 and not house.chat.is_answering)
        assert house.answers[1].text == "Sorry."


async def test_where_nothing_that_is_remembered_can_be_meant_it_is_a_message(tmp_path: Path) -> None:
    async with chatting(tmp_path) as house:
        await house.ask("Two and two is five")
        await house.ask("That's wrong")
        assert requests(house) == 2


async def test_where_no_memory_can_be_meant_and_no_model_reads_the_user_is_told(tmp_path: Path) -> None:
    async with chatting(tmp_path, None) as house:
        await house.ask("Two and two is five")
        await house.say("Forget that")
        await house.until(lambda: any("no memory that can be meant" in one for one in house.notices))
        assert len(house.answers) == 1
