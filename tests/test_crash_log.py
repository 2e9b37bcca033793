"""The log of failures says where something went wrong, and not one word of what is remembered."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from assistant import crash_log
from assistant.llm.scripted import ScriptedChat
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


def test_the_log_does_not_grow_for_ever(tmp_path: Path) -> None:
    crash_log.begin(tmp_path)
    for _ in range(4000):
        crash_log.note(ValueError("x"))
    assert sum(one.stat().st_size for one in tmp_path.iterdir()) < 2 * 300 * 1024


def test_where_no_log_can_be_written_nothing_is(tmp_path: Path) -> None:
    assert crash_log.note(ValueError("x")) is None
    crash_log.begin(tmp_path / "not there")
    assert crash_log.note(ValueError("x")) is None


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
        assert "conversation.py:" in text
        assert not any(secret in text for secret in SECRETS)
