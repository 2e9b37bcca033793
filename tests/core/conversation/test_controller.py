"""The controller of a conversation without a screen: what a skin is shown, told and asked, and what becomes of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from assistant.core.conversation.commands import COMMANDS, LINE_COMMANDS, SCREEN_COMMANDS, find, parse, takes_path
from assistant.core.conversation.controller import Controller
from assistant.core.conversation.session import Session, TurnSettings
from assistant.core.conversation.skin import (
    BranchChanged,
    Choice,
    ConversationOpened,
    MemoryChanged,
    Report,
    TurnAsked,
    TurnBroke,
)
from assistant.core.events import TurnFinished
from assistant.core.tasks.plan import read_plan
from assistant.core.tools.forms import ServerQuestion, UserAnswer
from assistant.ingestion.pipeline import ImportOptions
from assistant.llm.base import ToolCall, ToolCalled
from assistant.llm.roles import Models
from assistant.llm.scripted import ScriptedChat
from memory_store import NewMemory, Store, TaskState
from memory_store.errors import StoreError
from memory_store.models import USER, ErasurePlan, Memory, MemoryKind, Role

KEY = "The spare key is with Ines."

GYMS = """title = "Gyms"
[[steps]]
name = "judge"
ask = "{name}?"
columns = { price = "euros" }
[[items]]
name = "Anna"
"""


class RecordingSkin:
    """Answers questions from a list, in order, and keeps what it was shown and told."""

    def __init__(self, *answers: Any, agrees: bool = True) -> None:
        self.answers = list(answers)
        self.agrees = agrees
        self.shown: list[Any] = []
        self.told: list[str] = []
        self.hints: list[str] = []
        self.asked: list[tuple[str, str]] = []
        self.offered: list[list[str]] = []
        self.titles: list[str] = []
        self.given_back: list[str] = []
        self.started: dict[str, Callable[[], Awaitable[None]]] = {}

    async def show(self, event: Any) -> None:
        self.shown.append(event)

    async def tell(self, told: Report) -> None:
        self.told.append(told.text)
        self.hints.append(told.hint)

    def remark(self, text: str, *, warning: bool = False) -> None:
        self.told.append(text)

    def show_activity(self, text: str = "") -> None:
        pass

    def is_attended(self) -> bool:
        return True

    async def choose(self, title: str, choices: Sequence[Choice[Any]]) -> Any:
        self.titles.append(title)
        self.offered.append([choice.name for choice in choices])
        place = self.answers.pop(0)
        return None if place is None else choices[place].value

    async def ask(self, question: str, example: str = "", *, hint: str = "", **_: Any) -> str | None:
        self.asked.append((question, hint))
        answer: str | None = self.answers.pop(0)
        return answer

    async def fill_in(self, question: ServerQuestion) -> UserAnswer:
        return UserAnswer("cancel")

    async def write_memory(self, title: str, memory: Memory) -> NewMemory | None:
        return NewMemory(self.answers.pop(0), memory.kind)

    async def edit(self, text: str, name: str) -> str | None:
        edited: str | None = self.answers.pop(0)(text)
        return edited

    async def agree_to_erase(self, plan: ErasurePlan, *, everything: bool) -> bool:
        return self.agrees

    async def replaces(self, path: str) -> bool:
        return False

    def give_back(self, text: str) -> bool:
        self.given_back.append(text)
        return True

    def start(self, work: Callable[[], Awaitable[None]], name: str) -> None:
        self.started[name] = work

    def cancel(self, name: str) -> None:
        self.started.pop(name, None)


def controller_of(store: Store, skin: RecordingSkin, model: ScriptedChat | None = None) -> Controller:
    model = model or ScriptedChat(otherwise=["Fine."])
    return Controller(Session(store, Models(model), TurnSettings(max_answer_tokens=256)), ImportOptions(), skin)


async def run(controller: Controller, line: str) -> None:
    given = parse(line)
    assert given is not None
    action = controller.command(given[0])
    assert action is not None
    await action(given[1])


async def test_a_message_is_announced_answered_and_followed_by_naming_and_learning(store: Store) -> None:
    skin = RecordingSkin()
    await controller_of(store, skin).say("Who has the spare key?")
    assert skin.shown[0] == TurnAsked("scripted", "Who has the spare key?")
    assert any(isinstance(one, TurnFinished) for one in skin.shown)
    assert skin.shown[-1] == MemoryChanged()
    assert set(skin.started) == {"title", "learning"}


@pytest.mark.parametrize("calls_tools", [False, True])
async def test_that_nothing_is_learned_is_told_unless_the_model_asked_to_keep_it(
    store: Store, calls_tools: bool
) -> None:
    keeps = ToolCalled(ToolCall("a", "remember", '{"text": "The boat is in Camaret."}'))
    model = ScriptedChat([keeps] if calls_tools else ["Fine."], otherwise=["Kept."], calls_tools=calls_tools)
    skin = RecordingSkin(1)
    controller = controller_of(store, skin, model)
    controller.session.settings = TurnSettings(max_answer_tokens=256, learn=False)
    await controller.say("Remember that the boat is in Camaret.")
    assert ("Learning is off." in skin.told) is not calls_tools
    assert ("The boat is in Camaret." in [memory.text for memory in store.memories.all()]) is calls_tools


async def test_a_turn_that_breaks_as_nobody_expected_says_so_and_leaves_nothing_running(store: Store) -> None:
    skin = RecordingSkin()
    controller = controller_of(store, skin, ScriptedChat([RuntimeError("a surprise")]))
    with pytest.raises(RuntimeError, match="a surprise"):
        await controller.say("Well?")
    assert TurnBroke() in skin.shown
    assert not controller.is_answering


async def test_that_is_wrong_is_asked_about_and_put_right_without_the_model(store: Store) -> None:
    store.remember(KEY)
    skin = RecordingSkin(0, "The spare key is with Tom.")
    model = ScriptedChat(["With Ines [1]."])
    controller = controller_of(store, skin, model)
    await controller.say("Who has the spare key?")
    await controller.say("That's wrong")
    assert skin.told[-1] == "Put right: The spare key is with Tom."
    assert len(model.requests) == 1


async def test_a_correction_that_is_closed_goes_back_to_where_it_was_written(store: Store) -> None:
    store.remember(KEY)
    skin = RecordingSkin(None)
    controller = controller_of(store, skin, ScriptedChat(["With Ines [1]."]))
    await controller.say("Who has the spare key?")
    await controller.say("Forget that")
    assert skin.given_back == ["Forget that"]
    assert len(store.memories.all()) == 1


@pytest.mark.parametrize(("agrees", "left"), [(True, 0), (False, 1)])
@pytest.mark.parametrize("words", ["matching spare key", "spare key"])
async def test_forgetting_asks_first_and_shows_the_conversation_again(
    store: Store, agrees: bool, left: int, words: str
) -> None:
    store.remember(KEY)
    skin = RecordingSkin(agrees=agrees)
    controller = controller_of(store, skin)
    await controller.say("Hello.")
    await run(controller, f"/forget {words}")
    assert len(store.memories.all()) == left
    assert (ConversationOpened() in skin.shown) is agrees
    assert (MemoryChanged(erased=True) in skin.shown) is agrees


async def test_a_conversation_that_was_erased_gives_way_to_a_new_one(store: Store) -> None:
    skin = RecordingSkin()
    controller = controller_of(store, skin)
    await controller.say("Hello.")
    await run(controller, "/forget this")
    assert controller.conversation_id is None
    assert store.conversations.all() == []


async def test_goals_are_set_reviewed_and_ended_by_questions(store: Store) -> None:
    skin = RecordingSkin("for the heart", "", 0, 0, "ran ten kilometres", 0, 1)
    controller = controller_of(store, skin)
    await run(controller, "/goals run a marathon")
    (goal,) = store.memories.all()
    assert (goal.kind, goal.why, goal.horizon) == (MemoryKind.GOAL, "for the heart", None)
    await run(controller, "/goals")
    assert [one.text for one in store.memories.reviews(goal.id)] == ["ran ten kilometres"]
    await run(controller, "/goals")
    assert store.memories.all() == []


async def test_files_are_imported_and_told_of(store: Store, tmp_path: Path) -> None:
    (tmp_path / "my notes.md").write_text(KEY)
    skin = RecordingSkin()
    controller = controller_of(store, skin)
    await run(controller, f"/import '{tmp_path}/my notes.md' {tmp_path}/gone.md")
    assert len(store.documents.all()) == 1
    assert skin.told == ["Import done: 1 imported, 1 failed."]
    assert controller.imports.stop is None


async def test_branches_are_walked(store: Store) -> None:
    skin = RecordingSkin()
    controller = controller_of(store, skin, ScriptedChat(["One."], ["Two."]))
    await controller.say("Well?")
    first = controller.session.messages[-1].id
    await run(controller, "/retry")
    second = controller.session.messages[-1].id
    assert await controller.walk(second, -1) == first
    assert skin.shown[-1] == BranchChanged()
    assert await controller.walk(first, -1) is None
    assert skin.told[-1] == "There is no further one on this side."


def test_commands_are_one_table_for_screens_and_lines() -> None:
    assert {one.name for one in SCREEN_COMMANDS} | {one.name for one in LINE_COMMANDS} == {one.name for one in COMMANDS}
    assert len({one.name for one in COMMANDS}) == len(COMMANDS)
    assert find("open") is None
    assert find("open", LINE_COMMANDS) is not None
    assert takes_path("/import ~/Doc")
    assert not takes_path("/etc/hosts is what?")


async def test_task_that_asks_is_told_of_at_the_start_and_other_tasks_as_they_change(store: Store) -> None:
    chat = store.conversations.start("Gyms")
    for title in ("Asks", "Runs"):
        message = store.conversations.append(chat.id, Role.USER, title, USER, parent_id=None)
        task = store.tasks.add(message.id, GYMS.replace("Gyms", title), read_plan(GYMS).keyed_items())
        store.tasks.change_state(task.id, TaskState.RUNNING)
        if title == "Asks":
            store.tasks.ask(store.tasks.items(task.id)[0], 1, '{"step": "judge"}')
    desk = controller_of(store, RecordingSkin()).tasks
    assert await desk.tell_changes() == ["“Asks”: 1 waiting for you"]
    assert await desk.tell_changes() == []
    store.tasks.change_state(task.id, TaskState.DONE)
    assert await desk.tell_changes() == ["“Runs”: done, 0 of 1 done"]


async def test_planning_that_takes_long_is_stopped_and_leaves_nothing(store: Store) -> None:
    class Impatient(RecordingSkin):
        def show_activity(self, text: str = "") -> None:
            if text:
                asyncio.get_running_loop().call_later(0.01, controller.stop)

    skin = Impatient()
    controller = controller_of(store, skin, ScriptedChat([asyncio.Event()]))
    await run(controller, "/task Compare the gyms Anna and Bea.")
    assert skin.told == ["To be planned: Compare the gyms Anna and Bea.", "Nothing was planned."]
    assert (store.tasks.all(), store.conversations.all()) == ([], [])


async def test_plan_that_can_not_be_followed_is_edited_on_and_a_task_is_ended_by_a_yes_alone(store: Store) -> None:
    chat = store.conversations.start("Gyms")
    message = store.conversations.append(chat.id, Role.USER, "Compare.", USER, parent_id=None)
    task = store.tasks.add(message.id, GYMS, read_plan(GYMS).keyed_items())
    wrong = GYMS.replace("[[items]]", 'ask = "twice"\n[[items]]').replace("Gyms", "Gyms compared")
    skin = RecordingSkin(lambda _: wrong, 0, lambda text: text.replace('ask = "twice"\n', ""), 0, 1)
    desk = controller_of(store, skin).tasks
    assert await desk.change(task)
    changed = store.tasks.get(task.id)
    assert read_plan(changed.plan).title == "Gyms compared"
    assert (await desk.cancel(changed), store.tasks.get(task.id).state) == (False, TaskState.DRAFT)
    assert (await desk.cancel(changed), store.tasks.get(task.id).state) == (True, TaskState.CANCELLED)
    with pytest.raises(StoreError, match="This task is over"):  # and no editor was opened: nothing is written in vain
        await desk.change(changed)
