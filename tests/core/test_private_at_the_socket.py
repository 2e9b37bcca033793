"""What is private, however it became so, is in no byte that leaves for an endpoint elsewhere; one here gets it all."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from assistant.core.conversation.controller import Controller
from assistant.core.conversation.session import Session, TurnSettings
from assistant.core.events import Event, Recalled
from assistant.core.later import MeteredBatches
from assistant.core.learning.consolidation import consolidate
from assistant.core.learning.learner import learn
from assistant.core.metering import Meter
from assistant.core.private_rules import rule_of
from assistant.errors import ModelError
from assistant.ingestion.pipeline import ImportOptions, import_paths
from assistant.llm.batches import AnthropicBatches
from assistant.llm.openai_chat import OpenAIChat
from assistant.llm.roles import Models
from memory_store import NewMemory, Store, health
from memory_store.clock import now
from memory_store.embedding.openai_endpoint import OpenAIEmbedder
from memory_store.models import USER, Author, AuthorKind, Conversation, Effort, MemoryKind, Role, Summary
from tests.core.conversation.test_controller import RecordingSkin, run
from tests.memory_store.support import add_document
from tests.support.chat_server import ChatServer, RecordedRequest, Reply, Stream

HERE, ELSEWHERE = "127.0.0.1", "elsewhere.example"
PUBLIC = "zqpublic"
# What each secret is part of.
STORED = {
    "zqmarked": "a memory that was marked",
    "zqpinned": "a memory that was marked, and pinned",
    "zqgoal": "a goal that was marked",
    "zqpills": "a memory of a private topic",
    "zqfolder": "a document from a private folder",
    "zqletter": "a document that was marked",
    "zqsaid": "a message of a private chat",
    "zqdiagnosis": "a message of a private topic, in a chat that is not private",
}
IN_NO_PASSAGE = {"zqsummed": "the summary of a private chat"}
QUESTION = "Which codeword is it?"


@dataclass
class Place:
    """A store with something private of each sort, and an endpoint that writes down every byte."""

    store: Store
    server: ChatServer
    model: OpenAIChat
    secret_chat: Conversation
    open_chat: Conversation
    seen: int = field(default=0)

    def sent(self) -> bytes:
        """What has arrived since the last time, heads and bodies."""
        new, self.seen = self.server.requests[self.seen :], len(self.server.requests)
        assert new
        return b"\n".join(f"{one.path} {one.headers}".encode() + one.body for one in new)


def answer(_: RecordedRequest) -> Reply:
    return Stream(["Boiler codeword"])


@pytest.fixture(params=[HERE, ELSEWHERE])
def host(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name under which the server is known: either is this machine, but only one says so."""
    resolve = socket.getaddrinfo

    def to_this_machine(name: str | bytes | None, *rest: object, **more: object) -> object:
        return resolve(HERE if name in (ELSEWHERE, ELSEWHERE.encode()) else name, *rest, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", to_this_machine)
    return str(request.param)


@pytest.fixture
def place(tmp_path: Path, host: str) -> Iterator[Place]:
    with ChatServer(answer) as server:
        url = server.url.replace(HERE, host)
        embedder = OpenAIEmbedder(url, "m", None)
        with Store.open(tmp_path / "data", embedder) as store:
            store.privacy.follow(rule_of([str(tmp_path / "Clinic")], ["health"]))
            secret_chat, open_chat = filled(store, tmp_path)
            yield Place(store, server, OpenAIChat(url, "m", None), secret_chat, open_chat)
        embedder.close()


def filled(store: Store, folder: Path) -> tuple[Conversation, Conversation]:
    for name in ("Clinic", "Notes"):
        (folder / name).mkdir()
    (folder / "Clinic" / "x-ray.md").write_text("The codeword of the x-ray is zqfolder.", "utf-8")
    (folder / "Notes" / "shed.md").write_text(f"The codeword of the shed is {PUBLIC}.", "utf-8")
    outcomes = list(import_paths(store, [folder / "Clinic", folder / "Notes"], ImportOptions()))
    assert [one.passages for one in outcomes] == [1, 1]
    add_document(store, "/letter.md", "The codeword of the letter is zqletter.", private=True)
    store.remember(NewMemory("The codeword of the safe is zqmarked.", private=True))
    store.remember(NewMemory("The codeword of the door is zqpinned.", private=True, pinned=True))
    store.remember(NewMemory("Learn the codeword zqgoal.", MemoryKind.GOAL, private=True))
    store.remember("I'm allergic to penicillin, codeword zqpills.")
    store.remember(f"The codeword of the bike is {PUBLIC}.")
    secret_chat = told(store, "Of the clinic", "The codeword for the clinic is zqsaid.")
    store.conversations.mark(secret_chat.id, private=True)
    last = store.conversations.messages(secret_chat.id)[-1].id
    summary = Summary(secret_chat.id, last, "They spoke of zqsummed.", Author(AuthorKind.MODEL, "m"), True, now())
    store.learning.summaries.keep(summary)
    first = "I was diagnosed with diabetes, codeword zqdiagnosis."
    return secret_chat, told(store, first, first, *["The boiler hums, and its codeword is none."] * 11)


def told(store: Store, title: str, *texts: str) -> Conversation:
    talk = store.conversations.start(title)
    parent: str | None = None
    for text in texts:
        parent = store.conversations.append(talk.id, Role.USER, text, USER, parent_id=parent).id
    return store.conversations.get(talk.id)


async def events_of(session: Session, text: str) -> list[Event]:
    return [event async for event in session.turn(text)]


def left_out(events: list[Event]) -> int:
    (recalled,) = [event for event in events if isinstance(event, Recalled)]
    return recalled.withheld


SETTINGS = TurnSettings(passages=20, learn=False)


def assert_only_here(secrets: dict[str, str], sent: bytes, host: str) -> None:
    for word, what in secrets.items():
        assert (word.encode() in sent) == (host == HERE), what


async def test_passages_are_embedded_here_alone_and_doctor_says_so(place: Place, host: str) -> None:
    place.store.embed_pending()
    sent = place.sent()
    assert PUBLIC.encode() in sent
    assert_only_here(STORED, sent, host)
    assert place.store.waiting_for_vectors() == 0
    (vectors,) = [one for one in health.examine(place.store) if one.name == "vectors"]
    assert ("8 private passages have none" in vectors.finding) == (host == ELSEWHERE)


async def test_an_answer_is_asked_for_without_it_and_says_so(place: Place, host: str) -> None:
    session = Session(place.store, Models(place.model), SETTINGS)
    events = await events_of(session, QUESTION)
    sent = place.sent()
    assert PUBLIC.encode() in sent
    assert_only_here(STORED | IN_NO_PASSAGE, sent, host)
    assert left_out(events) == (0 if host == HERE else len(STORED))


async def test_a_question_to_be_answered_later_is_handed_in_without_it(place: Place, host: str) -> None:
    batches = AnthropicBatches(place.server.url.replace(HERE, host), "m", None, context_tokens=8192)
    later = MeteredBatches(batches.info, lambda: batches, Meter(place.store))
    session = Session(place.store, Models(later=later), SETTINGS)
    session.chosen_effort = Effort.LATER
    events = await events_of(session, QUESTION)
    sent = place.sent()
    assert PUBLIC.encode() in sent
    assert_only_here(STORED | IN_NO_PASSAGE, sent, host)
    assert left_out(events) == (0 if host == HERE else len(STORED))
    assert len([one for one in place.store.requests.all() if one.purpose == "chat"]) == (host == ELSEWHERE)
    later.close()


async def test_earlier_messages_and_what_is_attached_stay_here(place: Place, host: str) -> None:
    store = place.store
    session = await Session.open(store, Models(place.model), SETTINGS, place.open_chat.id)
    documents = {one.path: one for one in store.documents.all()}
    attached = [one.source for one in store.documents.passages(documents["/letter.md"].id)]
    events = [event async for event in session.turn("What hums?", attached=attached)]
    sent = place.sent()
    assert b"The boiler hums" in sent
    assert_only_here({one: STORED[one] for one in ("zqdiagnosis", "zqletter")}, sent, host)
    assert (left_out(events) > 0) == (host == ELSEWHERE)


async def test_a_private_chat_goes_nowhere_else(place: Place, host: str) -> None:
    session = await Session.open(place.store, Models(place.model), SETTINGS, place.secret_chat.id)
    if host == HERE:
        await events_of(session, "And zqmore?")
        assert b"zqmore" in place.sent()
        return
    with pytest.raises(ModelError, match="is private"):
        await events_of(session, "And zqmore?")
    assert place.server.requests == []


async def test_the_words_of_a_private_question_go_to_no_embedder_elsewhere(place: Place, host: str) -> None:
    place.store.embed_pending()
    place.sent()
    place.store.recall("the public codeword zqfirst")
    place.store.recall("in a private chat zqsecond", private=True)
    found = place.store.recall("I'm allergic to penicillin zqthird")
    assert "zqpills" in found[0].text
    sent = place.sent()
    assert b"zqfirst" in sent
    assert_only_here({"zqsecond": "a query of a private chat", "zqthird": "a query of a private topic"}, sent, host)


async def test_what_is_written_of_a_private_topic_goes_to_whom_it_is_written_and_nowhere_after(
    place: Place, host: str
) -> None:
    session = Session(place.store, Models(place.model), SETTINGS)
    await events_of(session, "I have a fever, codeword zqfever.")
    asked = place.server.chats
    assert b"zqfever" in asked[-1].body  # it was written to this very model
    question, reply = session.messages
    assert (question.private, reply.private) == (True, True)
    assert b"zqfever" not in b"".join(one.body for one in place.server.requests if one not in asked) or host == HERE
    place.sent()
    events = await events_of(session, QUESTION)
    assert_only_here({"zqfever": "an earlier question"}, place.sent(), host)
    assert left_out(events) == (0 if host == HERE else len(STORED) + 2)  # the question, its answer
    events = [event async for event in session.again(question.id)]  # it has been there
    assert b"zqfever" in place.sent()


async def test_a_private_question_that_was_never_there_is_not_asked_again_there(place: Place, host: str) -> None:
    session = await Session.open(place.store, Models(place.model), SETTINGS, place.open_chat.id)
    first = session.messages[0].id
    if host == HERE:
        assert [event async for event in session.again(first)]
        assert b"zqdiagnosis" in place.sent()
        return
    with pytest.raises(ModelError, match="question is private"):
        assert [event async for event in session.again(first)]
    assert place.server.requests == []


async def test_a_private_answer_is_not_gone_on_with_elsewhere(place: Place, host: str) -> None:
    store = place.store
    talk = told(store, "Cut", "Which codeword?")
    asked = store.conversations.messages(talk.id)[0].id
    model = Author(AuthorKind.MODEL, "local")
    cut = store.conversations.append(talk.id, Role.ASSISTANT, "It is zqcut", model, parent_id=asked, private=True)
    session = await Session.open(store, Models(place.model), SETTINGS, talk.id)
    if host == HERE:
        assert [event async for event in session.again(cut.id, go_on=True)]
        assert b"zqcut" in place.sent()
        return
    with pytest.raises(ModelError, match="private"):
        assert [event async for event in session.again(cut.id, go_on=True)]
    assert place.server.requests == []


async def test_a_title_is_asked_for_here_alone_and_told_here_alone(place: Place, host: str) -> None:
    session = Session(place.store, Models(place.model), SETTINGS)
    await events_of(session, "I have a fever, codeword zqfever.")
    place.seen = len(place.server.requests)
    assert await session.name_it() == (host == HERE)
    assert host == ELSEWHERE or b"zqfever" in place.sent()
    # The first words of a message are its chat's title until then: they stand beside no other message elsewhere.
    other = Session(place.store, Models(place.model), SETTINGS)
    place.seen = len(place.server.requests)
    await events_of(other, "What is said of the boiler, and of its codeword?")
    sent = place.sent()
    assert b"The boiler hums" in sent
    assert_only_here({"zqdiagnosis": "the title of a chat"}, sent, host)


async def test_capture_asks_a_model_here_alone_of_what_is_private(place: Place, host: str) -> None:
    store = place.store
    before = store.conversations.messages(place.open_chat.id)[0].id
    store.conversations.append(
        place.open_chat.id, Role.USER, f"My codeword is {PUBLIC}.", USER, parent_id=before, capture=True
    )
    store.conversations.append(
        place.open_chat.id, Role.USER, "I have asthma, zqasthma.", USER, parent_id=before, capture=True
    )
    async for _noted in learn(store, Models(place.model)):
        pass
    sent = place.sent()
    assert PUBLIC.encode() in sent
    secrets = {
        "zqasthma": "a message of a private topic",
        "zqdiagnosis": "what came before",
        "zqmarked": "what is known",
    }
    assert_only_here(secrets, sent, host)


async def test_summaries_are_made_here_alone(place: Place, host: str) -> None:
    store = place.store
    told_on = [f"Line {number} of the clinic." for number in range(12)]
    parent: str | None = store.conversations.messages(place.secret_chat.id)[-1].id
    for text in told_on:
        parent = store.conversations.append(
            place.secret_chat.id, Role.USER, text, USER, parent_id=parent, private=True
        ).id
    assert len([one async for one in consolidate(store, Models(place.model))]) == 2
    sent = place.sent()
    assert b"The boiler hums" in sent
    secrets = {"zqdiagnosis": "a private message", "Line 3 of the clinic": "a private chat", "zqsummed": "its summary"}
    assert_only_here(secrets, sent, host)
    await events_of(Session(store, Models(place.model), SETTINGS), QUESTION)
    assert_only_here({"zqdiagnosis": "a private message"}, place.sent(), host)


async def test_questions_and_cards_are_made_without_what_is_private(place: Place, host: str) -> None:
    controller = Controller(
        Session(place.store, Models(place.model), SETTINGS), ImportOptions(), RecordingSkin("", 0, 1)
    )
    await run(controller, "/study the codeword of the x-ray, the letter and the shed")
    sent = place.sent()
    assert PUBLIC.encode() in sent
    assert_only_here({word: STORED[word] for word in ("zqfolder", "zqletter")}, sent, host)
    if host == HERE:
        await run(controller, "/cards make letter")
        assert b"zqletter" in place.sent()
    else:
        with pytest.raises(ModelError, match="This is private"):
            await run(controller, "/cards make letter")
