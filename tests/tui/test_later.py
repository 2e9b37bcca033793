"""In the chat a question is handed in, and its answer appears in its place, with a notice, in whichever window."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from assistant import bootstrap, config
from assistant.core.later import Collector
from assistant.core.metering import MeteredModel
from assistant.llm.roles import ModelRole
from assistant.llm.scripted import ScriptedChat
from assistant.tui.screens import chat_skin
from assistant.tui.screens.chooser import Chooser
from memory_store import Store
from tests.support.batch_server import BatchServer
from tests.support.embedder import HashEmbedder
from tests.tui.support import House, chatting


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[BatchServer]:
    monkeypatch.setattr(chat_skin, "_ANSWERS_SECONDS", 0.05)
    with BatchServer() as running:
        yield running


def settings_of(server: BatchServer, **others: object) -> config.Settings:
    named = config.NamedModel("openai", "a-model", server.url, batch="openai")
    chat = config.ChatConfig(titles=False, learn=False)
    return config.Settings(models={"later": named}, chat=chat, **others)  # type: ignore[arg-type]


def use_later(house: House, settings: config.Settings) -> Collector:
    """Have the chat's models be those of the settings; return what looks for answers when a test says so."""
    house.app.chat.services.models.later = bootstrap.build_models(settings, house.store).later
    return bootstrap.build_collector(settings, house.store)


async def test_an_answer_appears_in_its_place_with_its_sources_and_a_notice(
    tmp_path: Path, server: BatchServer
) -> None:
    settings = settings_of(server)
    async with chatting(
        tmp_path, settings=settings, prepare=lambda store: store.remember("The cellar is cold.")
    ) as house:
        looking = use_later(house, settings)
        await house.say("/effort later")
        await house.until(lambda: "later" in str(house.chat.query_one("#status").render()))
        answer = await house.ask("How is the cellar?")
        assert answer.state == "Handed in: the answer will be here within a day."
        server.end("It is cold [1].")
        looking.collect(at_once=True)
        await house.until(lambda: [one.text for one in house.answers] == ["It is cold [1]."])
        await house.until(lambda: house.notices)
        assert house.notices == ["The answer to “How is the cellar?” is here."]
        assert [(source.number, source.cited) for source in house.answers[0].sources] == [(1, True)]
        assert house.answers[0].state == ""
        assert house.questions == ["How is the cellar?"]


async def test_after_a_restart_it_says_how_it_stands_and_tells_of_what_arrived_in_another_chat(
    tmp_path: Path, server: BatchServer
) -> None:
    settings = settings_of(server)
    async with chatting(tmp_path, settings=settings) as house:
        use_later(house, settings)
        await house.say("/effort later")
        await house.ask("How is the cellar?")
        await house.ask("And the attic?")
        chat = house.chat.session.conversation  # type: ignore[union-attr]
        assert chat is not None
    async with chatting(tmp_path, settings=settings) as house:
        looking = use_later(house, settings)
        await house.resume(chat.id)
        await house.until(lambda: len(house.answers) == 2)
        assert all(one.state.startswith("Handed in (") for one in house.answers)
        await house.say("/new")
        await house.until(lambda: not house.answers)
        server.end(error="The model is gone.")
        looking.collect(at_once=True)
        await house.until(lambda: len(house.notices) == 2)
        assert "The model is gone." in house.notices[0]
        assert "/retry asks again." in house.notices[0]
        await house.resume(chat.id)
        await house.until(lambda: len(house.answers) == 2)
        assert all("The model is gone." in one.state for one in house.answers)


async def test_what_another_window_collected_appears_here_as_well(tmp_path: Path, server: BatchServer) -> None:
    settings = settings_of(server)
    async with chatting(tmp_path, settings=settings) as house:
        use_later(house, settings)
        await house.say("/effort later")
        await house.ask("How is the cellar?")
        server.end("Cold.")
        with Store.open(tmp_path / "memory", HashEmbedder()) as other:
            bootstrap.build_collector(settings, other).collect(at_once=True)
            other.late.claim_news()  # and was told of there, or here
        await house.until(lambda: [one.text for one in house.answers] == ["Cold."])


async def test_without_a_batch_api_the_effort_stays_and_the_chat_says_what_to_set_up(tmp_path: Path) -> None:
    async with chatting(tmp_path) as house:
        await house.say("/effort later")
        await house.until(lambda: house.notices)
        assert "No model is set up that answers later" in house.notices[0]
        assert (await house.ask("How is the cellar?")).text == "Fine."


async def test_where_a_budget_has_no_room_it_may_be_answered_later(tmp_path: Path, server: BatchServer) -> None:
    prices = {"scripted": config.OwnPrice(input=1.0, output=1000.0), "a-model": config.OwnPrice(input=1.0, output=1.0)}
    settings = settings_of(server, prices=prices, budget=config.BudgetConfig(day_usd=0.01))
    async with chatting(tmp_path, ScriptedChat(otherwise=["Fine."], is_private=False), settings=settings) as house:
        metered = bootstrap.build_models(settings, house.store)
        services = house.chat.services
        services.models.later = metered.later
        assert house.model is not None
        meter = bootstrap.meter_of(house.store, settings)
        services.models.chat = MeteredModel(house.model, ModelRole.CHAT, meter)
        await house.say("How is the cellar?")
        chooser = await house.dialog(Chooser)
        await house.press_keys("answered")
        await house.pilot.press("enter")
        await house.until(lambda: house.app.screen is not chooser and server.begun)
        await house.until(lambda: house.answers and house.answers[-1].state.startswith("Handed in"))
