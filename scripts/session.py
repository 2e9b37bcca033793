"""Records the session that opens the README: the real chat, frame by frame, as one SVG that plays by itself.

python scripts/session.py           write it to docs/screenshots
python scripts/session.py --check   only say whether it is out of date (exit code 1)
"""

from __future__ import annotations

import asyncio
import random
import re
import sys
import tempfile
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any, Final
from unittest.mock import patch

sys.path.insert(0, str(Path(__file__).parents[1]))

from textual.pilot import Pilot

from assistant import config
from assistant.core.conversation.forgetting import ERASE_WORD
from assistant.llm.roles import Models
from assistant.llm.scripted import ScriptedChat, Step
from assistant.tui.app import ChatApp
from assistant.tui.screens.confirm import ConfirmForget
from assistant.tui.screens.source import SourceScreen
from assistant.tui.services import Services
from assistant.tui.widgets.notice import Notice
from assistant.tui.widgets.source_list import SourceLine
from memory_store import Store
from scripts.screenshots import ANSWERS, FOLDER, QUESTIONS, _until, check_citations, fill

FILE: Final = FOLDER / "session.svg"
SIZE: Final = (84, 26)
TOLD: Final = "The spare key moved to Tom at number 8."
# Seconds for which each frame stands, in their order.
SECONDS: Final = (1.2, 1.6, 1.4, 3.2, 3.0, 2.6, 2.6, 3.6)


async def record(folder: Path) -> list[str]:
    """Play the session and return its frames as SVG."""
    gate = asyncio.Event()
    first, rest = ANSWERS[1][:49], ANSWERS[1][49:]
    script: list[Step] = [first, gate, rest]
    settings = config.Settings(chat=config.ChatConfig(titles=False, learn=False))
    frames: list[str] = []
    with Store.open(folder) as store:
        fill(store)
        model = ScriptedChat(script, name="llama3.2")
        app = ChatApp(
            lambda: Services(settings, store, Models(model), folder / "config.toml", embeds=False),
            blink=False,
            clock=count().__next__,
        )
        async with app.run_test(size=SIZE) as pilot:
            await _until(pilot, lambda: app.chat.is_open)
            frame = partial(_frame, app, pilot, frames)
            await frame()
            app.chat.prompt.replace_all(QUESTIONS[1])
            await frame()
            app.chat.prompt.replace_all("")
            app.chat.submit(QUESTIONS[1])
            await _until(pilot, lambda: app.chat.query("Answer") and model.waiting.is_set())
            await _until(pilot, lambda: "Ines" in app.chat.query("Answer").first().text)  # type: ignore[attr-defined]
            await pilot.pause(0.2)
            await frame()
            gate.set()
            await _until(pilot, lambda: not app.chat.is_answering)
            check_citations(app)
            await frame()
            app.chat.query(SourceLine).first().focus()
            await pilot.press("enter")
            await _until(pilot, lambda: isinstance(app.screen, SourceScreen))
            await _until(pilot, lambda: len(app.screen.query(".source--neighbour")) == 1)
            await frame()
            await pilot.press("escape")
            app.chat.submit(f"/remember {TOLD}")
            await _until(pilot, lambda: app.chat.query("Notice"))
            await frame()
            app.chat.submit("/forget document The house")
            await _until(pilot, lambda: isinstance(app.screen, ConfirmForget))
            await frame()
            await pilot.press(*ERASE_WORD, "enter")
            await _until(pilot, lambda: any("verified" in one.text for one in app.chat.query(Notice)))
            await _until(pilot, lambda: not [one for one in app.workers if one.is_running])
            await frame()
    return frames


async def _frame(app: ChatApp, pilot: Pilot[Any], frames: list[str]) -> None:
    await pilot.wait_for_animation()
    app.clear_notifications()
    await pilot.pause()
    frames.append(app.export_screenshot(title="Keepsake", simplify=True))


def film(frames: list[str]) -> str:
    """Return the frames as one SVG in which each stands for its seconds, over and over."""
    whole = sum(SECONDS)
    view = re.search(r'viewBox="([^"]+)"', frames[0])
    assert view is not None
    styles, groups, begin = [], [], 0.0
    for number, (frame, seconds) in enumerate(zip(frames, SECONDS, strict=True)):
        inner = re.sub(r"^<svg[^>]*>|</svg>\s*$", "", frame.strip())
        inner = re.sub(r"terminal-\d+", f"frame-{number}", inner)
        inner = re.sub(r"@font-face\s*\{[^}]*\}", "", inner) if number else inner
        start, end = 100 * begin / whole, 100 * (begin + seconds) / whole
        styles.append(
            f"@keyframes show-{number} {{ 0%, {start:.2f}% {{ visibility: hidden }} "
            f"{start + 0.01:.2f}%, {end:.2f}% {{ visibility: visible }} "
            f"{end + 0.01:.2f}%, 100% {{ visibility: hidden }} }} "
            f"#film-{number} {{ visibility: hidden; animation: show-{number} {whole:.1f}s step-end infinite }}"
        )
        groups.append(f'<g id="film-{number}">{inner}</g>')
        begin += seconds
    # Who wants no motion sees the answer with its sources.
    styles.append("@media (prefers-reduced-motion) { g[id^=film] { animation: none } #film-3 { visibility: visible } }")
    return (
        f'<svg viewBox="{view[1]}" xmlns="http://www.w3.org/2000/svg">'
        f"<style>{' '.join(styles)}</style>{''.join(groups)}</svg>\n"
    )


def main() -> int:
    """Write the film, or with `--check` compare it."""
    # Ids are random everywhere else; in a picture they are the same each time.
    chosen = random.Random(1)
    with tempfile.TemporaryDirectory() as folder, patch("memory_store.ids._RANDOM", chosen):
        drawn = film(asyncio.run(record(Path(folder))))
    stale = not FILE.is_file() or FILE.read_text("utf-8") != drawn
    if stale and "--check" not in sys.argv[1:]:
        FILE.write_text(drawn, "utf-8")
    print(f"{FILE.name} {'is out of date' if stale else 'is current'}")
    return 1 if stale and "--check" in sys.argv[1:] else 0


if __name__ == "__main__":
    raise SystemExit(main())
