"""Recipes in the chat: one is made of a chat, seen on its screen, filled in, shown before its first use, explained."""

from __future__ import annotations

import json
from pathlib import Path

from textual.containers import VerticalScroll
from textual.widgets import Input, Static

from assistant.llm.scripted import ScriptedChat
from assistant.tui.screens.ask import AskScreen
from assistant.tui.screens.chooser import Chooser
from assistant.tui.screens.form import FormScreen
from assistant.tui.screens.recipes import RecipesScreen
from assistant.tui.screens.why import WhyScreen
from assistant.tui.widgets.notice import Notice
from memory_store import NewRecipe, Store
from tests.core.recipes.test_use import DRAFT, SKILL
from tests.tui.support import House, chatting


async def choose(house: House, name: str) -> None:
    """Choose what has this name, from the list that is open."""
    await house.until(lambda: isinstance(house.app.screen, Chooser))
    await house.press_keys(name)
    await house.pilot.press("enter")
    await house.until(lambda: not isinstance(house.app.screen, Chooser))


async def open_screen(house: House, query: str) -> RecipesScreen:
    await house.say(f"/recipes {query}")
    screen = await house.dialog(RecipesScreen)
    assert isinstance(screen, RecipesScreen)
    await house.until(lambda: screen.loaded and screen.chosen is not None)
    return screen


async def test_a_chat_becomes_a_recipe_in_three_steps_and_is_used_from_its_screen(tmp_path: Path) -> None:
    model = ScriptedChat(["Water it weekly."], [json.dumps(DRAFT)], ["On Mondays."])
    async with chatting(tmp_path, model, size=(100, 24)) as house:
        await house.ask("How do I care for my orchid?")
        await house.say("/recipe new")
        await house.until(lambda: isinstance(house.app.screen, Chooser))
        text = house.app.screen.query_one("#text", VerticalScroll)
        await house.until(lambda: text.max_scroll_y > 0)
        await house.pilot.press("pagedown")
        await house.until(lambda: text.scroll_y > 0)
        assert "2. Say when to water it." in str(text.query_one(Static).render())
        await choose(house, "Keep")
        await house.until(lambda: any("Kept: plant-care" in notice for notice in house.notices))

        screen = await open_screen(house, "plant care")
        assert [known.name for known in screen.list.items] == ["plant-care"]
        detail = str(screen.query_one("#text", Static).render())
        assert "not yet: it is shown, filled in, before its first use" in detail
        assert "1. `search_memory` for {plant}." in detail
        shared = tmp_path / "plant.skill"
        await house.pilot.press("x")
        asked = await house.dialog(AskScreen)
        asked.query_one(Input).value = str(shared)
        await house.pilot.press("enter")
        await house.until(shared.exists)
        await house.until(lambda: house.app.screen is screen)

        await house.pilot.press("enter")
        form = await house.dialog(FormScreen)
        told = "\n".join(str(static.render()) for static in form.query(Static))
        assert "server" not in told
        assert "Enter in the last field or Ctrl+S goes on" in told
        await house.press_keys("the fern")
        await house.pilot.press("enter")
        await house.until(lambda: isinstance(house.app.screen, Chooser) and bool(house.app.screen.query("#text")))
        assert "Before the first use of plant-care" in str(house.app.screen.query_one("#text Static", Static).render())
        await choose(house, "Use it")
        await house.until(lambda: len(house.answers) == 2 and house.answers[-1].text == "On Mondays.")
        await house.settled()
        assert house.questions[-1] == "How do I care for the fern?"
        assert "recipe: plant-care, the fern" in house.notices
        await house.say("/why")
        why = await house.dialog(WhyScreen)
        assert "Answered by the recipe plant-care." in "\n".join(str(one.render()) for one in why.query(Static))


async def test_one_that_comes_along_stays_as_it_is_and_an_own_one_is_made_private_and_erased(tmp_path: Path) -> None:
    def prepare(store: Store) -> None:
        store.recipes.add(NewRecipe("plant-care", SKILL))

    async with chatting(tmp_path, prepare=prepare) as house:
        screen = await open_screen(house, "weekly")
        await house.pilot.press("f")
        await house.until(lambda: "weekly-review comes along" in screen.query_one(Notice).text)
        await house.pilot.press("escape", "escape")
        screen = await open_screen(house, "plant-care")
        await house.pilot.press("v")
        await house.until(lambda: house.store.recipes.all()[0].private)
        await house.pilot.press("f")
        await house.erase()
        await house.until(lambda: house.store.recipes.all() == [])
        await house.until(lambda: house.app.screen is screen and not screen.list.items)
        await house.pilot.press("escape", "escape")
