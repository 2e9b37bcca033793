"""Every theme can be read: what stands on the screen is measured, sign by sign, against WCAG's AA."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from textual.color import Color
from textual.geometry import Region
from textual.screen import Screen
from textual.theme import BUILTIN_THEMES

from assistant.llm.scripted import ScriptedChat
from assistant.tui.contrast import AA, ratio
from assistant.tui.screens.help import HelpScreen
from assistant.tui.screens.memory import MemoryScreen
from assistant.tui.screens.settings import SettingsScreen
from assistant.tui.themes import THEMES
from memory_store import Store
from tests.tui.support import chatting, script

# The `ansi` themes take the terminal's own colours, which can't be known.
NAMES = [*(name for name in BUILTIN_THEMES if not name.startswith("ansi")), *(one.name for one in THEMES)]
ANSWER = """\
# Title

**Ines** at number 12 has it [1]. See `the page` or [a place](https://example.org).

> Quoted

| a | b |
|---|---|
| 1 | 2 |

```python
def key(name: str) -> str:
    return "number 12"  # hers
```
"""


def test_the_ratio_is_the_one_of_wcag() -> None:
    assert ratio(Color(0, 0, 0), Color(255, 255, 255)) == pytest.approx(21)
    assert ratio(Color(119, 119, 119), Color(255, 255, 255)) == pytest.approx(4.48, abs=0.01)


def signs(screen: Screen[object]) -> Iterator[tuple[str, Color, Color]]:
    """Yield every piece of text on a screen with its colours. Frames, bars and the cursor are no text."""
    dialogs = screen.query(".dialog")  # what is under a dialog is dimmed, and not to be read
    width, height = screen.size
    region = dialogs.first().region if dialogs else Region(0, 0, width, height)
    for strip in (
        one.crop(region.x, region.right) for one in screen._compositor.render_strips()[region.y : region.bottom]
    ):
        for segment in strip:
            style = segment.style
            words = "".join(sign for sign in segment.text if sign.isalnum())
            if len(words) > 1 and style is not None and style.color is not None and style.bgcolor is not None:
                written, behind = style.color.triplet, style.bgcolor.triplet
                if written is not None and behind is not None:
                    yield words, Color(*written), Color(*behind)


def unreadable(screen: Screen[object]) -> set[tuple[str, str, str, float]]:
    """Return what on a screen can't be read well, with its colours and their ratio."""
    found = set()
    for words, written, behind in signs(screen):
        if ratio(written, behind) < AA - 0.05:  # colours are rounded to whole numbers
            found.add((words, written.hex, behind.hex, round(ratio(written, behind), 2)))
    return found


def remember(store: Store) -> None:
    store.remember("The spare key is with Ines at number 12.")


async def test_everything_that_is_written_can_be_read_in_every_theme(tmp_path: Path) -> None:
    model = ScriptedChat(script(ANSWER))
    async with chatting(tmp_path, model, prepare=remember, size=(100, 50)) as house:
        await house.ask("Where is the spare key?")
        for command, kind in (("memory", MemoryScreen), ("settings", SettingsScreen), ("help", HelpScreen)):
            house.chat.choose(command)
            await only_what_shows(await house.dialog(kind))
        bad: dict[str, set[tuple[str, str, str, float]]] = {}
        with house.app.batch_update():  # what is looked at is painted, and not for the terminal as well
            for name in NAMES:
                house.app.theme = name
                await house.pilot.pause()
                for screen in house.app.screen_stack:
                    bad[f"{type(screen).__name__} in {name}"] = unreadable(screen)
        while house.app.screen is not house.chat:
            await house.pilot.press("escape")
    assert len(bad) == 4 * len(NAMES)
    assert {place: found for place, found in bad.items() if found} == {}


async def only_what_shows(screen: Screen[object]) -> None:
    """Take away what is scrolled out of sight: every theme would style it, and nobody sees it."""
    for one in screen.query("VerticalScroll > *"):
        if not one.region.overlaps(screen.region):
            await one.remove()
