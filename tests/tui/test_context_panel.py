"""The side panel: what the model sees in a turn, with the room that each part takes."""

from __future__ import annotations

from pathlib import Path

from assistant.llm.scripted import ScriptedChat
from assistant.tui.widgets.context_panel import ContextPanel
from memory_store import NewMemory, Store
from tests.tui.support import House, chatting, script
from tests.tui.test_conversation import with_keys


def with_a_pinned_note(store: Store) -> None:
    with_keys(store)
    store.remember(NewMemory("I am Ada", pinned=True))


def shown(house: House) -> str:
    return str(house.chat.query_one(ContextPanel).text)


async def test_panel_follows_the_turns_and_closes_again(tmp_path: Path) -> None:
    model = ScriptedChat(script("Ines has it [1]."), script("On Tuesday."))
    async with chatting(tmp_path, model, prepare=with_a_pinned_note) as house:
        await house.pilot.press("ctrl+b")
        await house.until(lambda: house.chat.query(ContextPanel))
        assert "Nothing has been asked" in shown(house)
        await house.ask("Who has our spare key?")
        told = shown(house)
        assert "of 8,192 tokens" in told
        assert "Pinned memories" in told
        assert "I am Ada" in told
        assert "[1] Our spare key is with Ines at number 12." in told
        assert "Recent messages" not in told
        await house.ask("When do the bins go out?")
        assert "Recent messages (2)" in shown(house)
        await house.pilot.press("ctrl+b")
        await house.until(lambda: not house.chat.query(ContextPanel))
        await house.until(lambda: house.app.focused is house.chat.prompt)


async def test_panel_leaves_room_for_the_chat_where_it_is_narrow(tmp_path: Path) -> None:
    async with chatting(tmp_path, ScriptedChat(script("Fine.")), size=(60, 20)) as house:
        await house.ask("How are you?")
        await house.pilot.press("ctrl+b")
        await house.until(lambda: house.chat.query(ContextPanel))
        await house.pilot.pause()
        assert house.chat.query_one(ContextPanel).size.width >= 20
        assert house.chat.transcript.size.width >= 24
