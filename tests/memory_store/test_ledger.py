"""The ledger holds budgets whoever reserves at the same time, and tells what requests took."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from memory_store import Grouping, Limit, NewEntry, Selection, Store, Unit, Usage, Window, amount_text
from memory_store.clock import now
from memory_store.errors import OverBudgetError
from memory_store.models import USER, Message, Purpose, Role

CENT = 10_000
AT_MOST = Usage(900, 100, None, False, CENT, 100, 300, "a guess")
REQUEST = NewEntry("chat", Purpose.ANSWER, "a-model", "https://models.example/v1", AT_MOST)
LIMIT = Limit(Window.DAY, Unit.USD, 7 * CENT + 500)
# Run by other processes: as many reservations at once as the last argument says; prints how many were let in.
OTHERS = """
import sys
from pathlib import Path
from memory_store import Store
from tests.memory_store.test_ledger import reserve_at_once
with Store.open(Path(sys.argv[1])) as store:
    print(reserve_at_once(store, int(sys.argv[2])))
"""


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path) as opened:
        yield opened


def said(store: Store, text: str) -> Message:
    """Store a message in a conversation of its own."""
    chat = store.conversations.start(text)
    return store.conversations.append(chat.id, Role.USER, text, USER, parent_id=None)


def reserve_at_once(store: Store, count: int) -> int:
    """Reserve from so many threads at once, settle each that is let in at what was reserved; return how many were."""

    def request(_: int) -> bool:
        try:
            entry = store.ledger.reserve(REQUEST, [LIMIT])
        except OverBudgetError:
            return False
        store.ledger.settle(entry, AT_MOST)
        return True

    with ThreadPoolExecutor(count) as threads:
        return sum(threads.map(request, range(count)))


def test_fifty_requests_at_once_of_several_processes_overstep_no_budget(store: Store, tmp_path: Path) -> None:
    others = [
        subprocess.Popen([sys.executable, "-c", OTHERS, str(tmp_path), "15"], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    let_in = reserve_at_once(store, 20) + sum(int(other.communicate(timeout=60)[0]) for other in others)
    assert [other.returncode for other in others] == [0, 0]
    assert let_in == 7
    spent = store.ledger.spent(Window.DAY)
    assert (spent.requests, spent.cost) == (7, 7 * CENT)


@pytest.mark.parametrize(
    ("limit", "told"),
    [
        (Limit(Window.DAY, Unit.USD, CENT + 9999), "$0.0200 a day has no room for this request: $0.0100 are used"),
        (Limit(Window.MONTH, Unit.TOKENS, 1999), "1,999 tokens a month has no room"),
        (Limit(Window.CHAT, Unit.WH, 599), "0.599 Wh a chat has no room for this request: 0.300 Wh are used"),
    ],
)
def test_a_budget_counts_what_is_reserved_in_its_unit_and_window(store: Store, limit: Limit, told: str) -> None:
    here, there = said(store, "One"), said(store, "Other")
    for_chat = NewEntry("chat", Purpose.ANSWER, "a-model", None, AT_MOST, here.id)
    first = store.ledger.reserve(for_chat, [limit])
    with pytest.raises(OverBudgetError) as refused:
        store.ledger.reserve(for_chat, [limit])
    assert told in refused.value.message
    store.ledger.release(first)  # it was not sent
    second = store.ledger.reserve(for_chat, [limit])
    store.ledger.settle(second, Usage(1, 1, None, True, 1, 1, 1, "counted"))
    third = store.ledger.reserve(for_chat, [limit])  # there is room for what the second did not take
    if limit.window is Window.CHAT:
        store.ledger.reserve(NewEntry("chat", Purpose.ANSWER, "a-model", None, AT_MOST, there.id), [limit])
    else:
        with pytest.raises(OverBudgetError):
            store.ledger.reserve(NewEntry("chat", Purpose.ANSWER, "a-model", None, AT_MOST, there.id), [limit])
    store.ledger.release(third)


@pytest.mark.parametrize(
    ("unit", "told"), [(Unit.USD, "The price of “a-model” is not known"), (Unit.WH, "The energy of “a-model” is not")]
)
def test_what_is_not_known_is_let_into_no_budget_of_it(store: Store, unit: Unit, told: str) -> None:
    unknown = NewEntry("chat", Purpose.ANSWER, "a-model", None, Usage(900, 100))
    with pytest.raises(OverBudgetError, match=told):
        store.ledger.reserve(unknown, [Limit(Window.DAY, unit, 10**9)])
    store.ledger.reserve(unknown, [Limit(Window.DAY, Unit.TOKENS, 1000)])


def test_a_day_and_a_month_begin_where_they_do_on_this_machine(store: Store) -> None:
    noon = datetime(2026, 5, 2, 12).astimezone()
    limit = Limit(Window.DAY, Unit.USD, CENT)
    store.ledger.reserve(REQUEST, [limit], noon - timedelta(hours=12, minutes=1))
    store.ledger.reserve(REQUEST, [limit], noon)
    with pytest.raises(OverBudgetError):
        store.ledger.reserve(REQUEST, [limit], noon.replace(hour=23).astimezone(UTC))
    assert store.ledger.spent(Window.MONTH, moment=noon).requests == 2
    store.ledger.reserve(REQUEST, [], noon - timedelta(days=2))
    assert store.ledger.spent(Window.MONTH, moment=noon).requests == 2
    assert [total.name for total in store.ledger.totals(Grouping.DAY)] == ["2026-04-30", "2026-05-01", "2026-05-02"]


def test_what_a_process_that_died_had_reserved_counts_as_spent(store: Store) -> None:
    died = store.ledger.reserve(REQUEST, [], now() - timedelta(hours=2))
    going = store.ledger.reserve(REQUEST)
    states = {entry.id: entry.state.value for entry in store.ledger.latest(9)}
    assert states == {died: "settled", going: "reserved"}
    assert store.ledger.spent(Window.MONTH, moment=now() - timedelta(hours=2)).cost == 2 * CENT


def test_totals_outlive_the_chat_and_the_store(store: Store, tmp_path_factory: pytest.TempPathFactory) -> None:
    message = said(store, "The boiler")
    request = NewEntry("chat", Purpose.ANSWER, "a-model", None, AT_MOST, message.id)
    entry = store.ledger.reserve(request)
    store.ledger.settle(entry, Usage(10, 5, 4, True, 3))
    [of_message] = store.ledger.of_message(message.id)
    assert (of_message.id, of_message.model, of_message.cached_tokens) == (entry, "a-model", 4)
    assert [(total.name, total.title) for total in store.ledger.totals(Grouping.CHAT)] == [
        (message.conversation_id, "The boiler")
    ]
    store.forget(Selection((message.conversation_id,)))
    [total] = store.ledger.totals(Grouping.CHAT)
    assert (total.name, total.title, total.tokens, total.cost) == ("", None, 15, 3)
    archive = tmp_path_factory.mktemp("elsewhere") / "archive.zip"
    store.export(archive, "1")
    with Store.open(archive.parent / "second") as second:
        second.remember("A living store merges.")
        second.restore(archive)
        assert second.restore(archive).known["ledger"] == 1
        assert [total.cost for total in second.ledger.totals(Grouping.MODEL)] == [3]


def test_what_was_spent_stays_when_all_is_forgotten_unless_no_trace_is_to_be_left(store: Store) -> None:
    for no_trace, left in ((False, 1), (True, 0)):
        store.ledger.reserve(NewEntry("chat", Purpose.ANSWER, "m", None, AT_MOST, said(store, "A chat").id))
        store.forget(Selection(everything=True), no_trace=no_trace)
        assert len(store.ledger.latest(9)) == left


def test_a_request_for_what_is_not_stored_is_kept_without_it(store: Store) -> None:
    store.ledger.reserve(NewEntry("chat", Purpose.ANSWER, "m", None, AT_MOST, "msg_gone"))
    [entry] = store.ledger.latest(1)
    assert (entry.conversation_id, entry.message_id) == (None, None)


@pytest.mark.parametrize(
    ("unit", "amount", "text"),
    [
        (Unit.USD, 0, "$0.00"),
        (Unit.USD, 1_234_567_890, "$1,234.57"),
        (Unit.USD, 12_345, "$0.0123"),
        (Unit.USD, 42, "$0.000042"),
        (Unit.TOKENS, 15_000, "15,000 tokens"),
        (Unit.WH, 340, "0.340 Wh"),
        (Unit.WH, 12_345, "12.3 Wh"),
    ],
)
def test_amounts_are_told_with_the_digits_that_count(unit: Unit, amount: int, text: str) -> None:
    assert amount_text(unit, amount) == text
