"""A chat over a real store in a temporary folder, with a scripted model, and ways to wait for it."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from textual.pilot import Pilot
from textual.widgets import Static

from assistant import config
from assistant.core.conversation.imports import WATCHING
from assistant.llm.base import ChatModel
from assistant.llm.roles import Models
from assistant.llm.scripted import ScriptedChat
from assistant.tui.app import ChatApp
from assistant.tui.screens.chat import ChatScreen
from assistant.tui.screens.confirm import ConfirmForget
from assistant.tui.services import Services
from assistant.tui.widgets.answer import Answer
from assistant.tui.widgets.notice import Notice
from assistant.tui.widgets.user_message import UserMessage
from memory_store import Store
from memory_store.embedding.base import Embedder
from tests.support.embedder import HashEmbedder

PATIENCE_SECONDS = 30.0
_FINE = ScriptedChat()  # stands for a new one that always says "Fine."


@dataclass
class House:
    """A running chat with what is behind it."""

    app: ChatApp
    pilot: Pilot[int]
    store: Store
    model: ChatModel | None

    @property
    def chat(self) -> ChatScreen:
        """The chat's screen."""
        return self.app.chat

    def texts(self, kind: type[Static]) -> list[str]:
        """The texts of the widgets of one kind, in their order."""
        return [one.text for one in self.chat.query(kind)]  # type: ignore[attr-defined]

    @property
    def notices(self) -> list[str]:
        """What the notices in the transcript say."""
        return self.texts(Notice)

    @property
    def questions(self) -> list[str]:
        """What the user's messages in the transcript say."""
        return self.texts(UserMessage)

    @property
    def answers(self) -> list[Answer]:
        """The answers in the transcript."""
        return list(self.chat.query(Answer))

    async def until(self, predicate: Callable[[], Any]) -> None:
        """Wait until something holds."""
        await wait_until(self.pilot, predicate)

    async def press_keys(self, text: str) -> None:
        """Type into whatever has the focus."""
        for sign in text:
            await self.pilot.press({"\n": "ctrl+j", " ": "space", "/": "slash"}.get(sign, sign))

    async def say(self, text: str) -> None:
        """Put a text into the prompt and send it."""
        self.chat.prompt.replace_all(text)
        self.chat.focus_prompt()
        await self.pilot.press("enter")

    async def ask(self, text: str) -> Answer:
        """Send a message and wait for the whole answer."""
        before = len(self.answers)
        await self.say(text)
        await self.until(lambda: len(self.answers) > before and not self.chat.is_answering)
        return self.answers[-1]

    async def resume(self, conversation_id: str) -> None:
        """Go on with a stored conversation."""
        assert self.chat.skin is not None
        await self.chat.skin.controller.open(conversation_id)

    async def erase(self) -> None:
        """Wait for the question before an erasure, and agree."""
        await self.dialog(ConfirmForget)
        await self.press_keys("erase")
        await self.pilot.press("enter")

    async def dialog(self, kind: type[Any]) -> Any:
        """Wait for a dialog and return it."""
        await self.until(lambda: isinstance(self.app.screen, kind))
        await self.until(lambda: getattr(self.app.screen, "seen_at", 0) is not None)
        await self.pilot.pause()
        return self.app.screen

    async def sizes(self) -> AsyncIterator[int]:
        """Make the terminal as small as is promised, usual and large in turn; yield its width."""
        for width, height in ((60, 20), (100, 32), (200, 60)):
            await self.pilot.resize_terminal(width, height)
            await self.until(partial(self._is_of_size, (width, height)))
            await self.pilot.pause()
            yield width

    def _is_of_size(self, size: tuple[int, int]) -> bool:
        return self.app.screen.size == size

    def _is_working(self) -> bool:
        """Say whether anything works in the background, or is about to begin."""
        return any(not worker.is_finished for worker in self.app.workers if worker.name != WATCHING)

    async def settled(self) -> None:
        """Wait until nothing works in the background."""
        await self.until(lambda: self.store.waiting_for_vectors() == 0 and not self._is_working())
        if self.chat.keeper is not None:
            await self.chat.keeper.look(recount=True)
        await self.pilot.pause()


async def wait_until(pilot: Pilot[Any], predicate: Callable[[], Any]) -> None:
    """Let the application work until the predicate holds, and has shown what came with it."""
    if predicate():
        return
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not predicate():  # noqa: ASYNC110 — a pause of the pilot would ask every widget each time
            await asyncio.sleep(0.01)
        await pilot.pause()


def services_of(store: Store, model: ChatModel | None, tmp_path: Path, **changes: Any) -> Services:
    """Return services over an opened store, with the settings' defaults."""
    # Titles off: naming a chat would ask the scripted model once more than a test says.
    settings = changes.pop("settings", None) or config.Settings(chat=config.ChatConfig(titles=False, learn=False))
    if theme := changes.pop("theme", None):
        settings = replace(settings, chat=replace(settings.chat, theme=theme))
    models = Models(model, changes.pop("others", {}), changes.pop("errors", {}))
    return Services(settings, store, models, tmp_path / "config.toml", **changes)


@asynccontextmanager
async def chatting(
    tmp_path: Path,
    model: ChatModel | None = _FINE,
    *,
    size: tuple[int, int] = (100, 36),
    prepare: Callable[[Store], object] | None = None,
    clock: Callable[[], float] | None = None,
    embedder: Embedder | None = None,
    **changes: Any,
) -> AsyncIterator[House]:
    """Run a chat whose memory is open. `prepare` fills the store before. By its usual clock nobody has to wait."""
    chosen = ScriptedChat(otherwise=["Fine."]) if model is _FINE else model
    with Store.open(tmp_path / "memory", embedder or HashEmbedder()) as store:
        if prepare is not None:
            prepare(store)
        store.start_background()
        seconds = clock or itertools.count().__next__
        app = ChatApp(lambda: services_of(store, chosen, tmp_path, **changes), blink=False, clock=seconds)
        async with app.run_test(size=size) as pilot:
            house = House(app, pilot, store, chosen)
            await house.until(lambda: house.chat.is_open)
            yield house
            await house.settled()


Step = Callable[[House], Awaitable[None]]


def script(*pieces: str) -> Sequence[str]:
    """Return a script of the scripted model that answers in these pieces."""
    return list(pieces)
