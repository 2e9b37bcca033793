"""Reminders on the screen: kept once seen in full, told with a bell when due, at the start what was missed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from assistant.tui.screens.chooser import Chooser
from memory_store import NewSchedule, Store, clock
from memory_store.models import USER, Role
from tests.tui.support import chatting
from tests.tui.test_learning import choose

NOW = datetime(2026, 3, 22, 12, 0, tzinfo=UTC)


def miss(store: Store) -> None:
    chat = store.conversations.start("Bins")
    message = store.conversations.append(chat.id, Role.USER, "Bins", USER, parent_id=None)
    begins = NOW - timedelta(days=3)
    new = NewSchedule("Put the bins out", begins.replace(tzinfo=None), "UTC", begins, "FREQ=DAILY")
    store.schedules.add(message.id, new)


async def test_reminder_is_kept_and_told_with_a_bell_and_what_was_missed_at_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("assistant.tui.screens.chat_skin._ANSWERS_SECONDS", 0.1)
    monkeypatch.setattr(clock, "now", lambda: NOW)
    rung: list[str] = []
    monkeypatch.setattr("assistant.tui.app.ChatApp.bell", lambda _: rung.append("bell"))
    async with chatting(tmp_path, prepare=miss) as house:
        await house.until(lambda: any("Put the bins out (missed 4 times since" in one for one in house.notices))
        await house.say("/remind tea in 20 minutes")
        dialog = await house.dialog(Chooser)
        assert dialog.query_one(".dialog--title").visible
        await choose(house, 0)
        await house.until(lambda: house.notices[-1].startswith("Kept: tea"))
        rung.clear()
        monkeypatch.setattr(clock, "now", lambda: NOW + timedelta(minutes=22))
        await house.until(lambda: any("Reminder: tea" in one for one in house.notices))
        await house.until(lambda: rung == ["bell"])
        assert len([one for one in house.notices if one.startswith("Reminder: tea\n“/remind again")]) == 1
        await house.say("/reminders")
        await house.dialog(Chooser)
        await house.pilot.press("escape")
