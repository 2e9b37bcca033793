"""What a user does with reminders, whichever skin they do it in: keep one, let it rest, go on."""

from __future__ import annotations

from datetime import datetime

from assistant.core.reminders.firing import next_times
from assistant.core.reminders.reading import Time
from assistant.core.tasks.handling import store_wish
from memory_store import NewSchedule, Schedule, ScheduleState, Store
from memory_store.errors import KeepsakeError


class ReminderError(KeepsakeError):
    """A reminder can't be kept as it was asked for: the message says why."""


def build_schedule(when: Time, text: str, zone: str, now: datetime, task_id: str | None = None) -> NewSchedule:
    """Return a schedule that is to be stored. Raises ReminderError for one that never comes."""
    following = next_times(when.begins, when.rule, zone, now, 1)
    if not following:
        raise ReminderError("That never comes.", "Say another time.")
    return NewSchedule(text, when.begins, zone, following[0], when.rule, task_id)


def keep(store: Store, new: NewSchedule, asked: str, *, private: bool = False) -> Schedule:
    """Store a reminder in a conversation of its own, which begins with what was asked; private where its task is."""
    if new.task_id is not None:
        private = private or store.conversations.is_private(store.tasks.get(new.task_id).message_id)
    message = store_wish(store, asked, private=private)
    store.conversations.mark(message.conversation_id, archived=True)  # /reminders has it, and no chat goes on with it
    return store.schedules.add(message.id, new)


def let_rest(store: Store, schedule: Schedule) -> Schedule:
    """Let a reminder rest until the user says otherwise. Raises ReminderError for one that is over."""
    if schedule.state is ScheduleState.OVER:
        raise ReminderError("This reminder is over.", "Make a new one.")
    return store.schedules.change_state(schedule.id, ScheduleState.PAUSED)


def let_go_on(store: Store, schedule: Schedule, now: datetime) -> Schedule:
    """Let a reminder go on with its next time; what it missed resting is not said. Raises ReminderError without one."""
    following = next_times(schedule.wall, schedule.rule, schedule.zone, now, 1)
    if not following:
        raise ReminderError("This reminder is over.", "Make a new one.")
    return store.schedules.change_state(schedule.id, ScheduleState.ACTIVE, following[0])
