"""One registry feeds slash commands, palette, keys and help; the prompt sends, breaks lines and loses nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual import events
from textual.command import CommandPalette

from assistant.core.conversation import commands
from assistant.llm.scripted import ScriptedChat
from assistant.tui.palette import CommandProvider
from assistant.tui.screens.help import HelpScreen
from assistant.tui.widgets.suggestions import Suggestions
from tests.tui.support import chatting


async def test_every_command_leads_to_an_action(tmp_path: Path) -> None:
    async with chatting(tmp_path) as house:
        assert house.chat.skin is not None
        for command in commands.SCREEN_COMMANDS:
            assert callable(house.chat.skin.command(command.name))
            assert commands.parse(f"/{command.name} something") == (command.name, "something")


async def test_the_palette_offers_every_command_and_nothing_else(tmp_path: Path) -> None:
    async with chatting(tmp_path) as house:
        provider = CommandProvider(house.chat)
        offered = [hit.text async for hit in provider.discover()]
        assert offered == [one.summary for one in commands.SCREEN_COMMANDS]
        await house.pilot.press("ctrl+p")
        await house.dialog(CommandPalette)
        await house.pilot.press("escape")
        await house.until(lambda: house.app.screen is house.chat)


async def test_a_command_of_the_palette_that_needs_an_argument_waits_in_the_prompt(tmp_path: Path) -> None:
    async with chatting(tmp_path) as house:
        house.chat.choose("import")
        assert house.chat.prompt.text == "/import "


async def test_the_help_lists_every_command(tmp_path: Path) -> None:
    async with chatting(tmp_path) as house:
        await house.pilot.press("f1")
        dialog = await house.dialog(HelpScreen)
        shown = "\n".join(str(one.render()) for one in dialog.query("Static"))
        for command in commands.SCREEN_COMMANDS:
            assert command.usage in shown
        await house.pilot.press("escape")
        await house.until(lambda: house.app.screen is house.chat)


async def test_the_help_shows_what_holds_the_words_typed(tmp_path: Path) -> None:
    async with chatting(tmp_path) as house:
        await house.pilot.press("f1")
        dialog = await house.dialog(HelpScreen)

        def shown() -> str:
            return str(dialog.query_one("#found").render())

        await house.press_keys("import files")
        await house.until(lambda: "/goals" not in shown())
        assert "/import PATH…" in shown()
        await house.press_keys(" xyzzy")
        await house.until(lambda: shown() == "Nothing is called that.")


async def test_a_path_behind_import_is_completed_by_tab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here" / "my notes").mkdir(parents=True)
    (tmp_path / "here" / "my notes" / "garden (old).md").write_text("x")
    monkeypatch.chdir(tmp_path / "here")
    async with chatting(tmp_path) as house:
        suggested = house.chat.query_one(Suggestions)
        await house.press_keys("/import --private my")
        await house.until(lambda: [one.name for one in suggested.items] == ["my notes/"])
        await house.pilot.press("tab")
        assert house.chat.prompt.text == "/import --private my\\ notes/"
        await house.until(lambda: [one.name for one in suggested.items] == ["my notes/garden (old).md"])
        await house.pilot.press("tab", "enter")
        await house.until(lambda: len(house.store.documents.all()) == 1)
        assert house.store.documents.all()[0].path.endswith("my notes/garden (old).md")


async def test_typing_a_slash_suggests_and_tab_completes(tmp_path: Path) -> None:
    async with chatting(tmp_path) as house:
        await house.press_keys("/im")
        assert [one.name for one in house.chat.query_one(Suggestions).items] == ["/import PATH…"]
        await house.pilot.press("tab")
        assert house.chat.prompt.text == "/import "
        assert house.chat.query_one(Suggestions).items == ()


async def test_an_unknown_command_stays_in_the_prompt_and_a_path_is_a_message(tmp_path: Path) -> None:
    async with chatting(tmp_path) as house:
        await house.say("/imprt x")
        assert house.chat.prompt.text == "/imprt x"
        await house.ask("/etc/hosts is what?")
        assert house.questions == ["/etc/hosts is what?"]


@pytest.mark.parametrize("key", ["ctrl+j", "shift+enter", "alt+enter"])
async def test_a_line_is_broken_without_sending(tmp_path: Path, key: str) -> None:
    async with chatting(tmp_path) as house:
        await house.pilot.press("a", key, "b")
        assert house.chat.prompt.text == "a\nb"
        assert house.chat.prompt.size.height == 2
        await house.pilot.press("enter")
        await house.until(lambda: house.questions == ["a\nb"])


async def test_the_prompt_grows_to_eight_lines_and_no_further(tmp_path: Path) -> None:
    async with chatting(tmp_path) as house:
        for _ in range(20):
            await house.pilot.press("ctrl+j")
        assert house.chat.prompt.size.height == 8


async def test_pasted_lines_stay_in_the_prompt_without_their_escapes(tmp_path: Path) -> None:
    async with chatting(tmp_path) as house:
        house.chat.prompt.post_message(events.Paste("first\nsecond \x1b[31mred\x1b[0m\n第三行"))
        await house.until(lambda: house.chat.prompt.text == "first\nsecond red\n第三行")
        assert house.questions == []


async def test_up_brings_back_what_was_sent_last(tmp_path: Path) -> None:
    async with chatting(tmp_path) as house:
        await house.ask("谁有钥匙?")
        await house.pilot.press("up")
        assert house.chat.prompt.text == "谁有钥匙?"


async def test_ctrl_c_says_how_to_leave_and_ctrl_q_leaves(tmp_path: Path) -> None:
    async with chatting(tmp_path) as house:
        await house.pilot.press("ctrl+c")
        await house.until(lambda: house.app._notifications)
        await house.pilot.press("ctrl+q")
        await house.pilot.pause()
        assert house.app.return_code == 0


async def test_typing_while_a_source_has_the_focus_goes_into_the_prompt(tmp_path: Path) -> None:
    from tests.tui.test_conversation import with_keys

    async with chatting(tmp_path, ScriptedChat(["Ines [1]."]), prepare=with_keys) as house:
        await house.ask("Who has our spare key?")
        house.chat.query("SourceLine").first().focus()
        await house.pilot.press("h", "i")
        assert house.chat.prompt.text == "hi"


async def test_a_theme_is_chosen_by_name_and_kept(tmp_path: Path) -> None:
    from assistant import config

    async with chatting(tmp_path) as house:
        await house.say("/theme keepsake-light")
        await house.until(lambda: house.app.theme == "keepsake-light")
        await house.settled()
    assert config.load(tmp_path / "config.toml").chat.theme == "keepsake-light"


async def test_enter_runs_the_only_command_that_begins_as_typed(tmp_path: Path) -> None:
    async with chatting(tmp_path) as house:
        await house.ask("Something to leave behind")
        await house.press_keys("/ne")
        await house.pilot.press("enter")
        await house.until(lambda: not house.answers)
        assert house.chat.prompt.text == ""
