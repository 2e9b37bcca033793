"""A question that is handed to a batch API is answered once and paid for once, whatever happens in between."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from assistant import bootstrap
from assistant.config import BudgetConfig, ModelConfig, NamedModel, OwnPrice, PrivateConfig, Settings
from assistant.core.conversation.session import Session
from assistant.core.events import Event, TurnFailed, TurnFinished, TurnHandedIn
from assistant.core.later import Collector
from assistant.errors import BudgetError, ConfigError, ModelError
from assistant.llm.base import ChatMessage, ChatRequest
from assistant.llm.batches import BATCHES
from assistant.llm.settings import BatchName, BatchShape
from memory_store import LateState, Limit, NewEntry, NewMemory, Selection, Store, Unit, Usage, Window
from memory_store.clock import now
from memory_store.models import USER, Author, AuthorKind, Effort, MessageStatus, Purpose, Role
from tests.support.batch_server import USAGE, BatchServer

SHAPES: tuple[BatchName, ...] = ("openai", "anthropic", "openrouter")
QUESTION = "How warm is the cellar?"
BEGIN = {"openai": "POST /v1/batches", "anthropic": "POST /v1/messages/batches", "openrouter": "POST /v1/batches"}
AFTER_A_CRASH = timedelta(minutes=11)
PRICES = {"a-model": OwnPrice(input=1.0, output=2.0)}


@pytest.fixture
def server() -> Iterator[BatchServer]:
    with BatchServer() as running:
        yield running


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "memory") as opened:
        opened.remember("The cellar is at twelve degrees.")
        yield opened


def settings(server: BatchServer, shape: BatchName = "openai", **others: object) -> Settings:
    named = NamedModel("openai", "a-model", server.url, batch=shape)
    return Settings(models={"later": named}, prices=PRICES, **others)  # type: ignore[arg-type]


def session_of(store: Store, chosen: Settings, *, temporary: bool = False) -> Session:
    session = Session(
        store, bootstrap.build_models(chosen, store), bootstrap.turn_settings(chosen), temporary=temporary
    )
    session.chosen_effort = Effort.LATER
    return session


async def ask(store: Store, chosen: Settings, text: str = QUESTION) -> tuple[Session, Event]:
    session = session_of(store, chosen)
    events = [event async for event in session.turn(text)]
    return session, events[-1]


def collector(store: Store, chosen: Settings) -> Collector:
    return bootstrap.build_collector(chosen, store)


def answers(store: Store) -> list[str]:
    found = [message for chat in store.conversations.all() for message in store.conversations.messages(chat.id)]
    return [message.text for message in found if message.role is Role.ASSISTANT and message.text]


@pytest.mark.parametrize("shape", SHAPES)
async def test_a_question_is_handed_in_and_its_answer_arrives_under_it_with_its_sources(
    store: Store, server: BatchServer, shape: BatchName
) -> None:
    chosen = settings(server, shape)
    session, last = await ask(store, chosen)
    assert isinstance(last, TurnHandedIn)
    assert "twelve degrees" in server.prompts[0]
    assert session.cut is None
    chat = session.conversation
    assert chat is not None
    collector(store, chosen).collect(at_once=True)
    assert answers(store) == []  # nothing yet
    reopened = await Session.open(store, session.models, session.settings, chat.id)  # what is waited for is no crash
    assert [message.status for message in reopened.messages] == [MessageStatus.COMPLETE, MessageStatus.PENDING]
    server.end("It is at twelve degrees [1], or warmer [7].")
    collector(store, chosen).collect(at_once=True)
    question, answer = store.conversations.messages(chat.id)
    assert (answer.id, answer.parent_id, answer.text) == (
        last.message.id,
        question.id,
        "It is at twelve degrees [1], or warmer [7].",
    )
    assert (answer.status, answer.author.name) == (MessageStatus.COMPLETE, "a-model")
    [source] = store.conversations.citations(answer.id)
    assert (source.number, source.cited) == (1, True)
    [news] = store.late.claim_news()
    assert (news.state, news.message_id) == (LateState.ANSWERED, answer.id)
    assert store.late.claim_news() == store.late.all() == []
    assert store.recall("twelve degrees warmer", 3)
    [entry] = store.ledger.latest(9)
    cost = {"openrouter": 321}.get(shape, USAGE[0] + 2 * USAGE[1])
    assert (entry.role, entry.state, entry.counted, entry.message_id) == ("later", "settled", True, answer.id)
    assert (entry.input_tokens, entry.output_tokens, entry.cost) == (*USAGE, cost)
    assert server.files == {}  # and nothing of it is left there
    assert len(server.begun) == 1


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("reached", [True, False])
async def test_after_a_crash_while_it_is_handed_in_the_services_batches_are_looked_through(
    store: Store, server: BatchServer, shape: BatchName, reached: bool
) -> None:
    chosen = settings(server, shape)
    server.drop = {BEGIN[shape] if reached else f"!{BEGIN[shape]}"}
    _, last = await ask(store, chosen)
    assert isinstance(last, TurnHandedIn)
    assert "broke off before it answered" in last.trouble  # nobody knows
    server.drop = set()
    looking = collector(store, chosen)
    looking.collect(at_once=True)
    [late] = store.late.all()
    assert (late.state, late.batch) == (LateState.INTENDED, None)  # who hands it in may still be at it
    looking.collect(now() + AFTER_A_CRASH, at_once=True)
    if reached and shape != "openai":  # its batches tell whose they are once they have ended
        [late] = store.late.all()
        assert late.state is LateState.UNCERTAIN
        assert [news.state for news in store.late.claim_news()] == [LateState.UNCERTAIN]
    server.end()
    looking.collect(now() + AFTER_A_CRASH, at_once=True)
    assert len(server.begun) == reached
    assert server.files == {}
    assert answers(store) == (["Twelve degrees [1]."] if reached else [])
    assert [entry.state for entry in store.ledger.latest(9)] == ["settled" if reached else "released"]
    [news] = store.late.claim_news()
    assert news.state is (LateState.ANSWERED if reached else LateState.FAILED)


async def test_a_batch_is_known_again_by_its_file_where_the_service_keeps_no_metadata(
    store: Store, server: BatchServer
) -> None:
    chosen = settings(server)
    server.drop = {BEGIN["openai"]}
    await ask(store, chosen)
    server.drop = set()
    for batch in server.batches.values():
        batch["asked"]["metadata"] = None
    server.end()
    collector(store, chosen).collect(now() + AFTER_A_CRASH, at_once=True)
    assert answers(store) == ["Twelve degrees [1]."]


async def test_where_nobody_can_tell_the_user_is_told_and_may_drop_it(store: Store, server: BatchServer) -> None:
    chosen = settings(server)
    server.drop, server.can_list = {BEGIN["openai"]}, False
    session, _ = await ask(store, chosen)
    server.drop = set()
    looking = collector(store, chosen)
    looking.collect(now() + AFTER_A_CRASH, at_once=True)
    [late] = store.late.claim_news()
    assert late.state is LateState.UNCERTAIN
    looking.collect(now() + AFTER_A_CRASH, at_once=True)
    assert store.late.claim_news() == []  # told once
    events = [event async for event in session.again(session.messages[0].id)]  # sent again, as the user wants it
    assert isinstance(events[-1], TurnHandedIn)
    assert len(server.begun) == 2
    looking.cancel(late)
    kept = store.late.of_message(late.message_id or "")
    assert kept is not None
    assert kept.state is LateState.CANCELLED
    assert [entry.state for entry in store.ledger.latest(9)] == ["reserved", "settled"]  # it may have been paid for


async def test_a_file_that_no_batch_came_of_is_deleted(store: Store, server: BatchServer) -> None:
    server.refuse[BEGIN["openai"]] = 400
    session, last = await ask(store, settings(server))
    assert isinstance(last, TurnFailed)
    assert "not now" in last.error.message
    assert (server.files, store.late.all()) == ({}, [])
    assert [message.role for message in session.messages] == [Role.USER]
    assert [entry.state for entry in store.ledger.latest(9)] == ["released"]


async def test_an_endpoint_that_is_down_is_told_and_asked_again(store: Store, server: BatchServer) -> None:
    chosen = settings(server)
    _, last = await ask(store, chosen)
    assert isinstance(last, TurnHandedIn)
    server.refuse[f"GET /v1/batches/{next(iter(server.batches))}"] = 503
    looking = collector(store, chosen)
    looking.collect(at_once=True)
    [late] = store.late.all()
    assert "503" in (late.trouble or "")
    assert late.is_open
    server.refuse.clear()
    server.end()
    looking.collect(at_once=True)
    assert answers(store) == ["Twelve degrees [1]."]
    server.close()
    _, last = await ask(store, chosen, "And the attic?")
    assert isinstance(last, TurnFailed)
    assert "Could not connect" in last.error.message
    assert store.late.open() == []


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(
    ("state", "error", "expected"),
    [
        ("completed", "The model is gone.", LateState.FAILED),
        ("expired", "", LateState.EXPIRED),
        ("cancelled", "", LateState.CANCELLED),
    ],
)
async def test_what_is_not_answered_says_so_and_gives_back_what_was_reserved(
    store: Store, server: BatchServer, shape: BatchName, state: str, error: str, expected: LateState
) -> None:
    chosen = settings(server, shape)
    _, last = await ask(store, chosen)
    server.end(state=state, error=error)
    collector(store, chosen).collect(at_once=True)
    [late] = store.late.claim_news()
    assert late.state is expected
    assert error in (late.trouble or "")
    assert [entry.state for entry in store.ledger.latest(9)] == ["released"]
    assert isinstance(last, TurnHandedIn)
    assert store.conversations.message(last.message.id).text == ""
    assert [kept.state for kept in store.late.all()] == [expected]


async def test_a_batch_that_failed_as_a_whole_says_why(store: Store, server: BatchServer) -> None:
    chosen = settings(server)
    await ask(store, chosen)
    server.end(state="failed", error="There is no such model.")
    collector(store, chosen).collect(at_once=True)
    [late] = store.late.all()
    assert late.trouble is not None
    assert "There is no such model." in late.trouble


async def test_two_collectors_at_once_store_an_answer_once(tmp_path: Path, store: Store, server: BatchServer) -> None:
    chosen = settings(server)
    await ask(store, chosen)
    server.end()
    with Store.open(tmp_path / "memory") as other:
        pair = [collector(store, chosen), collector(other, chosen)]
        threads = [threading.Thread(target=looking.collect, kwargs={"at_once": True}) for looking in pair]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert answers(store) == ["Twelve degrees [1]."]
        assert len(store.late.claim_news() + other.late.claim_news()) == 1
        turn = other.late.take_turn()
        assert turn is not None
        await ask(store, chosen, "And the attic?")
        with turn:
            assert not collector(store, chosen).collect(at_once=True)  # another one is at it
    asked = server.count("GET /v1/batches/batch_1")
    assert asked <= 2 * 2  # to look, and to delete its files


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("what", ["question", "chat"])
async def test_what_was_erased_meanwhile_is_taken_back_and_its_answer_thrown_away(
    store: Store, server: BatchServer, shape: BatchName, what: str
) -> None:
    chosen = settings(server, shape)
    session, _ = await ask(store, chosen)
    assert session.conversation is not None
    chosen_id = session.messages[0].id if what == "question" else session.conversation.id
    plan = store.plan_forget(Selection((chosen_id,)))
    assert plan.counts["messages"] == 2
    store.forget(Selection((chosen_id,)))
    assert store.late.all() == []
    [late] = store.late.open()
    assert late.message_id is None
    looking = collector(store, chosen)
    looking.collect()
    assert {batch["state"] for batch in server.batches.values()} == {
        "working" if shape == "openrouter" else "cancelling"
    }
    server.end()
    looking.collect(at_once=True)
    assert (answers(store), store.late.open(), store.late.claim_news(), server.files) == ([], [], [], {})
    assert store.verify() == []


async def test_what_was_erased_of_its_sources_is_none_any_more(store: Store, server: BatchServer) -> None:
    chosen = settings(server)
    _, last = await ask(store, chosen)
    [memory] = store.memories.all()
    store.forget(Selection((memory.id,)))
    server.end()
    collector(store, chosen).collect(at_once=True)
    assert isinstance(last, TurnHandedIn)
    [source] = store.conversations.citations(last.message.id)
    assert (source.number, source.passage_id) == (1, None)


async def test_a_budget_that_is_too_small_hands_nothing_in_and_one_that_fits_is_held(
    store: Store, server: BatchServer
) -> None:
    _, last = await ask(store, settings(server, budget=BudgetConfig(day_usd=0.0001)))
    assert isinstance(last, TurnFailed)
    assert isinstance(last.error, BudgetError)
    assert (server.requests, store.late.all()) == ([], [])
    chosen = settings(server, budget=BudgetConfig(day_usd=0.01))
    await ask(store, chosen)
    reserved = store.ledger.spent(Window.DAY).amount(Unit.USD)
    assert 1024 * 2 < reserved < 10_000
    next_day = now() + timedelta(hours=20)  # a request of another sort would count as abandoned by then
    store.ledger.reserve(_entry(), (Limit(Window.DAY, Unit.TOKENS, 10**6),), next_day)
    assert {entry.state for entry in store.ledger.latest(2)} == {"reserved"}


def _entry() -> NewEntry:

    return NewEntry("chat", Purpose.ANSWER, "a-model", None, Usage(1, 1))


async def test_an_answer_is_collected_where_it_was_asked_for_whatever_the_settings_name_now(
    store: Store, server: BatchServer
) -> None:
    chosen = settings(server)
    await ask(store, chosen)
    server.end()
    with BatchServer() as another:
        moved = settings(another, "anthropic")
        collector(store, moved).collect(at_once=True)
        [late] = store.late.all()
        assert "no longer set up" in (late.trouble or "")
        both = Settings(models={**moved.models, "before": chosen.models["later"]})
        collector(store, both).collect(at_once=True)
    assert answers(store) == ["Twelve degrees [1]."]


async def test_without_a_batch_api_and_where_nothing_is_kept_it_is_said_before_anything_is_stored(
    store: Store, server: BatchServer
) -> None:
    for chosen, temporary, words in (
        (Settings(), False, "No model is set up that answers later"),
        (Settings(models={"later": NamedModel("openai", "a-model", server.url)}), False, "has no batch API"),
        (settings(server), True, "temporary chat"),
    ):
        session = session_of(store, chosen, temporary=temporary)
        with pytest.raises((ModelError, ConfigError), match=words):
            async for _ in session.turn(QUESTION):
                pass
    assert store.conversations.all() == []


async def test_a_private_chat_is_handed_in_nowhere_else(store: Store, server: BatchServer) -> None:
    elsewhere = Settings(models={"later": NamedModel("openai", "a-model", "http://batches.example/v1", batch="openai")})
    session = session_of(store, elsewhere)
    await session.keep_private(private=True)
    with pytest.raises(ModelError, match="This chat is private"):
        async for _ in session.turn(QUESTION):
            pass
    at_home = settings(server, private=PrivateConfig())
    session = session_of(store, at_home)
    await session.keep_private(private=True)
    store.remember(NewMemory("The cellar key is private.", private=True))
    events = [event async for event in session.turn("Where is the cellar key?")]
    assert isinstance(events[-1], TurnHandedIn)
    server.end("In the drawer.")
    collector(store, at_home).collect(at_once=True)
    assert store.conversations.message(events[-1].message.id).private
    assert store.requests.all() == []  # nothing left this machine


async def test_a_question_that_is_handed_in_is_not_handed_in_again(store: Store, server: BatchServer) -> None:
    session, _ = await ask(store, settings(server))
    with pytest.raises(ModelError, match="handed in already"):
        async for _ in session.again(session.messages[-1].id):
            pass
    assert len(server.begun) == 1


@pytest.mark.parametrize("shape", SHAPES)
async def test_a_question_is_taken_back(store: Store, server: BatchServer, shape: BatchName) -> None:
    chosen = settings(server, shape)
    await ask(store, chosen)
    [late] = store.late.all()
    looking = collector(store, chosen)
    with suppress(ModelError):
        looking.cancel(late)
    server.end()
    looking.collect(at_once=True)
    [news] = store.late.claim_news()
    assert news.state is (LateState.ANSWERED if shape == "openrouter" else LateState.CANCELLED)


async def test_a_conversation_goes_on_below_an_answer_that_is_waited_for(store: Store, server: BatchServer) -> None:
    chosen = settings(server)
    session, _ = await ask(store, chosen)
    events = [event async for event in session.turn("And the attic?")]
    assert isinstance(events[-1], TurnHandedIn)
    server.end("Warm.")
    collector(store, chosen).collect(at_once=True)
    await session.look_again()
    assert [message.text for message in session.messages] == [QUESTION, "Warm.", "And the attic?", "Warm."]


async def test_what_of_an_archive_waits_is_collected_where_it_is_restored(
    tmp_path: Path, store: Store, server: BatchServer
) -> None:
    chosen = settings(server)
    await ask(store, chosen)
    store.export(tmp_path / "all.zip", "1")
    server.end()
    with Store.open(tmp_path / "other") as other:
        other.remember("Something else.")
        other.restore(tmp_path / "all.zip")
        collector(other, chosen).collect(at_once=True)
        assert answers(other) == ["Twelve degrees [1]."]
        other.restore(tmp_path / "all.zip")  # it waits there still
        collector(other, chosen).collect(at_once=True)
        assert answers(other) == ["Twelve degrees [1]."]


class _KilledError(Exception):
    """The process ends here."""


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("at", ["submit", "confirm", "look", "answer", "clear"])
def test_killed_at_each_step_and_begun_anew_it_is_handed_in_and_answered_at_most_once(
    store: Store, server: BatchServer, shape: BatchName, at: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = settings(server, shape)
    chat = store.conversations.start("The cellar")
    question = store.conversations.append(chat.id, Role.USER, QUESTION, USER, parent_id=None)
    answer = store.conversations.append(
        chat.id, Role.ASSISTANT, "", Author(AuthorKind.MODEL), parent_id=question.id, status=MessageStatus.PENDING
    )
    request = ChatRequest((ChatMessage(Role.USER, QUESTION),), 100, message_id=answer.id)
    later = bootstrap.build_models(chosen, store).later
    assert later is not None

    def die(*_: object, **__: object) -> None:
        raise _KilledError

    place = type(store.late) if at in ("confirm", "answer") else BATCHES[BatchShape(shape)]
    with monkeypatch.context() as dying:
        dying.setattr(place, at, die)
        with suppress(_KilledError):
            assert later.hand_in(request, 0) == ""
        server.end("Warm.")
        with suppress(_KilledError):
            collector(store, chosen).collect(at_once=True)
    looking = collector(store, chosen)
    looking.collect(now() + AFTER_A_CRASH, at_once=True)
    looking.collect(now() + AFTER_A_CRASH, at_once=True)
    begun = at != "submit"
    assert len(server.begun) == begun
    assert answers(store) == (["Warm."] if begun else [])
    assert store.late.open() == []
    assert [news.state for news in store.late.claim_news()] == [LateState.ANSWERED if begun else LateState.FAILED]
    assert [entry.state for entry in store.ledger.latest(9)] == ["settled" if begun else "released"]


async def test_what_is_stopped_while_it_is_handed_in_is_taken_back(store: Store, server: BatchServer) -> None:
    chosen = settings(server)
    session = session_of(store, chosen)
    stop, goes_on, is_done = asyncio.Event(), threading.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def hold(name: str) -> None:
        if name == BEGIN["openai"]:
            loop.call_soon_threadsafe(stop.set)
            goes_on.wait(10)

    server.on_done = hold
    confirm = store.late.confirm
    store.late.confirm = lambda *given: (confirm(*given), is_done.set())  # type: ignore[assignment,method-assign,func-returns-value]
    events = [event async for event in session.turn(QUESTION, stop)]
    assert isinstance(events[-1], TurnFinished)
    assert [message.role for message in session.messages] == [Role.USER]
    goes_on.set()
    await asyncio.to_thread(is_done.wait, 10)
    looking = collector(store, chosen)
    looking.collect()
    assert [batch["state"] for batch in server.batches.values()] == ["cancelling"]
    server.end()
    looking.collect(at_once=True)
    assert (store.late.open(), answers(store), server.files) == ([], [], {})


async def test_what_can_be_taken_back_no_more_is_collected(store: Store, server: BatchServer) -> None:
    chosen = settings(server)
    await ask(store, chosen)
    [late] = store.late.all()
    server.refuse[f"POST /v1/batches/{late.batch}/cancel"] = 409
    with pytest.raises(ModelError, match="409"):
        collector(store, chosen).cancel(late)
    server.end("Warm.")
    collector(store, chosen).cancel(late)
    assert answers(store) == ["Warm."]


async def test_who_chats_answers_later_too_where_that_endpoint_has_a_batch_api(
    store: Store, server: BatchServer
) -> None:
    who_chats = ModelConfig("openai", "a-model", server.url, batch="openrouter")
    chosen = Settings(model=who_chats)
    _, last = await ask(store, chosen)
    assert isinstance(last, TurnHandedIn)
    server.end("Warm.")
    collector(store, chosen).collect(at_once=True)
    assert answers(store) == ["Warm."]
    assert bootstrap.build_models(Settings(model=replace(who_chats, batch="")), store).later is None


async def test_a_batch_is_looked_for_the_rarer_the_longer_it_takes(store: Store, server: BatchServer) -> None:
    chosen = settings(server)
    await ask(store, chosen)
    [late] = store.late.all()
    looking, looks = collector(store, chosen), []
    for seconds in range(0, 3 * 3600, 20):
        before = len(server.requests)
        looking.collect(late.intended_at + timedelta(seconds=seconds))
        looks += [seconds] * (len(server.requests) - before)
    assert looks[:3] == [20, 40, 60]
    pauses = [later - sooner for sooner, later in pairwise(looks)]
    assert pauses == sorted(pauses)
    assert (pauses[-1], len(looks) < 60) == (600, True)


async def test_what_nobody_will_ever_tell_of_is_given_up(store: Store, server: BatchServer) -> None:
    chosen = settings(server)
    server.drop, server.can_list = {BEGIN["openai"]}, False
    for text in (QUESTION, "And the attic?"):
        await ask(store, chosen, text)
    first, second = store.late.all()
    store.forget(Selection((store.conversations.message(first.message_id or "").conversation_id,)))
    looking = collector(store, chosen)
    for days in (2, 4):
        looking.collect(now() + timedelta(days=days), at_once=True)
        assert {late.id: late.state for late in store.late.all()} == {
            second.id: LateState.UNCERTAIN if days == 2 else LateState.FAILED
        }
        assert [news.id for news in store.late.claim_news()] == [second.id]
    assert [late.id for late in store.late.open()] == []
    assert {entry.state for entry in store.ledger.latest(9)} == {"settled"}  # they may have been paid for
