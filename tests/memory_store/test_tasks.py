"""The queue of long tasks: what is entered before it is done, what the user is asked, and what an erasure takes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from memory_store import Selection, Store
from memory_store.clock import now
from memory_store.database.tasks import ItemState, StepOutcome, Task, TaskStanding, TaskState
from memory_store.errors import NotFoundError, StoreError
from memory_store.models import USER, Role
from tests.support.embedder import HashEmbedder


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path, HashEmbedder()) as opened:
        yield opened


def task_of(store: Store, *keys: str) -> Task:
    chat = store.conversations.start("Tables")
    asked = store.conversations.append(chat.id, Role.USER, "Find a table for six.", USER, parent_id=None)
    return store.tasks.add(asked.id, "title = 'Tables'", [(key, "{}") for key in keys])


def test_step_is_there_before_it_is_done_and_says_how_it_ended(store: Store) -> None:
    task = task_of(store, "Anna")
    [item] = store.tasks.items(task.id)
    store.tasks.begin(item, 1, '{"tool": "read_page"}')
    [step] = store.tasks.steps(item.id)
    assert (step.outcome, step.result, step.ended_at) == (StepOutcome.BEGUN, None, None)
    store.tasks.end(item.id, 1, StepOutcome.DONE, "Open till ten.")
    store.tasks.end_item(item.id, ItemState.DONE, '{"free": "yes"}')
    [step] = store.tasks.steps(item.id)
    assert (step.outcome, step.result) == (StepOutcome.DONE, "Open till ten.")
    assert store.tasks.counts(task.id) == {ItemState.DONE: 1}


def test_task_goes_on_as_it_was_until_it_rests_changes_becomes_private_or_is_erased(store: Store) -> None:
    resting, changed, hidden, erased = tasks = [task_of(store, "Anna") for _ in range(4)]
    for task in tasks:
        assert not store.tasks.goes_on(task, private=False)
        store.tasks.change_state(task.id, TaskState.RUNNING)
        assert store.tasks.goes_on(task, private=False)
    store.tasks.change_state(resting.id, TaskState.PAUSED)
    store.tasks.change_plan(changed.id, "title = 'Rooms'", [("Anna", "{}")])
    store.conversations.mark(store.conversations.message(hidden.message_id).conversation_id, private=True)
    store.forget(Selection((erased.message_id,)))
    assert [store.tasks.goes_on(task, private=False) for task in tasks] == [False] * 4
    assert [store.tasks.goes_on(task, private=True) for task in tasks] == [False, False, True, False]
    assert store.tasks.goes_on(store.tasks.get(changed.id), private=False)


def test_standings_say_of_every_task_what_it_waits_for(store: Store) -> None:
    draft, asking, resting = (task_of(store, "Anna", "Bea") for _ in range(3))
    store.tasks.change_state(asking.id, TaskState.RUNNING)
    store.tasks.ask(store.tasks.items(asking.id)[1], 1, "{}")
    store.tasks.ask(store.tasks.items(resting.id)[1], 1, "{}")
    store.tasks.change_state(resting.id, TaskState.PAUSED, trouble="The budget is used up.")
    assert store.tasks.standings() == {
        draft.id: TaskStanding(TaskState.DRAFT, None, asks=False),
        asking.id: TaskStanding(TaskState.RUNNING, None, asks=True),
        resting.id: TaskStanding(TaskState.PAUSED, "The budget is used up.", asks=False),
    }


def test_what_may_have_been_done_is_asked_about_and_no_yes_for_all_answers_it(store: Store) -> None:
    task = task_of(store, "Anna", "Bea", "Cid")
    sent, waits, _ = store.tasks.items(task.id)
    store.tasks.begin(sent, 1, "{}")
    store.tasks.doubt(sent.id, 1)
    store.tasks.ask(waits, 1, '{"step": "send"}')
    assert [(item.key, step.outcome) for item, step in store.tasks.questions(task.id)] == [
        ("Anna", StepOutcome.UNCERTAIN),
        ("Bea", StepOutcome.ASKED),
    ]
    assert store.tasks.allow_all(task, {"send": "f" * 64}) == 1
    assert store.tasks.is_allowed(task.id, "f" * 64)
    assert [item.key for item, _ in store.tasks.questions(task.id)] == ["Anna"]
    assert [step.outcome for step in store.tasks.steps(waits.id)] == [StepOutcome.ALLOWED]
    [(_, doubted)] = store.tasks.questions(task.id)
    assert store.tasks.answer(doubted, StepOutcome.DONE)
    assert not store.tasks.answer(doubted, StepOutcome.DONE)
    assert store.tasks.questions(task.id) == []


def test_what_failed_or_was_refused_is_tried_anew_from_where_it_was(store: Store) -> None:
    task = task_of(store, "Anna", "Bea", "Cid")
    failed, refused, done = store.tasks.items(task.id)
    for number, outcome in ((1, StepOutcome.DONE), (2, StepOutcome.FAILED)):
        store.tasks.begin(failed, number, "{}")
        store.tasks.end(failed.id, number, outcome)
    store.tasks.end_item(failed.id, ItemState.FAILED, None, "It answered 500.")
    store.tasks.ask(refused, 1, "{}")
    store.tasks.answer(store.tasks.steps(refused.id)[0], StepOutcome.REFUSED)
    store.tasks.end_item(done.id, ItemState.DONE, "{}")
    assert store.tasks.counts(task.id) == {ItemState.FAILED: 1, ItemState.LEFT_OUT: 1, ItemState.DONE: 1}
    assert store.tasks.retry(task.id) == 2
    assert [step.outcome for step in store.tasks.steps(failed.id)] == [StepOutcome.DONE]
    assert store.tasks.steps(refused.id) == []
    assert store.tasks.counts(task.id) == {ItemState.WAITING: 2, ItemState.DONE: 1}


def test_plan_can_be_changed_while_what_was_begun_stays(store: Store) -> None:
    task = task_of(store, "Anna", "Bea")
    anna, _ = store.tasks.items(task.id)
    store.tasks.begin(anna, 1, "{}")
    store.tasks.change_plan(task.id, "title = 'More'", [("Cid", "{}")])
    assert [(item.key, item.number) for item in store.tasks.items(task.id)] == [("Anna", 1), ("Cid", 2)]
    assert store.tasks.get(task.id).plan == "title = 'More'"


def test_one_thread_works_at_a_time_whatever_runs_beside_it(store: Store) -> None:
    turn = store.tasks.take_turn()
    assert turn is not None
    assert store.tasks.take_turn() is None
    with turn:
        assert store.tasks.take_turn() is None
    again = store.tasks.take_turn()
    assert again is not None
    with again:
        pass


def test_task_waits_until_a_moment_and_ends(store: Store) -> None:
    task = task_of(store, "Anna")
    store.tasks.change_state(task.id, TaskState.RUNNING)
    until = now() + timedelta(hours=1)
    store.tasks.postpone(task.id, until, "The service asks for a pause.")
    found = store.tasks.get(task.id)
    assert (found.not_before, found.trouble) == (until, "The service asks for a pause.")
    store.tasks.change_state(task.id, TaskState.CANCELLED)
    ended = store.tasks.get(task.id)
    assert (ended.not_before, ended.state, ended.ended_at is not None) == (None, TaskState.CANCELLED, True)
    for late in (TaskState.RUNNING, TaskState.PAUSED):
        with pytest.raises(StoreError, match="cancelled"):
            store.tasks.change_state(task.id, late)
    with pytest.raises(StoreError, match="cancelled"):
        store.tasks.change_plan(task.id, "title = 'Other'", [("Anna", "{}")])
    assert store.tasks.get(task.id) == ended


def test_words_of_a_task_are_found_by_the_message_that_asks_for_it(store: Store) -> None:
    task = task_of(store, "Anna")
    [item] = store.tasks.items(task.id)
    store.tasks.begin(item, 1, '{"text": "the boilers of zqcellar"}')
    store.tasks.end(item.id, 1, StepOutcome.DONE, "It is kept.")
    assert [passage.message_id for passage in store.find_holding("boiler zqcellar")] == [task.message_id]
    store.tasks.end(item.id, 1, StepOutcome.DONE, '{"note": "It is kept.\\nZqloft \\"zqroof\\""}')
    assert [passage.message_id for passage in store.find_holding("zqloft zqroof")] == [task.message_id]
    assert store.find_holding("boiler zqattic") == []


def test_erasing_the_message_erases_all_of_the_task_from_the_disk(store: Store) -> None:
    task = task_of(store, "Zqanna")
    [item] = store.tasks.items(task.id)
    store.tasks.begin(item, 1, '{"ask": "zqrequest about the table by the window"}')
    store.tasks.end(item.id, 1, StepOutcome.DONE, "zqresult is that the table by the window is free")
    store.tasks.end_item(item.id, ItemState.FAILED, '{"note": "zqjson of the window"}', "zqtrouble with the window")
    receipt = store.forget(Selection((task.message_id,)))
    assert receipt.completed_at is not None
    assert store.tasks.all() == []
    with pytest.raises(NotFoundError):
        store.tasks.get(task.id)
    with pytest.raises(NotFoundError):
        store.tasks.begin(item, 2, "{}")
    assert store.verify() == []
    folder = store.folder
    left = [path for path in folder.rglob("*") if path.is_file() and "keepsake.db" not in path.name]
    assert not [path for path in left if b"zq" in path.read_bytes()]


def test_words_that_a_recipe_or_a_tool_was_given_are_found_by_their_message(store: Store) -> None:
    chat = store.conversations.start("Plants")
    asked = store.conversations.append(chat.id, Role.USER, "What do my plants need?", USER, parent_id=None)
    store.conversations.begin_tool_use(asked.id, "recipe", '{"recipe": "plant-care", "place": "At\\nZqanna\'s"}')
    assert [passage.message_id for passage in store.find_holding("zqanna")] == [asked.id]
    store.forget(Selection((asked.id,)))
    assert store.find_holding("zqanna") == []
