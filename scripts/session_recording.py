"""Records the moving picture that opens the README: the real chat, typed into, from a question to a receipt.

python scripts/session_recording.py     write docs/screenshots/session.svg; ids and times differ each time

Nothing is staged but the notes: the keys are pressed in the application, which answers with quotations, without a
language model. Each frame is its own drawing of its screen; the styles of one file show them one after the other.
"""

from __future__ import annotations

import asyncio
import re
import sys
import tempfile
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

sys.path.insert(0, str(Path(__file__).parents[1]))

from textual.pilot import Pilot

from assistant import bootstrap, config
from assistant.tui.app import ChatApp
from assistant.tui.screens.confirm import ConfirmForget
from assistant.tui.services import Services
from assistant.tui.widgets.notice import Notice
from assistant.tui.widgets.source_list import SourceLine
from memory_store import Store
from scripts.screenshots import FOLDER, fill

FILE: Final = FOLDER / "session.svg"
SIZE: Final = (84, 26)
QUESTION: Final = "Who has our spare key?"
CORRECTION: Final = "The spare key is with Bo at number 7 since June."
FORGETTING: Final = "/forget document boiler.pdf"
PATIENCE_SECONDS: Final = 20.0
_PIECE: Final = 9  # signs typed from one frame to the next
_STYLES: Final = re.compile(r"terminal-\d+-")  # a prefix of each drawing's own
_FONT: Final = re.compile(r"@font-face\s*\{[^}]*\}\s*")


@dataclass(frozen=True, slots=True)
class Frame:
    """One drawing of the screen, and how many seconds it stays."""

    drawing: str
    seconds: float


class Stage:
    """The running chat, and what a person does with it."""

    def __init__(self, app: ChatApp, pilot: Pilot[Any]) -> None:
        self.app = app
        self.pilot = pilot

    async def until(self, predicate: Callable[[], object]) -> None:
        """Wait until something holds."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not predicate():
                await self.pilot.pause(0.01)

    async def seen(self, seconds: float) -> Frame:
        """Draw the screen once it is at rest."""
        await self.pilot.wait_for_animation()
        await self.pilot.pause()
        return Frame(self.app.export_screenshot(title="Keepsake", simplify=True), seconds)

    async def typed(self, text: str) -> AsyncIterator[Frame]:
        """Type a text into whatever has the focus."""
        for start in range(0, len(text), _PIECE):
            for sign in text[start : start + _PIECE]:
                await self.pilot.press({" ": "space", "/": "slash"}.get(sign, sign))
            yield await self.seen(0.3)

    def answered(self, count: int) -> bool:
        """Whether so many questions are answered."""
        return len(self.app.chat.query("Answer")) == count and not self.app.chat.is_answering

    def told(self, words: str) -> bool:
        """Whether a notice holds these words."""
        return any(words in one.text for one in self.app.chat.query(Notice))


async def play(stage: Stage) -> AsyncIterator[Frame]:
    """Ask, see the source, put it right, ask again, forget a document, and get the receipt."""
    app, press = stage.app, stage.pilot.press
    await stage.until(lambda: app.chat.is_open)
    yield await stage.seen(1.5)
    async for frame in stage.typed(QUESTION):
        yield frame
    await press("enter")
    await stage.until(lambda: stage.answered(1))
    yield await stage.seen(3.5)
    app.chat.query(SourceLine).first().focus()
    await press("w")
    await stage.until(lambda: app.screen is not app.chat)
    yield await stage.seen(1.5)
    async for frame in stage.typed(CORRECTION):
        yield frame
    await press("enter")
    await stage.until(lambda: stage.told("Put right"))
    yield await stage.seen(2.5)
    app.chat.focus_prompt()
    async for frame in stage.typed(QUESTION):
        yield frame
    await press("enter")
    await stage.until(lambda: stage.answered(2))
    yield await stage.seen(3.5)
    async for frame in stage.typed(FORGETTING):
        yield frame
    await press("enter")
    await stage.until(lambda: isinstance(app.screen, ConfirmForget))
    yield await stage.seen(3.5)
    await press("y")
    await stage.until(lambda: stage.told("Erased, and verified"))
    yield await stage.seen(6.0)


async def record(folder: Path) -> list[Frame]:
    """Return all frames of a session over the notes of the other pictures."""
    settings = config.Settings(chat=config.ChatConfig(titles=False))
    with Store.open(folder) as store:
        fill(store)
        model = bootstrap.build_model(settings)
        app = ChatApp(lambda: Services(settings, store, model, folder / "config.toml", embeds=False), blink=False)
        async with app.run_test(size=SIZE) as pilot:
            return [frame async for frame in play(Stage(app, pilot))]


def moving(frames: list[Frame]) -> str:
    """Return one SVG that shows the frames in turn, for ever; the last one alone to whom motion is too much."""
    box = re.search(r'viewBox="([^"]+)"', frames[0].drawing)
    assert box is not None
    whole = sum(one.seconds for one in frames)
    rules, drawings, passed = [], [], 0.0
    for number, frame in enumerate(frames):
        begin, end = 100 * passed / whole, 100 * (passed + frame.seconds) / whole
        passed += frame.seconds
        before = "0% { visibility: hidden } " if number else ""
        after = f"{end:.3f}% {{ visibility: hidden }}" if number < len(frames) - 1 else ""
        rules.append(f"@keyframes f{number} {{ {before}{begin:.3f}% {{ visibility: visible }} {after} }}")
        rules.append(f"#f{number} {{ animation: f{number} {whole:.1f}s step-end infinite }}")
        drawing = _STYLES.sub(f"f{number}-", _FONT.sub("", frame.drawing)).strip()
        drawings.append(f'<g class="frame" id="f{number}">{drawing}</g>')
    last = f"#f{len(frames) - 1} {{ visibility: visible }}"
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{box[1]}">',
            "<title>A session with Keepsake</title>",
            "<style>",
            ".frame { visibility: hidden }",
            *rules,
            f"@media (prefers-reduced-motion: reduce) {{ .frame {{ animation: none !important }} {last} }}",
            "</style>",
            *drawings,
            "</svg>\n",
        ]
    )


def main() -> None:
    """Write the picture."""
    with tempfile.TemporaryDirectory() as folder:
        frames = asyncio.run(record(Path(folder)))
    FILE.write_text(moving(frames), "utf-8")
    print(f"Written: {FILE.name}, {len(frames)} frames, {FILE.stat().st_size / 1e3:,.0f} kB")


if __name__ == "__main__":
    main()
