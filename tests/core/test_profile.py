"""The profile: ten lines at most on each topic, those that matter most, each with where it is from."""

from __future__ import annotations

from assistant.core.profile import ProfileTopic, profile
from memory_store import NewMemory, Store
from memory_store.models import USER, MemoryKind, Role


def test_each_topic_has_ten_lines_at_most_and_says_how_many_more_there_are(store: Store) -> None:
    for number in range(13):
        store.remember(NewMemory(f"I collect stamps of country {number}.", MemoryKind.FACT, about="hobby"))
    pinned = store.remember(NewMemory("I collect coins.", MemoryKind.FACT, about="hobby", pinned=True))
    store.remember(NewMemory("I live in Porto.", MemoryKind.FACT, about="home"))
    home, leisure = profile(store)
    assert (home.topic, leisure.topic) == (ProfileTopic.HOME, ProfileTopic.LEISURE)
    assert (len(leisure.lines), leisure.more, home.more) == (10, 4, 0)
    assert leisure.lines[0].memory.id == pinned.id


def test_goals_and_plans_stand_by_themselves_and_what_is_of_no_topic_under_other(store: Store) -> None:
    talk = store.conversations.start("Plans")
    said = store.conversations.append(talk.id, Role.USER, "I want to run a marathon.", USER, parent_id=None)
    store.remember(NewMemory("I want to run a marathon.", MemoryKind.GOAL, sources=(said.id,), about="sport"))
    store.remember(NewMemory("I fly to Oslo.", MemoryKind.EVENT, about="travel"))
    store.remember(NewMemory("Of an earlier version.", MemoryKind.FACT, about="sister's boat"))
    sections = {section.topic: section.lines for section in profile(store)}
    assert list(sections) == [ProfileTopic.OTHER, ProfileTopic.GOALS, ProfileTopic.PLANS]
    assert sections[ProfileTopic.GOALS][0].sources == ("Plans",)
