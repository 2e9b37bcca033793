"""Tools in the chat: each use is shown, and what changes something is asked about."""

from __future__ import annotations

import asyncio
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
        await house.until(lambda: not house.chat.is_answering)
        await house.ask("Remember that Omar keeps bees.")
        assert {one.text for one in house.store.memories.all()} == {first, second}
        await house.say("/tools")
        await house.until(lambda: isinstance(house.app.screen, Chooser))
        await house.pilot.press("escape")
        await house.pilot.press("ctrl+n")
        await house.until(lambda: not house.chat.transcript.spoken)
        await house.say("Remember that Ada flies.")
        await house.until(lambda: isinstance(house.app.screen, Chooser))
        await house.pilot.press("escape")
        await house.until(lambda: any("You said no." in notice for notice in house.notices))
        assert len(house.store.memories.all()) == 2
        talk = next(one.id for one in house.store.conversations.all() if "Ines" in one.title)
        await house.resume(talk)
        await house.until(lambda: any("search_memory: Ines" in notice for notice in house.notices))


async def test_what_is_always_allowed_is_asked_about_again_once_it_is_taken_back(tmp_path: Path) -> None:
    keeps = [call("remember", text="Ines moved to Faro.")]
    model = ScriptedChat(keeps, ["Kept."], keeps, ["Kept too."], keeps, ["Not kept."], calls_tools=True)
    async with chatting(tmp_path, model) as house:
        await house.say("Remember that Ines moved to Faro.")
        await house.until(lambda: isinstance(house.app.screen, Chooser))
        await house.pilot.press("down", "down", "down", "enter")
        await house.until(lambda: len(house.store.memories.all()) == 1)
        await house.settled()
        await house.pilot.press("ctrl+n")
        await house.until(lambda: not house.chat.transcript.spoken)
        await house.ask("Once more, please.")
        assert [answer.text for answer in house.answers] == ["Kept too."]
        await house.say("/tools")
        await house.until(lambda: isinstance(house.app.screen, Chooser))
        await house.pilot.press("enter")
        await house.until(lambda: house.store.approvals.all() == [])
        await house.say("And once more.")
        await house.until(lambda: isinstance(house.app.screen, Chooser))
        await house.pilot.press("escape")
        await house.until(lambda: any("You said no." in notice for notice in house.notices))
        await house.settled()


async def test_answer_that_was_stopped_behind_a_tool_goes_on_with_continue(tmp_path: Path) -> None:
    never = asyncio.Event()
    model = ScriptedChat([call("search_memory", query="key")], [never, "Never."], ["Ines has it."], calls_tools=True)
    async with chatting(tmp_path, model) as house:
        await house.say("Who has the key?")
        await house.until(lambda: len(model.requests) == 2)
        await house.pilot.press("escape")
        await house.until(lambda: not house.chat.is_answering)
        await house.say("/continue")
        await house.until(lambda: [answer.text for answer in house.answers] == ["Ines has it."])
        assert [message.calls[0].name for message in model.requests[-1].messages if message.calls] == ["search_memory"]
        assert sum("search_memory: key" in notice for notice in house.notices) == 1
        await house.settled()
