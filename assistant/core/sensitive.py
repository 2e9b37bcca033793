"""What a text touches that people keep to themselves: health, mood, money. Rules in English and Chinese."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from assistant.core.said import as_meant, finds

_FILE: Final = "sensitive"
# The rules for a mood that is hard to bear, apart from those for any other.
_LOW: Final = "low"


class Topic(StrEnum):
    """What a text is about that its writer may not want in a profile, or sent elsewhere."""

    HEALTH = "health"
    MOOD = "mood"
    FINANCE = "finance"


def topics_of(text: str) -> frozenset[Topic]:
    """Return the sensitive topics on which a message or a memory says something of the user or of someone they know.

    What is asked or told in general ("what does insulin do?"), stories, code and figures of speech have none.
    """
    read = as_meant(text, _FILE)
    found = {topic for topic in Topic if _finds(topic, read)}
    return frozenset(found | ({Topic.MOOD} if _finds(_LOW, read) else set()))


def asks_first(text: str) -> bool:
    """Say whether a memory becomes a line of the profile only with a yes: of health and of mood."""
    return bool(topics_of(text) & {Topic.HEALTH, Topic.MOOD})


def is_low(text: str) -> bool:
    """Say whether a message speaks of a mood that is hard to bear, rather than of any mood."""
    return _finds(_LOW, as_meant(text, _FILE))


def _finds(name: str, read: list[str]) -> bool:
    return any(finds(_FILE, name, sentence) for sentence in read)
