"""What a model calls a tool is shown as foreign text: on one line, short, without what a terminal would obey."""

from __future__ import annotations

from pathlib import Path

import pytest

from assistant.cli.turns import Printer
from assistant.llm.base import ToolCall, ToolCalled, ToolEnded
from assistant.llm.scripted import ScriptedChat
from assistant.tui.widgets.notice import Notice
from memory_store.models import ToolOutcome
from tests.tui.support import chatting

CALL = ToolCall("a", "read\n\x1b]0;title\x07[b]\x1b[31m" + "x" * 200, '{"query": "\\u001b[2Jwords"}')


async def test_name_of_a_tool_on_the_screen(tmp_path: Path) -> None:
    model = ScriptedChat([ToolCalled(CALL)], ["I could not."], calls_tools=True)
    async with chatting(tmp_path, model) as house:
        await house.ask("Look, will you?")
        [shown] = [notice.text for notice in house.app.screen.query(Notice) if "words" in notice.text]
    assert shown.splitlines()[0] == f"read [b]{'x' * 51}…: words"
    assert "\x1b" not in shown


def test_name_of_a_tool_in_lines(capsys: pytest.CaptureFixture[str]) -> None:
    Printer(quiet=False, reads=True).take(ToolEnded(CALL, "There is no such tool.", ToolOutcome.FAILED))
    assert capsys.readouterr().err == f"[read [b]{'x' * 51}…: words] There is no such tool.\n"
