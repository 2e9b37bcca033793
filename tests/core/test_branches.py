"""Branches: what is edited or answered again stands beside what was there, and the branch in view is kept."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from assistant.core.events import AnswerDelta, Captured, TurnStarted
from assistant.core.session import Session
from assistant.errors import ModelError
from assistant.llm.base import ChatRequest, ModelEvent
from memory_store import Store
from memory_store.models import MessageStatus, Role
from tests.core.test_session import Model, events_of, session_of


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
    assert session.beside(better) == (second.id, better)
    assert session.beside(first.id) == (first.id,)
    await session.view(second.id)
    assert [one.text for one in session.messages] == ["question one", "answer one", "question two", "answer two"]
    assert session.conversation is not None
    again = await Session.open(store, session.model, session.settings, session.conversation.id)
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
    assert session.beside(session.messages[1].id) == (answer.id, session.messages[1].id)


async def test_cut_answer_is_gone_on_with_where_it_ended(store: Store) -> None:
    model = Told(["One, two", ModelError("cut")], [", three."])
    session = session_of(store, model)
    await events_of(session, "Count to three.")
    cut = session.messages[1]
    assert cut.status is MessageStatus.PARTIAL
    pieces = [event.text async for event in session.again(cut.id, go_on=True) if isinstance(event, AnswerDelta)]
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
