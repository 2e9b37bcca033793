"""The chats screen: an earlier chat is found by its title or its words, renamed, exported and forgotten."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from textual.widgets import Input, Static

from assistant.llm.scripted import ScriptedChat
from assistant.tui.screens.ask import AskScreen
from assistant.tui.screens.chats import ChatsScreen
from assistant.tui.widgets.notice import Notice
from memory_store import Store
from memory_store.models import USER, Role
from tests.memory_store.support import bytes_of
from tests.tui.support import House, chatting


def two(store: Store) -> None:
    """Store two conversations."""
    for title, text in (("Garden plans", "Shall I plant quincunxes?"), ("The [b]boiler[/b]", "It hums at night.")):
        conversation = store.conversations.start(title)
        store.conversations.append(conversation.id, Role.USER, text, USER, parent_id=None)
        store.conversations.rename(conversation.id, title)


async def shown(house: House, size: int = 2) -> ChatsScreen:
    """Open the screen and wait for its list."""
    await house.pilot.press("ctrl+o")
    screen = await house.dialog(ChatsScreen)
    assert isinstance(screen, ChatsScreen)
    await house.until(lambda: len(screen.list.items) == size)
    return screen


def titles(screen: ChatsScreen) -> list[str]:
    """The titles in the list."""
    return [one.title for one in screen.list.items]


def reads(screen: ChatsScreen) -> str:
    """What the detail pane says."""
    return "\n".join(str(one.render()) for one in screen.query("#detail Static").results(Static))


@pytest.mark.parametrize(("typed", "found"), [("plans", ["Garden plans"]), ("hums night", ["The [b]boiler[/b]"])])
async def test_a_chat_is_found_by_its_title_and_by_what_was_said(tmp_path: Path, typed: str, found: list[str]) -> None:
    async with chatting(tmp_path, prepare=two) as house:
        screen = await shown(house)
        await house.press_keys(f"/{typed}")
        await house.until(lambda: titles(screen) == found)
        await house.pilot.press("escape", "escape")
        await house.until(lambda: house.app.screen is house.chat)


async def test_the_latest_messages_stand_beside_the_list(tmp_path: Path) -> None:
    async with chatting(tmp_path, prepare=two) as house:
        screen = await shown(house)
        await house.until(lambda: "It hums at night." in reads(screen))
        assert "The [b]boiler[/b]" in reads(screen)
        await house.pilot.press("escape")


async def test_a_chat_is_renamed_also_where_it_is_in_view(tmp_path: Path) -> None:
    async with chatting(tmp_path) as house:
        await house.ask("Hello")
        screen = await shown(house, 1)
        await house.pilot.press("r")
        dialog = await house.dialog(AskScreen)
        dialog.query_one(Input).value = "Greetings"
        await house.pilot.press("enter")
        await house.until(lambda: titles(screen) == ["Greetings"])
        assert "Greetings" in str(house.chat.query_one("#title", Static).render())
        await house.pilot.press("escape")


@pytest.mark.parametrize("name", ["chat.md", "chat.html", "chat.json"])
async def test_a_chat_is_exported_to_the_file_that_is_asked_for(tmp_path: Path, name: str) -> None:
    async with chatting(tmp_path, prepare=two) as house:
        screen = await shown(house)
        await house.pilot.press("x")
        dialog = await house.dialog(AskScreen)
        dialog.query_one(Input).value = str(tmp_path / name)
        await house.pilot.press("enter")
        await house.until(lambda: "Written to" in screen.query_one(Notice).text)
        assert "It hums at night." in (tmp_path / name).read_text("utf-8")
        await house.pilot.press("escape")


async def test_an_export_that_fails_says_why(tmp_path: Path) -> None:
    async with chatting(tmp_path, prepare=two) as house:
        screen = await shown(house)
        await house.pilot.press("x")
        dialog = await house.dialog(AskScreen)
        dialog.query_one(Input).value = str(tmp_path / "chat.docx")
        await house.pilot.press("enter")
        await house.until(lambda: "End it in .md" in screen.query_one(Notice).text)
        await house.pilot.press("escape")


async def test_a_chat_is_forgotten_after_a_yes(tmp_path: Path) -> None:
    async with chatting(tmp_path, prepare=two) as house:
        await house.settled()
        screen = await shown(house)
        await house.pilot.press("down", "f")
        await house.erase()
        await house.until(lambda: "nothing of it is left" in screen.query_one(Notice).text)
        await house.until(lambda: titles(screen) == ["The [b]boiler[/b]"])
        assert b"quincunx" not in bytes_of(house.store.folder)
        await house.pilot.press("escape")


async def test_everything_needed_is_in_view_at_every_size(tmp_path: Path) -> None:
    async with chatting(tmp_path, prepare=two) as house:
        screen = await shown(house)
        async for _ in house.sizes():
            for selector in ("#head", "#list", "#detail", "#keys"):
                assert screen.region.contains_region(screen.query_one(selector).region)
        await house.pilot.press("escape")


async def test_a_chat_is_put_away_and_taken_out_again_and_recalled_all_the_same(tmp_path: Path) -> None:
    async with chatting(tmp_path, prepare=two) as house:
        screen = await shown(house)
        first = titles(screen)[0]
        await house.pilot.press("a")
        await house.until(lambda: first not in titles(screen))
        assert len(titles(screen)) == 1
        assert house.store.recall("quincunxes", 1)
        await house.pilot.press("1")
        await house.until(lambda: titles(screen) == [first])
        await house.pilot.press("a")
        await house.until(lambda: titles(screen) == [])
        await house.pilot.press("1")
        await house.until(lambda: len(titles(screen)) == 2)
        await house.pilot.press("escape")


async def test_a_private_chat_says_so_and_is_answered_on_this_machine_alone(tmp_path: Path) -> None:
    async with chatting(tmp_path, prepare=two) as house:
        await house.ask("My sister lives in Rome.")
        screen = await shown(house, 3)
        await house.pilot.press("v")
        await house.until(lambda: "private" in reads(screen))
        (talk,) = [one for one in house.store.conversations.all() if one.private]
        assert all(one.private for one in house.store.conversations.messages(talk.id))
        await house.pilot.press("escape")
        await house.until(lambda: house.app.screen is house.chat)

        assert isinstance(house.model, ScriptedChat)
        house.model.info = replace(house.model.info, is_private=False)
        await house.say("And my brother?")
        await house.pilot.pause()
        assert house.chat.prompt.text == "And my brother?"  # not sent, not lost
        assert len(house.store.conversations.messages(talk.id)) == 2
        house.model.info = replace(house.model.info, is_private=True)
        await house.pilot.press("enter")
        await house.until(lambda: len(house.answers) == 2 and not house.chat.is_answering)
        assert all(one.private for one in house.store.conversations.messages(talk.id))
