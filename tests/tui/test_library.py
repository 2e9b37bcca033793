"""Bringing files in, taking everything out, and erasing, from the chat."""

from __future__ import annotations

import zipfile
from pathlib import Path

from assistant.llm.scripted import ScriptedChat
from assistant.tui.screens.chooser import Chooser
from assistant.tui.screens.confirm import ConfirmForget
from assistant.tui.screens.search import SearchScreen
from assistant.tui.screens.source import SourceScreen
from memory_store import Store
from tests.memory_store.support import add_document, bytes_of
from tests.tui.support import House, chatting


def one_document(store: Store) -> None:
    """Store one document."""
    add_document(store, "/home/ada/house.md", "Our spare key is with Ines at number 12.")


async def test_a_path_alone_is_asked_about_and_imported_or_said(tmp_path: Path) -> None:
    (tmp_path / "bins.md").write_text("Paper goes out on the first Tuesday.")
    async with chatting(tmp_path, ScriptedChat(["Fine."])) as house:
        await house.say(str(tmp_path / "bins.md"))
        dialog = await house.dialog(Chooser)
        assert house.chat.prompt.text == ""
        await house.pilot.press("down", "enter")  # not attached, imported
        await house.until(lambda: len(house.store.documents.all()) == 1)
        await house.say(str(tmp_path / "bins.md"))
        await house.until(lambda: isinstance(house.app.screen, Chooser) and house.app.screen is not dialog)
        await house.pilot.press("escape")
        await house.until(lambda: house.questions == [str(tmp_path / "bins.md")])


async def test_a_path_typed_into_the_guide_is_imported(tmp_path: Path) -> None:
    (tmp_path / "bins.md").write_text("Paper goes out on the first Tuesday.")
    async with chatting(tmp_path, first_start=True) as house:
        dialog = await house.dialog(Chooser)
        await house.pilot.press("enter")
        await house.until(lambda: isinstance(house.app.screen, Chooser) and house.app.screen is not dialog)
        await house.press_keys(str(tmp_path / "bins.md"))
        await house.pilot.press("enter")
        await house.until(lambda: len(house.store.documents.all()) == 1)
        assert house.chat.prompt.text == ""


async def test_an_import_tells_of_each_file_and_why_one_failed(tmp_path: Path) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "bins.md").write_text("Paper goes out on the first Tuesday.")
    (folder / "torn.pdf").write_bytes(b"%PDF-1.7 and then nothing")
    async with chatting(tmp_path) as house:
        await house.say(f"/import {folder}")
        await house.until(lambda: house.notices)
        told = house.notices[0]
        assert "1 imported" in told
        assert "1 failed" in told
        assert "bins.md: imported, 1 passage" in told
        assert "torn.pdf:" in told
        assert [hit.text for hit in house.store.recall("When does paper go out?", 1)] == [
            "Paper goes out on the first Tuesday."
        ]
        await house.settled()
        assert house.chat.keeper is not None
        status = house.chat.query_one("#status").status  # type: ignore[attr-defined]
        assert (status.documents, status.waiting, status.activity) == (1, 0, "")


async def test_an_import_can_be_private(tmp_path: Path) -> None:
    file = tmp_path / "diary.md"
    file.write_text("A secret.")
    async with chatting(tmp_path) as house:
        await house.say(f"/import --private {file}")
        await house.until(lambda: house.notices)
        assert [one.private for one in house.store.documents.all()] == [True]


async def test_a_document_is_forgotten_after_a_yes(tmp_path: Path) -> None:
    async with chatting(tmp_path, prepare=one_document) as house:
        await house.settled()
        dialog = await _asked(house, "/forget document /home/ada/house.md")
        assert "1 document" in str(dialog.description())
        await house.erase()
        await house.until(lambda: any("nothing of it is left" in one for one in house.notices))
        assert house.store.documents.all() == []
        assert b"Ines" not in bytes_of(house.store.folder)


