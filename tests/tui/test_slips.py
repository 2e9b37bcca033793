"""Nothing is done by a slip: letters act on what is selected only alone, and a question that erases takes a word."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.widgets import Input

from assistant.llm.scripted import ScriptedChat
from assistant.tui import letters
from assistant.tui.screens.confirm import ConfirmForget
from assistant.tui.widgets.source_list import SourceLine
from assistant.tui.widgets.spoken import Spoken
from assistant.tui.widgets.status_line import StatusLine
from tests.tui.support import House, chatting, script
from tests.tui.test_conversation import with_keys


def last_line(house: House) -> str:
    line = house.chat.query_one(StatusLine)
    assert line.region.bottom == house.app.size.height
    return str(line.render())


@pytest.mark.parametrize("word", ["family", "yes", "pear", "branch", "coffee", "ff", "rye bread"])
async def test_a_word_typed_while_a_message_is_selected_is_written_whole_and_does_nothing(
    tmp_path: Path, word: str
) -> None:
    async with chatting(tmp_path, ScriptedChat(script("one"))) as house:
        await house.ask("first")
        await house.pilot.press("alt+up")
        await house.press_keys(word)
        await house.until(lambda: house.chat.prompt.text == word)
        await house.settled()
        assert house.app.screen is house.chat
        assert [one.text for one in house.chat.transcript.spoken] == ["first", "one"]
        assert house.store.memories.all() == []
        assert house.app.clipboard == ""


async def test_a_word_typed_while_a_source_has_the_focus_is_written_whole_and_judges_nothing(tmp_path: Path) -> None:
    async with chatting(tmp_path, ScriptedChat(script("Ines has it [1].")), prepare=with_keys) as house:
        await house.ask("Who has our spare key?")
        house.chat.query(SourceLine).first().focus()
        await house.press_keys("nobody wrote")
        await house.until(lambda: house.chat.prompt.text == "nobody wrote")
        assert not house.chat.query(SourceLine).first().source.dismissed


@pytest.mark.parametrize("size", [(60, 20), (100, 30)])
async def test_the_last_line_shows_the_keys_of_a_selected_message_and_what_a_letter_will_do(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    async with chatting(tmp_path, ScriptedChat(script("one")), size=size) as house:
        await house.ask("first")
        await house.pilot.press("alt+up")
        await house.until(lambda: "Esc leaves" in last_line(house))
        assert "y copy" in last_line(house)
        assert "f erase" in last_line(house)
        await house.pilot.press("f")
        await house.until(lambda: "Erase it, after asking" in last_line(house))
        await house.pilot.press("escape")
        await house.until(lambda: "leaves" not in last_line(house))
        assert house.app.focused is house.chat.prompt


async def test_a_letter_alone_acts_after_a_moment_without_enter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(letters, "ALONE_SECONDS", 0.01)
    async with chatting(tmp_path, ScriptedChat(script("one"))) as house:
        await house.ask("first")
        await house.pilot.press("alt+up", "f")
        await house.dialog(ConfirmForget)
        await house.pilot.press("escape")
        await house.until(lambda: house.app.screen is house.chat)


async def test_a_letter_is_not_held_beyond_its_message(tmp_path: Path) -> None:
    async with chatting(tmp_path, ScriptedChat(script("one"))) as house:
        await house.ask("first")
        await house.pilot.press("alt+up", "f", "alt+up", "enter")
        await house.pilot.pause()
        assert isinstance(house.app.focused, Spoken)
        assert house.app.screen is house.chat


async def test_what_is_pasted_while_a_letter_is_held_follows_it(tmp_path: Path) -> None:
    from textual import events

    async with chatting(tmp_path, ScriptedChat(script("one"))) as house:
        await house.ask("first")
        await house.pilot.press("alt+up", "e")
        house.app.post_message(events.Paste("rase"))
        await house.until(lambda: house.chat.prompt.text == "erase")


async def test_nothing_answers_within_half_a_second_of_the_question(tmp_path: Path) -> None:
    seconds = 100.0
    async with chatting(tmp_path, ScriptedChat(script("one")), clock=lambda: seconds) as house:
        await house.ask("first")
        await house.say("/forget this")
        dialog = await house.dialog(ConfirmForget)
        seconds += 0.49
        await house.press_keys("erase")
        await house.pilot.press("enter", "escape")
        await house.pilot.pause()
        assert house.app.screen is dialog
        assert dialog.query_one(Input).value == ""
        seconds += 0.02
        await house.erase()
        await house.until(lambda: any("nothing of it is left" in one for one in house.notices))
