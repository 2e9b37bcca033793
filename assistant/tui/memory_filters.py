"""The filters of the memory screen, as data: each choice with its name and what it lets through."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Final

from assistant.language import N_
from assistant.tui.widgets.filter_line import Filter
from memory_store.clock import now
from memory_store.ids import DOCUMENT, MESSAGE, prefix_of
from memory_store.models import AuthorKind, Memory, MemoryKind

Test = Callable[[Memory], bool]


def _kind(kind: MemoryKind) -> Test:
    return lambda memory: memory.kind is kind


def _author(kind: AuthorKind) -> Test:
    return lambda memory: memory.author.kind is kind


def _within(days: int) -> Test:
    return lambda memory: memory.recorded_at >= now() - timedelta(days)


def _from(prefix: str) -> Test:
    return lambda memory: any(prefix_of(source) == prefix for source in memory.sources)


def _any(memory: Memory) -> bool:
    return True


_KINDS: Final = {
    MemoryKind.NOTE: N_("notes"),
    MemoryKind.FACT: N_("facts"),
    MemoryKind.PREFERENCE: N_("preferences"),
    MemoryKind.EVENT: N_("events"),
    MemoryKind.GOAL: N_("goals"),
}
_CHOICES: Final[dict[str, tuple[tuple[str, Test], ...]]] = {
    "kind": ((N_("any kind"), _any), *((name, _kind(item)) for item, name in _KINDS.items())),
    "author": (
        (N_("any author"), _any),
        (N_("by you"), _author(AuthorKind.USER)),
        (N_("by a model"), _author(AuthorKind.MODEL)),
        (N_("by a document"), _author(AuthorKind.DOCUMENT)),
    ),
    "source": (
        (N_("any source"), _any),
        (N_("from chats"), _from(MESSAGE)),
        (N_("from documents"), _from(DOCUMENT)),
        (N_("written by hand"), lambda item: not item.sources),
    ),
    "time": (
        (N_("any time"), _any),
        (N_("of the last week"), _within(7)),
        (N_("of the last month"), _within(31)),
        (N_("of the last year"), _within(366)),
        (N_("older than a year"), lambda item: not _within(366)(item)),
    ),
    "pinned": (
        (N_("pinned or not"), _any),
        ("pinned", lambda item: item.pinned),
        (N_("not pinned"), lambda item: not item.pinned),
    ),
    "private": (
        (N_("private or not"), _any),
        ("private", lambda item: item.private),
        (N_("not private"), lambda item: not item.private),
    ),
    "history": (
        (N_("without history"), lambda item: item.superseded_by is None),
        (N_("with history"), _any),
        (N_("history alone"), lambda item: item.superseded_by is not None),
    ),
}
FILTERS: Final = tuple(Filter(name, tuple(label for label, _ in choices)) for name, choices in _CHOICES.items())


def lets_through(memory: Memory, choice: Callable[[str], int]) -> bool:
    """Say whether every filter lets a memory through; `choice` gives the number at which a filter stands."""
    return all(choices[choice(name)][1](memory) for name, choices in _CHOICES.items())
