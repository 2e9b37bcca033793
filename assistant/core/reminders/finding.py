"""Finds in memory the day of an event that a reminder is counted from, with the sentence that says so."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from assistant.core.reminders.reading import find_days
from assistant.display import plain
from assistant.ingestion.sentences import sentence_ends
from memory_store import Store
from memory_store.models import AuthorKind, Hit, SourceKind

_LOOKED_AT: Final = 8
_MOST: Final = 5


@dataclass(frozen=True, slots=True)
class FoundDay:
    """A day, and the sentence of a source that names it."""

    day: datetime
    sentence: str
    hit: Hit

    def describe(self) -> str:
        """Return the sentence with its source, on a line."""
        where = " › ".join(part for part in (self.hit.source.title, self.hit.locator.label()) if part)
        return plain(f"“{self.sentence}” — {where}", one_line=True)


def find_event(store: Store, words: str, now: datetime, *, private: bool) -> list[FoundDay]:
    """Return the days to come that what is remembered of an event names, the best first, each day once.

    What is looked for in private goes to no embedder elsewhere.
    """
    found: dict[datetime, FoundDay] = {}
    for hit in look_up(store, words, private=private):
        for day in days_of(hit, now):
            found.setdefault(day.day, day)
    return list(found.values())[:_MOST]


def look_up(store: Store, words: str, *, private: bool) -> Sequence[Hit]:
    """Return the passages that may tell of an event; nothing that models said in chats."""
    hits = store.recall(words, _LOOKED_AT, private=private)
    return [hit for hit in hits if hit.kind is not SourceKind.CONVERSATION or hit.author.kind is not AuthorKind.MODEL]


def days_of(hit: Hit, now: datetime) -> Iterator[FoundDay]:
    """Yield the days to come that a passage names, each with its sentence."""
    ends = {*sentence_ends(hit.text), *(at + 1 for at, sign in enumerate(hit.text) if sign == "\n"), len(hit.text)}
    begin = 0
    for end in sorted(ends):
        sentence, begin = hit.text[begin:end].strip(), end
        for day, _words in find_days(sentence, now):
            yield FoundDay(day, sentence, hit)
