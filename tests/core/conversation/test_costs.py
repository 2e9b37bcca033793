"""What requests took is put into words: known, partly known, estimated, not at all."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from assistant.core.conversation.costs import describe_total, report_cost_of, report_costs
from memory_store import Limit, NewEntry, Store, Unit, Usage, Window
from memory_store.models import USER, Author, AuthorKind, Message, Purpose, Role


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path) as opened:
        yield opened


def settled(store: Store, purpose: Purpose, usage: Usage, message: Message | None = None) -> None:
    entry = NewEntry("chat", purpose, "a-model", None, usage, message.id if message else None)
    store.ledger.settle(store.ledger.reserve(entry), usage)


def answered(store: Store) -> tuple[Message, Message]:
    """Store a question and its answer."""
    chat = store.conversations.start("The cellar")
    question = store.conversations.append(chat.id, Role.USER, "How warm?", USER, parent_id=None)
    model = Author(AuthorKind.MODEL, "a-model")
    return question, store.conversations.append(chat.id, Role.ASSISTANT, "Twelve.", model, parent_id=question.id)


def test_an_answer_tells_each_request_that_was_made_for_it(store: Store) -> None:
    question, answer = answered(store)
    settled(store, Purpose.SPLIT, Usage(100, 10, None, False), question)
    settled(store, Purpose.ANSWER, Usage(1000, 200, 400, True, 3400, 110, 340, "EcoLogits 1"), answer)
    told = report_cost_of(store, answer).text.splitlines()
    assert told == [
        "question in parts: a-model, 100 tokens in, 10 out (estimated), price not known, energy not known",
        "answer: a-model, 1,000 tokens in (400 read before), 200 out, $0.0034, 0.110–0.340 Wh (EcoLogits 1)",
    ]


def test_every_purpose_has_a_name(store: Store) -> None:
    _question, answer = answered(store)
    for purpose in Purpose:
        settled(store, purpose, Usage(1, 1), answer)
    assert len(report_cost_of(store, answer).text.splitlines()) == len(Purpose)


def test_a_message_for_which_nothing_was_asked_says_so(store: Store) -> None:
    question, answer = answered(store)
    for message in (question, answer):
        assert report_cost_of(store, message).text == "Nothing was asked of a model for this message."


def test_what_is_known_of_some_requests_alone_is_told_with_how_many_are_left(store: Store) -> None:
    assert describe_total(store.ledger.spent(Window.DAY)) == "0 requests"
    settled(store, Purpose.ANSWER, Usage(1000, 200, None, True, 2_500_000, 340, 340, "RAPL"))
    assert describe_total(store.ledger.spent(Window.DAY)) == "1 request, 1,000 tokens in, 200 out, $2.50, 0.340 Wh"
    settled(store, Purpose.LEARN, Usage(1, 1, None, True))
    assert describe_total(store.ledger.spent(Window.DAY)) == (
        "2 requests, 1,001 tokens in, 201 out, $2.50 (the price of 1 more is not known), "
        "0.340 Wh (that of 1 more is not known)"
    )


def test_each_budget_tells_how_much_of_it_is_used(store: Store) -> None:
    question, answer = answered(store)
    settled(store, Purpose.ANSWER, Usage(1000, 200, 400, True, 3400, 110, 340, "EcoLogits 1"), answer)
    limits = (Limit(Window.DAY, Unit.WH, 5000), Limit(Window.CHAT, Unit.USD, 10_000))
    told = report_costs(store, question.conversation_id, limits)
    assert [line.split(":")[0] for line in told.text.splitlines()] == [
        "This chat",
        "Today",
        "This month",
        "Budget of a day",
        "Budget of a chat",
    ]
    assert "Budget of a day: 0.340 Wh of 5.000 Wh used" in told.text
    assert "Budget of a chat: $0.0034 of $0.0100 used" in told.text
    new = report_costs(store, None, limits)  # a chat that has not begun
    assert "chat" not in new.text
