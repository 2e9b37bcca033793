"""Draws the screenshots of the README: the real chat over a small fixed memory, with a model that plays a script.

python scripts/screenshots.py           write them to docs/screenshots
python scripts/screenshots.py --check   only say which are out of date (exit code 1)
"""

from __future__ import annotations

import asyncio
import re
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

sys.path.insert(0, str(Path(__file__).parents[1]))

from textual.pilot import Pilot
from textual.widgets import Static

from assistant import config
from assistant.core.explaining import sentences_of
from assistant.llm.detection import FoundModel
from assistant.llm.roles import Models
from assistant.llm.scripted import ScriptedChat
from assistant.tui.app import ChatApp
from assistant.tui.screens.chooser import Chooser
from assistant.tui.screens.recipes import RecipesScreen
from assistant.tui.screens.source import SourceScreen
from assistant.tui.services import Services
from assistant.tui.widgets.answer import Answer
from assistant.tui.widgets.source_list import SourceLine
from memory_store import NewDocument, Store
from memory_store.models import Locator, PassageDraft

FOLDER = Path(__file__).parents[1] / "docs" / "screenshots"
SIZE = (92, 32)
PATIENCE_SECONDS = 20.0
QUESTIONS = ("I'm allergic to penicillin.", "Who has our spare key, and what do I do when the boiler loses pressure?")
ANSWERS = (
    "Noted. I will keep it in mind whenever medicines come up.",
    """\
**The spare key** is with Ines at number 12 [2].

**The boiler**, when its pressure drops [1]:

1. Open the grey valve under it slowly
2. Close it when the needle stands at 1.5 bar
3. Below 1 bar twice in a week, call Mr Okafor""",
)
LIBRARY: tuple[tuple[str, str, tuple[tuple[tuple[str, ...], int, str], ...]], ...] = (
    (
        "/home/ada/Documents/house.md",
        "The house",
        (
            (("Keys",), 4, "Our spare key is with Ines at number 12. She waters the plants in July."),
            (("Bins",), 11, "Paper goes out on the first Tuesday, everything else on Fridays."),
        ),
    ),
    (
        "/home/ada/Documents/boiler.pdf",
        "Boiler, short guide",
        (
            (
                ("Pressure",),
                0,
                "When the boiler loses pressure, open the grey valve under it slowly and close it again when the "
                "needle stands at 1.5 bar. If it falls below 1 bar twice in a week, call the service: Mr Okafor.",
            ),
            (("Winter",), 0, "Leave the heating at 12 degrees while the house is empty."),
        ),
    ),
)


@dataclass(frozen=True)
class Picture:
    """One screenshot: its file, the theme, its size, and what is open in it."""

    name: str
    theme: str
    source: bool = False
    services: bool = False
    recipes: bool = False
    size: tuple[int, int] = SIZE


# What the model points at in the first message, once it is answered.
POINTED = '{"memories": [{"sentences": [1], "kind": "fact", "about": "health"}]}'
PICTURES = (
    Picture("chat-dark.svg", "keepsake-dark"),
    Picture("chat-light.svg", "keepsake-light"),
    Picture("source.svg", "keepsake-dark", source=True),
    Picture("recipes.svg", "keepsake-light", recipes=True),
    Picture("model.svg", "keepsake-dark", services=True, size=(60, 20)),
)


def fill(store: Store) -> None:
    """Store the documents of the pictures."""
    for path, title, passages in LIBRARY:
        new = NewDocument(path, title, "text/plain", path, 1000, datetime(2026, 3, 14, 12, tzinfo=UTC))
        drafts = [
            PassageDraft(
                text,
                Locator(headings=headings, line_start=line or None, line_end=line or None, page=None if line else 3),
            )
            for headings, line, text in passages
        ]
        store.documents.add(new, drafts)


async def draw(picture: Picture, folder: Path) -> str:
    """Return one screenshot as SVG."""
    settings = config.Settings(chat=config.ChatConfig(theme=picture.theme, titles=False))
    model = ScriptedChat([ANSWERS[0]], [POINTED], *[[answer] for answer in ANSWERS[1:]], name="llama3.2")
    with Store.open(folder) as store:
        fill(store)
        app = ChatApp(
            lambda: Services(settings, store, Models(model), folder / "config.toml", embeds=False), blink=False
        )
        return await _draw(picture, app)


