"""Leaving the chat: nothing is lost, the terminal is as it was, the exit code says how it went."""

from __future__ import annotations

import asyncio
import os
import pty
import sys
from pathlib import Path

import pytest

from assistant.llm.scripted import ScriptedChat
from assistant.tui.widgets.status_line import StatusLine
from memory_store.embedding.base import Vectors
from memory_store.errors import EmbeddingError, StoreError
from memory_store.models import MessageStatus
from tests.support.embedder import HashEmbedder
from tests.support.terminals import read_until
from tests.tui.support import chatting


async def test_leaving_in_mid_answer_keeps_what_has_come(tmp_path: Path) -> None:
    model = ScriptedChat(["The first half", asyncio.Event(), "never"])
    async with chatting(tmp_path, model) as house:
        await house.say("Tell me")
        await house.until(lambda: house.answers and house.answers[0].text == "The first half")
        await house.pilot.press("ctrl+q")
        conversation = house.store.conversations.all()[0]
        kept = house.store.conversations.messages(conversation.id)[-1]
        assert (kept.text, kept.status) == ("The first half", MessageStatus.PARTIAL)
        assert model.closed


async def test_a_failure_beside_the_screen_becomes_a_notice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with chatting(tmp_path) as house:

        def broken(memory: object) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(house.store, "remember", broken)
        await house.say("/remember this")
        await house.until(lambda: house.notices)
        assert house.notices == ["No space left on device"]
        answer = await house.ask("Still there?")
        assert answer.text == "Fine."


def test_the_chat_runs_in_a_real_terminal_and_gives_it_back(tmp_path: Path) -> None:
    command = (
        f"from assistant.tui import run_chat; from pathlib import Path; raise SystemExit(run_chat({str(tmp_path)!r}))"
    )
    process, terminal = pty.fork()
    if process == 0:
        os.environ.update(TERM="xterm-256color", KEEPSAKE_EMBEDDER__PROVIDER="none", COLUMNS="80", LINES="24")
        os.execv(sys.executable, [sys.executable, "-c", command])
    try:
        seen = read_until(terminal, b"quote")
        assert b"\x1b[?1049h" in seen
        os.write(terminal, b"\x11")  # Ctrl+Q
        seen = read_until(terminal, b"\x1b[?1049l")
        _, status = os.waitpid(process, 0)
        assert os.waitstatus_to_exitcode(status) == 0
    finally:
        os.close(terminal)


async def test_a_count_that_is_asked_for_while_another_look_goes_on_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with chatting(tmp_path) as house:
        keeper, line = house.chat.keeper, house.chat.query_one(StatusLine)
        assert keeper is not None
        await house.settled()
        house.store.remember("The spare key is with Ines.")
        with monkeypatch.context() as patched:
            patched.setattr(house.store, "waiting_for_vectors", lambda: 0)  # a look by itself sees nothing new
            await asyncio.gather(keeper.look(), keeper.look(recount=True))
        assert line.status is not None
        assert line.status.memories == 1


async def test_store_that_can_not_be_looked_at_is_told_in_the_status_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with chatting(tmp_path) as house:
        assert house.chat.keeper is not None

        def broken() -> None:
            raise StoreError("The database is busy with another program.")

        with monkeypatch.context() as patched:
            patched.setattr(house.store, "stats", broken)
            await house.chat.keeper.look(recount=True)
            line = house.chat.query_one(StatusLine)
            await house.until(lambda: line.status and "busy" in line.status.problem)
        await house.chat.keeper.look(recount=True)
        await house.until(lambda: line.status and not line.status.problem)


class _AwayEmbedder(HashEmbedder):
    """Gives no vectors while it is away."""

    away = False

    def _vector(self, text: str) -> Vectors:
        if self.away:
            raise EmbeddingError("The embeddings endpoint did not give vectors: ConnectError.")
        return super()._vector(text)


async def test_a_chat_whose_embedder_is_away_answers_by_words_and_says_so_once(tmp_path: Path) -> None:
    embedder = _AwayEmbedder()
    async with chatting(tmp_path, None, embedder=embedder) as house:
        await house.say("/remember The spare key is with Ines.")
        await house.settled()
        embedder.away = True
        for _ in range(2):
            assert "Ines" in (await house.ask("Who has the spare key?")).text
            await house.until(lambda: any("did not give vectors" in one for one in house.notices))
        assert len([one for one in house.notices if "did not give vectors" in one]) == 1
        embedder.away = False
        await house.settled()
        assert house.store.embedding_trouble is None
