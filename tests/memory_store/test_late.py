"""A late request ends once, whoever ends it, and leaves with what it was made for."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from memory_store import LateRequest, LateState, Limit, NewEntry, Selection, Store, Unit, Usage, Window
from memory_store.clock import now
from memory_store.errors import NotFoundError, OverBudgetError
from memory_store.models import USER, Author, AuthorKind, Citation, Message, MessageStatus, PassageDraft, Purpose, Role

MODEL = Author(AuthorKind.MODEL, "a-model")
MOST = Usage(700, 300, cost=2000)
TOOK = Usage(120, 30, 20, True, 90)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path) as opened:
        yield opened


def waiting(store: Store) -> tuple[Message, Message]:
    """Return a question and the answer that it waits for, whose sources 1 and 2 were recalled, and 9 is known."""
    chat = store.conversations.start("The cellar")
    memories = [store.remember(f"Note {number} of the cellar.") for number in range(3)]
    shown = [store.recall(memory.text, 1)[0].id for memory in memories]
    question = store.conversations.append(chat.id, Role.USER, "How warm is it?", USER, parent_id=None)
    answer = store.conversations.append(
        chat.id,
        Role.ASSISTANT,
        "",
        MODEL,
        parent_id=question.id,
        status=MessageStatus.PENDING,
        citations=[Citation(number, passage, False) for number, passage in zip((1, 2, 9), shown, strict=True)],
    )
    return question, answer


def intended(store: Store, answer: Message, *limits: Limit) -> LateRequest:
    entry = NewEntry("later", Purpose.ANSWER, "a-model", "https://batches.example/v1", MOST, answer.id)
    return store.late.intend(entry, limits, "openai", 2)


def answered(store: Store, late: LateRequest, text: str = "Warm [2].") -> Message | None:
    return store.late.answer(late.id, text, MODEL, MessageStatus.COMPLETE, TOOK, {2}, [PassageDraft(text)])


def test_an_answer_is_stored_once_with_what_was_recalled_and_what_it_cites(store: Store) -> None:
    _, answer = waiting(store)
    late = intended(store, answer)
    store.late.confirm(late.id, "batch_1")
    stored = answered(store, late)
    assert stored is not None
    assert (stored.id, stored.text, stored.input_tokens) == (answer.id, "Warm [2].", 120)
    assert answered(store, late, "Another.") is None
    assert store.conversations.message(answer.id).text == "Warm [2]."
    assert [(one.number, one.cited) for one in store.conversations.citations(answer.id)] == [(1, False), (2, True)]
    [entry] = store.ledger.latest(9)
    assert (entry.state, entry.input_tokens, entry.cost) == ("settled", 120, 90)
    store.late.end(late.id, LateState.FAILED)  # too late
    assert [news.state for news in store.late.claim_news()] == [LateState.ANSWERED]
    assert store.late.claim_news() == []


def test_what_is_reserved_waits_with_it_and_is_given_back_where_no_answer_comes(store: Store) -> None:
    _, answer = waiting(store)
    with pytest.raises(OverBudgetError):
        intended(store, answer, Limit(Window.DAY, Unit.USD, 1999))
    assert store.late.open() == []
    late = intended(store, answer, Limit(Window.DAY, Unit.USD, 2000))
    store.ledger.reserve(NewEntry("chat", Purpose.ANSWER, "m", None, Usage(1, 1)), (), now() + timedelta(hours=30))
    assert {entry.state for entry in store.ledger.latest(2)} == {"reserved"}
    store.late.end(late.id, LateState.EXPIRED)
    assert sorted(entry.state for entry in store.ledger.latest(2)) == ["released", "reserved"]
    assert store.conversations.recover(older_than=timedelta(0)) == 0  # it says why there is none
    assert [kept.state for kept in store.late.all()] == [LateState.EXPIRED]


def test_nothing_is_handed_in_for_what_is_erased(store: Store) -> None:
    _, answer = waiting(store)
    store.forget(Selection((answer.id,)))
    with pytest.raises(NotFoundError):
        intended(store, answer)
    assert store.ledger.latest(9) == []


def test_an_erased_question_takes_the_answer_with_it_and_leaves_only_what_takes_the_batch_back(store: Store) -> None:
    question, answer = waiting(store)
    late = intended(store, answer)
    store.late.confirm(late.id, "batch_1")
    store.late.note_look(late.id, now(), "The cellar is flooded.")
    store.forget(Selection((question.id,)))
    [left] = store.late.open()
    assert (left.id, left.batch, left.message_id, left.trouble, left.looked_at) == (
        late.id,
        "batch_1",
        None,
        None,
        None,
    )
    assert store.late.all() == store.late.claim_news() == []
    store.late.note_look(left.id, now(), "The cellar is flooded.")  # what a service says is kept of nothing erased
    assert store.late.open()[0].trouble is None
    assert answered(store, late) is None
    assert store.late.open() == []
    assert store.verify() == []


def test_what_came_of_it_goes_with_an_erased_question(store: Store) -> None:
    question, answer = waiting(store)
    late = intended(store, answer)
    store.late.end(late.id, LateState.FAILED, "The cellar is flooded.")
    erased = store.forget(Selection((question.id,)))
    assert erased.completed_at is not None
    with store._database.read() as connection:
        assert connection.execute("SELECT count(*) FROM late_requests").fetchone()[0] == 0


def test_where_no_trace_is_to_be_left_nothing_takes_a_batch_back(store: Store) -> None:
    _, answer = waiting(store)
    store.late.confirm(intended(store, answer).id, "batch_1")
    store.forget(Selection(everything=True), no_trace=True)
    assert store.late.open() == []


def test_one_window_after_the_other_looks(tmp_path: Path, store: Store) -> None:
    with Store.open(tmp_path) as other:
        turn = store.late.take_turn()
        assert turn is not None
        with turn:
            assert other.late.take_turn() is None
        again = other.late.take_turn()
        assert again is not None
        with again:
            pass
