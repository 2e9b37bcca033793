"""Finds what is due, says it once whoever looks, and tells in words when something is to be said."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta, tzinfo
from functools import partial
from typing import Final

from assistant.core.conversation.stopping import wait_for_stop
from assistant.core.repetition import WEEKDAYS, find_zone, local_zone, repeat
from assistant.core.tasks.plan import PlanError, read_plan
from assistant.display import plain
from assistant.language import N_, _
from memory_store import Due, Rerun, Schedule, ScheduleState, Store, TaskState, clock
from memory_store.errors import KeepsakeError, NotFoundError

# As far ahead as a rule is followed: the 29th of February on a Monday comes every 28 years, or 40.
_FAR: Final = timedelta(days=100 * 365)
# What is said within this time of its own was not missed.
_ON_TIME: Final = timedelta(minutes=5)
_LOOK_SECONDS: Final = 2.0
_WEEKDAYS: Final = (
    *(N_("Monday"), N_("Tuesday"), N_("Wednesday"), N_("Thursday"), N_("Friday"), N_("Saturday"), N_("Sunday")),
)
_EVERY: Final = {
    "DAILY": (N_("every day"), N_("every {count} days")),
    "WEEKLY": (N_("every week"), N_("every {count} weeks")),
    "MONTHLY": (N_("every month"), N_("every {count} months")),
    "YEARLY": (N_("every year"), N_("every {count} years")),
}
_WHICH: Final = {
    "": N_("{weekday}"),
    "1": N_("the first {weekday}"),
    "2": N_("the second {weekday}"),
    "3": N_("the third {weekday}"),
    "4": N_("the fourth {weekday}"),
    "-1": N_("the last {weekday}"),
}


def zone_of(name: str) -> tzinfo:
    """Return a zone by its name; that of this machine for none, and for one that is not known here."""
    return (find_zone(name) if name else None) or local_zone()


def moments(begins: datetime, rule: str | None, zone: tzinfo, now: datetime) -> Iterator[datetime]:
    """Yield every time of a schedule, aware, in its zone; far into the future as of now."""
    far = now.astimezone(zone).replace(tzinfo=None) + _FAR
    walls = repeat(rule, begins, zone, far) if rule else iter((begins,))
    for wall in walls:
        # A time that the clock leaves out comes as much later; of one that it shows twice the first counts. In UTC, as
        # two times of one zone are compared by what the clock shows.
        try:
            moment = wall.replace(tzinfo=zone).astimezone(UTC).astimezone(zone)
        except OverflowError:
            continue  # at the ends of the calendar
        yield moment


def next_times(begins: datetime, rule: str | None, zone: str, now: datetime, most: int) -> list[datetime]:
    """Return the next times after a moment, at most so many, in the zone of this name."""
    every = moments(begins, rule, zone_of(zone), now)
    return list(itertools.islice((moment for moment in every if moment.astimezone(UTC) > now), most))


def find_due(schedule: Schedule, now: datetime) -> Due:
    """Return how often a schedule was due by now since it was last, and when it will be next."""
    assert schedule.next_at is not None
    zone = zone_of(schedule.zone)
    count, last, following = 0, schedule.next_at, None
    for moment in moments(schedule.wall, schedule.rule, zone, now):
        instant = moment.astimezone(UTC)
        if instant > now:
            following = instant
            break
        if instant >= schedule.next_at:
            count, last = count + 1, instant
    return Due(max(count, 1), schedule.next_at, last, following)


def fire_due(store: Store, now: datetime) -> list[str]:
    """Say all that is due, as messages; return what was said here, and nothing that another said meanwhile."""
    said = []
    for schedule in store.schedules.find_due(now):
        due = find_due(schedule, now)
        words = describe_due(schedule.text, due.count, due.first, due.last, zone_of(schedule.zone), now)
        if store.schedules.fire(schedule, due, words, now, _rerun(store, schedule)) is not None:
            said.append(words)
    if said:
        store.wake()
    return said


async def watch(store: Store, stop: asyncio.Event, tell: Callable[[str], object]) -> None:
    """Say what is due as it comes, until `stop` is set."""
    while not stop.is_set():
        with suppress(KeepsakeError):  # busy: the next look says it
            for words in await asyncio.to_thread(partial(fire_due, store, clock.now())):
                tell(words)
        await wait_for_stop(stop, _LOOK_SECONDS)


def _rerun(store: Store, schedule: Schedule) -> Rerun | None:
    """Return what a task is made anew from. One that was let run needs no trial.

    What sends or changes something asks again each time: nothing that was allowed comes along.
    """
    if schedule.task_id is None:
        return None
    try:
        task = store.tasks.get(schedule.task_id)
        plan = read_plan(task.plan)
    except (NotFoundError, PlanError):
        return None  # erased meanwhile, or of a later version: the words are said
    tried = task.state is not TaskState.DRAFT and task.only_first is None
    return Rerun(task.plan, plan.keyed_items(), None if tried else plan.tried)


# -- in words --------------------------------------------------------------------------------------------------------


def describe_moment(moment: datetime, zone: tzinfo) -> str:
    """Return a moment in full: weekday, date, clock and zone."""
    there = moment.astimezone(zone)
    name = getattr(zone, "key", None) or there.tzname() or ""
    return f"{_(_WEEKDAYS[there.weekday()])} {there:%Y-%m-%d %H:%M} {name}".strip()


def describe_rule(rule: str) -> str:
    """Return how often a rule lets something come again; as it stands where that is more than a few words say."""
    parts = dict(part.partition("=")[::2] for part in rule.upper().split(";"))
    every, interval = _EVERY.get(parts.pop("FREQ", "")), parts.pop("INTERVAL", "1")
    days = [_describe_day(day) for day in parts.pop("BYDAY", "").split(",") if day]
    days += [_describe_month_day(day) for day in parts.pop("BYMONTHDAY", "").split(",") if day]
    parts.pop("UNTIL", None)
    parts.pop("COUNT", None)
    if every is None or parts or not interval.isdecimal() or not all(days):
        return plain(rule, one_line=True)
    once, several = every
    told = _(once) if int(interval) == 1 else _(several).format(count=interval)
    return f"{told} ({', '.join(days)})" if days else told


def _describe_day(code: str) -> str:
    """Return a weekday of a rule, and which one of a month; empty for what is none."""
    number, day = code[:-2], code[-2:]
    if day not in WEEKDAYS or number not in _WHICH:
        return ""
    return _(_WHICH[number]).format(weekday=_(_WEEKDAYS[WEEKDAYS.index(day)]))


def _describe_month_day(number: str) -> str:
    return _("the last day") if number == "-1" else _("day {day}").format(day=number) if number.isdecimal() else ""


def describe_due(text: str, count: int, first: datetime, last: datetime, zone: tzinfo, now: datetime) -> str:
    """Return what is said: the words alone in time, else with how often they were missed and since when."""
    words = plain(text)
    if count == 1 and now - last <= _ON_TIME:
        return words
    since = describe_moment(first, zone)
    if count == 1:
        return _("{text} (was due {moment})").format(text=words, moment=since)
    return _("{text} (missed {count} times since {moment})").format(text=words, count=count, moment=since)


def describe_untold(schedule: Schedule, now: datetime) -> str:
    """Return what is told of a schedule that was due."""
    last = schedule.last_at or now
    zone = zone_of(schedule.zone)
    return describe_due(schedule.text, schedule.untold, schedule.first_untold_at or last, last, zone, now)


def describe_next(schedule: Schedule) -> str:
    """Return when a schedule is due next and how often, or how it stands."""
    if schedule.state is ScheduleState.PAUSED:
        return _("resting")
    if schedule.next_at is None:
        return _("over")
    when = describe_moment(schedule.next_at, zone_of(schedule.zone))
    return f"{when}, {describe_rule(schedule.rule)}" if schedule.rule else when
