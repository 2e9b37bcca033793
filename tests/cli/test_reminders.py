"""`keepsake remind`: kept by words, listed with what was missed, rested, erased; `task work` says what is due."""

from __future__ import annotations

import asyncio
import json
import plistlib
import shlex
from datetime import UTC, datetime, timedelta

import pytest

from assistant.core.reminders.firing import watch
from assistant.core.reminders.service import SERVICES
from assistant.mcp.installing import own_program
from memory_store import Store, clock
from tests.cli.conftest import Shell
from tests.support.embedder import HashEmbedder

SUNDAY = datetime(2026, 3, 22, 12, 0, tzinfo=UTC)


def test_reminder_is_kept_listed_missed_rested_and_erased(keepsake: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: SUNDAY)
    assert keepsake("remind", "list").out.startswith("There are no reminders.")
    assert "No such command 'lst'" in keepsake("remind", "lst").err
    refused = keepsake("remind", "water the plants", "--every", "Monday 8:00", "--zone", "Europe/Berlin")
    assert (refused.code, "nobody is here to agree to Monday 2026-03-23 08:00 Europe/Berlin" in refused.err) == (
        1,
        True,
    )
    told = keepsake("remind", "water the plants", "--every", "Monday 8:00", "--zone", "Europe/Berlin", "--yes")
    assert (told.code, "Kept: water the plants" in told.err) == (0, True)
    assert "no conversation to go on with" in keepsake("ask", "Well?", "--follow").err
    listed = keepsake("remind", "list").out
    assert listed.splitlines()[1] == "    Monday 2026-03-23 08:00 Europe/Berlin, every week (Monday)"
    reminder = listed.split()[0]
    shown = keepsake("remind", "show", reminder[:8]).out
    assert "then 2026-03-30 08:00" in shown
    assert keepsake("remind", "show", reminder, "--json").json["next"][1] == "2026-03-30T08:00:00+02:00"
    monkeypatch.setattr(clock, "now", lambda: SUNDAY + timedelta(days=10))
    missed = "water the plants (missed 2 times since Monday 2026-03-23 08:00 Europe/Berlin)\n"
    assert keepsake("remind", "list", "--json").json["reminders"][0]["untold"] == 2
    assert keepsake("remind", "list").err == missed
    assert keepsake("remind", "list").err == ""
    assert keepsake("remind", "pause", reminder).code == 0
    assert keepsake("remind", "list").out.splitlines()[1] == "    resting"
    assert keepsake("remind", "resume", reminder).out.startswith("Monday 2026-04-06 08:00")
    assert keepsake("remind", "remove", reminder).code == 1
    assert keepsake("remind", "remove", reminder, "--yes").code == 0
    assert keepsake("remind", "list").out.startswith("There are no reminders.")
    assert keepsake("conversation", "list", "--json").json == {"conversations": []}


def test_service_starts_this_installation_on_this_memory_and_keeps_no_words(keepsake: Shell) -> None:
    command = [*own_program(), "--data-dir", str(keepsake.data), "task", "work"]
    unit = keepsake("remind", "service", "systemd")
    assert f"ExecStart={' '.join(json.dumps(part) for part in command)}\nStandardOutput=null\n" in unit.out
    assert "~/.config/systemd/user/keepsake.service" in unit.err
    agent = plistlib.loads(keepsake("remind", "service", "launchd").out.encode())
    assert (agent["ProgramArguments"], agent["StandardOutPath"]) == (command, "/dev/null")
    assert keepsake("remind", "service", "cron").out == f"@reboot {shlex.join(command)} >/dev/null\n"
    assert keepsake("remind", "service", "inetd").code == 2
    odd = ["/a b/k%d", 'say "$x"']
    assert 'ExecStart="/a b/k%%d" "say \\"$$x\\""\n' in SERVICES["systemd"].write(odd)
    assert SERVICES["cron"].write(odd) == """@reboot '/a b/k\\%d' 'say "$x"' >/dev/null\n"""


async def test_work_without_a_chat_prints_what_is_due_and_the_next_chat_tells_of_it(
    keepsake: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "now", lambda: SUNDAY)
    await asyncio.to_thread(keepsake, "remind", "tea", "--at", "tomorrow 8:00", "--yes")
    monkeypatch.setattr(clock, "now", lambda: SUNDAY + timedelta(days=1))
    stop, printed = asyncio.Event(), []

    def tell(words: str) -> None:
        printed.append(words.split(" (")[0])
        stop.set()

    with Store.open(keepsake.data, HashEmbedder()) as store:
        await watch(store, stop, tell)
        assert printed == ["tea"]
        assert [schedule.untold for schedule in store.schedules.find_untold()] == [1]
