"""Whole screens as pictures: wide and narrow, dark and light. `pytest --snapshot-update` accepts a change."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from assistant.errors import ModelError
from assistant.llm.scripted import ScriptedChat
from assistant.tui.app import ChatApp
from assistant.tui.screens.chooser import Chooser
from assistant.tui.screens.confirm import ConfirmForget
from assistant.tui.screens.help import HelpScreen
from assistant.tui.screens.source import SourceScreen
from assistant.tui.widgets.source_list import SourceLine
from memory_store import NewDocument, Store
from memory_store.models import Locator, PassageDraft
from tests.tui.support import House, services_of, wait_until

WIDE, NARROW = (100, 32), (60, 20)
DARK, LIGHT = "keepsake-dark", "keepsake-light"
ANSWER = """\
**Ines** at number 12 has it [1].

1. Ring twice
2. Ask for the *blue* key

```
alarm off 4-2
```
"""
Compare = Callable[..., bool]
Scene = Callable[[House], Awaitable[None]]


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Store]:
    """A store with two documents of a fixed date, without vectors, so that nothing works in the background."""
    with Store.open(tmp_path / "memory") as store:
        for title, texts in {
            "The house": ("Our spare key is with Ines at number 12.", "The boiler stands in the cellar."),
            "家里的事": ("备用钥匙在十二号的伊内斯那里。", "垃圾星期二收走。"),
        }.items():
            new = NewDocument(
                f"/home/ada/{title}.md", title, "text/plain", title, 9, datetime(2026, 3, 14, 12, tzinfo=UTC)
            )
            store.documents.add(
                new, [PassageDraft(text, Locator(line_start=n, line_end=n)) for n, text in enumerate(texts, start=1)]
            )
        yield store


def compare(snap: Compare, store: Store, scene: Scene, size: tuple[int, int], theme: str, *scripts: Any) -> bool:
    """Play a scene and compare its last frame with the accepted picture."""
    model = ScriptedChat(*scripts, name="llama3.2")
    services = services_of(store, model, store.folder, theme=theme, embeds=False)
    app = ChatApp(lambda: services, blink=False)

    async def before(pilot: Pilot[Any]) -> None:
        await wait_until(pilot, lambda: app.chat.is_open)
        house = House(app, pilot, store, model)
        await scene(house)
        await wait_until(pilot, lambda: app.chat.keeper is not None)
        await wait_until(pilot, lambda: not [one for one in app.workers if one.is_running and one.name != "theme"])
        app.clear_notifications()
        await pilot.pause()

    return snap(app, terminal_size=size, run_before=before)


async def conversation(house: House) -> None:
    """Tell something, then ask in two languages."""
    await house.ask("I'm allergic to penicillin.")
    await house.ask("Who has our spare key?")
    await house.ask("备用钥匙在哪里?")


CONVERSATION = (["Noted."], [ANSWER], ["备用钥匙在**伊内斯**那里 [1]。\n\n- 十二号\n- 按两次铃"])


@pytest.mark.parametrize("theme", [DARK, LIGHT])
@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
def test_a_conversation(snap_compare: Compare, memory: Store, size: tuple[int, int], theme: str) -> None:
    assert compare(snap_compare, memory, conversation, size, theme, *CONVERSATION)


@pytest.mark.parametrize(("size", "theme"), [(WIDE, LIGHT), (NARROW, DARK)], ids=["wide", "narrow"])
def test_a_source_in_place(snap_compare: Compare, memory: Store, size: tuple[int, int], theme: str) -> None:
    async def scene(house: House) -> None:
        await house.ask("Who has our spare key?")
        house.chat.query(SourceLine).first().focus()
        await house.pilot.press("enter")
        dialog = await house.dialog(SourceScreen)
        await house.until(lambda: len(dialog.query(".source--neighbour")) == 1)

    assert compare(snap_compare, memory, scene, size, theme, ["Ines [1]."])


@pytest.mark.parametrize(("size", "theme"), [(WIDE, DARK), (NARROW, LIGHT)], ids=["wide", "narrow"])
def test_a_question_before_an_erasure(snap_compare: Compare, memory: Store, size: tuple[int, int], theme: str) -> None:
    async def scene(house: House) -> None:
        await house.say('/forget document "The house.md"')
        await house.dialog(ConfirmForget)
        house.app.workers.cancel_all()  # the command waits for the answer, which does not come in a picture

    assert compare(snap_compare, memory, scene, size, theme)


def test_commands_while_a_slash_is_typed(snap_compare: Compare, memory: Store) -> None:
    async def scene(house: House) -> None:
        await house.press_keys("/")

    assert compare(snap_compare, memory, scene, NARROW, DARK)


def test_the_help(snap_compare: Compare, memory: Store) -> None:
    async def scene(house: House) -> None:
        await house.pilot.press("f1")
        await house.dialog(HelpScreen)

    assert compare(snap_compare, memory, scene, WIDE, LIGHT)


def test_a_list_to_choose_from(snap_compare: Compare, memory: Store) -> None:
    async def scene(house: House) -> None:
        await house.say("/theme")
        await house.dialog(Chooser)
        await house.press_keys("keep")

    assert compare(snap_compare, memory, scene, WIDE, DARK)


def test_a_failed_answer_and_a_long_message(snap_compare: Compare, memory: Store) -> None:
    async def scene(house: House) -> None:
        await house.ask("One line\nand another one that is long enough to be broken at the end of a narrow terminal")
        house.chat.prompt.replace_all("Three\nlines\nin the prompt")

    script = ["The first half", ModelError("The model broke off.", "Ask again; Ollama may have been restarted.")]
    assert compare(snap_compare, memory, scene, NARROW, DARK, script)


@pytest.mark.parametrize("name", ["screenshots.py", "session.py"])
def test_the_pictures_of_the_readme_are_current(name: str) -> None:
    script = Path(__file__).parents[2] / "scripts" / name
    checked = subprocess.run([sys.executable, str(script), "--check"], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, f"{checked.stdout}{checked.stderr} Run `python scripts/{name}`."
