"""The log of failures says where something went wrong, and not one word of what is remembered."""

from __future__ import annotations

import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from assistant import bootstrap, crash_log
from assistant.cli.app import run
from assistant.failures import explain
from assistant.llm.scripted import ScriptedChat
from assistant.tui import run_chat
from assistant.tui.app import ChatApp
from memory_store import Store
from tests.support.embedder import HashEmbedder
from tests.tui.support import chatting

SECRETS = ("quincunx", "Ines", "halibut", "zymurgy")


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    """Close the log after each test."""
    yield
    crash_log.end()


def fail(words: str) -> None:
    raise RuntimeError(f"{words} was not expected")


def test_a_failure_is_logged_by_its_place_and_kind_without_its_words(tmp_path: Path) -> None:
    crash_log.begin(tmp_path)
    try:
        fail("quincunx")
    except RuntimeError as error:
        assert crash_log.note(ValueError("halibut")) == tmp_path / crash_log.NAME
        crash_log.note(error)
    text = (tmp_path / crash_log.NAME).read_text("utf-8")
    assert "builtins.RuntimeError" in text
    assert "builtins.ValueError" in text
    assert "tests/test_crash_log.py:" in text
    assert " fail" in text
    assert not any(secret in text for secret in SECRETS)
    assert str(Path.home()) not in text
    assert stat.S_IMODE((tmp_path / crash_log.NAME).stat().st_mode) == 0o600


def test_a_thread_that_crashes_is_logged_and_prints_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)  # put back after the test
    monkeypatch.setattr(ChatApp, "run", lambda _: run_in_thread())
    crash_log.begin(tmp_path)

    def run_in_thread() -> None:
        thread = threading.Thread(target=fail, args=("quincunx",))
        thread.start()
        thread.join()

    assert run_chat(tmp_path / "data") == 0
    assert "builtins.RuntimeError" in (tmp_path / crash_log.NAME).read_text("utf-8")
    assert "quincunx" not in capsys.readouterr().err


def test_leaving_before_some_work_began_leaves_no_word_in_the_terminal(tmp_path: Path) -> None:
    leaving = (
        "import sys, assistant.tui.app as app, assistant.tui as tui\n"
        "async def work(): pass\n"
        "def run(self): self.kept = [self, work()]\n"
        "app.ChatApp.run = run\n"
        "sys.exit(tui.run_chat())\n"
    )
    left = subprocess.run([sys.executable, "-c", leaving], capture_output=True, text=True, check=True)
    assert left.stderr == ""


def test_the_log_does_not_grow_for_ever(tmp_path: Path) -> None:
    crash_log.begin(tmp_path)
    for _ in range(4000):
        crash_log.note(ValueError("x"))
    files = list(tmp_path.iterdir())
    assert len(files) == 2
    assert sum(one.stat().st_size for one in files) < 2 * 300 * 1024
    assert {stat.S_IMODE(one.stat().st_mode) for one in files} == {0o600}


def test_where_no_log_can_be_written_nothing_is(tmp_path: Path) -> None:
    assert crash_log.note(ValueError("x")) is None
    crash_log.begin(tmp_path / "not there")
    assert crash_log.note(ValueError("x")) is None
    crash_log.begin(tmp_path)
    assert list(tmp_path.iterdir()) == []


async def test_a_crash_beside_the_screen_is_told_and_logged_without_the_users_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "halibut.pdf").write_bytes(b"%PDF-1.4 zymurgy")
    async with chatting(tmp_path, ScriptedChat(["Ines has the quincunx."])) as house:
        crash_log.begin(house.store.folder)
        await house.ask("Who has the quincunx, Ines?")
        await house.say(f"/import {tmp_path / 'halibut.pdf'}")
        await house.until(lambda: house.notices)

        def broken(memory: object) -> None:
            words = f"the zymurgy of {memory}"
            raise KeyError(words)

        monkeypatch.setattr(house.store, "remember", broken)
        await house.say("/remember Ines keeps halibut")
        await house.until(lambda: len(house.notices) == 2)
        assert house.notices[1].startswith("Something went wrong that nobody expected: KeyError.")
        assert str(house.store.folder / crash_log.NAME) in house.notices[1]
        text = (house.store.folder / crash_log.NAME).read_text("utf-8")
        assert "builtins.KeyError" in text
        assert "controller.py:" in text
        assert not any(secret in text for secret in SECRETS)


def test_a_command_that_crashes_says_so_and_shows_nothing_of_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "data"
    monkeypatch.setattr(bootstrap, "choose_embedder", lambda _: bootstrap.ChosenEmbedder(HashEmbedder()))
    assert run(["--data-dir", str(data), "memory", "add", "Ines keeps halibut"]) == 0

    def broken(*_: object) -> None:
        words = "zymurgy"
        raise KeyError(words)

    capsys.readouterr()
    with monkeypatch.context() as breaking:
        breaking.setattr(Store, "recall", broken)
        assert run(["--data-dir", str(data), "search", "quincunx"]) == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("Error: Something went wrong that nobody expected: KeyError.")
    assert str(data / crash_log.NAME) in told.err
    assert "Traceback" not in told.err
    text = (data / crash_log.NAME).read_text("utf-8")
    assert "builtins.KeyError" in text
    assert not any(secret in text + told.err for secret in SECRETS)
    assert run(["--data-dir", str(data), "doctor"]) == 0, "the log is Keepsake's own file"


def test_a_memory_that_can_not_be_opened_for_no_known_reason_is_logged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from assistant.tui.services import service_opener

    def broken(*_: object) -> None:
        raise RuntimeError("halibut")

    data = tmp_path / "data"
    data.mkdir()
    monkeypatch.setattr(Store, "open", broken)
    with pytest.raises(RuntimeError) as failure:
        service_opener(data, None)()
    assert str(data / crash_log.NAME) in explain(failure.value)[1]
