"""Tasks in the chat: planned from a sentence, tried in the background, asked about, shown as a table."""

from __future__ import annotations

import json
from pathlib import Path
from unittest.mock import patch

import pytest
from textual.widgets import DataTable, Static

from assistant import bootstrap
from assistant.llm.scripted import ScriptedChat
from assistant.tui.attention import call_for_attention, desktop_notice
from assistant.tui.screens.chooser import Chooser
from assistant.tui.screens.tasks import TasksScreen
from assistant.tui.widgets.notice import Notice
from memory_store import TaskState
from tests.tui.support import House, chatting

PLAN = {
    "title": "Gyms compared",
    "steps": [
        {"name": "judge", "ask": "What does {name} cost?", "columns": {"price": "euros a month"}},
        {"name": "keep", "tool": "remember", "with": {"text": "{name} costs {price} euros a month."}},
    ],
    "items": [{"name": "Anna"}, {"name": "Bea"}],
}


async def chosen(house: House, name: str) -> None:
    """Choose what has this name, from the list that is open."""
    await house.until(lambda: isinstance(house.app.screen, Chooser))
    await house.press_keys(name)
    await house.pilot.press("enter")


@pytest.mark.parametrize(
    ("environment", "sequence"),
    [
        ({"TERM": "xterm-kitty"}, "\x1b]9;Keepsake: a; b\x1b\\"),
        ({"TERM": "foot"}, "\x1b]777;notify;Keepsake;a, b\x1b\\"),
        ({"TERM": "tmux-256color", "TMUX": "/tmp/x"}, "\x1bPtmux;\x1b\x1b]9;Keepsake: a; b\x1b\x1b\\\x1b\\"),
    ],
)
def test_notice_on_the_desktop_is_in_the_terminals_own_words_and_nothing_in_it_is(
    environment: dict[str, str], sequence: str
) -> None:
    assert desktop_notice("a;\nb\x1b]52;c;x\x07", environment) == sequence


async def test_notice_is_shown_while_another_window_is_in_front_as_far_as_it_is_wanted(tmp_path: Path) -> None:
    async with chatting(tmp_path) as house:
        assert house.app._driver is not None
        for notices, focused, count in (
            ("desktop", True, 0),
            ("bell", False, 0),
            ("none", False, 0),
            ("desktop", False, 1),
        ):
            shown: list[str] = []
            house.app.app_focus = focused
            with patch.object(house.app._driver, "write", shown.append):
                call_for_attention(house.app, "done", notices)  # type: ignore[arg-type]
            assert len([text for text in shown if "done" in text]) == count


async def test_task_is_planned_tried_allowed_and_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = ScriptedChat([json.dumps(PLAN)], otherwise=['{"price": 30}'])
    monkeypatch.setattr(bootstrap, "build_model", lambda _: model)
    monkeypatch.setattr("assistant.core.tasks.worker._LOOK_SECONDS", 0.05)
    monkeypatch.setattr("assistant.tui.screens.chat_skin._ANSWERS_SECONDS", 0.1)
    monkeypatch.setattr("assistant.tui.screens.tasks._LOOK_SECONDS", 0.1)
    called: list[str] = []
    attention = "assistant.tui.screens.chat_skin.call_for_attention"
    monkeypatch.setattr(attention, lambda app, text, notices: called.append(text))
    async with chatting(tmp_path, model) as house:
        await house.say("/task Compare these gyms: Anna, Bea. Keep what they cost.")
        dialog = await house.dialog(Chooser)
        shown = " ".join(str(part.render()) for part in dialog.query(Static))
        assert "remember(text: {name} costs {price}" in shown
        await chosen(house, "Try")
        await house.until(lambda: any("2 waiting for you" in notice for notice in house.notices))
        await house.say("/tasks")
        screen = await house.dialog(TasksScreen)
        assert isinstance(screen, TasksScreen)
        await house.until(lambda: screen.chosen is not None)
        await house.pilot.press("a")
        await chosen(house, "Yes, and all")
        await house.until(lambda: screen.chosen is not None and screen.chosen.task.state is TaskState.DONE)
        await house.until(lambda: bool(screen.query(DataTable)))
        table = screen.query_one(DataTable)
        await house.until(
            lambda: screen.chosen is not None and "2 of 2 done" in str(screen.query_one("#text", Static).render())
        )
        await house.until(lambda: "Anna" in "".join(segment.text for segment in table.render_line(1)))
        assert [str(table.get_row_at(row)[0]) for row in range(table.row_count)] == ["Anna", "Bea"]
        await house.pilot.press("o", "o", "o")  # by its price from the most, from the least, and as it was
        await house.until(
            lambda: [str(column.label) for column in screen.query_one(DataTable).ordered_columns] == ["", "price"]
        )
        await house.pilot.press("o")
        await house.until(lambda: str(screen.query_one(DataTable).ordered_columns[1].label) == "price ▼")
        await house.pilot.press("i")
        await chosen(house, "Bea")
        await house.until(
            lambda: any("What does Bea cost?" in str(line.render()) for line in screen.query("#more Static"))
        )
        assert {memory.text for memory in house.store.memories.all()} == {
            "Anna costs 30 euros a month.",
            "Bea costs 30 euros a month.",
        }
        await house.pilot.press("x")
        await house.until(lambda: screen.query_one(Notice).text == "This task is over.")
        await house.pilot.press("escape")
        await house.until(lambda: any("2 of 2 done" in notice for notice in house.notices))
        await house.until(lambda: [text for text in called if text.startswith("“Gyms compared”: done")])
        await house.settled()
