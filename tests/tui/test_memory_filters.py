"""The filters of the memory screen: by kind, author, source, time and marks."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from assistant.tui.memory_filters import FILTERS, lets_through
from memory_store import NewMemory, Store
from memory_store.clock import now
from memory_store.models import USER, Memory, MemoryKind, Role


@pytest.fixture
def memory(store: Store) -> Memory:
    """A fact by the user, made from a message, of today."""
    talk = store.conversations.start("Rome")
    said = store.conversations.append(talk.id, Role.USER, "My sister lives in Rome.", USER, parent_id=None)
    return store.remember(NewMemory("The user's sister lives in Rome.", MemoryKind.FACT, sources=(said.id,)))


def passes(memory: Memory, **choices: str) -> bool:
    """Whether a memory is listed with these filters at these choices, and all others where they begin."""
    places = {one.name: one.choices.index(choices[one.name]) for one in FILTERS if one.name in choices}
    return lets_through(memory, lambda name: places.get(name, 0))


def test_a_memory_is_listed_where_every_filter_begins(memory: Memory) -> None:
    assert passes(memory)
    assert not passes(replace(memory, superseded_by="mem_other"))


def test_by_its_source(memory: Memory) -> None:
    assert passes(memory, source="from chats")
    assert not passes(memory, source="from documents")
    assert not passes(memory, source="written by hand")
    assert passes(replace(memory, sources=()), source="written by hand")
    assert passes(replace(memory, sources=("doc_x",)), source="from documents")


def test_by_its_time(memory: Memory) -> None:
    old = replace(memory, recorded_at=now() - timedelta(20))
    assert passes(memory, time="of the last week")
    assert not passes(old, time="of the last week")
    assert passes(old, time="of the last month")
    assert not passes(old, time="older than a year")
    assert passes(replace(memory, recorded_at=now() - timedelta(400)), time="older than a year")


def test_by_several_at_once(memory: Memory) -> None:
    assert passes(memory, kind="facts", author="by you", private="not private", source="from chats")
    assert not passes(memory, kind="facts", author="by you", private="private", source="from chats")
