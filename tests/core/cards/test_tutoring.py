"""A study session: from the user's own documents, answers first, at most three hints, graded by who learns."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import pytest

from assistant.core.cards.tutoring import MOST_HINTS, Exercise, give_hint, gives_away
from assistant.core.conversation.controller import Controller
from assistant.core.conversation.skin import Choice
from assistant.core.private_rules import rule_of
from assistant.errors import ModelError
from assistant.llm.roles import Models
from assistant.llm.scripted import ScriptedChat
from memory_store import Grade, NewCard, NewMemory, Selection, Store
from memory_store.models import USER, MemoryKind, Purpose
from tests.core.conversation.test_controller import RecordingSkin, controller_of, run
from tests.memory_store.support import add_document, indexed

PUMP = "A heat pump takes heat from the air outside and gives it to the water of the radiators."
ICE = "When a heat pump ices over it runs backwards for some minutes: it is defrosting."
QUESTIONS = json.dumps(
    {
        "cards": [
            {
                "passage": 1,
                "question": "Whence does it take heat?",
                "answer": "From the air outside",
                "quote": "takes heat from the air outside",
            },
            {
                "passage": 2,
                "question": "Why does it run backwards?",
                "answer": "It is defrosting",
                "quote": "runs backwards for some minutes: it is defrosting",
            },
        ]
    }
)
# Places in the menus, with and without the solution.
SOLUTION, HINT = 0, 1
HINT_FIRST, AGAIN_FIRST = 0, 1
KNOWN_WELL, NOT_KNOWN = 2, 0
NO_AIM = ["", 0, 1]


@pytest.fixture
def store(store: Store) -> Store:
    add_document(store, "/heating.md", PUMP, ICE)
    indexed(store)
    return store


def studying(
    store: Store, *answers: Any, hints: tuple[str, ...] = (), **about: Any
) -> tuple[Controller, RecordingSkin, ScriptedChat]:
    model = ScriptedChat([QUESTIONS], *([hint] for hint in hints), **about)
    skin = RecordingSkin(*answers)
    return controller_of(store, skin, model), skin, model


async def test_a_session_asks_first_shows_the_source_and_keeps_cards_with_the_learners_grades(store: Store) -> None:
    answers = ["explain it to a child", 1, 0, "the air", SOLUTION, KNOWN_WELL, "no idea", SOLUTION, NOT_KNOWN, 0]
    controller, skin, model = studying(store, *answers)
    await run(controller, "/study heat pump")
    assert skin.answers == []
    plan, summary, kept = skin.told
    assert plan.splitlines()[:2] == [
        "Your documents on heat pump:",
        f"1. heating › line 1: “{PUMP}”",
    ]
    assert next(title for title in skin.titles if "How well" in title).splitlines() == [
        "Whence does it take heat?",
        "You: the air",
        "→ From the air outside",
        "“takes heat from the air outside” — heating › line 1",
        "How well did you know it?",
    ]
    assert (summary, kept) == ("2 questions on heat pump, 1 known well.", "2 cards kept.")
    assert [question for question, _ in skin.asked[1:]] == [
        "1/2 · Whence does it take heat?",
        "2/2 · Why does it run backwards?",
    ]
    graded = {card.question: [one.grade for one in store.cards.reviews(card.id)] for card in store.cards.all()}
    assert graded == {"Whence does it take heat?": [Grade.GOOD], "Why does it run backwards?": [Grade.AGAIN]}
    goal, level = sorted(store.memories.all(), key=lambda memory: memory.kind != MemoryKind.GOAL)
    assert goal.text == "Study of heat pump: explain it to a child"
    assert level.text == "My level in heat pump: I know some of it"
    assert [review.text for review in store.memories.reviews(goal.id)] == [summary]
    assert "> Study of heat pump: explain it to a child" in model.requests[0].messages[1].content


async def test_what_was_kept_of_the_aims_is_not_asked_again_and_without_a_yes_nothing_is(store: Store) -> None:
    controller, skin, _ = studying(store, "know it", 0, 1, None)
    await run(controller, "/study heat pump")
    assert store.memories.all() == []
    controller, skin, _ = studying(store, "know it", 0, 0, None)
    await run(controller, "/study heat pump")
    controller, skin, model = studying(store, None)
    await run(controller, "/study Heat  Pump")
    assert [question for question, _ in skin.asked] == ["1/2 · Whence does it take heat?"]
    assert "know it" in model.requests[0].messages[1].content
    assert len(store.memories.all()) == 2


async def test_there_are_three_hints_and_no_fourth_however_often_one_asks(store: Store) -> None:
    tries = ["", HINT_FIRST, "the cellar", HINT, "the roof", HINT, "the garden", SOLUTION, None]
    controller, skin, model = studying(store, *NO_AIM, *tries, hints=("Where is it warm?", "Step out.", "Breathe in."))
    await run(controller, "/study heat pump")
    menus = [menu for menu in skin.offered if "End the session" in menu]
    assert [menu[0] for menu in menus] == ["A hint (3 left)", *["Show the solution"] * 3]
    assert [any(name.startswith("A hint") for name in menu) for menu in menus] == [True, True, True, False]
    assert [hint for _, hint in skin.asked[2:]] == ["Hint: Where is it warm?", "Hint: Step out.", "Hint: Breathe in."]
    asked = [request for request in model.requests if request.purpose is Purpose.HINT]
    assert len(asked) == MOST_HINTS
    last = asked[-1].messages[1].content
    assert "Give hint 3 of 3." in last
    for said in ("the cellar", "the roof", "Where is it warm?", "Step out."):
        assert f"> {said}" in last


async def test_the_solution_is_not_to_be_had_before_an_answer_or_all_hints(store: Store) -> None:
    tries = ["", HINT_FIRST, "", HINT_FIRST, "", AGAIN_FIRST, "", HINT_FIRST, "", SOLUTION, NOT_KNOWN, None]
    controller, skin, _ = studying(store, *NO_AIM, *tries, 2, hints=("One?", "Two?", "Three?"))
    await run(controller, "/study heat pump")
    menus = [menu for menu in skin.offered if "End the session" in menu]
    assert ["Show the solution" in menu for menu in menus] == [False, False, False, False, True]


async def test_a_hint_that_gives_the_answer_away_is_not_shown(store: Store) -> None:
    controller, skin, _ = studying(store, *NO_AIM, "", HINT_FIRST, None, hints=("It is FROM the air  outside!",))
    await run(controller, "/study heat pump")
    assert skin.asked[-1][1] == "Hint: Look there: heating › line 1"


@pytest.mark.parametrize(
    ("hint", "answer", "away"),
    [
        ("Isn't it “Ines”?", "Ines.", True),
        ("Think of business lines.", "Ines", False),
        ("What do you know of it?", "no", False),
        ("答案是空气。", "空气", True),
        ("想想周围。", "空气", False),
        ("Any hint.", "…", False),
    ],
)
def test_what_gives_an_answer_away_is_its_words_and_not_its_letters(hint: str, answer: str, away: bool) -> None:
    assert gives_away(hint, answer) is away


async def test_a_fourth_hint_is_refused_by_the_program(store: Store) -> None:
    passage = store.documents.passages(store.documents.all()[0].id)[0]
    exercise = Exercise(
        NewCard(passage.id, "Whence?", "From outside", "air outside", USER), passage, hints=["a", "b", "c"]
    )
    model = ScriptedChat(otherwise=["Another."])
    with pytest.raises(ValueError, match="all hints"):
        await give_hint(store, model, exercise)
    assert model.requests == []


@pytest.mark.parametrize("gone", ["erased", "private"])
async def test_what_is_erased_or_private_meanwhile_is_neither_asked_about_nor_sent(store: Store, gone: str) -> None:
    document = store.documents.all()[0].id

    async def take_away() -> None:
        if gone == "erased":
            store.forget(Selection((document,)))
        else:
            store.documents.set_private(document, True)

    class Watched(RecordingSkin):
        async def choose(self, title: str, choices: Sequence[Choice[Any]]) -> Any:
            if "And now?" in title:
                await take_away()
            return await super().choose(title, choices)

    model = ScriptedChat([QUESTIONS], ["A hint."], ["A hint."], is_private=False)
    skin = Watched(*NO_AIM, "", HINT_FIRST, *(["", HINT_FIRST] if gone == "private" else []))
    await run(controller_of(store, skin, model), "/study heat pump")
    assert (len(model.requests), skin.answers) == (1, [])
    assert "What this question rests on was erased, or is private by now." in skin.told


async def test_a_hint_that_fails_is_told_and_not_counted(store: Store) -> None:
    model = ScriptedChat([QUESTIONS], [ModelError("The endpoint is away.")])
    skin = RecordingSkin(*NO_AIM, "", HINT_FIRST, None)
    await run(controller_of(store, skin, model), "/study heat pump")
    assert "The endpoint is away." in skin.told
    assert skin.asked[-1][1] == ""


async def test_a_hint_that_is_long_in_coming_is_stopped_and_not_counted(store: Store) -> None:
    model = ScriptedChat([QUESTIONS], [asyncio.Event()])
    skin = RecordingSkin(*NO_AIM, "", HINT_FIRST, "", None)
    controller = controller_of(store, skin, model)
    studied = asyncio.ensure_future(run(controller, "/study heat pump"))
    await model.waiting.wait()
    assert controller.stop()
    await studied
    assert skin.offered[-1][0] == "A hint (3 left)"


async def test_in_a_temporary_chat_nothing_is_kept(store: Store) -> None:
    controller, skin, _ = studying(store, "know it", 0, "the air", SOLUTION, KNOWN_WELL, None)
    await controller.begin(temporary=True)
    await run(controller, "/study heat pump")
    assert skin.told[-1] == "1 question on heat pump, 1 known well."
    assert (store.cards.all(), store.memories.all()) == ([], [])


async def test_private_passages_aims_and_answers_go_to_no_model_elsewhere(store: Store) -> None:
    add_document(store, "/private.md", "The heat pump of the clinic is in room 4711.", private=True)
    store.privacy.follow(rule_of((), ("health",)))
    store.remember(NewMemory("My level in heat pump: I know it well", MemoryKind.FACT, private=True))
    indexed(store)
    ill = "I have diabetes and take insulin"
    controller, skin, model = studying(store, ill, SOLUTION + 1, None, hints=("Hm?",), is_private=False)
    await run(controller, "/study heat pump")
    assert len(model.requests) == 2
    assert skin.hints[0].startswith("1 private passage was left out")
    sent = str(model.requests)
    assert [words for words in ("4711", "diabetes", "know it well") if words in sent] == []
    assert [sent.items for sent in store.requests.all()] == [1, 2]
    with pytest.raises(ModelError, match="This is private"):
        await run(controller, "/study my diabetes and insulin")
    await controller.turn_private()
    with pytest.raises(ModelError, match="This is private"):
        await run(controller, "/study heat pump")
    assert len(model.requests) == 2


async def test_where_documents_tell_nothing_or_no_model_is_there_that_is_said(store: Store) -> None:
    controller, skin, model = studying(store)
    await run(controller, "/study the zither")
    assert skin.told == ["Nothing in your documents is about the zither."]
    assert model.requests == []
    controller.session.models = Models()
    with pytest.raises(ModelError, match="No model is set up"):
        await run(controller, "/study heat pump")
