"""The statistics: counts and plots of what is held, also where there is nothing yet."""

from __future__ import annotations

import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest
from textual.widgets import Static

from assistant.tui.screens.stats import StatsScreen
from assistant.tui.widgets.plots import DayPlot, NamePlot, days_of, filled, whole_steps
from memory_store import NewEntry, Store, Usage
from memory_store.models import USER, Author, AuthorKind, MessageStatus, Purpose, Role
from tests.memory_store.support import add_document
from tests.tui.support import chatting


def filled_store(store: Store) -> None:
    """Store a document, a memory, and an answer with what it took."""
    add_document(store, "/home/ada/house.md", "The key is with Ines.", "The boiler hums.")
    store.remember("The fence is green.")
    conversation = store.conversations.start("Keys")
    question = store.conversations.append(conversation.id, Role.USER, "Who?", USER, parent_id=None)
    model = Author(AuthorKind.MODEL, "llama3.2")
    answer = store.conversations.append(
        conversation.id, Role.ASSISTANT, "", model, parent_id=question.id, status=MessageStatus.PENDING
    )
    store.conversations.finish(answer.id, "Ines.", model, MessageStatus.COMPLETE)
    usage = Usage(1200, 80, None, True, 2_340_000)
    entry = NewEntry("chat", Purpose.ANSWER, "llama3.2", "https://models.example/v1", usage, answer.id)
    store.ledger.settle(store.ledger.reserve(entry), usage)


@pytest.mark.parametrize("size", [(60, 20), (100, 32), (200, 60)])
async def test_counts_and_plots_are_shown(tmp_path: Path, size: tuple[int, int]) -> None:
    async with chatting(tmp_path, prepare=filled_store, size=size) as house:
        await house.settled()
        await house.say("/stats")
        screen = await house.dialog(StatsScreen)
        await house.until(lambda: len(screen.query(DayPlot)) == 3)
        counts = str(screen.query_one("#counts", Static).render())
        assert "1 (1 note)" in counts
        assert "1 with 2 messages" in counts
        assert len(screen.query(NamePlot)) == 1
        costs = str(screen.query_one(".stats--costs", Static).render())
        assert "llama3.2" in costs
        assert "1,280   $2.34   energy not known" in costs
        for selector in ("#head", "VerticalScroll", "#keys"):
            assert screen.region.contains_region(screen.query_one(selector).region)
        await house.pilot.press("escape")
        await house.until(lambda: house.app.screen is house.chat)


async def test_an_empty_memory_has_no_plots(tmp_path: Path) -> None:
    async with chatting(tmp_path) as house:
        await house.say("/stats")
        screen = await house.dialog(StatsScreen)
        await house.until(lambda: screen.query(".stats--none"))
        assert not screen.query(DayPlot)
        await house.pilot.press("escape")


def test_the_record_tells_how_it_grew(tmp_path: Path) -> None:
    with Store.open(tmp_path) as store:
        filled_store(store)
        found = store.activity()
    assert list(found.memories.values()) == [1]
    assert {kind.value: count for kind, count in found.passages.items()} == {
        "document": 2,
        "conversation": 2,
        "memory": 1,
    }


def test_days_without_a_number_are_filled() -> None:
    numbers = {date(2026, 3, 1): 2, date(2026, 3, 4): 3}
    days = days_of({"memories": numbers})
    assert days == [date(2026, 3, day) for day in (1, 2, 3, 4)]
    assert filled(days, numbers, growing=False) == [2, 0, 0, 3]
    assert filled(days, numbers, growing=True) == [2, 2, 2, 5]
    assert days_of({"memories": {date(2026, 3, 1): 1}}) == [date(2026, 2, 28), date(2026, 3, 1)]
    assert days_of({}) == []


def test_axes_are_named_by_whole_numbers() -> None:
    assert whole_steps(1) == [0, 1]
    assert whole_steps(17) == [0, 4, 8, 13, 17]


def test_the_chat_does_not_load_the_plots_before_they_are_wanted() -> None:
    code = (
        "import sys, assistant.tui.app, assistant.tui.screens.chat_skin; "
        "sys.exit(any(name.startswith(('plotext', 'textual_plotext')) for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