async def _draw(picture: Picture, app: ChatApp) -> str:
    async with app.run_test(size=picture.size) as pilot:
        await _until(pilot, lambda: app.chat.is_open)
        for number, question in enumerate(() if picture.services or picture.recipes else QUESTIONS, start=1):
            app.chat.submit(question)
            await _until(pilot, partial(_has_answers, app, number))
            await _until(pilot, lambda: not [work for work in app.workers if work.is_running])
        check_citations(app)
        if picture.source:
            app.chat.query(SourceLine).first().focus()
            await pilot.press("enter")
            await _until(pilot, lambda: isinstance(app.screen, SourceScreen))
            await _until(pilot, lambda: len(app.screen.query(".source--neighbour")) == 1)
        if picture.services:  # the command waits for the dialog
            await _show_services(app, pilot)
        elif picture.recipes:  # and this one for the screen
            await _show_recipes(app, pilot)
        else:
            await _until(pilot, lambda: not [one for one in app.workers if one.is_running])
        await pilot.wait_for_animation()
        await pilot.pause()
        return app.export_screenshot(title="Keepsake", simplify=True)


async def _show_services(app: ChatApp, pilot: Pilot[Any]) -> None:
    """Open the list of services, as on a machine where no model was found."""
    with patch("assistant.tui.model_choice.detect", _nothing_found):
        app.chat.submit("/model")
        await _until(pilot, lambda: isinstance(app.screen, Chooser))
        first = app.screen
        await _until(pilot, lambda: app.focused is not None and app.focused in first.query("*"))
        await pilot.press("up", "enter")
        await _until(pilot, lambda: app.screen is not first and isinstance(app.screen, Chooser))


async def _show_recipes(app: ChatApp, pilot: Pilot[Any]) -> None:
    """Open the screen of recipes, at one that comes along."""
    app.chat.submit("/recipes")
    await _until(pilot, lambda: isinstance(app.screen, RecipesScreen) and app.screen.loaded)
    screen = app.screen
    assert isinstance(screen, RecipesScreen)
    await _until(pilot, lambda: screen.chosen is not None)
    while screen.chosen is not None and screen.chosen.name != "meal-plan":
        await pilot.press("down")
    await _until(pilot, lambda: "meal-plan" in str(screen.query_one("#text", Static).render()))


async def _nothing_found() -> list[FoundModel]:
    return []


def check_citations(app: ChatApp) -> None:
    """Raise ValueError where an answer cites a source that does not hold its words: a picture shows no such thing."""
    for answer in app.chat.query(Answer):
        texts = {one.number: one.text.casefold() for one in answer.sources}
        for sentence in sentences_of(answer.text):
            words = {word for word in re.findall(r"\w{4,}", sentence.text.casefold()) if word != "when"}
            for number in sentence.numbers:
                if sum(word in texts.get(number, "") for word in words) < 2:
                    raise ValueError(f"Source {number} does not hold {sentence.text!r}: {texts.get(number)!r}")


def _has_answers(app: ChatApp, count: int) -> bool:
    return len(app.chat.query("Answer")) == count and not app.chat.is_answering


async def _until(pilot: Pilot[Any], predicate: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not predicate():
            await pilot.pause(0.01)


def main() -> int:
    """Write the pictures, or with `--check` compare them."""
    check = "--check" in sys.argv[1:]
    stale = []
    for picture in PICTURES:
        with tempfile.TemporaryDirectory() as folder:
            drawn = asyncio.run(draw(picture, Path(folder))) + "\n"
        file = FOLDER / picture.name
        if file.is_file() and file.read_text("utf-8") == drawn:
            continue
        stale.append(picture.name)
        if not check:
            FOLDER.mkdir(parents=True, exist_ok=True)
            file.write_text(drawn, "utf-8")
    print(f"{'Out of date' if check else 'Written'}: {', '.join(stale) or 'none'}")
    return 1 if check and stale else 0


if __name__ == "__main__":
    raise SystemExit(main())