async def test_nothing_is_forgotten_by_anything_but_the_word(tmp_path: Path) -> None:
    async with chatting(tmp_path, prepare=one_document) as house:
        dialog = await _asked(house, "/forget all")
        for keys in ("y", "yes", "family", "eraser", ""):
            await house.press_keys(keys)
            await house.pilot.press("tab", "space", "enter")
        await house.until(lambda: "Nothing was erased" in str(dialog.query_one("#answer-hint").render()))
        assert house.app.screen is dialog
        await house.pilot.press("escape")
        await house.until(lambda: house.notices == ["Nothing was erased."])
        assert len(house.store.documents.all()) == 1


async def test_forgetting_this_chat_takes_it_from_the_screen(tmp_path: Path) -> None:
    async with chatting(tmp_path) as house:
        await house.ask("A word that stands nowhere else: quincunx")
        await _asked(house, "/forget this")
        await house.erase()
        await house.until(lambda: any("nothing of it is left" in one for one in house.notices))
        assert house.questions == []
        assert house.store.conversations.all() == []
        assert b"quincunx" not in bytes_of(house.store.folder)
        await house.ask("A new beginning")
        assert len(house.store.conversations.all()) == 1


async def test_an_erased_source_is_shown_as_erased(tmp_path: Path) -> None:
    model = ScriptedChat(["Ines has it [1]."])
    async with chatting(tmp_path, model, prepare=one_document) as house:
        await house.ask("Who has our spare key?")
        await _asked(house, "/forget document house.md")
        await house.erase()
        await house.until(lambda: any("nothing of it is left" in one for one in house.notices))
        assert [one.title for one in house.answers[0].sources] == ["erased"]


async def test_what_is_not_there_cannot_be_forgotten(tmp_path: Path) -> None:
    async with chatting(tmp_path) as house:
        await house.say("/forget document /nowhere.md")
        await house.until(lambda: house.notices)
        assert house.notices[0].startswith("There is no document /nowhere.md.")


async def test_everything_is_exported_to_one_zip(tmp_path: Path) -> None:
    target = tmp_path / "out.zip"
    async with chatting(tmp_path, prepare=one_document) as house:
        await house.say(f"/export {target}")
        await house.until(lambda: house.notices)
        assert "manifest.json" in zipfile.ZipFile(target).namelist()


async def test_a_file_that_is_there_is_replaced_only_after_a_yes(tmp_path: Path) -> None:
    target = tmp_path / "mine.zip"
    target.write_bytes(b"not an archive")
    async with chatting(tmp_path, prepare=one_document) as house:
        await house.say(f"/export {target}")
        await house.dialog(Chooser)
        await house.pilot.press("enter")
        await house.settled()
        assert target.read_bytes() == b"not an archive"
        await house.say(f"/export {target}")
        await house.dialog(Chooser)
        await house.pilot.press("down", "enter")
        await house.until(lambda: house.notices)
        assert "manifest.json" in zipfile.ZipFile(target).namelist()


async def test_a_search_opens_its_hit(tmp_path: Path) -> None:
    async with chatting(tmp_path, prepare=one_document) as house:
        await house.say("/search spare key")
        dialog = await house.dialog(SearchScreen)
        await house.until(lambda: dialog.hits)
        await house.pilot.press("enter")
        source = await house.dialog(SourceScreen)
        assert "Ines" in source.source.text
        await house.pilot.press("escape", "escape")
        await house.until(lambda: house.app.screen is house.chat)


async def test_a_note_is_kept(tmp_path: Path) -> None:
    async with chatting(tmp_path) as house:
        await house.say("/remember The alarm code changes in May")
        await house.until(lambda: house.notices)
        assert [one.text for one in house.store.memories.all()] == ["The alarm code changes in May"]


async def _asked(house: House, command: str) -> ConfirmForget:
    await house.say(command)
    dialog = await house.dialog(ConfirmForget)
    assert isinstance(dialog, ConfirmForget)
    return dialog
