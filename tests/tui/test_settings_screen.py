"""The settings: each is explained, checked as it is typed, kept among its comments, and then in force."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path

import pytest
from textual.widgets import Button, Checkbox, Input, Select, Static

from assistant import config
from assistant.setting import Setting, all_settings
from assistant.tui.screens.chooser import Chooser
from assistant.tui.screens.help import HelpScreen
from assistant.tui.screens.settings import SettingsScreen
from assistant.tui.widgets.setting_field import SettingField
from tests.tui.support import House, chatting


def field(screen: SettingsScreen, name: str) -> SettingField:
    return next(one for one in screen.query(SettingField) if one.setting.full_name == name)


async def opened(house: House) -> SettingsScreen:
    await house.pilot.press("f4")
    screen = await house.dialog(SettingsScreen)
    assert isinstance(screen, SettingsScreen)
    return screen


@pytest.mark.parametrize("setting", all_settings(), ids=lambda one: one.full_name)
def test_every_setting_is_explained_and_takes_its_own_default(setting: Setting) -> None:
    assert setting.explanation
    assert setting.parse(setting.text_of(setting.default)) == setting.default
    assert setting.value_in(config.Settings()) == setting.default


async def test_what_can_not_be_is_told_while_it_is_typed_and_never_kept(tmp_path: Path) -> None:
    async with chatting(tmp_path) as house:
        screen = await opened(house)
        temperature = field(screen, "model.temperature")
        temperature.query_one(Input).value = "9"
        await house.until(lambda: temperature.has_class("-wrong"))
        assert "less than or equal to 2" in str(temperature.query_one(".setting--wrong", Static).render())
        temperature.query_one(Input).value = "warm"
        await house.until(lambda: "number" in str(temperature.query_one(".setting--wrong", Static).render()))
        await house.pilot.press("escape")
        await house.until(lambda: house.app.screen is house.chat)
        assert not (tmp_path / "config.toml").exists()
        assert house.chat.services.settings.model.temperature == config.ModelConfig().temperature


async def test_what_is_typed_is_kept_among_its_comments_and_in_force_for_the_next_answer(tmp_path: Path) -> None:
    async with chatting(tmp_path) as house:
        screen = await opened(house)
        passages = field(screen, "recall.passages").query_one(Input)
        passages.focus()
        passages.value = "3"
        await house.pilot.press("enter")
        await house.until(lambda: (tmp_path / "config.toml").is_file())
        field(screen, "chat.to_the_point").query_one(Checkbox).value = False
        field(screen, "model.temperature").query_one(Input).value = "0.9"
        await house.until(lambda: not config.load(tmp_path / "config.toml").chat.to_the_point)
        await house.pilot.press("escape")
        await house.until(lambda: house.app.screen is house.chat)
        session = house.chat.session
        assert session is not None
        await house.until(lambda: session.settings.passages == 3)
        assert session.settings.temperature == 0.9
        assert not session.settings.to_the_point
    text = (tmp_path / "config.toml").read_text("utf-8")
    assert tomllib.loads(text)["model"]["temperature"] == 0.9
    assert "# How many passages are recalled for an answer." in text


async def test_a_theme_is_seen_as_soon_as_it_is_chosen(tmp_path: Path) -> None:
    async with chatting(tmp_path) as house:
        screen = await opened(house)
        field(screen, "chat.theme").query_one(Select).value = "nord"
        await house.until(lambda: house.app.theme == "nord")
        await house.until(lambda: (tmp_path / "config.toml").is_file())
        await house.pilot.press("escape")
        await house.until(lambda: house.app.screen is house.chat)
        assert house.app.theme == "nord"


async def test_what_the_environment_says_can_not_be_changed_here_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEEPSAKE_RECALL__PASSAGES", "5")
    async with chatting(tmp_path, settings=config.load(Path(os.devnull))) as house:
        passages = field(await opened(house), "recall.passages")
        assert passages.query_one(Input).disabled
        assert passages.query_one(Input).value == "5"
        assert "KEEPSAKE_RECALL__PASSAGES" in str(passages.query_one(".setting--wrong", Static).render())
        await house.pilot.press("escape")


async def test_a_model_that_can_not_be_built_is_told_and_the_one_before_goes_on_answering(tmp_path: Path) -> None:
    async with chatting(tmp_path) as house:
        screen = await opened(house)
        field(screen, "model.provider").query_one(Select).value = "openai"
        await house.until(lambda: (tmp_path / "config.toml").is_file())
        await house.pilot.press("escape")
        await house.until(lambda: house.notices)
        assert "No model is named" in house.notices[-1]
        assert (await house.ask("Hello")).text == "Fine."


async def test_what_needs_a_new_start_says_so(tmp_path: Path) -> None:
    async with chatting(tmp_path) as house:
        screen = await opened(house)
        field(screen, "embedder.provider").query_one(Select).value = "none"
        await house.until(lambda: (tmp_path / "config.toml").is_file())
        field(screen, "tools.pages").query_one(Checkbox).value = False
        await house.until(lambda: "pages = false" in (tmp_path / "config.toml").read_text("utf-8"))
        field(screen, "tasks.database").query_one(Input).value = "postgresql://localhost/tasks"
        await house.pilot.press("escape")
        await house.until(lambda: house.notices)
        assert house.notices[-1].startswith("Changed from the next start on: embedder, tools, tasks.")


async def test_reduced_motion_stops_the_cursor_from_blinking_and_screens_from_gliding(tmp_path: Path) -> None:
    async with chatting(tmp_path) as house:
        house.app._blink = True
        house.app.move(reduced=False)
        assert house.chat.prompt.cursor_blink
        screen = await opened(house)
        field(screen, "chat.reduced_motion").query_one(Checkbox).value = True
        await house.until(lambda: (tmp_path / "config.toml").is_file())
        await house.pilot.press("escape")
        await house.until(lambda: house.app.animation_level == "none")
        assert not house.chat.prompt.cursor_blink


async def test_the_help_opens_over_the_settings(tmp_path: Path) -> None:
    async with chatting(tmp_path, size=(60, 20)) as house:
        await opened(house)
        await house.pilot.press("f1")
        await house.dialog(HelpScreen)
        await house.pilot.press("escape")
        await house.dialog(SettingsScreen)
        await house.pilot.press("escape")


async def test_who_answers_is_chosen_from_the_settings_by_the_same_dialog(tmp_path: Path) -> None:
    async with chatting(tmp_path) as house:
        screen = await opened(house)
        screen.query_one("#choose-model", Button).press()
        dialog = await house.dialog(Chooser)
        assert "Who answers?" in str(dialog.query_one(".dialog--title", Static).render())
        await house.pilot.press("escape")
