"""What was true at an earlier time is found as of that time, by its words and by its meaning; today finds today's."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from memory_store import NewMemory, Store
from memory_store.clock import now
from memory_store.models import USER, MemoryKind, RecallFilters, Role
from tests.support.embedder import HashEmbedder

FACT = MemoryKind.FACT
LISBON, PORTO, LYON = "Ada lives in Lisbon.", "Ada lives in Porto.", "Ada lives in Lyon."
MOVED_TO_PORTO = datetime(2024, 3, 1, tzinfo=UTC)
MOVED_TO_LYON = datetime(2025, 6, 1, tzinfo=UTC)


@pytest.fixture(params=[True, False], ids=["vectors", "words"])
def lived(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """A store that knows three homes, each from when to when, learned one after the other today."""
    with Store.open(tmp_path, HashEmbedder() if request.param else None) as store:
        lisbon = store.remember(NewMemory(LISBON, FACT, valid_from=datetime(2020, 1, 1, tzinfo=UTC)))
        porto = store.memories.supersede(lisbon.id, NewMemory(PORTO, FACT, valid_from=MOVED_TO_PORTO))
        store.memories.supersede(porto.id, NewMemory(LYON, FACT, valid_from=MOVED_TO_LYON))
        store.embed_pending()
        yield store


def homes(store: Store, as_of: datetime | None) -> list[str]:
    return [one.text for one in store.recall("Where does Ada live?", 9, RecallFilters(as_of=as_of))]


@pytest.mark.parametrize(
    ("moment", "home"),
    [
        (datetime(2019, 5, 1, tzinfo=UTC), []),
        (datetime(2021, 5, 1, tzinfo=UTC), [LISBON]),
        (MOVED_TO_PORTO - timedelta(seconds=1), [LISBON]),
        (MOVED_TO_PORTO, [PORTO]),
        (datetime(2025, 1, 1, tzinfo=UTC), [PORTO]),
        (MOVED_TO_LYON, [LYON]),
        (None, [LYON]),
    ],
)
def test_the_home_of_that_time_is_recalled_and_no_other(lived: Store, moment: datetime | None, home: list[str]) -> None:
    assert homes(lived, moment) == home
    assert [one.text for one in lived.memories.all(as_of=moment)] == home


def test_a_fact_that_ended_is_true_until_its_end_alone(lived: Store) -> None:
    begun, ended = datetime(2022, 1, 1, tzinfo=UTC), datetime(2023, 1, 1, tzinfo=UTC)
    lived.remember(NewMemory("Ada owns a boat.", FACT, valid_from=begun, valid_to=ended))
    for moment, there in ((begun, True), (ended - timedelta(1), True), (ended, False), (begun - timedelta(1), False)):
        found = lived.recall("boat", 9, RecallFilters(as_of=moment))
        assert ("Ada owns a boat." in [one.text for one in found]) == there, moment


def test_what_was_said_later_is_not_recalled_as_of_before(lived: Store) -> None:
    talk = lived.conversations.start("Boats")
    lived.conversations.append(talk.id, Role.USER, "Ada sold the boat.", USER, parent_id=None)
    later = now() + timedelta(seconds=1)
    assert lived.recall("Ada sold the boat", 9, RecallFilters(as_of=later))
    found = lived.recall("Ada sold the boat", 9, RecallFilters(as_of=now() - timedelta(days=1)))
    assert "Ada sold the boat." not in [one.text for one in found]
