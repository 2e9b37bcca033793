"""What is to be private is set in the chat, is in force at once, and is told where something becomes so."""

from __future__ import annotations

from pathlib import Path

from textual.widgets import Input

from assistant.tui.screens.settings import SettingsScreen
from assistant.tui.widgets.setting_field import SettingField
from memory_store import Store
from tests.tui.support import House, chatting


def remember(store: Store) -> None:
    store.remember("I have asthma.")


def private(house: House) -> dict[str, bool]:
    memories = {one.text: one.private for one in house.store.memories.all()}
    return memories | {one.title: one.private for one in house.store.documents.all()}


async def test_topics_and_folders_that_are_typed_hold_for_what_is_there_and_what_comes(tmp_path: Path) -> None:
    folder = tmp_path / "clinic"
    folder.mkdir()
    async with chatting(tmp_path, prepare=remember) as house:
        await house.pilot.press("f4")
        screen = await house.dialog(SettingsScreen)
        for one in screen.query(SettingField):
            if one.setting.section == "private":
                value = {"topics": "health, mood", "folders": str(folder)}[one.setting.name]
                one.query_one(Input).value = value
        await house.pilot.press("escape")
        await house.until(lambda: house.app.screen is house.chat)
        await house.until(lambda: private(house) == {"I have asthma.": True})
        await house.say("/remember I'm allergic to nuts.")
        await house.until(lambda: any("allergic" in one and "never sent" in one for one in house.notices))
        await house.say("/remember I keep bees.")
        await house.until(lambda: any("bees" in one and "never sent" not in one for one in house.notices))
        await house.say(f"/watch {folder}")
        (folder / "x-ray.md").write_text("All is well.", "utf-8")
        await house.until(lambda: private(house).get("x-ray"))
        assert private(house)["I have asthma."]
        assert private(house)["I'm allergic to nuts."]
        assert not private(house)["I keep bees."]


async def test_a_private_chat_is_marked_at_the_prompt_until_another_is_begun(tmp_path: Path) -> None:
    async with chatting(tmp_path) as house:
        await house.say("/private")
        await house.until(lambda: "private" in str(house.chat.prompt.border_subtitle))
        await house.ask("Hello there")
        (talk,) = house.store.conversations.all()
        assert talk.private
        await house.say("/new")
        await house.until(lambda: house.chat.prompt.border_subtitle is None)
        await house.resume(talk.id)
        assert "private" in str(house.chat.prompt.border_subtitle)
        await house.say("/private")
        await house.until(lambda: house.chat.prompt.border_subtitle is None)
