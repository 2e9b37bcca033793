"""What a server of MCP asks while its tool runs is asked in dialogs."""

from __future__ import annotations

from pathlib import Path

from assistant.config import ChatConfig, McpConfig, Settings
from assistant.llm.scripted import ScriptedChat
from assistant.tui.screens.ask import AskScreen
from assistant.tui.screens.chooser import Chooser
from tests.mcp.test_elicitation import URL, asking
from tests.tui.support import chatting
from tests.tui.test_tools import call

NAME = {
    "mode": "form",
    "message": "Who comes?",
    "requestedSchema": {
        "type": "object",
        "properties": {"name": {"type": "string", "minLength": 2}},
        "required": ["name"],
    },
}


async def test_question_of_a_server_is_answered_in_dialogs_and_goes_with_the_server(tmp_path: Path) -> None:
    servers = {"ship": asking(NAME, URL), "gone": asking(NAME, behaviour="END")}
    settings = Settings(chat=ChatConfig(titles=False, learn=False), mcp=McpConfig(servers=servers))
    model = ScriptedChat([call("ship__ask")], ["So."], [call("gone__ask")], ["It has gone."], calls_tools=True)
    async with chatting(tmp_path, model, settings=settings) as house:
        await house.say("Book a seat.")
        await house.dialog(Chooser)
        await house.pilot.press("down", "enter")
        await house.dialog(AskScreen)
        await house.press_keys("I")
        await house.pilot.press("enter")
        await house.press_keys("nes")
        await house.pilot.press("enter")
        await house.until(lambda: isinstance(house.app.screen, Chooser))
        await house.pilot.press("escape")
        await house.until(lambda: not house.chat.is_answering)
        told = model.requests[1].messages[-1].content
        assert '{"action": "accept", "content": {"name": "Ines"}}, {"action": "cancel"}' in told
        answer = await house.ask("And now?")
        assert (answer.text, house.app.screen) == ("It has gone.", house.chat)
