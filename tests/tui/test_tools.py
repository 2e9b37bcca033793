"""Tools in the chat: each use is shown, and what changes something is asked about."""

from __future__ import annotations

import json
from pathlib import Path

from assistant.llm.base import ToolCall, ToolCalled
from assistant.llm.scripted import ScriptedChat
from assistant.tui.screens.chooser import Chooser
from tests.tui.support import chatting


def call(name: str, **arguments: object) -> ToolCalled:
    return ToolCalled(ToolCall("call_1", name, json.dumps(arguments)))


async def test_uses_are_shown_and_a_note_is_kept_with_a_yes_that_holds_for_the_chat(tmp_path: Path) -> None:
    first, second = "Ines moved to Faro.", "Omar keeps bees."
    model = ScriptedChat(
        [call("search_memory", query="Ines")],
        [call("remember", text=first)],
        ["Kept."],
        [call("remember", text=second)],
        ["Kept too."],
        [call("remember", text="Ada flies.")],
        ["Not kept."],
        calls_tools=True,
    )
    async with chatting(tmp_path, model) as house:
        await house.say("Remember that Ines moved to Faro.")
        await house.until(lambda: isinstance(house.app.screen, Chooser))
        await house.pilot.press("down", "down", "enter")
        await house.until(lambda: [one.text for one in house.store.memories.all()] == [first])
        assert any("search_memory: Ines" in notice for notice in house.notices)
        await house.ask("Remember that Omar keeps bees.")
        assert {one.text for one in house.store.memories.all()} == {first, second}
        await house.pilot.press("ctrl+n")
        await house.until(lambda: not house.chat.transcript.spoken)
        await house.say("Remember that Ada flies.")
        await house.until(lambda: isinstance(house.app.screen, Chooser))
        await house.pilot.press("escape")
        await house.until(lambda: any("The user said no." in notice for notice in house.notices))
        assert len(house.store.memories.all()) == 2
        talk = next(one.id for one in house.store.conversations.all() if "Ines" in one.title)
        await house.resume(talk)
        await house.until(lambda: any("search_memory: Ines" in notice for notice in house.notices))
