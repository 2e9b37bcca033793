"""The dial: who answers, what is looked up, how hard it is thought, and what is held against the sources."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from assistant.core.conversation.session import Session
from assistant.core.effort import dialled
from assistant.core.events import AnswerChecked, Event, LookedFurther, Recalled, TurnFinished
from assistant.core.turn_settings import TurnSettings
from assistant.errors import ModelError
from assistant.llm.roles import ModelRole, Models
from assistant.llm.scripted import ScriptedChat
from memory_store import NewMemory, Store
from memory_store.models import Effort, MemoryKind
from tests.support.embedder import HashEmbedder

SETTINGS = TurnSettings(passages=4, learn=False)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path, HashEmbedder()) as opened:
        for text in (
            "Ines keeps the spare key of the shed.",
            "Omar moved from Lyon to Porto in March.",
            "The boiler was repaired by Ada.",
        ):
            opened.remember(NewMemory(text, MemoryKind.FACT))
        opened.embed_pending()
        yield opened


def scripted(*answers: object, **more: object) -> ScriptedChat:
    texts = [answer if isinstance(answer, str | ModelError) else json.dumps(answer) for answer in answers]
    return ScriptedChat(*([text] for text in texts), **more)  # type: ignore[arg-type]


async def asked(session: Session, text: str = "Who has the key, and where does Omar live?") -> list[Event]:
    return [event async for event in session.turn(text)]


async def test_usual_effort_is_one_request_and_tells_nothing_of_thinking(store: Store) -> None:
    model = scripted("Ines [1].")
    session = Session(store, Models(model, {ModelRole.FAST: scripted()}), SETTINGS)
    await asked(session)
    assert [request.reasoning for request in model.requests] == [None]


async def test_instant_answers_come_from_the_fast_model_of_less_and_the_chat_stays_unnamed(store: Store) -> None:
    model, fast = scripted(), scripted("Ines [1].")
    session = Session(store, Models(model, {ModelRole.FAST: fast}), SETTINGS)
    await session.use_effort(Effort.INSTANT)
    (recalled,) = [event for event in await asked(session) if isinstance(event, Recalled)]
    assert len([source for source in recalled.sources if source.number <= 2]) <= 2
    assert [request.reasoning for request in fast.requests] == ["low"]
    assert not await session.name_it()
    assert (len(fast.requests), len(model.requests)) == (1, 0)


async def test_thorough_answer_is_looked_up_in_parts_and_again_and_held_against_its_sources(store: Store) -> None:
    model = scripted(
        {"questions": ["Who keeps the spare key?", "Where does Omar live now?"]},
        {"questions": ["boiler repaired by"]},
        "Ines has it [1]. Omar owns a yacht.",
        {"without_source": [2, 9]},
    )
    session = Session(store, Models(model), SETTINGS)
    await session.use_effort(Effort.THOROUGH)
    events = await asked(session)
    looked = [event.questions for event in events if isinstance(event, LookedFurther)]
    assert looked == [("Who keeps the spare key?", "Where does Omar live now?"), ("boiler repaired by",)]
    (recalled,) = [event for event in events if isinstance(event, Recalled)]
    found = " ".join(source.hit.text for source in recalled.sources)
    assert all(words in found for words in ("spare key", "Porto", "boiler"))
    assert [event.unsupported for event in events if isinstance(event, AnswerChecked)] == [("Omar owns a yacht.",)]
    assert isinstance(events[-1], TurnFinished)
    assert model.requests[2].reasoning == "high"
    assert len(model.requests) == 4


@pytest.mark.parametrize("said", ["no JSON at all", {"questions": "none"}, {"else": 1}])
async def test_what_a_model_says_in_another_form_is_as_if_it_had_said_nothing(store: Store, said: object) -> None:
    model = scripted(said, said, "Ines [1].", said)
    session = Session(store, Models(model), SETTINGS)
    await session.use_effort(Effort.THOROUGH)
    events = await asked(session)
    assert not [event for event in events if isinstance(event, LookedFurther)]
    assert [event.unsupported for event in events if isinstance(event, AnswerChecked)] == [()]


async def test_small_talk_is_not_looked_up_further(store: Store) -> None:
    model = scripted("Hello.", {"without_source": []})
    session = Session(store, Models(model), SETTINGS)
    await session.use_effort(Effort.THOROUGH)
    assert not [event for event in await asked(session, "Hi there!") if isinstance(event, LookedFurther)]


async def test_private_passages_are_shown_to_no_model_elsewhere_at_any_step(store: Store) -> None:
    store.remember(NewMemory("The spare key opens the safe with codeword zqsafe.", private=True))
    model = scripted(
        {"questions": ["codeword of the safe"]},
        {"questions": ["safe key"]},
        "Ines.",
        {"without_source": []},
        is_private=False,
    )
    session = Session(store, Models(model), SETTINGS)
    await session.use_effort(Effort.THOROUGH)
    (recalled,) = [event for event in await asked(session, "Who has the spare key?") if isinstance(event, Recalled)]
    sent = "".join(message.content for request in model.requests for message in request.messages)
    assert "zqsafe" not in sent
    assert recalled.withheld == 1
    assert len(store.requests.all()) == len(model.requests) == 4


async def test_private_chat_has_a_quick_answer_at_home_where_the_fast_model_is_elsewhere(store: Store) -> None:
    away, home = scripted(is_private=False), scripted("Ines.")
    session = Session(store, Models(home, {ModelRole.FAST: away}), SETTINGS)
    await session.keep_private(private=True)
    await session.use_effort(Effort.INSTANT)
    await asked(session)
    assert (len(home.requests), len(away.requests)) == (1, 0)


@pytest.mark.parametrize("moment", [LookedFurther, Recalled])
@pytest.mark.parametrize("begun", [Effort.THOROUGH, Effort.INSTANT])
async def test_dial_that_is_turned_while_an_answer_comes_shows_nothing_private_elsewhere(
    store: Store, begun: Effort, moment: type[Event]
) -> None:
    store.remember(NewMemory("The spare key opens the safe with codeword zqsafe.", private=True))
    store.embed_pending()
    away = scripted({"questions": ["the safe"]}, {"questions": ["its codeword"]}, "Ines.", "{}", is_private=False)
    home = ScriptedChat(otherwise=["With zqsafe."])
    session = Session(store, Models(away, {ModelRole.FAST: home}), SETTINGS)
    await session.use_effort(begun)
    async for event in session.turn("Who has the spare key, and what is the codeword of the safe?"):
        if isinstance(event, moment):
            await session.use_effort(Effort.INSTANT if begun is Effort.THOROUGH else Effort.THOROUGH)
    sent = "".join(message.content for request in away.requests for message in request.messages)
    assert "zqsafe" not in sent
    assert bool(away.requests) != bool(home.requests)


async def test_what_a_model_at_home_looks_for_further_goes_to_no_embedder_elsewhere(tmp_path: Path) -> None:
    embedder = HashEmbedder(is_private=False)
    with Store.open(tmp_path, embedder) as store:
        store.remember(NewMemory("The spare key opens the safe with codeword zqsafe.", private=True))
        store.remember("Ines keeps the spare key.")
        store.embed_pending()
        model = scripted({"questions": []}, {"questions": ["what is zqsafe"]}, "Ines.", "{}")
        session = Session(store, Models(model), SETTINGS)
        await session.use_effort(Effort.THOROUGH)
        await asked(session, "Who has the spare key?")
        assert "Who has the spare key?" in embedder.queries
        assert "what is zqsafe" not in embedder.queries


async def test_effort_is_kept_with_the_chat_and_not_with_a_temporary_one(store: Store) -> None:
    models = Models(ScriptedChat(otherwise=["Yes."]))
    session = Session(store, models, SETTINGS)
    await session.use_effort(Effort.INSTANT)
    await asked(session, "Is it late?")
    assert session.conversation is not None
    again = await Session.open(store, models, SETTINGS, session.conversation.id)
    assert again.effort is Effort.INSTANT
    await again.use_effort(Effort.BALANCED)
    assert store.conversations.get(session.conversation.id).effort is Effort.BALANCED
    passing = Session(store, models, SETTINGS, temporary=True)
    await passing.use_effort(Effort.INSTANT)
    await asked(passing, "Is it early?")
    assert passing.effort is Effort.INSTANT
    assert [one.effort for one in store.conversations.all()] == [Effort.BALANCED]


async def test_model_that_fails_while_looking_further_answers_what_it_can(store: Store) -> None:
    failing = ModelError("It is away.", "Wait.")
    model = scripted(failing, "Ines [1].", failing)
    session = Session(store, Models(model), SETTINGS)
    await session.use_effort(Effort.THOROUGH)
    events = await asked(session)
    assert isinstance(events[-1], TurnFinished)


def test_shares_stay_within_the_window() -> None:
    for share in (0.2, 0.5, 0.9):
        wide = dialled(TurnSettings(context_share=share), Effort.THOROUGH)
        assert share <= wide.context_share < 1
        assert dialled(TurnSettings(context_share=share), Effort.BALANCED).context_share == share
    assert dialled(TurnSettings(passages=1), Effort.INSTANT).passages == 1
