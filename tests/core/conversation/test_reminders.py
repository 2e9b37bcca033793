"""Reminders beside a conversation: shown in full before one is kept, never guessed, told once, changed and erased."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from assistant.core.conversation.reminders import Wish
from assistant.core.reminders.handling import ReminderError
from assistant.core.repetition import find_zone
from memory_store import ScheduleState, Store, clock
from tests.core.conversation.test_controller import RecordingSkin, controller_of

SUNDAY = datetime(2026, 3, 22, 12, 0, tzinfo=UTC)
KEEP, PAUSE, CHANGE, ERASE = 0, 0, 1, 2
At = Callable[[datetime], None]


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> At:
    """Sets the clock, and the zone of this machine."""
    zone = find_zone("Europe/Berlin")
    for module in ("reminders.firing", "conversation.reminders"):
        monkeypatch.setattr(f"assistant.core.{module}.local_zone", lambda: zone)

    def set_to(moment: datetime) -> None:
        monkeypatch.setattr(clock, "now", lambda: moment)

    set_to(SUNDAY)
    return set_to


async def test_reminder_is_shown_in_full_kept_told_once_and_counted_when_missed(store: Store, at: At) -> None:
    skin = RecordingSkin(KEEP)
    controller = controller_of(store, skin)
    await controller.remind("water the plants every Monday at 8:00")
    assert skin.titles == ["When shall “water the plants” be said?"]
    assert skin.offered == [["Monday 2026-03-23 08:00 Europe/Berlin", "Don't keep it"]]
    assert skin.told == ["Kept: water the plants"]
    assert skin.hints == ["Monday 2026-03-23 08:00 Europe/Berlin, every week (Monday)"]
    assert not await controller.reminders.tell_due()
    at(SUNDAY + timedelta(hours=19))
    assert await controller.reminders.tell_due()
    assert not await controller.reminders.tell_due()
    at(SUNDAY + timedelta(days=22))
    assert await controller.reminders.tell_due()
    assert skin.told[1:] == [
        "Reminder: water the plants",
        "Reminder: water the plants (missed 3 times since Monday 2026-03-30 08:00 Europe/Berlin)",
    ]
    assert skin.hints[-1] == "again Monday 2026-04-20 08:00 Europe/Berlin, every week (Monday)"
    [schedule] = store.schedules.all()
    asked = store.conversations.message(schedule.message_id)
    assert (asked.text, asked.private) == ("water the plants every Monday at 8:00", False)
    assert store.conversations.get(asked.conversation_id).title == asked.text


async def test_what_several_times_are_meant_by_is_chosen_and_what_lacks_is_asked_for(store: Store, at: At) -> None:
    skin = RecordingSkin(1, "20:30", KEEP, "in May", "5 May 2026 8:00", KEEP, None)
    controller = controller_of(store, skin)
    await controller.remind("tea tomorrow at 4")
    assert skin.offered[0] == [
        *("Monday 2026-03-23 04:00 Europe/Berlin", "Monday 2026-03-23 16:00 Europe/Berlin"),
        "Don't keep it",
    ]
    await controller.remind("read tomorrow")
    await controller.remind("buy milk")
    with pytest.raises(ReminderError, match="Nothing was kept"):
        await controller.remind("buy bread")
    assert [f"{schedule.text} {schedule.begins}" for schedule in store.schedules.all()] == [
        "tea 2026-03-23T16:00:00",
        "read 2026-03-23T20:30:00",
        "buy milk 2026-05-05T08:00:00",
    ]
    assert [question for question, _ in skin.asked] == [
        "It is not said at what time. At what time?",
        "These words say no time that is understood. When?",
        "It is not clear which day is meant. When?",
        "These words say no time that is understood. When?",
    ]


@pytest.mark.parametrize(
    ("wish", "wrong"),
    [
        (Wish("tea", at="tomorrow at 4", agreed=True), "may mean several times: Monday 2026-03-23 04:00"),
        (Wish("tea", at="tomorrow", agreed=True), "not said at what time"),
        (Wish("tea", at="sometime soon", agreed=True), "no time that is understood"),
        (Wish("tea", at="tomorrow 8:00 or so", agreed=True), "no time that is understood"),
        (Wish("tea", every="hour", agreed=True), "no time that is understood"),
        (Wish("tomorrow 8:00", agreed=True), "nothing to be said"),
        (Wish("tea", at="yesterday 8:00", agreed=True), "is over"),
        (Wish("tea", at="tomorrow 8:00", zone="Mars/Olympus", agreed=True), "no zone Mars/Olympus"),
    ],
)
async def test_nothing_is_guessed_where_nobody_is_asked(store: Store, at: At, wish: Wish, wrong: str) -> None:
    with pytest.raises(ReminderError, match=wrong):
        await controller_of(store, RecordingSkin()).reminders.plan(wish)
    assert store.conversations.all() == []


async def test_another_zone_is_kept_with_it_and_a_private_chat_keeps_private_reminders(store: Store, at: At) -> None:
    controller = controller_of(store, RecordingSkin(KEEP))
    await controller.reminders.plan(Wish("call Ken", at="tomorrow 8:00", zone="Asia/Tokyo", agreed=True))
    [ken] = store.schedules.all()
    assert ken.next_at == datetime(2026, 3, 22, 23, 0, tzinfo=UTC)
    await controller.turn_private()
    await controller.remind("zqpills tomorrow 8:00")
    pills = next(schedule for schedule in store.schedules.all() if schedule.text == "zqpills")
    asked = store.conversations.message(pills.message_id)
    assert (asked.private, store.conversations.get(asked.conversation_id).private) == (True, True)
    at(SUNDAY + timedelta(days=1))
    await controller.reminders.tell_due()
    messages = store.conversations.messages(asked.conversation_id)
    assert [(message.private, message.text[:7]) for message in messages] == [(True, "zqpills")] * 2


async def test_reminder_rests_goes_on_changes_and_is_erased(store: Store, at: At) -> None:
    skin = RecordingSkin()
    controller = controller_of(store, skin)
    await controller.reminders.manage()
    assert skin.told == ["There are no reminders yet: /remind and what, and when, keeps one."]
    await controller.reminders.plan(Wish("bins", every="Monday 8:00", agreed=True))
    skin.answers = [0, PAUSE, 0, 0, 0, CHANGE, "every Tuesday at 7:00", KEEP]
    await controller.reminders.manage()
    [schedule] = store.schedules.all()
    assert schedule.state is ScheduleState.PAUSED
    await controller.reminders.manage()
    await controller.reminders.manage()
    [schedule] = store.schedules.all()
    assert (schedule.rule, schedule.state) == ("FREQ=WEEKLY;BYDAY=TU", ScheduleState.ACTIVE)
    skin.answers = [0, ERASE]
    await controller.reminders.manage()
    assert store.schedules.all() == []
    assert store.conversations.all() == []
