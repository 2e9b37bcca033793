"""`@` attaches documents, chats, memories and files; pasted paths are asked about; a name for nothing is plain text."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from textual import events
from textual.widgets import OptionList

from assistant.core.conversation.mentions import at_cursor, names_in
from assistant.core.conversation.pasting import pasted_paths
from assistant.llm.scripted import ScriptedChat
from assistant.tui.screens.chooser import Chooser
from assistant.tui.widgets.suggestions import Suggestions
from memory_store import Store
from tests.memory_store.support import add_document
from tests.tui.support import House, chatting


def prepare(store: Store) -> None:
    add_document(store, "/home/ada/travel plan.md", "We leave on Monday.")
    store.remember("The travel agent is called Tom.")


def offered(house: House) -> list[str]:
    return [one.name for one in house.chat.query_one(Suggestions).items]


def sent(house: House) -> str:
    assert isinstance(house.model, ScriptedChat)
    return house.model.requests[-1].messages[-1].content


@pytest.mark.parametrize(
    ("text", "typed"),
    [
        ("@", ""),
        ("see @pl", "pl"),
        ('see @"travel pl', "travel pl"),
        ("ada@home", None),
        ("@plan and", None),
        ("", None),
    ],
)
def test_a_mention_is_told_from_an_address(text: str, typed: str | None) -> None:
    assert at_cursor(text) == typed


def test_mentions_of_a_message_are_found_in_their_order_once() -> None:
    text = 'Compare @"travel plan" with @notes.md and @"travel plan", ada@example.org'
    assert names_in(text) == ["travel plan", "notes.md"]


async def test_a_document_is_offered_taken_and_read_for_the_answer(tmp_path: Path) -> None:
    async with chatting(tmp_path, prepare=prepare) as house:
        await house.press_keys("Sum up @trav")
        await house.until(lambda: offered(house)[:1] == ["travel plan"])
        assert offered(house) == ["travel plan", "The travel agent is called Tom."]
        await house.pilot.press("enter")
        assert house.chat.prompt.text == 'Sum up @"travel plan" '
        assert offered(house) == []
        answer = await house.ask(house.chat.prompt.text)
        assert "We leave on Monday." in sent(house)
        assert answer.sources[0].title == "travel plan"


async def test_the_list_is_walked_with_the_arrow_keys_and_closed_with_escape(tmp_path: Path) -> None:
    async with chatting(tmp_path, prepare=prepare) as house:
        await house.press_keys("@trav")
        await house.until(lambda: offered(house))
        await house.pilot.press("down", "tab")
        await house.until(lambda: house.chat.prompt.text == '@"The travel agent is called Tom." ')
        await house.ask(house.chat.prompt.text + "Who?")
        assert "called Tom" in sent(house)
        await house.press_keys("@trav")
        await house.until(lambda: offered(house))
        await house.pilot.press("escape")
        assert offered(house) == []
        assert house.chat.prompt.text == "@trav"


async def test_a_file_is_completed_folder_by_folder_and_imported_to_be_attached(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "papers"
    (folder / "old").mkdir(parents=True)
    (folder / "old" / "lease 1.md").write_text("The rent is due on the third.", "utf-8")
    monkeypatch.chdir(folder)
    async with chatting(tmp_path) as house:
        await house.press_keys("When is the rent due? @./o")
        await house.until(lambda: offered(house) == ["./old/"])
        await house.pilot.press("tab")
        await house.until(lambda: offered(house) == ["./old/lease 1.md"])
        await house.pilot.press("tab")
        assert house.chat.prompt.text.endswith('@"./old/lease 1.md" ')
        await house.ask(house.chat.prompt.text)
        assert "The rent is due on the third." in sent(house)
        assert any("Imported to be attached: lease 1.md" in one for one in house.notices)


async def test_a_file_that_can_not_be_read_is_told_and_the_message_is_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken.pdf").write_bytes(b"%PDF-1.4 nothing")
    monkeypatch.chdir(tmp_path)
    async with chatting(tmp_path) as house:
        answer = await house.ask("Read @broken.pdf please")
        assert answer.text == "Fine."
        assert any("broken.pdf is not attached" in one for one in house.notices)


async def test_a_name_that_stands_for_nothing_is_plain_text(tmp_path: Path) -> None:
    async with chatting(tmp_path) as house:
        await house.ask("Ask @nobody about it")
        assert "Ask @nobody about it" in sent(house)
        assert house.notices == []


async def test_nothing_is_imported_for_a_temporary_chat(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "note.md").write_text("The rent is due.", "utf-8")
    monkeypatch.chdir(tmp_path)
    async with chatting(tmp_path) as house:
        await house.say("/temporary")
        await house.ask("Read @note.md")
        assert any("of a temporary chat nothing is kept" in one for one in house.notices)
        assert house.store.documents.all() == []


def test_pasted_paths_are_told_from_text(tmp_path: Path) -> None:
    one, two = tmp_path / "a plan.md", tmp_path / "b.md"
    for path in (one, two):
        path.write_text("x", "utf-8")
    for text in (str(one), f"'{one}'", shlex.quote(str(one)) + " ", one.as_uri(), str(one).replace(" ", "\\ ")):
        assert pasted_paths(text) == (one,), text
    assert pasted_paths(f"{two} {shlex.quote(str(one))}\n") == (two, one)
    for text in ("", "hello", f"see {two}", f"{two} and more", "/nowhere/at/all", f"{two} '", "/" * 9000, "~nobody/x"):
        assert pasted_paths(text) == (), text


@pytest.mark.parametrize(("choice", "steps"), [("attach", 0), ("import", 1), ("text", 2), ("closed", -1)])
async def test_a_dropped_file_is_attached_imported_or_left_as_text(tmp_path: Path, choice: str, steps: int) -> None:
    path = tmp_path / "note 1.md"
    path.write_text("The rent is due on the third.", "utf-8")
    async with chatting(tmp_path) as house:
        house.chat.prompt.post_message(events.Paste(f"'{path}'"))
        dialog = await house.dialog(Chooser)
        assert dialog.query_one(OptionList).option_count == 3
        await house.pilot.press(*(["escape"] if steps < 0 else ["down"] * steps + ["enter"]))
        await house.until(lambda: house.app.screen is house.chat)
        if choice == "attach":
            assert house.chat.prompt.text == f'@"{path}" '
            await house.ask(house.chat.prompt.text + "When?")
            assert "The rent is due on the third." in sent(house)
        elif choice == "import":
            await house.until(lambda: any("1 imported" in one for one in house.notices))
            assert house.chat.prompt.text == ""
        else:
            await house.until(lambda: house.chat.prompt.text == f"'{path}'")


async def test_a_dropped_folder_is_not_attached(tmp_path: Path) -> None:
    async with chatting(tmp_path) as house:
        house.chat.prompt.post_message(events.Paste(str(tmp_path)))
        dialog = await house.dialog(Chooser)
        assert dialog.query_one(OptionList).option_count == 2
        await house.pilot.press("escape")
