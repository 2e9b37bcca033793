"""Every request is in the ledger with what it took, and none is sent that a budget has no room for."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import aclosing
from pathlib import Path

import pytest

from assistant import bootstrap
from assistant.config import BudgetConfig, NamedModel, OwnPrice, Settings
from assistant.core.conversation.learning import learn_all
from assistant.core.conversation.session import Session
from assistant.core.events import TurnFailed, TurnFinished
from assistant.core.framing import estimate_tokens
from assistant.core.metering import Meter, MeteredModel, estimate_input
from assistant.core.turn_settings import TurnSettings
from assistant.errors import BudgetError, ModelError
from assistant.llm.base import ChatMessage, ChatRequest, Finished, TextDelta
from assistant.llm.energy import Rapl
from assistant.llm.prices import Price
from assistant.llm.roles import ModelRole, Models
from assistant.llm.scripted import ScriptedChat, Step
from memory_store import LedgerEntry, Limit, Store, Unit, Usage, Window
from memory_store.models import Effort, Purpose, Role
from tests.support.embedder import HashEmbedder

REQUEST = ChatRequest((ChatMessage(Role.USER, "How warm is it in the cellar?"),), max_tokens=50)
PRICES = {"scripted": Price(2.0, 10.0, 0.5)}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path) as opened:
        yield opened


def metered(store: Store, *script: Step, limits: tuple[Limit, ...] = ()) -> tuple[MeteredModel, ScriptedChat]:
    """Return a model elsewhere that answers all in this way, metered, and the model itself."""
    model = ScriptedChat(otherwise=script, is_private=False)
    return MeteredModel(model, ModelRole.CHAT, Meter(store, limits, PRICES)), model


def entries(store: Store) -> list[LedgerEntry]:
    """Return what stands in the ledger, the earliest first."""
    return store.ledger.latest(99)[::-1]


async def ask(model: MeteredModel) -> str:
    return "".join([event.text async for event in model.stream(REQUEST) if isinstance(event, TextDelta)])


async def test_a_request_takes_what_the_endpoint_counted_at_the_users_own_price(store: Store) -> None:
    model, _ = metered(store, "Twelve degrees.", Finished("stop", "scripted", 1000, 200, 400))
    assert await ask(model) == "Twelve degrees."
    [entry] = entries(store)
    assert (entry.state.value, entry.counted) == ("settled", True)
    assert (entry.input_tokens, entry.cached_tokens, entry.output_tokens) == (1000, 400, 200)
    assert entry.cost == 600 * 2 + 400 * 0.5 + 200 * 10


async def test_what_the_endpoint_did_not_count_is_estimated_and_says_so(store: Store) -> None:
    model, _ = metered(store, "Twelve degrees.")
    await ask(model)
    [entry] = entries(store)
    assert (entry.input_tokens, entry.output_tokens) == (estimate_input(REQUEST), estimate_tokens("Twelve degrees."))
    assert not entry.counted


async def test_an_answer_that_is_cut_takes_what_had_come(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    model, inner = metered(store, "Twelve ", asyncio.Event())
    settled, settle = asyncio.Semaphore(0), store.ledger.settle

    def note(entry: str, usage: Usage) -> None:
        settle(entry, usage)
        settled.release()

    monkeypatch.setattr(store.ledger, "settle", note)

    async def listen() -> None:
        await ask(model)

    listening = asyncio.create_task(listen())
    await inner.waiting.wait()
    assert [entry.state.value for entry in entries(store)] == ["reserved"]
    listening.cancel()
    await asyncio.wait({listening})
    async with aclosing(model.stream(REQUEST)) as events:
        assert await anext(events) == TextDelta("Twelve ")  # and whoever listens goes away
    for _ in range(2):  # once the prices are loaded
        await settled.acquire()
    assert [(entry.state.value, entry.output_tokens) for entry in entries(store)] == [
        ("settled", estimate_tokens("Twelve "))
    ] * 2


async def test_what_is_reserved_on_this_machine_costs_nothing_wherever_it_is_cut(store: Store) -> None:
    inner = ScriptedChat(otherwise=(asyncio.Event(),))
    listening = asyncio.create_task(ask(MeteredModel(inner, ModelRole.CHAT, Meter(store))))
    await inner.waiting.wait()
    assert [(entry.state.value, entry.cost) for entry in entries(store)] == [("reserved", 0)]
    listening.cancel()
    await asyncio.wait({listening})


@pytest.mark.parametrize(
    ("error", "state", "output"),
    [
        (ModelError("No connection."), "released", 50),
        (ModelError("No answer in time.", was_sent=True), "reserved", 50),
    ],
)
async def test_a_request_that_was_not_sent_is_given_back(
    store: Store, error: ModelError, state: str, output: int
) -> None:
    model, _ = metered(store, error)
    with pytest.raises(ModelError):
        await ask(model)
    assert [(entry.state.value, entry.output_tokens) for entry in entries(store)] == [(state, output)]


async def test_what_is_cancelled_before_it_is_sent_is_given_back(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    model, inner = metered(store, "Never.")
    released, release = asyncio.Event(), store.ledger.release

    def give_back(entry: str) -> None:
        release(entry)
        released.set()

    monkeypatch.setattr(store.ledger, "release", give_back)
    asking = asyncio.create_task(ask(model))
    await asyncio.sleep(0)  # it reserves in a thread by now
    asking.cancel()
    await asyncio.wait({asking})
    await released.wait()
    assert inner.requests == []
    assert [entry.state.value for entry in entries(store)] == ["released"]


async def test_a_request_that_a_budget_has_no_room_for_is_not_sent(store: Store) -> None:
    most = PRICES["scripted"].cost(estimate_input(REQUEST), 50)
    limit = Limit(Window.DAY, Unit.USD, 2 * most - 1)
    model, inner = metered(store, "Yes.", Finished("stop", "scripted", 10, 1), limits=(limit,))
    await ask(model)
    await ask(model)  # the first took less than it might have
    model, inner = metered(store, asyncio.Event(), limits=(limit,))
    first = asyncio.create_task(ask(model))
    await inner.waiting.wait()
    with pytest.raises(BudgetError, match="has no room for this request") as refused:
        await ask(model)
    assert "[budget]" in refused.value.hint
    assert "/effort instant" in refused.value.hint
    assert len(inner.requests) == 1
    first.cancel()
    await asyncio.wait({first})


async def test_fifty_requests_at_once_overstep_no_budget(store: Store) -> None:
    most = PRICES["scripted"].cost(estimate_input(REQUEST), 50)
    counted = Finished("stop", "scripted", estimate_input(REQUEST), 50)  # each takes all that it may
    model, inner = metered(store, "Yes.", counted, limits=(Limit(Window.DAY, Unit.USD, 7 * most + most // 2),))
    said = await asyncio.gather(*(ask(model) for _ in range(50)), return_exceptions=True)
    assert sum(answer == "Yes." for answer in said) == len(inner.requests) == 7
    assert sum(isinstance(answer, BudgetError) for answer in said) == 43
    assert store.ledger.spent(Window.DAY).cost == 7 * most


async def test_a_budget_of_money_asks_for_a_price_that_nobody_knows(store: Store) -> None:
    inner = ScriptedChat(otherwise=["Yes."], is_private=False, name="stranger")
    model = MeteredModel(inner, ModelRole.CHAT, Meter(store, (Limit(Window.DAY, Unit.USD, 10**6),)))
    with pytest.raises(BudgetError, match="price of “stranger” is not known") as refused:
        await ask(model)
    assert "[prices]" in refused.value.hint
    assert inner.requests == []


async def test_what_a_model_on_this_machine_takes_is_measured(store: Store, tmp_path: Path) -> None:
    processor = tmp_path / "power" / "intel-rapl:0"
    processor.mkdir(parents=True)
    (processor / "energy_uj").write_text("1000000")
    limit = Limit(Window.DAY, Unit.WH, 5)
    model = MeteredModel(
        ScriptedChat(otherwise=["Yes."]), ModelRole.CHAT, Meter(store, (limit,), rapl=Rapl(processor.parent))
    )
    async for event in model.stream(REQUEST):
        if isinstance(event, TextDelta):
            (processor / "energy_uj").write_text(str(1000000 + 5 * 3_600_000))
    [entry] = entries(store)
    assert (entry.energy_low, entry.energy_high, entry.energy_method, entry.cost) == (5, 5, "RAPL", 0)
    unmeasured = MeteredModel(
        ScriptedChat(otherwise=["Yes."]), ModelRole.CHAT, Meter(store, (limit,), rapl=Rapl(tmp_path / "none"))
    )
    with pytest.raises(BudgetError, match="energy of “scripted” is not known") as refused:
        await ask(unmeasured)
    assert "a budget of tokens" in refused.value.hint


async def test_what_a_model_of_a_service_takes_is_estimated(store: Store) -> None:
    inner = ScriptedChat(
        otherwise=["Yes.", Finished("stop", "gpt-4o", 100, 500)], name="openai/gpt-4o", is_private=False
    )
    async for _event in MeteredModel(inner, ModelRole.CHAT, Meter(store)).stream(REQUEST):
        pass
    [entry] = entries(store)
    assert entry.energy_low is not None
    assert entry.energy_high is not None
    assert 0 < entry.energy_low < entry.energy_high
    assert (entry.energy_method or "").startswith("EcoLogits")


async def test_each_request_of_a_turn_says_what_it_was_for(store: Store) -> None:
    inner = ScriptedChat(
        ['{"questions": ["What does the cellar hold?"]}'],
        ['{"questions": []}'],
        ["It is warm. [1]"],
        ['{"without_source": []}'],
        ["The cellar"],
        ['{"memories": []}'],
    )
    model = MeteredModel(inner, ModelRole.CHAT, Meter(store))
    store.remember("The cellar is at twelve degrees.")
    session = Session(store, Models(model), TurnSettings())
    session.chosen_effort = Effort.THOROUGH
    events = [event async for event in session.turn("My name is Ada and I live in Porto. How warm is the cellar?")]
    assert isinstance(events[-1], TurnFinished)
    await session.name_it()
    async for _ in learn_all(store, Models(model), consolidating=False):
        pass
    question, answer = session.messages
    assert [(entry.purpose, entry.message_id) for entry in entries(store)] == [
        (Purpose.SPLIT, question.id),
        (Purpose.MISSING, question.id),
        (Purpose.ANSWER, answer.id),
        (Purpose.CHECK, answer.id),
        (Purpose.TITLE, answer.id),
        (Purpose.LEARN, question.id),
    ]
    assert {entry.conversation_id for entry in entries(store)} == {question.conversation_id}
    assert store.ledger.spent(Window.CHAT, question.conversation_id).requests == 6


async def test_at_the_end_of_a_budget_a_turn_fails_with_choices_and_nothing_is_done_beside_it(store: Store) -> None:
    model, inner = metered(store, "Yes.", limits=(Limit(Window.CHAT, Unit.TOKENS, 10),))
    session = Session(store, Models(model), TurnSettings())
    events = [event async for event in session.turn("Is it warm?")]
    failed = events[-1]
    assert isinstance(failed, TurnFailed)
    assert isinstance(failed.error, BudgetError)
    assert "10 tokens a chat" in failed.error.message
    assert not any(isinstance(event, TextDelta) for event in events)
    assert (inner.requests, entries(store)) == ([], [])


async def test_a_temporary_chat_is_in_the_ledger_without_its_ids(store: Store) -> None:
    model, _ = metered(store, "Yes.")
    async for _event in Session(store, Models(model), TurnSettings(), temporary=True).turn("Is it warm?"):
        pass
    [entry] = entries(store)
    assert (entry.purpose, entry.conversation_id, entry.message_id) == (Purpose.ANSWER, None, None)


def test_vectors_of_an_endpoint_are_in_the_ledger_and_wait_where_a_budget_has_no_room(tmp_path: Path) -> None:
    settings = Settings(
        data_dir=str(tmp_path), prices={"hash": OwnPrice(input=2.0)}, budget=BudgetConfig(day_tokens=30)
    )
    with bootstrap.open_store(settings, bootstrap.ChosenEmbedder(HashEmbedder(is_private=False))) as store:
        store.remember("The key is with Ines.")
        store.embed_pending()
        [entry] = entries(store)
        assert (entry.role, entry.purpose, entry.model, entry.endpoint) == (
            "embed",
            Purpose.EMBED,
            "hash",
            "https://embedder.example",
        )
        assert (entry.counted, entry.output_tokens, entry.cost) == (False, 0, 2 * entry.input_tokens)
        store.remember("The lamp is in the cellar, beside the boiler that hums, under the stairs by the grey door.")
        store.embed_pending()
        assert store.waiting_for_vectors() == 1
        assert "30 tokens a day has no room" in str(store.embedding_trouble)
        assert len(entries(store)) == 1
        assert store.recall("lamp", 1)[0].text.startswith("The lamp is in the cellar")


async def test_the_models_of_the_settings_keep_to_their_budgets(store: Store) -> None:
    settings = Settings(
        models={"chat": NamedModel("openai", "a-model", "http://127.0.0.1:9/v1")},
        prices={"a-model": OwnPrice(input=1.0, output=2.0)},
        budget=BudgetConfig(day_usd=0.5, month_tokens=10_000, chat_wh=1.5),
    )
    assert bootstrap.budget_limits(settings) == (
        Limit(Window.DAY, Unit.USD, 500_000),
        Limit(Window.MONTH, Unit.TOKENS, 10_000),
        Limit(Window.CHAT, Unit.WH, 1500),
    )
    models = bootstrap.build_models(settings, store)
    assert isinstance(models.chat, MeteredModel)
    with pytest.raises(BudgetError, match="10,000 tokens a month"):
        async for _event in models.chat.stream(ChatRequest(REQUEST.messages, max_tokens=10_000)):
            pass
    await models.close()
