"""Reminders in a conversation: kept from words, told as they come, rested, changed and erased."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum, auto
from functools import partial
from typing import Final

from assistant.core.asking import note_sent
from assistant.core.conversation.forgetting import Eraser
from assistant.core.conversation.skin import Choice, Report, Skin
from assistant.core.reminders.drafting import draft_reminder
from assistant.core.reminders.finding import FoundDay, find_event
from assistant.core.reminders.firing import (
    describe_moment,
    describe_next,
    describe_rule,
    describe_untold,
    fire_due,
    next_times,
    zone_of,
)
from assistant.core.reminders.handling import ReminderError, build_schedule, keep, let_go_on, let_rest
from assistant.core.reminders.reading import Event, Lack, Reading, Time, find_wish, read_time, says_again
from assistant.core.repetition import find_zone, local_zone
from assistant.core.tasks.plan import plan_to_show
from assistant.display import excerpt, moment, plain
from assistant.language import N_, _
from assistant.llm.base import ModelInfo
from assistant.llm.roles import ModelRole, Models
from assistant.threads import in_thread
from memory_store import Schedule, ScheduleState, Store, Task, clock
from memory_store.errors import KeepsakeError

_TITLE_CHARS: Final = 60
_SENTENCE_CHARS: Final = 160
_SHOWN: Final = 3
_EXAMPLES: Final = N_("tomorrow 8:00, every Monday at 8:00, in 20 minutes")
_ONCE_MORE: Final = N_("“/remind again in an hour” has it said once more.")
# What is wrong with a time, and what to say instead.
_WRONG: Final = {
    Lack.TIME: (
        N_("These words say no time that is understood."),
        N_("Say it like “tomorrow 8:00” or “every Monday at 8:00”."),
    ),
    Lack.DAY: (N_("It is not clear which day is meant."), N_("Name the day, such as Friday, 5 May or 2027-03-01.")),
    Lack.CLOCK: (N_("It is not said at what time."), N_("Add it, such as 8:00 or 7:30 pm.")),
    Lack.PAST: (N_("That time is over."), N_("Name one that is to come.")),
}


@dataclass(frozen=True, slots=True)
class Wish:
    """A reminder as it is asked for: words that say what and when, or the text alone with `at` or `every` beside it.

    `zone` is the name of a zone, empty for that of this machine; `agreed` keeps it without a question. With
    `in_message` it may be meant for the model.
    """

    words: str
    at: str = ""
    every: str = ""
    zone: str = ""
    task_id: str | None = None
    private: bool = False
    agreed: bool = False
    in_message: bool = False


class Outcome(Enum):
    """What became of a wish."""

    KEPT = auto()
    LEFT = auto()
    FOR_THE_MODEL = auto()
    """The user means the model with it."""


@dataclass(frozen=True, slots=True)
class _Understood:
    """What is to be said, the words that say when, and what they mean; `alone` where they speak of nothing else.

    `why` says where a date is from that the user did not write, `private` that this is private; `sent_to` which model
    saw the words.
    """

    text: str
    words: str
    reading: Reading
    alone: bool
    why: str = ""
    private: bool = False
    sent_to: ModelInfo | None = None


class _Deed(Enum):
    """What may be done with a reminder."""

    PAUSE = auto()
    GO_ON = auto()
    CHANGE = auto()
    TASK = auto()
    REMOVE = auto()


_DEEDS: Final = {
    _Deed.PAUSE: N_("Let it rest"),
    _Deed.GO_ON: N_("Let it go on"),
    _Deed.CHANGE: N_("Change when it comes"),
    _Deed.TASK: N_("Have a long task done anew each time"),
    _Deed.REMOVE: N_("Erase it"),
}


class Reminders:
    """What a user does with reminders beside a conversation, and what is told of them there."""

    def __init__(self, store: Store, skin: Skin, eraser: Eraser) -> None:
        self._store = store
        self._skin = skin
        self._eraser = eraser
        self._told: Schedule | None = None  # last

    # -- one that is asked for ---------------------------------------------------------------------------------

    async def take(self, text: str, models: Models, *, private: bool) -> bool:
        """Return whether a message asks for a reminder and says when, and is done with; what is not kept is given back.

        Where the user says so it is one for the model.
        """
        wish = find_wish(text) if self._skin.is_attended() else None
        if wish is None:
            return False
        reading = _read(wish, _zone_name(""), clock.now(), alone=False)
        if not reading.times and reading.lack not in (Lack.CLOCK, Lack.DAY):
            return False
        try:
            outcome = await self.plan(Wish(wish, private=private, in_message=True), models)
        except ReminderError as error:
            await self._skin.tell(Report(error.message, error.hint, "warning"))
            outcome = Outcome.LEFT
        if outcome is Outcome.LEFT:
            self._skin.give_back(text)
        return outcome is not Outcome.FOR_THE_MODEL

    async def plan(self, wish: Wish, models: Models) -> Outcome:
        """Keep a reminder, once the user has seen in full when it comes, and where a date is from that memory gave.

        Raises ReminderError for words that say no time, or several, where nobody can be asked.
        """
        zone, now = _zone_name(wish.zone), clock.now()
        explicit = f"{wish.every} {wish.at}".strip()
        attended = self._skin.is_attended() and not wish.agreed
        words = explicit or wish.words
        reading = _read(words, zone, now, alone=bool(explicit), repeated=bool(wish.every))
        asked = f"{wish.words.strip()} ({explicit})" if explicit else wish.words.strip()
        understood = _Understood(wish.words.strip() if explicit else reading.rest, words, reading, bool(explicit))
        if not explicit and self._told is not None and says_again(reading.rest):
            private = await in_thread(partial(self._store.conversations.is_private, self._told.message_id))
            understood = replace(understood, text=self._told.text, private=private)
        elif reading.event is not None:
            understood = await self._find_event(understood, reading.event, zone, now, wish, attended=attended)
        elif reading.lack is Lack.TIME and attended:
            understood = await self._draft(understood, asked, models, zone, now, private=wish.private)
        if not understood.text and attended:
            understood = replace(understood, text=await self._skin.ask(_("What shall be said?")) or "")
        if not understood.text:
            raise ReminderError(_("There is nothing to be said."), _("Write it with the time."))
        reading = understood.reading
        if reading.lack is not None:
            if not attended:
                raise _error(reading.lack)
            reading = await self._complete(reading, understood.words, zone, now, alone=understood.alone)
        chosen = await self._choose(
            *(understood.text, reading, zone, now),
            why=understood.why,
            asks=not wish.agreed,
            in_message=wish.in_message,
        )
        if isinstance(chosen, Outcome):
            if chosen is Outcome.LEFT:
                self._skin.remark(_("Nothing was kept."))
            return chosen
        new = build_schedule(chosen, understood.text, zone, now, wish.task_id)
        private = wish.private or understood.private
        kept = await in_thread(lambda: keep(self._store, new, asked, private=private))
        if understood.sent_to is not None:
            await note_sent(self._store, understood.sent_to, (kept.message_id,))
        told = _("Kept: {text}").format(text=plain(kept.text, one_line=True))
        await self._skin.tell(Report(told, describe_next(kept), "good", kept.id))
        return Outcome.KEPT

    async def _find_event(
        self, read: _Understood, event: Event, zone: str, now: datetime, wish: Wish, *, attended: bool
    ) -> _Understood:
        """Have the user choose the day of an event from what is remembered of it. Raises ReminderError without them."""
        local = now.astimezone(zone_of(zone))
        found = await in_thread(lambda: find_event(self._store, event.words, local, private=wish.private))
        if not found and not attended:
            unknown = _("Nothing that is remembered says when “{event}” is.").format(event=event.words)
            raise ReminderError(unknown, _("Name the day, such as Friday, 5 May or 2027-03-01."))
        if not attended:
            several = "; ".join(f"{day.day:%Y-%m-%d}: {day.describe()}" for day in found)
            maybe = _("“{event}” may be {days}.").format(event=event.words, days=several)
            raise ReminderError(maybe, _("Name the day, such as Friday, 5 May or 2027-03-01."))
        choices: list[Choice[FoundDay | None]] = [
            Choice(f"{day.day:%Y-%m-%d}", excerpt(day.describe(), _SENTENCE_CHARS), day) for day in found
        ]
        choices.append(Choice(_("Another day"), "", None))
        title = _("Which day is “{event}”?").format(event=excerpt(event.words, _TITLE_CHARS))
        chosen = await self._skin.choose(title, choices) if found else None
        if chosen is None:
            return read
        words = event.settle(read.words, chosen.day)
        reading = _read(words, zone, now, alone=read.alone)
        return replace(read, words=words, reading=reading, why=chosen.describe(), private=chosen.hit.private)

    async def _draft(
        self, read: _Understood, asked: str, models: Models, zone: str, now: datetime, *, private: bool
    ) -> _Understood:
        """Have a model put into plain words what the rules don't understand; as it was where none is there, or can."""
        secret = private or await in_thread(lambda: self._store.privacy.covers(asked))
        model = models.find(ModelRole.CHAT, private=secret)
        if model is None:
            return read
        self._skin.show_activity(_("reading…"))
        try:
            local = now.astimezone(zone_of(zone))
            draft = await draft_reminder(self._store, model, asked, local, private=secret)
        except KeepsakeError as error:
            await self._skin.tell(Report(error.message, error.hint, "warning"))
            return read
        finally:
            self._skin.show_activity()
        if draft is None:
            return read
        source = draft.source
        why = source.describe() if source is not None else _("as {model} reads it").format(model=model.info.name)
        secret_source = source is not None and source.hit.private
        text = read.text if read.alone else draft.text
        return _Understood(text, draft.words, draft.reading, True, why, secret_source, model.info)

    async def _complete(self, reading: Reading, words: str, zone: str, now: datetime, *, alone: bool = True) -> Reading:
        """Have the user add what of the time is lacking. Raises ReminderError where they don't.

        The words are those that were read; `alone` says that they speak of nothing but the time.
        """
        while reading.lack is not None:
            lack = reading.lack
            message = _(_WRONG[lack][0])
            question, example = (_("At what time?"), "8:00") if lack is Lack.CLOCK else (_("When?"), _(_EXAMPLES))
            answer = await self._skin.ask(f"{message} {question}", example)
            if answer is None:
                raise ReminderError(_("Nothing was kept."), _(_WRONG[lack][1]))
            if lack is Lack.CLOCK:
                words += f" {answer}:00" if answer.isdecimal() else f" {answer}"
            else:
                words, alone = answer, True
            reading = _read(words, zone, now, alone=alone)
        return reading

    async def _choose(
        self,
        text: str,
        reading: Reading,
        zone: str,
        now: datetime,
        *,
        asks: bool,
        why: str = "",
        in_message: bool = False,
    ) -> Time | Outcome:
        """Have the user see when it comes, and agree. Raises ReminderError where several are meant and nobody asked."""
        described = [(when, await in_thread(partial(_describe, when, zone, now))) for when in reading.times]
        shown = [(when, *words) for when, words in described if words is not None]
        if not shown:
            raise _error(Lack.PAST)
        if not asks:
            if len(shown) > 1:
                several = _("It may mean several times: {times}.").format(
                    times="; ".join(name for _when, name, _more in shown)
                )
                raise ReminderError(several, _("Say which, such as 8:00 or 20:00, and name the day."))
            return shown[0][0]
        if not self._skin.is_attended():
            refused = _("Nothing was kept: nobody is here to agree to {time}.").format(time=shown[0][1])
            raise ReminderError(refused, _("Give --yes if you mean it."))
        choices: list[Choice[Time | Outcome]] = [Choice(name, more, when) for when, name, more in shown]
        if in_message:
            choices.append(Choice(_("None of these"), _("it is said to the model"), Outcome.FOR_THE_MODEL))
        choices.append(Choice(_("Don't keep it"), "", Outcome.LEFT))
        title = _("When shall “{text}” be said?").format(text=excerpt(text, _TITLE_CHARS))
        return await self._skin.choose(f"{why}\n{title}".strip(), choices) or Outcome.LEFT

    # -- those that there are ----------------------------------------------------------------------------------

    async def manage(self) -> None:
        """Let the user choose a reminder, and what to do with it."""
        await self.tell_due()
        found = await in_thread(self._store.schedules.all)
        if not found:
            self._skin.remark(_("There are no reminders yet: /remind and what, and when, keeps one."))
            return
        choices = [
            Choice(excerpt(schedule.text, _TITLE_CHARS), describe_next(schedule), schedule) for schedule in found
        ]
        schedule = await self._skin.choose(_("Reminders"), choices)
        if schedule is None:
            return
        tasks = await in_thread(self._store.tasks.all)
        rests = schedule.state is not ScheduleState.ACTIVE
        deeds = {
            _Deed.PAUSE: not rests,
            _Deed.GO_ON: schedule.state is ScheduleState.PAUSED,
            _Deed.CHANGE: True,
            _Deed.TASK: bool(tasks) and not rests,
            _Deed.REMOVE: True,
        }
        title = f"{excerpt(schedule.text, _TITLE_CHARS)} — {describe_next(schedule)}"
        deed = await self._skin.choose(title, [Choice(_(_DEEDS[deed]), "", deed) for deed, may in deeds.items() if may])
        match deed:
            case _Deed.PAUSE:
                await in_thread(lambda: let_rest(self._store, schedule))
                self._skin.remark(_("It rests."))
            case _Deed.GO_ON:
                going = await in_thread(lambda: let_go_on(self._store, schedule, clock.now()))
                self._skin.remark(describe_next(going))
            case _Deed.CHANGE:
                await self._change(schedule)
            case _Deed.TASK:
                await self._take_task(schedule, tasks)
            case _Deed.REMOVE:
                message = await in_thread(lambda: self._store.conversations.message(schedule.message_id))
                await self._eraser.erase_ids(message.conversation_id)

    async def _change(self, schedule: Schedule) -> None:
        """Have it come at other times."""
        now = clock.now()
        answer = await self._skin.ask(_("When?"), _(_EXAMPLES))
        if answer is None:
            return
        reading = _read(answer, schedule.zone, now)
        if reading.lack is not None:
            reading = await self._complete(reading, answer, schedule.zone, now)
        chosen = await self._choose(schedule.text, reading, schedule.zone, now, asks=True)
        if isinstance(chosen, Time):
            new = build_schedule(chosen, schedule.text, schedule.zone, now, schedule.task_id)
            changed = await in_thread(lambda: self._store.schedules.change(schedule.id, new))
            self._skin.remark(describe_next(changed))

    async def _take_task(self, schedule: Schedule, tasks: Sequence[Task]) -> None:
        """Have a task done anew with it each time, or none any more."""
        choices: list[Choice[str | None]] = [
            Choice(excerpt(plan_to_show(task.plan).title, _TITLE_CHARS), moment(task.made_at), task.id)
            for task in tasks
        ]
        choices.append(Choice(_("No task"), "", ""))
        chosen = await self._skin.choose(_("Which task shall be done anew?"), choices)
        if chosen is not None:
            await in_thread(lambda: self._store.schedules.take_task(schedule.id, chosen or None))
            told = _("It is done anew each time; what sends something asks again.") if chosen else _("No task")
            self._skin.remark(told)

    # -- what is due -------------------------------------------------------------------------------------------

    async def tell_due(self) -> list[str]:
        """Say what is due, and tell of what nobody was told of; return that, without words of what is private.

        One window tells at a time, and notes that it told once it did: a kill in between has it told again.
        """
        store = self._store
        if not await in_thread(self._find_untold) or not self._skin.is_attended():
            return []
        turn = await in_thread(store.schedules.take_turn)
        if turn is None:
            return []
        told: list[str] = []
        with turn:
            found = await in_thread(store.schedules.find_untold)
            for schedule in found:
                report = report_due(schedule, clock.now())
                await self._skin.tell(report)
                await in_thread(partial(store.schedules.note_told, schedule))
                self._told = schedule
                private = await in_thread(partial(store.conversations.is_private, schedule.message_id))
                told.append(_("A private reminder is due.") if private else report.text)
        return told

    def _find_untold(self) -> list[Schedule]:
        """Say what is due, and return what is to be told."""
        fire_due(self._store, clock.now())
        return self._store.schedules.find_untold()


