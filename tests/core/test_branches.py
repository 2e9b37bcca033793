"""Branches: what is edited or answered again stands beside what was there, and the branch in view is kept."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path

from assistant.core.conversation.session import Session, TurnSettings
from assistant.core.events import (
    Captured,
    TurnStarted,
)
from assistant.errors import ModelError
from assistant.llm.base import (
    ChatRequest,
    ModelEvent,
    TextDelta,
)
from assistant.llm.roles import Models
from memory_store import Selection, Store
from memory_store.models import MessageStatus, Role
from tests.core.test_session import Model, events_of, session_of
from tests.memory_store.support import bytes_of


class Told(Model):
    """Gives one answer after the other."""

    def __init__(self, *answers: list[str | Exception]) -> None:
        super().__init__([])
        self._answers = iter(answers)

    async def stream(self, request: ChatRequest) -> AsyncGenerator[ModelEvent, None]:
        self.pieces = [*next(self._answers)]
        async for event in super().stream(request):
            yield event


async def test_edited_message_begins_a_branch_beside_the_earlier_one(store: Store) -> None:
    session = session_of(store, Told(["answer one"], ["answer two"], ["answer three"]))
    await events_of(session, "question one")
    await events_of(session, "question two")
    first, _, second, _ = session.messages
    async for _ in session.turn("question two, asked better", instead_of=second.id):
        pass
    assert [one.text for one in session.messages] == [
        "question one",
        "answer one",
        "question two, asked better",
        "answer three",
    ]
    better = session.messages[2].id
    assert session.beside()[better] == (second.id, better)
    assert session.beside()[first.id] == (first.id,)
    await session.view(second.id)
    assert [one.text for one in session.messages] == ["question one", "answer one", "question two", "answer two"]
    assert session.conversation is not None
    again = await Session.open(store, session.models, session.settings, session.conversation.id)
    assert again.messages == session.messages, "the choice of branch is kept"


async def test_model_sees_only_the_branch_that_is_gone_on_with(store: Store) -> None:
    model = Told(["answer one"], ["answer two"], ["answer three"])
    session = session_of(store, model)
    await events_of(session, "question one")
    await events_of(session, "question two")
    async for _ in session.turn("another question", instead_of=session.messages[2].id):
        pass
    sent = [message.content for message in model.requests[-1].messages[1:]]
    assert sent[:2] == ["question one", "answer one"]
    assert not any("two" in text for text in sent[:2])
    assert "another question" in sent[-1]


async def test_answer_again_is_a_branch_and_leaves_the_first_one(store: Store) -> None:
    session = session_of(store, Told(["answer one"], ["answer two"]))
    await events_of(session, "question")
    question, answer = session.messages
    events = [event async for event in session.again(answer.id)]
    assert isinstance(events[0], TurnStarted)
    assert events[0].message.id == question.id
    assert not any(isinstance(event, Captured) for event in events)
    assert [one.text for one in session.messages] == ["question", "answer two"]
    assert session.beside()[session.messages[1].id] == (answer.id, session.messages[1].id)


async def test_cut_answer_is_gone_on_with_where_it_ended(store: Store) -> None:
    model = Told(["One, two", ModelError("cut")], [", three."])
    session = session_of(store, model)
    await events_of(session, "Count to three.")
    cut = session.messages[1]
    assert cut.status is MessageStatus.PARTIAL
    pieces = [event.text async for event in session.again(cut.id, go_on=True) if isinstance(event, TextDelta)]
    assert pieces == ["One, two", ", three."]
    assert session.messages[1].text == "One, two, three."
    assert session.messages[1].status is MessageStatus.COMPLETE
    assert [message.role for message in model.requests[-1].messages[-2:]] == [Role.ASSISTANT, Role.USER]
    assert model.requests[-1].messages[-2].content == "One, two"


async def test_question_without_an_answer_is_answered_again(store: Store) -> None:
    session = session_of(store, Told([ModelError("no network")], ["Here."]))
    await events_of(session, "Where?")
    (question,) = session.messages
    assert session.conversation is not None
    assert store.conversations.get(session.conversation.id).current_message_id == question.id
    async for _ in session.again(question.id):
        pass
    assert [one.text for one in session.messages] == ["Where?", "Here."]


async def test_temporary_chat_leaves_nothing_but_recalls_and_branches(store: Store, tmp_path: Path) -> None:
    store.remember("The spare key is with Ines.")
    model = Told(["With Ines [1]."], ["With Ines, I said."], ["I will."])
    session = Session(store, Models(model), TurnSettings(passages=4, max_answer_tokens=256), temporary=True)
    await events_of(session, "Who has the spare key?")
    assert "The spare key is with Ines." in model.requests[0].messages[-1].content
    async for _ in session.again(session.messages[1].id):
        pass
    assert [one.text for one in session.messages] == ["Who has the spare key?", "With Ines, I said."]
    assert len(session.beside()[session.messages[1].id]) == 2
    await events_of(session, "Remember that the boat is zq-Camaret.")
    assert [one.text for one in store.memories.all()] == ["The spare key is with Ines."]
    assert store.conversations.all() == []
    assert not any("Camaret" in hit.text for hit in store.recall("boat Camaret"))
    assert b"zq-Camaret" not in bytes_of(tmp_path)


async def test_what_a_temporary_chat_sends_elsewhere_is_logged_without_itself(store: Store) -> None:
    memory = store.remember("The spare key is with Ines.")
    model = Told(["With Ines [1]."])
    model.is_private, model.endpoint = False, "https://models.example/v1"
    session = Session(store, Models(model), TurnSettings(passages=4, max_answer_tokens=256), temporary=True)
    await events_of(session, "Who has the spare key?")
    assert [one.items for one in store.requests.all()] == [1]
    assert store.plan_forget(Selection((memory.id,))).sent[0].items == 1
