"""Journeys in a real terminal: what is on its screen, and that it is given back as it was, however the chat ends."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from memory_store import Store, Window
from tests.support.chat_server import Body, ChatServer, Gate, Stream
from tests.terminal import tmux

pytestmark = pytest.mark.skipif(not tmux.available(), reason="tmux is not installed here")
KEEPSAKE = (sys.executable, "-m", "assistant.cli")


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[tmux.Terminal]:
    """A terminal of 100 columns and 32 lines, in which full text alone is used."""
    opened = tmux.Terminal.open(tmp_path, 100, 32)
    folder = opened.home / ".config" / "keepsake"
    folder.mkdir(parents=True)
    (folder / "config.toml").write_text('[embedder]\nprovider = "none"\n', "utf-8")
    try:
        yield opened
    finally:
        opened.close()


def data(terminal: tmux.Terminal) -> Path:
    return terminal.home / ".local" / "share" / "keepsake"


def leave(terminal: tmux.Terminal, before: tuple[str, str]) -> None:
    """Wait until the shell is back, and see that the terminal is as it was."""
    terminal.until(lambda: terminal.screen.rstrip().endswith("ready>"))
    assert terminal.setup == before
    assert "Traceback" not in terminal.screen


def test_remember_ask_and_leave(terminal: tmux.Terminal) -> None:
    before = terminal.setup
    terminal.run(*KEEPSAKE)
    terminal.until_shown("0 documents, 0 memories")
    assert terminal.setup[0] != before[0]
    assert terminal.setup[1] != before[1]
    terminal.type("/remember The spare key is with Ines at number 12.")
    terminal.press("Enter")
    terminal.until_shown("Remembered: The spare key")
    terminal.type("备用钥匙在哪里？ Who has the spare key?")
    terminal.press("Enter")
    terminal.until_shown("[1]")
    assert "备用钥匙在哪里？ Who has" in terminal.screen
    terminal.press("C-q")
    leave(terminal, before)
    terminal.run("echo", "back again")
    terminal.until_shown("back again")


def test_an_import_with_a_bad_file_in_a_small_window_that_grows(terminal: tmux.Terminal, tmp_path: Path) -> None:
    folder = tmp_path / "papers"
    folder.mkdir()
    (folder / "good.md").write_text("The rent is due on the third.", "utf-8")
    (folder / "bad.pdf").write_bytes(b"%PDF-1.7 nothing")
    before = terminal.setup
    terminal.do("resize-window", "-x", "60", "-y", "20")
    terminal.run(*KEEPSAKE)
    terminal.until_shown("0 memories")
    terminal.type(f"/import {folder}")
    terminal.press("Enter")
    terminal.until_shown("bad.pdf:")
    terminal.do("resize-window", "-x", "120", "-y", "40")
    terminal.until(lambda: "Import done:" in terminal.screen and len(terminal.screen.splitlines()) >= 39)
    terminal.type("When is the rent due?")
    terminal.press("Enter")
    terminal.until_shown("due on the third")
    terminal.press("C-q")
    terminal.do("resize-window", "-x", "100", "-y", "32")
    leave(terminal, before)


def test_a_stream_is_cut_by_the_user_and_then_the_program_by_the_system(terminal: tmux.Terminal) -> None:
    gate = Gate()
    with ChatServer() as server:
        server.script(Stream(pieces=("The first half", gate)))
        os.environ.pop("OPENAI_API_KEY", None)
        config = terminal.home / ".config" / "keepsake" / "config.toml"
        config.write_text(
            f'[embedder]\nprovider = "none"\n[model]\nprovider = "openai"\nname = "m"\nbase_url = "{server.url}"\n'
            "[chat]\ntitles = false\nlearn = false\n",
            "utf-8",
        )
        before = terminal.setup
        terminal.run(*KEEPSAKE)
        terminal.until_shown("on this machine")
        terminal.type("Tell me a story")
        terminal.press("Enter")
        terminal.until_shown("The first half")
        terminal.press("Escape")
        terminal.until_shown("Stopped.")
        terminal.type("a draft that is not sent")
        terminal.until_shown("not sent")
        os.kill(terminal.child(), signal.SIGTERM)
        leave(terminal, before)
        gate.open()
    with Store.open(data(terminal)) as store:
        (conversation,) = store.conversations.all()
        assert [one.text for one in store.conversations.messages(conversation.id)] == [
            "Tell me a story",
            "The first half",
        ]


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_the_terminal_is_given_back_after_a_signal(terminal: tmux.Terminal, how: signal.Signals) -> None:
    before = terminal.setup
    terminal.type(f"{' '.join(KEEPSAKE)}; echo ended with $?")
    terminal.press("Enter")
    terminal.until_shown("0 memories")
    os.kill(terminal.child(), how)
    leave(terminal, before)
    terminal.until_shown(f"ended with {128 + how}" if how is not signal.SIGINT else "ended with")


def test_the_terminal_is_given_back_after_a_failure_of_the_screen(terminal: tmux.Terminal) -> None:
    before = terminal.setup
    broken = (
        "from assistant.tui.screens import chat\n"
        "def fail(self, event): raise RuntimeError('a secret word')\n"
        "chat.ChatScreen.on_prompt_submitted = fail\n"
        "from assistant.tui import run_chat\n"
        "raise SystemExit(run_chat())\n"
    )
    (terminal.home / "broken.py").write_text(broken, "utf-8")
    terminal.type(f"{sys.executable} {terminal.home}/broken.py; echo ended with $?")
    terminal.press("Enter")
    terminal.until_shown("0 memories")
    terminal.type("hello")
    terminal.press("Enter")
    terminal.until_shown("ended with 1")
    leave(terminal, before)
    assert "Something went wrong that nobody expected: RuntimeError." in terminal.screen.replace("\n", " ")
    assert "secret" not in terminal.screen
    assert (data(terminal) / "keepsake.log").read_text("utf-8").count("builtins.RuntimeError") == 1


def call(index: int, name: str, **arguments: object) -> dict[str, object]:
    return {"index": index, "id": f"call_{index}", "function": {"name": name, "arguments": json.dumps(arguments)}}


def test_turn_with_tools_is_killed_in_the_middle_and_goes_on(terminal: tmux.Terminal) -> None:
    gate = Gate()
    with ChatServer() as server, Store.open(data(terminal)) as store:
        store.remember("The spare key is with Ines at number 12.")
        places = {"source_timezone": "Asia/Shanghai", "target_timezone": "Asia/Tokyo", "time": "12:00"}
        calls = [
            call(0, "search_memory", query="spare key"),
            call(1, "compute_date", start="2026-01-31", months=1),
            call(2, "clock__convert_time", **places),
            call(3, "remember", text="Ines keeps the key until the end of February."),
        ]
        chunk = {"choices": [{"index": 0, "delta": {"tool_calls": calls}, "finish_reason": "tool_calls"}]}
        server.script(
            Body(f"data: {json.dumps(chunk)}\n\ndata: [DONE]\n\n".encode()),
            Stream(pieces=(gate,)),
            Stream(pieces=("The key is with Ines [1], until 28 February.",)),
        )
        config = terminal.home / ".config" / "keepsake" / "config.toml"
        model = f'provider = "openai"\nname = "m"\nbase_url = "{server.url}"\ncontext_tokens = 16000\n'
        config.write_text(
            f'[embedder]\nprovider = "none"\n[model]\n{model}[models.m]\n{model}can = ["stream", "tools"]\n'
            "[chat]\ntitles = false\nlearn = false\n[budget]\nday_tokens = 60000\n"
            f'[mcp.servers.clock]\ncommand = "{sys.executable}"\nargs = ["-m", "mcp_server_time"]\n',
            "utf-8",
        )
        terminal.run(*KEEPSAKE)
        terminal.until_shown("on this machine")
        terminal.type("Who has the spare key, and until when? Keep that.")
        terminal.press("Enter")
        terminal.until_shown("May the model use “remember”")
        terminal.press("Down", "Enter")
        terminal.until(gate.reached.is_set)
        os.kill(terminal.child(), signal.SIGKILL)
        terminal.until_shown("Killed")
        terminal.do("respawn-pane", "-k", "env PS1='ready> ' sh")  # the terminal is left as it was
        terminal.run(*KEEPSAKE, "chat", "--follow")
        terminal.until_shown("Incomplete")
        terminal.type("/continue")
        terminal.press("Enter")
        terminal.until_shown("until 28 February")
        terminal.press("C-q")
        terminal.until(lambda: terminal.screen.rstrip().endswith("ready>"))
        gate.open()
        told = {message.get("tool_call_id"): message["content"] for message in server.chats[-1].json["messages"]}
        results = [text for identifier, text in told.items() if identifier]
        assert "with Ines at number 12" in results[0]
        assert "Saturday, 2026-02-28" in results[1]
        assert "T13:00:00+09:00" in results[2]
        assert results[3:] == ["This was done before the answer was cut."]
        assert [memory.text for memory in store.memories.all() if "February" in memory.text] == [
            "Ines keeps the key until the end of February."
        ]
        [*_, answer] = store.conversations.messages(store.conversations.all()[0].id)
        assert answer.text == "The key is with Ines [1], until 28 February."
        assert [citation.number for citation in store.conversations.citations(answer.id) if citation.cited] == [1]
        spent = store.ledger.spent(Window.DAY)
        assert spent.requests == 3
        assert spent.input_tokens + spent.output_tokens <= 60_000


def test_newcomer_has_a_task_done_and_studies_a_topic(terminal: tmux.Terminal) -> None:
    plan = {
        "title": "Gyms compared",
        "best": "-price",
        "steps": [
            {
                "name": "cost",
                "ask": "What does {name} cost?",
                "columns": {"price": {"means": "euros", "type": "number"}},
            },
            {"name": "keep", "tool": "remember", "with": {"text": "{name} costs {price} euros."}},
        ],
        "items": [{"name": name} for name in ("Anna", "Bea", "Cid", "Dan")],
    }
    key = "The spare key is with Ines at number 12."
    card = {"passage": 1, "question": "Who has the spare key?", "answer": "Ines", "quote": key}
    price = Stream(pieces=('{"price": 30}',))
    with ChatServer() as server, Store.open(data(terminal)) as store:
        notes = terminal.home / "keys.md"
        notes.write_text(key, "utf-8")
        server.script(Stream(pieces=(json.dumps(plan),)), *[price] * 4, Stream(pieces=(json.dumps({"cards": [card]}),)))
        (terminal.home / ".config" / "keepsake" / "config.toml").write_text(
            '[embedder]\nprovider = "none"\n[chat]\ntitles = false\nlearn = false\n'
            f'[model]\nprovider = "openai"\nname = "m"\nbase_url = "{server.url}"\ncontext_tokens = 16000\n',
            "utf-8",
        )
        terminal.run(*KEEPSAKE)
        terminal.until_shown("on this machine")
        for words, shown in (
            (f"/import {notes}", "1 document"),
            ("/task Compare Anna, Bea, Cid and Dan, and keep what they cost.", "Try the first 3"),
        ):
            terminal.type(words)
            terminal.press("Enter")
            terminal.until_shown(shown)
        terminal.press("Down", "Enter")
        terminal.until_shown("3 waiting for you")
        terminal.type("/tasks")
        terminal.press("Enter")
        terminal.until_shown("Anna costs 30")
        terminal.press("a")
        terminal.until_shown("Yes, and all like it")
        terminal.press("Down", "Down", "Down", "Enter")
        terminal.until_shown("The first 3 of 4 items were")
        terminal.press("r")
        terminal.until_shown("4 of 4 done")
        terminal.press("Escape")
        terminal.until(lambda: "Run or rest" not in terminal.screen)
        terminal.type("/learn spare key")
        terminal.press("Enter")
        terminal.until_shown("What do you want")
        terminal.press("Enter")
        terminal.until_shown("new to it")
        terminal.press("Enter")
        terminal.until_shown("Remember that?")
        terminal.press("Down", "Enter")
        terminal.until_shown("Who has the spare key?")
        terminal.type("Ines")
        terminal.press("Enter")
        terminal.until_shown("solution")
        terminal.press("Enter")
        terminal.until_shown("is with Ines at number 12")
        assert sorted(memory.text for memory in store.memories.all()) == [
            f"{name} costs 30 euros." for name in ("Anna", "Bea", "Cid", "Dan")
        ]
