"""What is due is said once: across a change of the clocks, after weeks away, by rules and zones that mean harm."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from assistant.core.reminders.firing import describe_due, describe_rule, fire_due, next_times, zone_of
from assistant.core.reminders.handling import ReminderError, build_schedule, keep, let_go_on, let_rest
from assistant.core.reminders.reading import Time
from assistant.core.tasks.plan import read_plan
from memory_store import Schedule, Store, TaskState
from memory_store.models import USER, Role
from tests.core.tasks.test_plan import PLAN
from tests.support.embedder import HashEmbedder

BERLIN = "Europe/Berlin"
EARLY = datetime(2026, 3, 1, tzinfo=UTC)
WEEKLY = Time(datetime(2026, 3, 9, 8, 0), "FREQ=WEEKLY;BYDAY=MO")


def kept(store: Store, when: Time = WEEKLY, task_id: str | None = None, zone: str = BERLIN) -> Schedule:
    return keep(store, build_schedule(when, "Water the plants", zone, EARLY, task_id), "Water the plants, please")


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_eight_o_clock_stays_eight_o_clock_when_the_clocks_change() -> None:
    found = next_times(WEEKLY.begins, WEEKLY.rule, BERLIN, utc("2026-03-20T00:00"), 3)
    assert [moment.astimezone(UTC) for moment in found] == [
        utc("2026-03-23T07:00"),
        utc("2026-03-30T06:00"),
        utc("2026-04-06T06:00"),
    ]
    # What the clock leaves out comes an hour later, what it shows twice once.
    spring = next_times(datetime(2026, 3, 28, 2, 30), "FREQ=DAILY", BERLIN, utc("2026-03-28T12:00"), 2)
    assert [f"{moment:%d %H:%M}" for moment in spring] == ["29 03:30", "30 02:30"]
    autumn = next_times(datetime(2026, 10, 24, 2, 30), "FREQ=DAILY", BERLIN, utc("2026-10-24T12:00"), 2)
    assert [moment.astimezone(UTC) for moment in autumn] == [utc("2026-10-25T00:30"), utc("2026-10-26T01:30")]


def test_what_was_missed_for_weeks_is_said_once_with_how_often_and_since_when(store: Store) -> None:
    schedule = kept(store)
    assert fire_due(store, utc("2026-03-09T06:59")) == []
    assert fire_due(store, utc("2026-03-09T07:01")) == ["Water the plants"]
    said = fire_due(store, utc("2026-04-01T12:00"))
    assert said == ["Water the plants (missed 3 times since Monday 2026-03-16 08:00 Europe/Berlin)"]
    assert fire_due(store, utc("2026-04-01T12:00")) == []
    after = store.schedules.get(schedule.id)
    assert (after.next_at, after.last_at) == (utc("2026-04-06T06:00"), utc("2026-03-30T06:00"))
    assert (after.untold, after.first_untold_at) == (4, utc("2026-03-09T07:00"))
    chat = store.conversations.message(schedule.message_id).conversation_id
    messages = store.conversations.messages(chat)
    assert [message.text for message in messages if message.role is Role.ASSISTANT] == ["Water the plants", *said]


def test_once_is_once_and_late_says_when_it_was_due(store: Store) -> None:
    schedule = kept(store, Time(datetime(2026, 3, 9, 8, 0)))
    due = "Water the plants (was due Monday 2026-03-09 08:00 Europe/Berlin)"
    assert fire_due(store, utc("2026-03-10T07:00")) == [due]
    assert store.schedules.get(schedule.id).state == "over"
    assert fire_due(store, utc("2027-03-10T07:00")) == []
    with pytest.raises(ReminderError):
        let_rest(store, store.schedules.get(schedule.id))


def test_what_rested_goes_on_with_its_next_time(store: Store) -> None:
    schedule = let_rest(store, kept(store))
    assert fire_due(store, utc("2026-03-17T07:00")) == []
    assert let_go_on(store, schedule, utc("2026-03-17T07:00")).next_at == utc("2026-03-23T07:00")
    with pytest.raises(ReminderError):
        let_go_on(store, let_rest(store, kept(store, Time(datetime(2026, 3, 9, 8, 0)))), utc("2026-03-10T07:00"))


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=DAILY;INTERVAL=7;BYDAY=TU",
        "FREQ=MONTHLY;BYDAY=MO;BYSETPOS=6",
        "FREQ=YEARLY;BYYEARDAY=1;BYMONTH=2",
        "FREQ=DAILY;INTERVAL=99999999999999999999",
        "FREQ=SECONDLY",
        "FREQ=DAILY;INTERVAL=0",
        f"FREQ=DAILY;BYMONTHDAY={','.join(['31'] * 900)}",
        "nonsense",
    ],
)
def test_rule_that_means_harm_keeps_nobody(store: Store, rule: str) -> None:
    schedule = kept(store)
    with store._database.write() as connection:
        connection.execute("UPDATE schedules SET rule = ?", (rule,))
    assert len(fire_due(store, utc("2026-03-09T07:01"))) == 1
    after = store.schedules.get(schedule.id)
    assert after.next_at is None or after.next_at > utc("2026-03-09T07:01")
    with pytest.raises(ReminderError):
        build_schedule(Time(datetime(2026, 3, 9, 8, 0), rule), "x", BERLIN, utc("2126-03-01T00:00"))


def test_times_and_zones_that_mean_harm_keep_nobody(store: Store) -> None:
    for begins, zone in (("0001-01-01T00:00:00", "Asia/Tokyo"), ("9999-12-31T23:59:59", "a/" * 60_000)):
        schedule = kept(store, Time(datetime(2026, 3, 9, 8, 0), "FREQ=DAILY"))
        with store._database.write() as connection:
            connection.execute("UPDATE schedules SET begins = ?, zone = ? WHERE id = ?", (begins, zone, schedule.id))
        assert len(fire_due(store, utc("2026-03-09T07:01"))) == 1
        assert store.schedules.get(schedule.id).state == "over"


def test_zone_that_nobody_knows_is_that_of_this_machine(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("assistant.core.reminders.firing.local_zone", lambda: zone_of("Asia/Tokyo"))
    schedule = kept(store, zone="Mars/Olympus")
    assert schedule.next_at == utc("2026-03-08T23:00")
    assert len(fire_due(store, utc("2026-03-08T23:00"))) == 1


def test_reminder_comes_back_from_an_archive_and_says_what_it_missed_once(store: Store, tmp_path: Path) -> None:
    kept(store, Time(datetime(2026, 3, 9, 8, 0), "FREQ=DAILY"))
    store.export(tmp_path / "keep.zip", "1")
    with Store.open(tmp_path / "other", HashEmbedder()) as other:
        other.restore(tmp_path / "keep.zip")
        [said] = fire_due(other, utc("2029-03-09T12:00"))
        assert "missed 1097 times since Monday 2026-03-09" in said
        assert fire_due(other, utc("2029-03-09T12:00")) == []


def test_task_is_done_anew_with_a_trial_unless_it_was_let_run(store: Store) -> None:
    plan = read_plan(PLAN)
    asked = store.conversations.start("Tables")
    message = store.conversations.append(asked.id, Role.USER, "Find a table.", USER, parent_id=None, private=True)
    task = store.tasks.add(message.id, PLAN, plan.keyed_items())
    schedule = kept(store, task_id=task.id)
    assert store.conversations.message(schedule.message_id).private
    fire_due(store, utc("2026-03-09T07:01"))
    store.tasks.change_state(task.id, TaskState.DONE)
    fire_due(store, utc("2026-03-16T07:01"))
    second, first = [item for item in store.tasks.all() if item.id != task.id]
    trial = plan.trial if plan.trial < len(plan.items) else None
    assert (first.state, first.only_first) == (TaskState.RUNNING, trial)
    assert (second.state, second.only_first) == (TaskState.RUNNING, None)
    assert [item.key for item in store.tasks.items(second.id)] == [key for key, _ in plan.keyed_items()]
    assert store.conversations.message(second.message_id).private


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("FREQ=DAILY", "every day"),
        ("FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,TH", "every 2 weeks (Monday, Thursday)"),
        ("FREQ=MONTHLY;BYDAY=1MO", "every month (the first Monday)"),
        ("FREQ=MONTHLY;BYMONTHDAY=15,-1", "every month (day 15, the last day)"),
        ("FREQ=MONTHLY;BYDAY=9MO", "FREQ=MONTHLY;BYDAY=9MO"),
        ("FREQ=YEARLY;COUNT=3", "every year"),
    ],
)
def test_rule_in_words(rule: str, words: str) -> None:
    assert describe_rule(rule) == words


def test_what_is_said_within_minutes_was_not_missed() -> None:
    noon = utc("2026-03-09T12:00")
    assert describe_due("Tea", 1, noon, noon, UTC, noon + timedelta(minutes=4)) == "Tea"
    assert describe_due("Tea", 1, noon, noon, UTC, noon + timedelta(minutes=6)).startswith("Tea (was due Monday")
