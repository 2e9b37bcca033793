"""What is done with single messages: selected, copied, edited, answered again, pinned, erased; and their branches."""

from __future__ import annotations

from pathlib import Path

import pyperclip
import pytest

from assistant.errors import BudgetError, ModelError
from assistant.llm.scripted import ScriptedChat
from assistant.tui.screens.chooser import Chooser
from assistant.tui.screens.settings import SettingsScreen
from assistant.tui.widgets.source_list import SourceLine
from assistant.tui.widgets.spoken import Spoken
from memory_store import NewEntry, Usage
from memory_store.models import AuthorKind, Effort, Purpose
from tests.tui.support import House, chatting, script
from tests.tui.test_conversation import with_keys
from tests.tui.test_models import another


@pytest.fixture(autouse=True)
def no_clipboard(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Take the place of this machine's clipboard."""
    copied: list[str] = []
    monkeypatch.setattr(pyperclip, "copy", copied.append)
    return copied


def selected(house: House) -> Spoken:
    focused = house.app.focused
    assert isinstance(focused, Spoken)
    return focused


async def branch_shown(house: House, *texts: str) -> None:
    await house.until(lambda: [one.text for one in house.chat.transcript.spoken] == list(texts))
    await house.until(lambda: not house.chat.is_answering)


async def test_messages_are_selected_by_keys_and_left_for_the_prompt(tmp_path: Path) -> None:
    async with chatting(tmp_path, ScriptedChat(script("one"), script("two"))) as house:
        await house.ask("first")
        await house.ask("second")
        seen = []
        for key in ("alt+up", "alt+up", "alt+up", "alt+down"):
            await house.pilot.press(key)
            seen.append(selected(house).text)
        assert seen == ["two", "second", "one", "second"]
        await house.pilot.press("escape")
        await house.until(lambda: house.app.focused is house.chat.prompt)
        await house.pilot.press("alt+up", "alt+down")
        await house.until(lambda: house.app.focused is house.chat.prompt)


async def test_whole_message_and_each_code_block_are_copied(tmp_path: Path, no_clipboard: list[str]) -> None:
    words = "Run:\n\n```sh\nls -l\n```\n\nor\n\n```\npwd\n```\n"
    async with chatting(tmp_path, ScriptedChat(script(words))) as house:
        await house.ask("How?")
        await house.pilot.press("alt+up", "y", "enter")
        await house.until(lambda: no_clipboard == [words])
        await house.pilot.press(*["c", "enter"] * 3)
        await house.until(lambda: no_clipboard[1:] == ["ls -l", "pwd", "ls -l"])
        assert house.app.clipboard == "ls -l"


async def test_edited_message_becomes_a_branch_that_can_be_left_again(tmp_path: Path) -> None:
    async with chatting(tmp_path, ScriptedChat(script("Paris"), script("Rome"))) as house:
        await house.ask("Capital of France?")
        house.chat.prompt.replace_all("half a thought")
        await house.pilot.press("alt+up", "alt+up", "e", "enter")
        await house.until(lambda: house.chat.prompt.text == "Capital of France?")
        assert "Editing" in str(house.chat.prompt.border_title)
        await house.say("Capital of Italy?")
        await branch_shown(house, "Capital of Italy?", "Rome")
        assert house.chat.prompt.text == "half a thought"
        assert house.chat.prompt.border_title is None
        question = house.chat.transcript.spoken[0]
        assert "2 of 2" in str(question.render())
        question.select()
        await house.pilot.press("left")
        await branch_shown(house, "Capital of France?", "Paris")
        await house.pilot.press("right")
        await branch_shown(house, "Capital of Italy?", "Rome")


async def test_escape_gives_up_an_edit(tmp_path: Path) -> None:
    async with chatting(tmp_path, ScriptedChat(script("Paris"), script("Rome"))) as house:
        await house.ask("Capital of France?")
        house.chat.prompt.replace_all("half a thought")
        await house.pilot.press("alt+up", "alt+up", "e", "enter")
        await house.until(lambda: house.chat.prompt.text == "Capital of France?")
        await house.pilot.press("escape")
        await house.until(lambda: house.chat.prompt.text == "half a thought")
        house.chat.prompt.replace_all("")
        await house.ask("Capital of Italy?")
        await branch_shown(house, "Capital of France?", "Paris", "Capital of Italy?", "Rome")


async def test_answer_again_and_go_on_from_an_earlier_message(tmp_path: Path) -> None:
    model = ScriptedChat(script("one"), script("two"), script("another"), script("three"))
    async with chatting(tmp_path, model) as house:
        await house.ask("first")
        await house.ask("second")
        await house.pilot.press("alt+up", "r", "enter")
        await branch_shown(house, "first", "one", "second", "another")
        house.chat.transcript.spoken[1].select()
        await house.pilot.press("b", "enter")
        await branch_shown(house, "first", "one")
        await house.ask("third")
        await branch_shown(house, "first", "one", "third", "three")


async def test_failed_question_is_asked_again_by_a_command(tmp_path: Path) -> None:
    model = ScriptedChat([ModelError("The network is gone.")], script("Here."))
    async with chatting(tmp_path, model) as house:
        await house.say("Where?")
        await house.until(lambda: any("/retry asks again" in one for one in house.notices))
        await house.say("/retry")
        await branch_shown(house, "Where?", "Here.")
        assert not any("network" in one for one in house.notices)


async def test_cut_answer_is_continued_by_a_command(tmp_path: Path) -> None:
    model = ScriptedChat(["One, two", ModelError("cut")], script(", three."))
    async with chatting(tmp_path, model) as house:
        await house.say("Count.")
        await house.until(lambda: any("/continue goes on" in one for one in house.notices))
        await house.say("/continue")
        await branch_shown(house, "Count.", "One, two, three.")
        await house.say("/continue")
        await house.until(lambda: house.chat.prompt.text == "")
        await branch_shown(house, "Count.", "One, two, three.")


async def test_message_is_pinned_with_its_author_and_source(tmp_path: Path) -> None:
    async with chatting(tmp_path, ScriptedChat(script("Buy oats."))) as house:
        await house.ask("What do I need?")
        await house.pilot.press("alt+up", "p", "enter")
        await house.until(lambda: house.store.memories.all())
        (memory,) = house.store.memories.all()
        assert (memory.text, memory.pinned, memory.author.kind) == ("Buy oats.", True, AuthorKind.MODEL)
        assert memory.sources == (house.answers[0].message_id,)


async def test_message_is_erased_after_asking_and_the_rest_is_shown(tmp_path: Path) -> None:
    async with chatting(tmp_path, ScriptedChat(script("Noted."))) as house:
        await house.ask("The safe opens with 4711")
        await house.pilot.press("alt+up", "alt+up", "f", "enter")
        await house.erase()
        await house.until(lambda: any("Erased, and verified" in one for one in house.notices))
        await branch_shown(house, "Noted.")


async def test_sources_of_a_selected_answer_get_the_focus(tmp_path: Path) -> None:
    async with chatting(tmp_path, ScriptedChat(script("Ines has it [1].")), prepare=with_keys) as house:
        await house.ask("Who has our spare key?")
        await house.pilot.press("alt+up", "s", "enter")
        await house.until(lambda: isinstance(house.app.focused, SourceLine))


async def test_typing_while_a_message_is_selected_goes_on_in_the_prompt(tmp_path: Path) -> None:
    async with chatting(tmp_path, ScriptedChat(script("one"))) as house:
        await house.ask("first")
        await house.pilot.press("alt+up", "W")
        await house.until(lambda: house.chat.prompt.text == "W")


async def test_temporary_chat_says_so_and_is_gone_with_the_next_one(tmp_path: Path) -> None:
    async with chatting(tmp_path, ScriptedChat(script("Fine."), otherwise=script("Fine."))) as house:
        await house.say("/temporary")
        await house.until(lambda: "temporary" in str(house.chat.prompt.border_subtitle))
        await house.ask("Remember that the boat is in Camaret.")
        await house.say("/new")
        await house.until(lambda: house.chat.prompt.border_subtitle is None)
        assert house.store.conversations.all() == []
        assert house.store.memories.all() == []


async def test_what_an_answer_took_is_told_by_a_key(tmp_path: Path) -> None:
    async with chatting(tmp_path, ScriptedChat(script("Twelve degrees."))) as house:
        answer = await house.ask("How warm is it?")
        usage = Usage(1000, 200, None, True, 3400, 110, 340, "EcoLogits 1")
        entry = NewEntry("chat", Purpose.ANSWER, "a-model", None, usage, answer.message_id)
        house.store.ledger.settle(house.store.ledger.reserve(entry), usage)
        await house.pilot.press("alt+up", "u")
        told = "answer: a-model, 1,000 tokens in, 200 out, $0.0034, 0.110–0.340 Wh (EcoLogits 1)"
        await house.until(lambda: told in house.notices)
        await house.say("/cost")
        await house.until(lambda: any("This chat: 1 request" in text for text in house.notices))


async def test_where_a_budget_has_no_room_it_is_asked_how_to_go_on(tmp_path: Path) -> None:
    full = BudgetError("The budget of $1.00 a day has no room for this request.", "Raise it.")
    async with chatting(tmp_path, ScriptedChat([full], script("Twelve degrees."), [full], [full])) as house:
        await house.say("How warm is it?")
        dialog = await house.dialog(Chooser)
        assert any("has no room" in text for text in house.notices)
        await house.pilot.press("enter")  # with the least effort
        await house.until(lambda: [answer.text for answer in house.answers] == ["Twelve degrees."])
        assert house.chat.skin is not None
        assert house.chat.skin.controller.session.effort is Effort.INSTANT
        await house.say("And outside?")
        await another(house, dialog, Chooser)
        await house.pilot.press("down", "enter")  # there is no less effort than this: change the budget
        await house.dialog(SettingsScreen)
        await house.pilot.press("escape")
        await house.until(lambda: house.app.screen is house.chat)