def report_due(schedule: Schedule, now: datetime) -> Report:
    """Return what is told of a schedule that was due."""
    told = _("Reminder: {text}").format(text=describe_untold(schedule, now))
    again = _("again {when}").format(when=describe_next(schedule)) if schedule.next_at is not None else ""
    return Report(told, f"{again}\n{_(_ONCE_MORE)}".strip(), "warning", schedule.id)


def _read(words: str, zone: str, now: datetime, *, alone: bool = True, repeated: bool = False) -> Reading:
    """Return what words mean; where they are there for a time alone, each of them has to be understood."""
    reading = read_time(words, now.astimezone(zone_of(zone)), repeated=repeated)
    return Reading((), reading.rest, Lack.TIME) if alone and reading.rest and reading.times else reading


def _error(lack: Lack) -> ReminderError:
    message, hint = _WRONG[lack]
    return ReminderError(_(message), _(hint))


def _describe(when: Time, zone: str, now: datetime) -> tuple[str, str] | None:
    """Return the first time in full, and what follows it; None where none is to come."""
    coming = next_times(when.begins, when.rule, zone, now, _SHOWN + 1)
    if not coming:
        return None
    first, *others = coming
    there = zone_of(zone)
    if when.rule is None:
        return describe_moment(first, there), ""
    shown = ", ".join(f"{moment:%Y-%m-%d %H:%M}" for moment in others)
    more = (
        _("{rule}; then {times}").format(rule=describe_rule(when.rule), times=shown)
        if shown
        else describe_rule(when.rule)
    )
    return describe_moment(first, there), more


def _zone_name(named: str) -> str:
    """Return the name of the zone to keep; empty where that of this machine has none. Raises ReminderError."""
    if named and find_zone(named) is None:
        raise ReminderError(
            _("There is no zone {name}.").format(name=named),
            _("Zones are called like Europe/Berlin or America/New_York."),
        )
    here = named or str(getattr(local_zone(), "key", ""))
    return here if find_zone(here) is not None else ""
