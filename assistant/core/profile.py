"""What is known about the user, on one page: what is true of them now, by topic, each with where it is from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from assistant.core.capture.statement import About
from memory_store import Store
from memory_store.clock import now
from memory_store.errors import NotFoundError
from memory_store.ids import DOCUMENT, prefix_of
from memory_store.models import Memory, MemoryKind


class ProfileTopic(StrEnum):
    """A part of the profile; what says most about a person comes first."""

    YOU = "you"
    PEOPLE = "people"
    HOME = "home"
    WORK = "work"
    HEALTH = "health"
    TASTES = "tastes"
    LEISURE = "leisure"
    HABITS = "habits"
    OTHER = "other"
    GOALS = "goals"
    PLANS = "plans"
    NOTES = "notes"


_MOST_LINES: Final = 10
_OF_KIND: Final = {
    MemoryKind.GOAL: ProfileTopic.GOALS,
    MemoryKind.EVENT: ProfileTopic.PLANS,
    MemoryKind.NOTE: ProfileTopic.NOTES,
}
_OF_ABOUT: Final = {
    **dict.fromkeys((About.NAME, About.AGE, About.ORIGIN, About.LANGUAGE, About.CHARACTER), ProfileTopic.YOU),
    **dict.fromkeys((About.PARTNER, About.FAMILY, About.FRIEND, About.PET), ProfileTopic.PEOPLE),
    **dict.fromkeys((About.WORK, About.STUDY, About.MONEY), ProfileTopic.WORK),
    **dict.fromkeys((About.HEALTH, About.DIET), ProfileTopic.HEALTH),
    **dict.fromkeys((About.FOOD, About.DRINK, About.MUSIC, About.ENTERTAINMENT), ProfileTopic.TASTES),
    **dict.fromkeys((About.SPORT, About.HOBBY, About.TRAVEL), ProfileTopic.LEISURE),
    **dict.fromkeys((About.TRANSPORT, About.BELONGING, About.ROUTINE), ProfileTopic.HABITS),
    About.HOME: ProfileTopic.HOME,
}


@dataclass(frozen=True, slots=True)
class ProfileLine:
    """One memory with the titles of what it was made from; none where it was written by hand.

    `since` is when it became true, else when it was learned; `earlier` are the texts whose place it took, latest first.
    """

    memory: Memory
    sources: tuple[str, ...]
    since: datetime
    earlier: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ProfileSection:
    """The memories on one topic that matter most, the latest first, the pinned before all; `more` are not shown."""

    topic: ProfileTopic
    lines: tuple[ProfileLine, ...]
    more: int = 0


def profile(store: Store, as_of: datetime | None = None) -> list[ProfileSection]:
    """Return what is known; topics of which there is nothing are left out. Private memories are in it: it stays here.

    What is over, and what the user was not asked about yet (health, mood, what contradicts another), is no line of it.
    With a moment, an aware datetime, it is what was true then, by what is known today.
    """
    asked = {question.memory.id for question in store.learning.questions.all()}
    moment = as_of or now()
    matters = store.memories.importance(moment)
    of_topic: dict[ProfileTopic, list[Memory]] = {}
    for memory in store.memories.all(as_of=as_of):
        if memory.id not in asked and (memory.valid_to is None or memory.valid_to > moment):
            of_topic.setdefault(topic_of(memory), []).append(memory)
    sections = []
    for topic in ProfileTopic:
        memories = sorted(of_topic.get(topic, ()), key=lambda memory: not memory.pinned)
        chosen = sorted(memories, key=lambda memory: (not memory.pinned, -matters.get(memory.id, 0.0)))[:_MOST_LINES]
        lines = tuple(_line(store, memory) for memory in memories if memory in chosen)
        if lines:
            sections.append(ProfileSection(topic, lines, len(memories) - len(lines)))
    return sections


def topic_of(memory: Memory) -> ProfileTopic:
    """Return under which topic a memory stands."""
    try:
        about = About(memory.about or About.OTHER)
    except ValueError:
        about = About.OTHER  # of an earlier version: it is looked at again
    return _OF_KIND.get(memory.kind) or _OF_ABOUT.get(about, ProfileTopic.OTHER)


def _line(store: Store, memory: Memory) -> ProfileLine:
    earlier = tuple(version.text for version in store.memories.get_earlier(memory.id))
    return ProfileLine(memory, _titles(store, memory.sources), memory.valid_from or memory.recorded_at, earlier)


def _titles(store: Store, sources: Sequence[str]) -> tuple[str, ...]:
    titles = []
    for source in sources:
        try:
            if prefix_of(source) == DOCUMENT:
                titles.append(store.documents.get(source).title)
            else:
                titles.append(store.conversations.get(store.conversations.message(source).conversation_id).title)
        except NotFoundError:
            continue  # erased since the memory was read
    return tuple(dict.fromkeys(titles))
