"""Reminders beside a conversation: shown in full before one is kept, never guessed, told once, changed and erased."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from assistant.core.conversation.reminders import Wish
from assistant.core.reminders.firing import fire_due
from assistant.core.reminders.handling import ReminderError
from assistant.core.repetition import find_zone
from assistant.core.tasks.plan import read_plan
from assistant.llm.roles import Models
from assistant.llm.scripted import ScriptedChat
from memory_store import ScheduleState, Store, clock
from memory_store.models import USER, Role
from tests.core.conversation.test_controller import RecordingSkin, controller_of
from tests.core.tasks.test_plan import PLAN
from tests.memory_store.support import add_document

SUNDAY = datetime(2026, 3, 22, 12, 0, tzinfo=UTC)
KEEP, PAUSE, CHANGE, TASK, ERASE = 0, 0, 1, 2, 2
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
    once_more = "“/remind again in an hour” has it said once more."
    assert skin.hints[-1] == f"again Monday 2026-04-20 08:00 Europe/Berlin, every week (Monday)\n{once_more}"
    skin.answers = [KEEP]
    await controller.remind("again in an hour")
    schedule, snoozed = sorted(store.schedules.all(), key=lambda entry: entry.made_at)
    assert (snoozed.text, snoozed.begins, snoozed.rule) == ("water the plants", "2026-04-13T15:00:00", None)
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
        (Wish("tea", at="in 0 minutes", agreed=True), "is over"),
        (Wish("tea", at="tomorrow 8:00", zone="Mars/Olympus", agreed=True), "no zone Mars/Olympus"),
    ],
)
async def test_nothing_is_guessed_where_nobody_is_asked(store: Store, at: At, wish: Wish, wrong: str) -> None:
    with pytest.raises(ReminderError, match=wrong):
        await controller_of(store, RecordingSkin()).reminders.plan(wish, Models())
    assert store.conversations.all() == []


async def test_another_zone_is_kept_with_it_and_a_private_chat_keeps_private_reminders(store: Store, at: At) -> None:
    controller = controller_of(store, RecordingSkin(KEEP))
    await controller.reminders.plan(Wish("call Ken", at="tomorrow 8:00", zone="Asia/Tokyo", agreed=True), Models())
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
    await controller.reminders.plan(Wish("bins", every="Monday 8:00", agreed=True), Models())
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


GYM = "The gym costs 40 euros a month. Notice is due by 1 March 2027. It opened on 2 May 2019."


async def test_day_is_counted_from_what_memory_knows_and_its_sentence_is_shown(store: Store, at: At) -> None:
    add_document(store, "/gym.md", GYM, private=True)
    skin = RecordingSkin(0, KEEP)
    model = ScriptedChat(is_private=False)
    controller = controller_of(store, skin, model)
    await controller.remind("cancel the gym three days before the notice is due at 9:00")
    sentence = "“Notice is due by 1 March 2027.” — gym › line 1"
    assert skin.offered[0] == ["2027-03-01", "Another day"]
    assert skin.titles == [
        "Which day is “the notice is due”?",
        f"{sentence}\nWhen shall “cancel the gym” be said?",
    ]
    [kept] = store.schedules.all()
    assert (kept.text, kept.begins, model.requests) == ("cancel the gym", "2027-02-26T09:00:00", [])
    assert store.conversations.message(kept.message_id).private  # as what says so is
    wish = Wish("cancel", at="a week before the notice is due 9:00", agreed=True)
    with pytest.raises(ReminderError, match="may be 2027-03-01: “Notice is due by 1 March"):
        await controller.reminders.plan(wish, controller.session.models)


def drafted(text: str, when: str, source: int | None = None) -> list[str]:
    return [json.dumps({"text": text, "when": when, "source": source})]


async def test_model_puts_what_no_rule_understands_into_plain_words_and_says_where_a_date_is_from(
    store: Store, at: At
) -> None:
    add_document(store, "/gym.md", GYM)
    add_document(store, "/secret.md", "The notice of zqsecret is due by 2 March 2027.", private=True)
    model = ScriptedChat(["No."], drafted("cancel the gym", "2027-03-01 at 9:00", 1), is_private=False)
    skin = RecordingSkin(KEEP)
    await controller_of(store, skin, model).remind("cancel the gym first thing when the notice is due")
    assert skin.titles == ["“Notice is due by 1 March 2027.” — gym › line 1\nWhen shall “cancel the gym” be said?"]
    assert skin.offered == [["Monday 2027-03-01 09:00 Europe/Berlin", "Don't keep it"]]
    sent = "\n".join(message.content for request in model.requests for message in request.messages)
    assert "It is Sunday 2026-03-22 13:00 there." in sent
    assert "zqsecret" not in sent
    [kept] = store.schedules.all()
    assert (kept.text, kept.begins) == ("cancel the gym", "2027-03-01T09:00:00")
    noted = store._database.fetch_all("SELECT item_id FROM request_items")
    assert kept.message_id in [row["item_id"] for row in noted]


@pytest.mark.parametrize(
    "script",
    [drafted("tea", ""), ["Never."], drafted("tea", "whenever you like at 9:00"), drafted("tea", "yesterday at 9:00")],
)
async def test_what_a_model_makes_up_is_asked_for(store: Store, at: At, script: list[str]) -> None:
    skin = RecordingSkin("tomorrow 9:00", KEEP)
    await controller_of(store, skin, ScriptedChat(script, script)).remind("tea sometime")
    assert [question for question, _ in skin.asked] == ["These words say no time that is understood. When?"]
    assert [kept.begins for kept in store.schedules.all()] == ["2026-03-23T09:00:00"]


async def test_what_is_said_is_in_the_users_words_whatever_a_model_writes(store: Store, at: At) -> None:
    model = ScriptedChat(drafted("feed the cat", "every day at 8:00"), drafted("give Ines a call", "every day at 8:00"))
    controller = controller_of(store, RecordingSkin(KEEP, KEEP), model)
    await controller.remind("drink water first thing")
    await controller.remind("give Ines whom we met a call first thing")
    said = {kept.text for kept in store.schedules.all()}
    assert said == {"drink water first thing", "give Ines a call"}


async def test_words_of_a_private_chat_go_to_no_model_elsewhere(store: Store, at: At) -> None:
    model = ScriptedChat(is_private=False)
    controller = controller_of(store, RecordingSkin("tomorrow 9:00", KEEP), model)
    await controller.turn_private()
    await controller.remind("zqpills sometime")
    assert model.requests == []
    assert [kept.text for kept in store.schedules.all()] == ["zqpills sometime"]


async def test_message_that_asks_for_a_reminder_keeps_one_and_any_other_is_answered(store: Store, at: At) -> None:
    skin = RecordingSkin(KEEP)
    model = ScriptedChat(otherwise=["Fine."])
    controller = controller_of(store, skin, model)
    await controller.say("Could you remind me to call Ines tomorrow at 8:00?")
    assert [f"{kept.text} {kept.begins}" for kept in store.schedules.all()] == ["call Ines 2026-03-23T08:00:00"]
    assert model.requests == []
    for answers, words, given_back in (
        ([1], "remind me to ask about the meeting tomorrow at 8:00", []),
        ([2], "remind me to call Ken tomorrow at 8:00", ["remind me to call Ken tomorrow at 8:00"]),
        ([None], "remind me to call Ken tomorrow", ["remind me to call Ken tomorrow"]),
        ([], "Remind me who has the spare key since yesterday at 8:00", []),
        ([], "Remind me to be kind", []),
        ([], "Remind me of our trip last week", []),
    ):
        asked, skin.answers, skin.given_back = len(model.requests), list(answers), []
        await controller.say(words)
        assert (len(model.requests) == asked, skin.given_back) == (bool(given_back), given_back), words
    assert len(store.schedules.all()) == 1


async def test_task_that_is_chosen_while_a_reminder_comes_has_it_not_said_once_more(
    store: Store, at: At, monkeypatch: pytest.MonkeyPatch
) -> None:
    chat = store.conversations.start("Tables")
    message = store.conversations.append(chat.id, Role.USER, "Find a table.", USER, parent_id=None)
    task = store.tasks.add(message.id, PLAN, read_plan(PLAN).keyed_items())
    skin = RecordingSkin(0, TASK, 0)
    controller = controller_of(store, skin)
    await controller.reminders.plan(Wish("tables", every="Monday 8:00", agreed=True), Models())
    choose, monday = skin.choose, SUNDAY + timedelta(days=1)

    async def come_meanwhile(title: str, choices: Any) -> Any:
        if "anew" in title:
            at(monday)
            assert len(fire_due(store, monday)) == 1
        return await choose(title, choices)

    monkeypatch.setattr(skin, "choose", come_meanwhile)
    await controller.reminders.manage()
    assert [schedule.task_id for schedule in store.schedules.all()] == [task.id]
    assert fire_due(store, monday) == []


async def test_task_is_taken_that_is_done_anew_each_time(store: Store, at: At) -> None:
    chat = store.conversations.start("Tables")
    message = store.conversations.append(chat.id, Role.USER, "Find a table.", USER, parent_id=None)
    task = store.tasks.add(message.id, PLAN, read_plan(PLAN).keyed_items())
    skin = RecordingSkin(0, TASK, 0, 0, TASK, 2)
    controller = controller_of(store, skin)
    await controller.reminders.plan(Wish("tables", every="Monday 8:00", agreed=True), Models())
    await controller.reminders.manage()
    assert [schedule.task_id for schedule in store.schedules.all()] == [task.id]
    store.conversations.mark(chat.id, private=True)
    at(SUNDAY + timedelta(days=1))
    assert await controller.reminders.tell_due()
    [anew] = [other for other in store.tasks.all() if other.id != task.id]
    assert store.conversations.is_private(anew.message_id)  # as the task is by now
    await controller.reminders.manage()
    assert [schedule.task_id for schedule in store.schedules.all()] == [None]
