"""Schedules in the record: said exactly once whoever looks, told until somebody was told, gone with who asked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from memory_store import Due, NewSchedule, Rerun, Schedule, ScheduleState, Selection, Store
from memory_store.database.tasks import TaskState
from memory_store.errors import NotFoundError
from memory_store.models import USER, Role
from tests.support.embedder import HashEmbedder

NOON = datetime(2026, 3, 9, 12, 0, tzinfo=UTC)
WEEK = timedelta(days=7)
ONCE = Due(1, NOON, NOON, NOON + WEEK)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path, HashEmbedder()) as opened:
        yield opened


def asked(store: Store, text: str = "Water the plants", task_id: str | None = None, private: bool = False) -> Schedule:
    chat = store.conversations.start(text)
    message = store.conversations.append(chat.id, Role.USER, text, USER, parent_id=None, private=private)
    new = NewSchedule(text, datetime(2026, 3, 9, 12, 0), "UTC", NOON, "FREQ=WEEKLY", task_id)
    return store.schedules.add(message.id, new)


def said(store: Store, schedule: Schedule) -> list[str]:
    """What was said of a schedule, in its conversation."""
    chat = store.conversations.message(schedule.message_id).conversation_id
    return [message.text for message in store.conversations.messages(chat) if message.role is Role.ASSISTANT]


def test_what_two_windows_find_due_is_said_once_and_told_by_one_at_a_time(store: Store) -> None:
    asked(store)
    with Store.open(store.folder, HashEmbedder()) as other:
        [here], [there] = store.schedules.find_due(NOON), other.schedules.find_due(NOON)
        assert store.schedules.fire(here, ONCE, "Water the plants", NOON) is not None
        assert other.schedules.fire(there, ONCE, "Water the plants", NOON) is None
        assert said(store, here) == ["Water the plants"]
        assert other.schedules.find_due(NOON) == []
        turn = store.schedules.take_turn()
        assert turn is not None
        with turn:
            assert other.schedules.take_turn() is None
            assert store.schedules.take_turn() is None
        after = other.schedules.take_turn()
        assert after is not None
        with after:
            pass


def test_what_was_said_is_told_after_any_end_until_somebody_was_told(tmp_path: Path) -> None:
    with Store.open(tmp_path, HashEmbedder()) as store:
        schedule = asked(store)
        store.schedules.fire(schedule, Due(3, NOON, NOON + 2 * WEEK, NOON + 3 * WEEK), "Water", NOON)
    with Store.open(tmp_path, HashEmbedder()) as store:  # it ended before it told
        [untold] = store.schedules.find_untold()
        assert (untold.untold, untold.first_untold_at) == (3, NOON)
        # While it is told, another window says the next one: that is still to be told.
        store.schedules.fire(untold, Due(1, NOON + 3 * WEEK, NOON + 3 * WEEK, None), "Water", NOON)
        store.schedules.note_told(untold)
        [left] = store.schedules.find_untold()
        assert (left.untold, left.first_untold_at, left.state) == (1, NOON + 3 * WEEK, ScheduleState.OVER)
        store.schedules.note_told(left)
        assert store.schedules.find_untold() == []
        assert store.schedules.get(schedule.id).first_untold_at is None


def test_each_is_said_at_the_end_of_its_conversation_and_stays_as_private_as_it_was_asked_for(store: Store) -> None:
    schedule = asked(store, private=True)
    for number in range(2):
        [due] = store.schedules.find_due(NOON + number * WEEK)
        moment = NOON + number * WEEK
        store.schedules.fire(due, Due(1, moment, moment, moment + WEEK), "Water", moment)
    chat = store.conversations.message(schedule.message_id).conversation_id
    second, third, first = store.conversations.messages(chat)  # this year's spring is before the question of the test
    assert (second.parent_id, third.parent_id) == (first.id, second.id)
    assert (second.private, third.private, third.created_at) == (True, True, NOON + WEEK)
    assert store.conversations.get(chat).current_message_id == third.id


def test_what_rests_is_not_due_and_what_was_changed_comes_at_its_new_time(store: Store) -> None:
    schedule = asked(store)
    assert store.schedules.change_state(schedule.id, ScheduleState.PAUSED).next_at is None
    assert store.schedules.find_due(NOON + WEEK) == []
    new = NewSchedule("Water all", datetime(2026, 3, 10, 9, 0), "UTC", NOON + timedelta(hours=21))
    changed = store.schedules.change(schedule.id, new)
    assert (changed.text, changed.state, changed.rule) == ("Water all", ScheduleState.ACTIVE, None)
    assert [due.id for due in store.schedules.find_due(NOON + WEEK)] == [schedule.id]


def test_task_is_made_anew_with_what_is_said(store: Store) -> None:
    first = asked(store, "Compare the gyms")
    task = store.tasks.add(first.message_id, "title = 'Gyms'", [("Anna", "{}")])
    schedule = asked(store, "Compare them again", task.id)
    [due] = [item for item in store.schedules.find_due(NOON) if item.id == schedule.id]
    rerun = Rerun(task.plan, [("Anna", "{}")], 1)
    store.conversations.mark(store.conversations.message(first.message_id).conversation_id, private=True)
    message = store.schedules.fire(due, ONCE, "Compare them again", NOON, rerun)
    assert message is not None
    assert message.private  # as the task has become meanwhile
    [anew] = [item for item in store.tasks.all() if item.id != task.id]
    assert (anew.message_id, anew.state, anew.plan, anew.only_first) == (message.id, TaskState.RUNNING, task.plan, 1)
    store.forget(Selection((first.message_id,)))  # what it was made from goes: what is said stays
    assert store.schedules.get(schedule.id).task_id is None
    [late] = [item for item in store.schedules.find_due(NOON + WEEK) if item.id == schedule.id]
    assert store.schedules.fire(replace(late, task_id=task.id), ONCE, "Compare", NOON, rerun) is not None
    assert [item.id for item in store.tasks.all()] == [anew.id]
    with pytest.raises(NotFoundError):
        store.schedules.add(schedule.message_id, NewSchedule("x", datetime(2026, 3, 9), "UTC", NOON, None, task.id))


def test_words_are_found_and_all_of_it_is_erased_from_the_disk_while_it_is_due(store: Store) -> None:
    schedule = asked(store, "Water them")
    begins = datetime(2026, 3, 9, 12, 0)
    store.schedules.change(schedule.id, NewSchedule("Zqwater the ferns in the cellar", begins, "UTC", NOON))
    [due] = store.schedules.find_due(NOON)
    assert [found.message_id for found in store.find_holding("zqwater cellar")] == [schedule.message_id]
    store.schedules.fire(due, ONCE, due.text, NOON)
    [due] = store.schedules.find_due(NOON + WEEK)
    chat = store.conversations.message(schedule.message_id).conversation_id
    receipt = store.forget(Selection((chat,)))
    assert receipt.completed_at is not None
    assert store.schedules.fire(due, ONCE, due.text, NOON) is None
    with pytest.raises(NotFoundError):
        store.schedules.get(schedule.id)
    with pytest.raises(NotFoundError):
        store.schedules.add(schedule.message_id, NewSchedule("x", datetime(2026, 3, 9), "UTC", NOON))
    assert store.schedules.all() == []
    assert store.verify() == []
    left = [path for path in store.folder.rglob("*") if path.is_file() and "keepsake.db" not in path.name]
    assert not [path for path in left if b"Zqwater" in path.read_bytes()]
