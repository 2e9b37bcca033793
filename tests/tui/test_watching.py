"""Watched folders: what changes in them is imported while the chat is open, and what came while it was closed."""

from __future__ import annotations

from pathlib import Path

from assistant import config
from tests.tui.support import House, chatting


def titles(house: House) -> set[str]:
    return {one.title for one in house.store.documents.all()}


async def test_a_watched_folder_is_imported_and_what_changes_in_it(tmp_path: Path) -> None:
    folder = tmp_path / "notes"
    folder.mkdir()
    (folder / "before.md").write_text("The fence is green.", "utf-8")
    async with chatting(tmp_path) as house:
        await house.say(f"/watch {folder}")
        await house.until(lambda: titles(house) == {"before"})
        (folder / "after.md").write_text("The gate is red.", "utf-8")
        await house.until(lambda: titles(house) == {"before", "after"})
        (folder / "after.md").write_text("The gate is blue.", "utf-8")
        await house.until(lambda: [one.text for one in house.store.recall("gate", 1)] == ["The gate is blue."])
        (folder / "after.md").unlink()
        (folder / "bad.pdf").write_bytes(b"%PDF-1.4 nothing")
        await house.until(lambda: any("bad.pdf" in one for one in house.notices))
        assert titles(house) == {"before", "after"}  # what vanished stays remembered
        assert config.load(tmp_path / "config.toml").importing.watch == [str(folder)]

        await house.say(f"/watch {folder}")
        await house.until(lambda: any("No longer watched" in one for one in house.notices))
        assert config.load(tmp_path / "config.toml").importing.watch == []


async def test_what_came_while_the_chat_was_closed_is_imported_at_the_start(tmp_path: Path) -> None:
    folder = tmp_path / "notes"
    folder.mkdir()
    (folder / "new.md").write_text("The fence is green.", "utf-8")
    watched = config.ImportConfig(watch=[str(folder), str(tmp_path / "gone")])
    settings = config.Settings(importing=watched)
    async with chatting(tmp_path, settings=settings) as house:
        await house.until(lambda: titles(house) == {"new"})
        await house.until(lambda: any("From a watched folder" in one for one in house.notices))
        assert any("is not there" in one and "gone" in one for one in house.notices)
        await house.say("/watch")
        await house.until(lambda: any(str(folder) in one and "Watched folders" in one for one in house.notices))


async def test_only_a_folder_is_watched(tmp_path: Path) -> None:
    async with chatting(tmp_path) as house:
        await house.say(f"/watch {tmp_path / 'nothing'}")
        await house.until(lambda: any("is no folder" in one for one in house.notices))
        assert not (tmp_path / "config.toml").exists()


async def test_something_that_was_not_sent_in_an_earlier_chat_is_told_at_the_start(tmp_path: Path) -> None:
    def prepare(store: object) -> None:
        from memory_store import Store

        assert isinstance(store, Store)
        talk = store.conversations.start("Garden plans")
        store.drafts.keep(talk.id, "and the roses?")

    async with chatting(tmp_path, prepare=prepare) as house:
        await house.until(
            lambda: any("Something is written and not sent in “Garden plans”" in one for one in house.notices)
        )
