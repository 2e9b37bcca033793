"""The user's own keys: they act in place of the usual ones, are shown where keys are shown, and never share one."""

from __future__ import annotations

from pathlib import Path

import pytest

from assistant import config
from assistant.tui import keymap
from assistant.tui.screens.help import HelpScreen
from assistant.tui.screens.memory import MemoryScreen
from tests.tui.support import House, chatting


def with_keys(house: House, **own: str) -> None:
    """Put keys in force, by their names with `__` for the dot."""
    house.app.take_keys({name.replace("__", "."): key for name, key in own.items()})


def test_the_usual_keys_are_free_of_conflicts() -> None:
    assert keymap.problems({}) == []
    assert {"new", "model", "message.copy", "list.search"} <= keymap.names().keys()
    # Each alone, given as its own: that the check of what is taken passes for what stands there today.
    for name, key in keymap.names().items():
        if key and not key.startswith(("ctrl+f", "up", "down")):
            assert [one for one in keymap.problems({name: key}) if "both on" in one] == []


@pytest.mark.parametrize(
    ("own", "told"),
    [
        ({"new": "ctrl+o"}, "chats and new are both on ctrl+o."),
        ({"message.copy": "c"}, "message.code and message.copy are both on c."),
        ({"list.forget": "a"}, "list.add and list.forget are both on a."),
        ({"list.forget": "/"}, "list.forget and list.search are both on slash."),
        ({"new": "x"}, "new can't have the key x: it is needed to write."),
        ({"new": "ctrl+k"}, "new can't have the key ctrl+k: it is needed to write."),
        ({"new": "enter"}, "new can't have the key enter: it is needed to write."),
        ({"new": ""}, "new can't have the key : it is needed to write."),
        ({"mesage.copy": "x"}, "Nothing is named mesage.copy. Did you mean message.copy?"),
    ],
)
def test_a_conflict_is_told(own: dict[str, str], told: str) -> None:
    assert told in keymap.problems(own)


def test_two_may_change_places() -> None:
    assert keymap.problems({"message.copy": "c", "message.code": "y"}) == []


async def test_own_keys_act_in_place_of_the_usual_ones_and_the_help_shows_them(tmp_path: Path) -> None:
    async with chatting(tmp_path) as house:
        with_keys(house, memory="ctrl+t", message__copy="x", receipts="f7")
        await house.ask("Hello there")
        await house.pilot.press("ctrl+t")
        await house.dialog(MemoryScreen)
        await house.pilot.press("escape")
        await house.until(lambda: house.app.screen is house.chat)
        await house.pilot.press("f2")
        await house.pilot.pause()
        assert house.app.screen is house.chat

        await house.pilot.press("alt+up", "x", "enter")
        await house.until(lambda: house.app.clipboard == "Fine.")
        await house.pilot.press("f1")
        help_screen = await house.dialog(HelpScreen)
        shown = "\n".join(str(one.render()) for one in help_screen.query("Static"))
        for key, summary in (("Ctrl+T", "See, correct"), ("F7", "See what was erased"), ("X", "Copy it whole")):
            assert f"{key}\n  {summary}" in shown
        assert "message.copy" not in shown
        await house.pilot.press("escape")


async def test_keys_in_conflict_are_told_at_the_start_and_the_usual_ones_hold(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text('[keys]\nnew = "ctrl+o"\n', "utf-8")
    settings = config.load(tmp_path / "config.toml")
    async with chatting(tmp_path, settings=settings) as house:
        assert any("chats and new are both on ctrl+o." in one for one in house.notices)
        assert house.app.own_keys == {}


async def test_own_keys_of_a_list_stand_in_its_line_of_keys(tmp_path: Path) -> None:
    async with chatting(tmp_path) as house:
        with_keys(house, list__add="n")
        await house.pilot.press("f2")
        screen = await house.dialog(MemoryScreen)
        assert "n Add" in str(screen.query_one("#keys").render())
        await house.pilot.press("escape")
