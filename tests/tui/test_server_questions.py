"""What a server of MCP asks while its tool runs is asked in dialogs."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.containers import VerticalScroll
from textual.widgets import Input, Select

from assistant.config import ChatConfig, McpConfig, Settings
from assistant.llm.scripted import ScriptedChat
from assistant.tui.screens.chooser import Chooser
from assistant.tui.screens.form import FormScreen
from tests.mcp.test_elicitation import FORM, URL, asking
from tests.tui.support import chatting
from tests.tui.test_tools import call

NAME = {
    "mode": "form",
    "message": "Who comes?",
    "requestedSchema": {
        "type": "object",
        "properties": {"name": {"type": "string", "minLength": 2}, "meal": {"type": "string", "enum": ["m", "f"]}},
        "required": ["name"],
    },
}


async def test_question_of_a_server_is_answered_in_dialogs_and_goes_with_the_server(tmp_path: Path) -> None:
    servers = {"ship": asking(NAME, URL), "gone": asking(NAME, behaviour="END")}
    settings = Settings(chat=ChatConfig(titles=False, learn=False), mcp=McpConfig(servers=servers))
    model = ScriptedChat([call("ship__ask")], ["So."], [call("gone__ask")], ["It has gone."], calls_tools=True)
    async with chatting(tmp_path, model, settings=settings) as house:
        await house.say("Book a seat.")
        form = await house.dialog(FormScreen)
        await house.pilot.press("ctrl+s")  # a name is needed, of two letters
        await house.press_keys("I")
        await house.pilot.press("ctrl+s")
        assert form.is_current
        await house.press_keys("nes")
        await house.pilot.press("enter", "enter", "down", "down", "enter")  # on to the meal, and the second one
        await house.pilot.press("ctrl+s")
        await house.until(lambda: isinstance(house.app.screen, Chooser))
        await house.pilot.press("escape")
        await house.until(lambda: not house.chat.is_answering)
        told = model.requests[1].messages[-1].content
        assert '{"action": "accept", "content": {"name": "Ines", "meal": "f"}}, {"action": "cancel"}' in told
        answer = await house.ask("And now?")
        await house.until(lambda: house.app.screen is house.chat)
        assert answer.text == "It has gone."


async def test_what_a_server_writes_is_no_markup(tmp_path: Path) -> None:
    odd = "[@click=app.quit]m[/] [red]"
    field = {"type": "string", "title": odd, "description": odd, "enum": [odd], "default": odd}
    text = {"type": "array", "items": {"enum": [odd]}, "title": odd}
    wrong = {"type": "string", "enum": ["x"], "default": ["x"]}
    form = {
        "mode": "form",
        "message": odd,
        "requestedSchema": {"type": "object", "properties": {"a": field, "b": text, "c": wrong}},
    }
    settings = Settings(chat=ChatConfig(titles=False, learn=False), mcp=McpConfig(servers={"ship": asking(form)}))
    async with chatting(
        tmp_path, ScriptedChat([call("ship__ask")], ["So."], calls_tools=True), settings=settings
    ) as house:
        await house.say("Book a seat.")
        await house.dialog(FormScreen)
        await house.pilot.press("enter")  # opens the list
        await house.pilot.pause()
        assert house.app.export_screenshot().count("@click=app.quit") == 6
        await house.pilot.press("escape", "escape")
        await house.until(lambda: not house.chat.is_answering)


@pytest.mark.parametrize(("key", "action"), [("ctrl+d", "decline"), ("escape", "cancel")])
async def test_form_is_not_answered_by_one_key_and_fields_begin_as_the_server_has_them(
    tmp_path: Path, key: str, action: str
) -> None:
    settings = Settings(chat=ChatConfig(titles=False, learn=False), mcp=McpConfig(servers={"ship": asking(FORM)}))
    model = ScriptedChat([call("ship__ask")], ["So."], calls_tools=True)
    async with chatting(tmp_path, model, settings=settings) as house:
        await house.say("Book a seat.")
        form = await house.dialog(FormScreen)
        assert [control.value for control in form.query(Input)] == ["", "", "", "", "none"]
        window, meal = form.query(Select)
        assert (window.value, meal.is_blank()) == (False, True)
        assert form.query_one(VerticalScroll).region.contains_region(form.query(".form--field").first().region)
        async for _ in house.sizes():
            assert form.query_one(".dialog").region.contains_region(form.query_one(".dialog--hint").region)
        last = form.query(Input).last().focus()
        await house.until(lambda: last.selected_text == "none")  # whoever types replaces it
        form.query(Input).first().focus()
        await house.pilot.press(key)
        await house.until(lambda: not house.chat.is_answering)
        assert model.requests[1].messages[-1].content == f'> [{{"action": "{action}"}}]'
