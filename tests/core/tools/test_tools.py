"""Tools in a turn: a model looks again, reads on, reckons with dates and keeps a note; never more than it may."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from assistant.core.conversation.session import Session
from assistant.core.events import Event, LookedFurther, Recalled, TurnFailed, TurnFinished
from assistant.core.metering import estimate_input
from assistant.core.tools.builtin import BUILT_IN
from assistant.core.tools.tool import NOBODY_TO_ASK, Effect, Tool, ToolRequest
from assistant.core.turn_settings import TurnSettings
from assistant.ingestion.chunking import passages_of_message
from assistant.llm.base import Finished, TextDelta, ToolCall, ToolCalled, ToolEnded, ToolStarted
from assistant.llm.roles import Models
from assistant.llm.scripted import ScriptedChat
from memory_store import NewMemory, Selection, Store
from memory_store.clock import now
from memory_store.models import USER, AuthorKind, Effort, Message, MessageStatus, Role, ToolOutcome, ToolUse
from tests.memory_store.support import add_document, indexed
from tests.support.embedder import HashEmbedder

SETTINGS = TurnSettings(passages=2, learn=False, titles=False)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path, HashEmbedder()) as opened:
        opened.remember("The spare key is with Ines.")
        add_document(opened, "/contract.md", "The contract of the gym ends in May.", "It can be given notice by mail.")
        indexed(opened)
        yield opened


def call(name: str, /, identifier: str = "call_1", **arguments: object) -> ToolCalled:
    return ToolCalled(ToolCall(identifier, name, json.dumps(arguments)))


def model(*scripts: list[Any], **more: Any) -> ScriptedChat:
    return ScriptedChat(*scripts, calls_tools=True, **more)


async def asked(session: Session, text: str = "Who has the spare key?") -> list[Event]:
    return [event async for event in session.turn(text)]


def ended(events: list[Event]) -> list[tuple[str, str, bool]]:
    uses = [event for event in events if isinstance(event, ToolEnded)]
    return [(use.call.name, use.text, use.outcome is not ToolOutcome.DONE) for use in uses]


async def test_model_looks_again_and_cites_what_it_found(store: Store) -> None:
    chat = model([call("search_memory", query="gym contract")], ["It ends in May [4]."])
    session = Session(store, Models(chat), SETTINGS)
    events = await asked(session, "zzz?")
    [(name, text, failed)] = ended(events)
    assert (name, failed) == ("search_memory", False)
    assert text.startswith("[4] ")
    assert "The contract of the gym ends in May." in text
    finished = events[-1]
    assert isinstance(finished, TurnFinished)
    [cited] = [source for source in finished.sources if source.cited]
    assert (cited.number, cited.hit.source.path) == (4, "/contract.md")
    [citation] = [one for one in store.conversations.citations(finished.message.id) if one.cited]
    assert citation.passage_id == cited.hit.id
    order = [type(event) for event in events if isinstance(event, ToolStarted | ToolEnded | TextDelta)]
    assert order == [ToolStarted, ToolEnded, TextDelta]


async def test_what_a_tool_gave_goes_back_with_what_was_asked_of_it(store: Store) -> None:
    chat = model([TextDelta("Let me look."), call("search_memory", query="spare key")], ["Ines has it."])
    events = await asked(Session(store, Models(chat), SETTINGS))
    first, second = chat.requests
    assert {tool.name for tool in first.tools} == {tool.name for tool in BUILT_IN} | {"read_recipe"}
    told, result = second.messages[-2:]
    assert (told.role, told.content, told.calls[0].name) == (Role.ASSISTANT, "Let me look.", "search_memory")
    assert (result.call_id, "> The spare key is with Ines." in result.content) == ("call_1", True)
    assert "".join(event.text for event in events if isinstance(event, TextDelta)) == "Let me look.\n\nInes has it."


async def test_source_is_read_whole(store: Store) -> None:
    chat = model([call("search_memory", query="gym contract")], [call("read_source", number=4)], ["By mail [4]."])
    events = await asked(Session(store, Models(chat), SETTINGS), "zzz?")
    assert "> It can be given notice by mail." in ended(events)[1][1]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"start": "2026-01-31", "months": 1}, "Saturday, 2026-02-28;"),
        ({"start": "2028-02-29", "years": 1}, "Wednesday, 2029-02-28;"),
        ({"start": "2026-03-01", "end": "2026-03-31"}, "2026-03-31 is 30 days after it"),
        ({"start": "2026-03-01", "weeks": -1, "end": "2026-02-20"}, "Friday, 2026-02-20 is 2 days before it"),
    ],
)
async def test_dates_are_reckoned(store: Store, arguments: dict[str, Any], told: str) -> None:
    chat = model([call("compute_date", **arguments)], ["So."])
    [(_, text, failed)] = ended(await asked(Session(store, Models(chat), SETTINGS)))
    assert (told in text, failed) == (True, False)


@pytest.mark.parametrize(
    ("called", "told"),
    [
        (call("launch_rockets", target="moon"), "There is no tool launch_rockets."),
        (call("read_source", number=99), "There is no source 99."),
        (call("read_source", number="many"), "The arguments do not fit: number:"),
        (call("compute_date", start="9999-12-31", days=1), "calendar"),
        (ToolCalled(ToolCall("c", "search_memory", "{broken")), "The arguments do not fit"),
        (ToolCalled(ToolCall("c", "search_memory", "")), "The arguments do not fit: query:"),
    ],
)
async def test_what_can_not_be_done_is_told_to_the_model_and_the_turn_goes_on(
    store: Store, called: ToolCalled, told: str
) -> None:
    chat = model([called], ["I could not."])
    events = await asked(Session(store, Models(chat), SETTINGS))
    [(_, text, failed)] = ended(events)
    assert (told in text, failed) == (True, True)
    assert isinstance(events[-1], TurnFinished)


async def test_nothing_is_kept_without_a_yes(store: Store) -> None:
    wanted: list[tuple[str, str]] = []
    answers = [False, True]

    async def approve(request: ToolRequest) -> bool:
        wanted.append((request.tool.name, request.words))
        return answers.pop(0)

    note = "Ines moved to Faro."
    chat = model([call("remember", text=note)], ["No."], [call("remember", text=note)], ["Yes."])
    session = Session(store, Models(chat), SETTINGS)
    assert ended(await asked(session)) != []  # there is nobody to ask
    assert note not in [memory.text for memory in store.memories.all()]
    session.approve = approve
    chat.add([call("remember", text=note)], ["Yes."])
    await asked(session)
    assert note not in [memory.text for memory in store.memories.all()]
    events = await asked(session)
    assert [text for _, text, _ in ended(events)] == ["It is kept."]
    [kept] = [memory for memory in store.memories.all() if memory.text == note]
    assert (kept.author.kind, kept.author.name) == (AuthorKind.MODEL, "scripted")
    assert wanted == [("remember", note)] * 2


async def test_model_elsewhere_gets_nothing_private_by_a_tool_and_what_it_got_is_in_the_log(store: Store) -> None:
    store.remember(NewMemory("The spare key opens the safe, codeword zqsafe.", private=True))
    add_document(store, "/secret.md", "The gym membership codeword is zqgym.", private=True)
    indexed(store)
    chat = model(
        [
            call("search_memory", query="codeword of the safe key"),
            call("search_memory", "call_2", query="gym codeword"),
        ],
        [call("read_source", number=4), call("read_source", "call_2", number=5)],
        ["I don't know."],
        is_private=False,
    )
    await asked(Session(store, Models(chat), SETTINGS), "Which codeword?")
    sent = "".join(message.content for request in chat.requests for message in request.messages)
    assert "zq" not in sent
    [hit] = [one for one in store.recall("gym contract", 3) if "ends in May" in one.text]
    assert store.requests.went_to("scripted", hit.id)


async def test_answer_that_saw_something_private_by_a_tool_is_private(store: Store) -> None:
    store.remember(NewMemory("The safe opens with zqsafe.", private=True))
    indexed(store)
    chat = model([call("search_memory", query="safe opens")], ["With zqsafe [3]."])
    session = Session(store, Models(chat), TurnSettings(passages=1, learn=False, titles=False))
    events = await asked(session, "gym contract?")
    finished = events[-1]
    assert isinstance(finished, TurnFinished)
    assert store.conversations.message(finished.message.id).private


async def test_note_of_a_model_that_saw_something_private_is_private_and_what_it_looks_for_goes_to_no_embedder(
    tmp_path: Path,
) -> None:
    async def approve(request: ToolRequest) -> bool:
        return True

    embedder = HashEmbedder(is_private=False)
    with Store.open(tmp_path, embedder) as store:
        add_document(store, "/safe.md", "The safe opens with zqsafe.", private=True)
        add_document(store, "/contract.md", "The contract of the gym ends in May.")
        indexed(store)
        looks = call("search_memory", query="safe opens")
        also = [call("search_memory", "b", query="zqsafe"), call("remember", "c", text="Safe: zqsafe.")]
        settings = TurnSettings(passages=1, learn=False, titles=False)
        session = Session(store, Models(model([looks], also, ["Kept."])), settings)
        session.approve = approve
        await asked(session, "When does the contract of the gym end?")
        [kept] = [memory for memory in store.memories.all() if memory.text == "Safe: zqsafe."]
        assert kept.private
        assert "safe opens" in embedder.queries
        assert not [text for text in embedder.queries if "zqsafe" in text]


async def test_model_elsewhere_gets_no_title_that_is_taken_from_something_private(store: Store) -> None:
    chat = store.conversations.start("Codeword zqtitle")
    first = store.conversations.append(
        chat.id,
        Role.USER,
        "Codeword zqtitle",
        USER,
        parent_id=None,
        status=MessageStatus.COMPLETE,
        private=True,
        drafts=passages_of_message("Codeword zqtitle"),
        capture=False,
        citations=(),
    )
    text = "The boat lies in the harbour of Faro."
    store.conversations.append(
        chat.id,
        Role.USER,
        text,
        USER,
        parent_id=first.id,
        status=MessageStatus.COMPLETE,
        private=False,
        drafts=passages_of_message(text),
        capture=False,
        citations=(),
    )
    indexed(store)
    away = model([call("search_memory", query="boat harbour Faro")], ["So."], is_private=False)
    [(_, told, _)] = ended(await asked(Session(store, Models(away), SETTINGS), "zzz?"))
    assert "harbour of Faro" in told
    assert "zqtitle" not in told


@pytest.mark.parametrize("bounds", [{"until": "9999-12-31"}, {"since": "0001-01-01"}])
async def test_ends_of_the_calendar_bound_nothing(store: Store, bounds: dict[str, str]) -> None:
    chat = model([call("search_memory", query="spare key", **bounds)], ["Ines."])
    [(_, told, failed)] = ended(await asked(Session(store, Models(chat), SETTINGS)))
    assert ("with Ines" in told, failed) == (True, False)


async def test_answer_is_private_from_when_it_saw_something_private_so_that_a_crash_keeps_it_so(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("assistant.core.conversation.session._SAVE_EVERY_SECONDS", 0.0)
    add_document(store, "/safe.md", "The safe opens with zqsafe.", private=True)
    indexed(store)
    chat = model(["I look.", call("search_memory", query="safe opens")], ["With ", "zqsafe ", "[3]."])
    session = Session(store, Models(chat), TurnSettings(passages=1, learn=False, titles=False))
    begun: list[bool] = []
    async for event in session.turn("When does the contract of the gym end?"):
        if isinstance(event, TextDelta):
            [talk] = store.conversations.all()
            [_, pending] = store.conversations.messages(talk.id)
            begun.append(pending.private)
    assert (begun[0], begun[-1]) == (False, True)


async def test_rounds_are_bounded_and_the_last_has_no_tools(store: Store) -> None:
    chat = model(otherwise=[call("search_memory", query="spare key")])
    events = await asked(Session(store, Models(chat), SETTINGS))
    assert len(chat.requests) == 6
    assert [bool(request.tools) for request in chat.requests] == [True] * 5 + [False]
    assert isinstance(events[-1], TurnFailed | TurnFinished)


async def test_what_tools_give_back_stays_within_the_window(store: Store) -> None:
    long = [f"Chapter {number} of the long book tells of rain, wind and a very old boat." for number in range(400)]
    add_document(store, "/book.md", *long)
    indexed(store)
    again = [call("search_memory", query="book boat"), call("read_source", "call_2", number=4)]
    chat = model([call("search_memory", query="old boat")], again, again, again, ["A boat."], context_tokens=4096)
    session = Session(store, Models(chat), TurnSettings(passages=2, max_answer_tokens=512, learn=False, titles=False))
    events = await asked(session, "Tell me of the boat.")
    assert isinstance(events[-1], TurnFinished)
    for request in chat.requests:
        assert estimate_input(request) + 512 <= 4096
    assert "there is no more room" in ended(events)[-1][1]


async def test_tokens_of_all_requests_are_counted(store: Store) -> None:
    chat = model(
        [call("search_memory", query="key"), Finished("tool_calls", "scripted", 100, 10)],
        ["Ines.", Finished("stop", "scripted", 150, 5)],
    )
    finished = (await asked(Session(store, Models(chat), SETTINGS)))[-1]
    assert isinstance(finished, TurnFinished)
    assert (finished.message.input_tokens, finished.message.output_tokens) == (250, 15)


async def test_stopping_between_two_requests_keeps_what_has_come(store: Store) -> None:
    waiting = asyncio.Event()
    chat = model(["Let me look.", call("search_memory", query="key")], [waiting, "Never said."])
    session = Session(store, Models(chat), SETTINGS)
    stop = asyncio.Event()
    events: list[Event] = []
    async for event in session.turn("Who has the spare key?", stop):
        events.append(event)
        if isinstance(event, ToolEnded):
            stop.set()
    finished = events[-1]
    assert isinstance(finished, TurnFinished)
    assert (finished.message.text.strip(), finished.message.status) == ("Let me look.", MessageStatus.PARTIAL)


@pytest.mark.parametrize("moment", [LookedFurther, TextDelta, ToolStarted])
async def test_once_it_is_stopped_nothing_is_asked_done_or_reserved_any_more(store: Store, moment: type[Event]) -> None:
    wanted: list[str] = []

    async def approve(request: ToolRequest) -> bool:
        wanted.append(request.words)
        return True

    looks = '{"questions": ["the shed"]}'
    chat = model([looks], [looks], ["I will.", call("remember", text="Ines moved.")], ["Never said."], is_private=False)
    session = Session(store, Models(chat), SETTINGS)
    session.approve = approve
    await session.use_effort(Effort.THOROUGH)
    stop = asyncio.Event()
    async for event in session.turn("Who has the spare key, and where is the shed?", stop):
        if isinstance(event, moment):
            stop.set()
            asked_before = len(chat.requests)
    assert wanted == []
    assert len(chat.requests) == asked_before
    assert not any(item.text == "Ines moved." for item in store.memories.all())


async def test_what_was_asked_of_tools_is_kept_with_the_answer_and_goes_with_it(store: Store) -> None:
    chat = model([call("search_memory", query="zqwanted key"), call("read_source", "call_2", number=99)], ["Ines."])
    finished = (await asked(Session(store, Models(chat), SETTINGS)))[-1]
    assert isinstance(finished, TurnFinished)
    uses = store.conversations.tool_uses(finished.message.id)
    assert [(use.tool, json.loads(use.arguments), use.outcome) for use in uses] == [
        ("search_memory", {"query": "zqwanted key"}, ToolOutcome.DONE),
        ("read_source", {"number": 99}, ToolOutcome.FAILED),
    ]
    store.forget(Selection((finished.message.id,)))
    assert store.conversations.tool_uses(finished.message.id) == []
    assert store.verify() == []


async def test_use_of_a_tool_is_entered_before_it_is_begun(store: Store) -> None:
    chat = model([call("remember", text="Ines moved to Faro.")], ["Kept."])
    session = Session(store, Models(chat), SETTINGS)
    entered: list[list[ToolUse]] = []

    async def approve(request: ToolRequest) -> bool:
        [answer] = [message for message in store.conversations.messages(talk()) if message.role is Role.ASSISTANT]
        entered.append(store.conversations.tool_uses(answer.id))
        return True

    def talk() -> str:
        return store.conversations.all()[0].id

    session.approve = approve
    await asked(session)
    assert entered == [[ToolUse("remember", '{"text": "Ines moved to Faro."}', ToolOutcome.BEGUN)]]


async def cut(session: Session, at: str, text: str = "Who has the spare key?") -> Message:
    """Take a turn up to a use of a tool, of which nobody learns how it ended, and return what is left after a crash."""
    stop = asyncio.Event()
    async for event in session.turn(text, stop):
        if isinstance(event, ToolStarted) and event.call.name == at:
            stop.set()
    assert session.conversation is not None
    return session.store.conversations.messages(session.conversation.id)[-1]


async def test_answer_that_was_cut_goes_on_with_what_tools_had_found(store: Store) -> None:
    chat = model(
        ["Let me look.", call("search_memory", query="spare key")],
        [call("remember", text="Ines has the key.")],
        ["Ines has it [3]."],
    )
    left = await cut(Session(store, Models(chat), SETTINGS), "remember")
    assert (left.status, left.text.strip()) == (MessageStatus.PARTIAL, "Let me look.")
    session = await Session.open(store, Models(chat), SETTINGS, left.conversation_id)
    events = [event async for event in session.again(left.id, go_on=True)]
    *_, told, found, doubt = chat.requests[-1].messages
    assert [item.name for item in told.calls] == ["search_memory", "remember"]
    assert "with Ines" in found.content
    assert "nobody knows whether this was done" in doubt.content
    assert isinstance(events[-1], TurnFinished)
    assert events[-1].message.text.endswith("Ines has it [3].")
    assert not [memory for memory in store.memories.all() if memory.text == "Ines has the key."]


async def test_answer_of_which_no_word_was_written_goes_on_too_if_it_used_tools(store: Store) -> None:
    chat = model([call("search_memory", query="spare key"), call("read_source", "b", number=1)], ["Ines."])
    left = await cut(Session(store, Models(chat), SETTINGS), "read_source")
    assert (left.status, left.text) == (MessageStatus.PARTIAL, "")
    session = await Session.open(store, Models(chat), SETTINGS, left.conversation_id)
    assert session.cut == left
    events = [event async for event in session.again(left.id, go_on=True)]
    assert [name for name, _, _ in ended(events)] == ["search_memory", "read_source"]
    assert isinstance(events[-1], TurnFinished)
    assert events[-1].message.text == "Ines."


@pytest.mark.parametrize("known", [True, False])
async def test_nothing_is_done_twice_without_a_yes_of_its_own(store: Store, known: bool) -> None:
    wanted: list[ToolRequest] = []

    async def approve(request: ToolRequest) -> bool:
        wanted.append(request)
        return True

    keeps = call("remember", text="Ines moved to Faro.")
    chat = model([keeps, call("read_source", "b", number=1)], [keeps], ["Kept."])
    session = Session(store, Models(chat), SETTINGS)
    session.approve = approve
    store.approvals.allow(next(tool for tool in BUILT_IN if tool.name == "remember").fingerprint, "remember", "")
    left = await cut(session, "read_source" if known else "remember")
    [before] = [event async for event in session.again(left.id, go_on=True) if isinstance(event, TurnFinished)]
    told = chat.requests[-2].messages
    assert any("This was done before" in message.content for message in told) == known
    assert [request.repeats for request in wanted] == ([] if known else [True])
    assert before.message.status is MessageStatus.COMPLETE


async def test_what_is_allowed_for_always_is_not_asked_about_until_it_is_another_tool_or_revoked(store: Store) -> None:
    keeps = [call("remember", text="Ines moved to Faro.")]
    tool = next(tool for tool in BUILT_IN if tool.name == "remember")
    for allowed in (False, True, False):
        if allowed:
            store.approvals.allow(tool.fingerprint, tool.name, tool.origin)
        chat = model(keeps, ["So."])
        [(_, text, _)] = ended(await asked(Session(store, Models(chat), SETTINGS)))
        assert text == ("It is kept." if allowed else NOBODY_TO_ASK)
        store.approvals.revoke(tool.name)
    store.approvals.allow(tool.fingerprint, tool.name, tool.origin)
    store.approvals.allow("another", tool.name, tool.origin)
    assert not store.approvals.holds(tool.fingerprint)
    store.forget(Selection(everything=True))
    assert store.approvals.all() == []


async def test_of_a_temporary_chat_no_use_of_a_tool_is_kept(store: Store) -> None:
    chat = model([call("search_memory", query="zqwanted key")], ["Ines."])
    await asked(Session(store, Models(chat), SETTINGS, temporary=True))
    with store._database.read() as connection:
        assert connection.execute("SELECT count(*) FROM tool_calls").fetchone()[0] == 0


@pytest.mark.parametrize("case", ["cannot", "instant", "no recall", "no room"])
async def test_no_tools_are_offered_where_the_model_or_the_user_does_not_want_them(store: Store, case: str) -> None:
    room = 2048 if case == "no room" else 8192
    chat = ScriptedChat(["Ines."], calls_tools=case != "cannot", context_tokens=room)
    session = Session(store, Models(chat), TurnSettings(recall=case != "no recall", learn=False, titles=False))
    if case == "instant":
        await session.use_effort(Effort.INSTANT)
    events = await asked(session)
    assert chat.requests[0].tools == ()
    assert any(isinstance(event, Recalled) for event in events)


def test_another_description_is_another_tool() -> None:
    tool = BUILT_IN[0]
    changed = Tool(tool.name, tool.description + " Obey.", tool.form, tool.effect, tool.run)
    assert tool.fingerprint != changed.fingerprint
    assert tool.fingerprint != Tool(tool.name, tool.description, tool.form, Effect.WRITE, tool.run).fingerprint


async def test_a_model_looks_into_memory_in_a_temporary_chat_as_well(store: Store) -> None:
    chat = model([call("search_memory", query="gym contract")], ["It ends in May [4]."])
    [(_, text, _failed)] = ended(await asked(Session(store, Models(chat), SETTINGS, temporary=True), "zzz?"))
    assert "The contract of the gym ends in May." in text


async def test_what_was_written_in_a_time_is_listed_the_latest_first_whatever_it_is_about(store: Store) -> None:
    old = store.remember("Ines moved to Faro.")
    store.memories.supersede(old.id, NewMemory("Ines moved to Porto."))
    store.remember(NewMemory("Ines is ill.", private=True))
    today = now().astimezone().date().isoformat()
    chat = model(
        [call("list_written", since="2026-03-01", until=today), call("list_written", "call_2", since="2100-01-01")],
        [call("list_written", "call_3", since=today, kind="memory")],
        ["So."],
        is_private=False,
    )
    session = Session(store, Models(chat), SETTINGS)
    listed, none, memories = [text for _, text, _ in ended(await asked(session, "I sold the car. What else is new?"))]
    assert "Ines moved to Porto." in listed
    assert "document | contract | The contract of the gym ends in May." in listed
    assert "It can be given notice by mail." not in listed  # of a document the beginning
    assert [text for text in ("Faro", "is ill", "sold the car") if text in listed] == []
    assert none == "Nothing was written then."
    assert "contract" not in memories
    assert "spare key" in memories
