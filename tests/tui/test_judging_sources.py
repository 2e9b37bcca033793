"""Sources of an answer are judged: not relevant keeps them from this question, wrong leads to what is right."""

from __future__ import annotations

from pathlib import Path

from textual.widgets import Input, TextArea

from assistant.tui.screens.ask import AskScreen
from assistant.tui.screens.memory_editor import MemoryEditor
from assistant.tui.screens.source import SourceScreen
from assistant.tui.widgets.source_list import SourceLine
from memory_store import Store
from tests.memory_store.support import add_document
from tests.tui.support import House, chatting

QUESTION = "Where is the spare key?"
IN_DOCUMENT = "The spare key is on the shelf in the hall."
IN_MEMORY = "The spare key is with Ines at number 12."


def prepare(store: Store) -> None:
    add_document(store, "/home/ada/house.md", IN_DOCUMENT)
    store.remember(IN_MEMORY)


def line_of(house: House, words: str) -> SourceLine:
    """The line under the latest answer for the source that holds these words."""
    return next(one for one in house.answers[-1].query(SourceLine) if words in one.source.text)


async def test_a_source_that_is_not_relevant_is_not_recalled_for_this_question_again(tmp_path: Path) -> None:
    async with chatting(tmp_path, None, prepare=prepare) as house:
        await house.ask(QUESTION)
        line = line_of(house, "shelf")
        line.focus()
        await house.pilot.press("n", "enter")
        await house.until(lambda: line.source.dismissed)
        assert "not relevant" in str(line.render())

        again = await house.ask("Who has the spare key?")
        assert "Ines" in again.text
        assert "shelf" not in again.text

        line.focus()
        await house.pilot.press("n", "enter")
        await house.until(lambda: not line.source.dismissed)
        third = await house.ask(QUESTION)
        assert "shelf" in third.text


async def test_what_was_judged_is_seen_again_when_the_chat_is_opened_anew(tmp_path: Path) -> None:
    async with chatting(tmp_path, None, prepare=prepare) as house:
        await house.ask(QUESTION)
        line_of(house, "shelf").focus()
        await house.pilot.press("n", "enter")
        await house.until(lambda: line_of(house, "shelf").source.dismissed)
        conversation = house.store.conversations.all()[0]
        await house.say("/new")
        await house.until(lambda: not house.answers)
        await house.pilot.press("ctrl+o")
        await house.until(lambda: house.app.screen is not house.chat)
        await house.pilot.pause()
        await house.pilot.press("enter")
        await house.until(lambda: house.answers and house.answers[-1].query(SourceLine))
        assert house.chat.session is not None
        assert house.chat.session.conversation is not None
        assert house.chat.session.conversation.id == conversation.id
        assert line_of(house, "shelf").source.dismissed


async def test_a_wrong_memory_is_corrected_and_its_history_kept(tmp_path: Path) -> None:
    async with chatting(tmp_path, None, prepare=prepare) as house:
        await house.ask(QUESTION)
        line_of(house, "Ines").focus()
        await house.pilot.press("enter")
        await house.dialog(SourceScreen)
        await house.pilot.press("w")
        editor = await house.dialog(MemoryEditor)
        assert editor.query_one(TextArea).text == IN_MEMORY
        editor.query_one(TextArea).text = "The spare key is with Tom at number 8."
        await house.pilot.press("ctrl+s")
        await house.until(lambda: any("Put right: The spare key is with Tom" in one for one in house.notices))
        answer = await house.ask(QUESTION)
        assert "Tom at number 8" in answer.text
        assert "Ines" not in answer.text
        (memory,) = house.store.memories.all()
        assert [one.text for one in house.store.memories.get_earlier(memory.id)] == [IN_MEMORY]


async def test_a_wrong_document_stays_as_it_is_and_what_is_right_is_remembered(tmp_path: Path) -> None:
    async with chatting(tmp_path, None, prepare=prepare) as house:
        await house.ask(QUESTION)
        line_of(house, "shelf").focus()
        await house.pilot.press("w", "enter")
        asked = await house.dialog(AskScreen)
        asked.query_one(Input).value = "The spare key hangs behind the door."
        await house.pilot.press("enter")
        await house.until(lambda: any("Put right" in one for one in house.notices))
        answer = await house.ask(QUESTION)
        assert "behind the door" in answer.text
        assert "shelf" not in answer.text
        assert house.store.recall("shelf in the hall", 1)[0].text == IN_DOCUMENT
