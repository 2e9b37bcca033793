"""Records the films of the README, a session and a long task: the real chat, frame by frame, as SVGs that play.

python scripts/session.py           write them to docs/screenshots
python scripts/session.py --check   only say whether one is out of date (exit code 1)
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import re
import sys
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any, Final
from unittest.mock import patch

sys.path.insert(0, str(Path(__file__).parents[1]))

from textual.pilot import Pilot
from textual.widgets import DataTable, Static

from assistant import config
from assistant.core.conversation.forgetting import ERASE_WORD
from assistant.llm.roles import Models
from assistant.llm.scripted import ScriptedChat, Step
from assistant.tui.app import ChatApp
from assistant.tui.screens.chooser import Chooser
from assistant.tui.screens.confirm import ConfirmForget
from assistant.tui.screens.source import SourceScreen
from assistant.tui.screens.tasks import TasksScreen
from assistant.tui.services import Services
from assistant.tui.widgets.notice import Notice
from assistant.tui.widgets.source_list import SourceLine
from memory_store import ItemState, StepOutcome, Store, Task, TaskState
from scripts.screenshots import ANSWERS, FOLDER, QUESTIONS, _until, check_citations, fill

SIZE: Final = (84, 26)
TASK_SIZE: Final = (96, 30)
TOLD: Final = "The spare key moved to Tom at number 8."
# Seconds for which each frame stands, in their order.
SECONDS: Final = (1.2, 1.6, 1.4, 3.2, 3.0, 2.6, 2.6, 3.6)
TASK_SECONDS: Final = (1.8, 4.0, 2.6, 3.6, 1.6, 1.6, 5.0)
STILL: Final = 3  # who wants no motion sees this frame: an answer with its sources, a task that asks
WISH: Final = "/task Find a quiet table for six on Friday. Ask these eight places, and say which suits best: …"
WHEN: Final = "2026-03-14T12:00:00.000000Z"
PLACES: Final = (
    *("Chez Anna", "Bistro Bea", "La Cave", "Osteria Dante"),
    *("Le Coin", "Zum Anker", "Café Fado", "Taverna Gio"),
)
# How quiet each is, and what it costs; one doesn't answer.
FOUND: Final = ((8, 34), (5, 28), None, (9, 41), (7, 30), (3, 22), (6, 27), (4, 25))
JUDGED: Final = {"Chez Anna": (1, "quiet, for less"), "Osteria Dante": (2, "quietest"), "Le Coin": (3, None)}
LETTER: Final = "A table for six on Friday at eight?"
PLAN: Final = {
    "title": "A quiet table for six on Friday",
    "best": "quiet",
    "judge": {"ask": "Which suits a quiet dinner of six better?", "among": 3},
    "steps": [
        {"name": "page", "tool": "read_page", "with": {"url": "{url}"}},
        {
            "name": "rate",
            "ask": "How quiet is it at {name}, and what does a dinner cost?",
            "columns": {"quiet": "0 to 10", "price": "euros a head"},
        },
        {"name": "ask", "tool": "mail__write", "with": {"to": "{name}", "text": LETTER}},
    ],
    "items": [{"name": name, "url": f"https://{name.split()[-1].lower()}.example/"} for name in PLACES],
}


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


async def record_task(folder: Path) -> list[str]:
    """Have a task planned and shown as it goes on; return its frames as SVG. What is found is put in by hand."""
    settings = config.Settings(chat=config.ChatConfig(titles=False, learn=False))
    frames: list[str] = []
    with Store.open(folder) as store:
        model = ScriptedChat([json.dumps(PLAN)], name="llama3.2")
        app = ChatApp(
            lambda: Services(settings, store, Models(model), folder / "config.toml", embeds=False),
            blink=False,
            clock=count().__next__,
        )
        async with app.run_test(size=TASK_SIZE) as pilot:
            await _until(pilot, lambda: app.chat.is_open)
            frame = partial(_frame, app, pilot, frames)
            app.chat.prompt.replace_all(WISH)
            await frame()
            app.chat.prompt.replace_all("")
            app.chat.submit(WISH)
            await _until(pilot, lambda: isinstance(app.screen, Chooser))
            await frame()
            await pilot.press("escape")
            await _until(pilot, lambda: app.screen is app.chat)
            [task] = store.tasks.all()
            with store._database.write() as connection:
                connection.execute("UPDATE tasks SET made_at = ?", (WHEN,))
            app.chat.submit("/tasks")
            await _until(pilot, lambda: isinstance(app.screen, TasksScreen))
            for ended, asking, rows in ((2, False, 2), (4, True, 3), (6, False, 5), (7, False, 6), (8, False, 7)):
                _go_on(store, task, ended, asking=asking)
                await _until(pilot, partial(_shows, app, ended, rows, asking))
                await frame()
    return frames


def _go_on(store: Store, task: Task, ended: int, *, asking: bool) -> None:
    """Let so many items of a task have ended; the next one asks, or all are judged."""
    for _, step in store.tasks.questions(task.id):
        store.tasks.answer(step, StepOutcome.ALLOWED)
    items = store.tasks.items(task.id)
    for item, found in zip(items[:ended], FOUND, strict=False):
        if found is None:
            store.tasks.end_item(item.id, ItemState.FAILED, None, "cave.example answered 503.")
            continue
        place, because = JUDGED.get(item.key, (None, None)) if ended == len(items) else (None, None)
        values = {"place": place, "because": because, "quiet": found[0], "price": found[1]}
        store.tasks.end_item(item.id, ItemState.DONE, json.dumps(values))
    if asking:
        asked = {"step": "ask", "tool": "mail__write", "with": {"to": items[ended].key, "text": LETTER}}
        store.tasks.ask(items[ended], 3, json.dumps(asked))
    state = TaskState.DONE if ended == len(items) else TaskState.RUNNING
    store.tasks.change_state(task.id, state)
    with store._database.write() as connection:
        connection.execute("UPDATE tasks SET ended_at = ? WHERE ended_at IS NOT NULL", (WHEN,))


def _shows(app: ChatApp, ended: int, rows: int, asking: bool) -> bool:
    tables = app.screen.query(DataTable)
    lines = [str(line.render()) for line in app.screen.query("#more Static")]
    asks = any("mail__write" in line for line in lines)
    counted = f" {ended}/{len(PLACES)}" in str(app.screen.query_one("#text", Static).render())
    drawn = bool(tables) and tables.first().row_count == rows and tables.first().region.height > rows
    return counted and drawn and asks == asking


async def _frame(app: ChatApp, pilot: Pilot[Any], frames: list[str]) -> None:
    await pilot.wait_for_animation()
    app.clear_notifications()
    await pilot.pause()
    frames.append(app.export_screenshot(title="Keepsake", simplify=True))


class Nobody:
    """Works on nothing, so that the picture stands still."""

    def start(self) -> None:
        """Do nothing."""

    def stop(self, patience_seconds: float = 0.0) -> None:
        """Do nothing."""


def film(frames: list[str], stand: Sequence[float]) -> str:
    """Return the frames as one SVG in which each stands for its seconds, over and over."""
    whole = sum(stand)
    view = re.search(r'viewBox="([^"]+)"', frames[0])
    assert view is not None
    styles, groups, begin = [], [], 0.0
    for number, (frame, seconds) in enumerate(zip(frames, stand, strict=True)):
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
    styles.append(
        "@media (prefers-reduced-motion) { g[id^=film] { animation: none } "
        f"#film-{STILL} {{ visibility: visible }} }}"
    )
    return (
        f'<svg viewBox="{view[1]}" xmlns="http://www.w3.org/2000/svg">'
        f"<style>{' '.join(styles)}</style>{''.join(groups)}</svg>\n"
    )


def draw(play: Callable[[Path], Awaitable[list[str]]], stand: Sequence[float]) -> str:
    """Return what is played in a folder of its own as a film. Ids are random everywhere else; here always the same."""

    async def record_it(folder: Path) -> list[str]:
        return await play(folder)

    chosen = random.Random(1)
    still = patch("assistant.bootstrap.build_task_runner", lambda *_: Nobody())
    often = patch("assistant.tui.screens.tasks._LOOK_SECONDS", 0.05)
    zone = patch.dict(os.environ, {"TZ": "UTC"})
    with tempfile.TemporaryDirectory() as folder, patch("memory_store.ids._RANDOM", chosen), still, often, zone:
        return film(asyncio.run(record_it(Path(folder))), stand)


def main() -> int:
    """Write the films, or with `--check` compare them."""
    check = "--check" in sys.argv[1:]
    stale = []
    for name, play, stand in (("session.svg", record, SECONDS), ("tasks.svg", record_task, TASK_SECONDS)):
        drawn = draw(play, stand)
        file = FOLDER / name
        if not file.is_file() or file.read_text("utf-8") != drawn:
            stale.append(name)
            if not check:
                file.write_text(drawn, "utf-8")
    print(f"{'Out of date' if check else 'Written'}: {', '.join(stale) or 'none'}")
    return 1 if check and stale else 0


if __name__ == "__main__":
    raise SystemExit(main())
