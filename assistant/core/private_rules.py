"""What is private although nobody marked it, as the user's settings say: folders, and topics such as health."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from memory_store import NOTHING, PrivateRule


def rule_of(folders: Sequence[str], topics: Sequence[str]) -> PrivateRule:
    """Return the rule of these folders (`~` is the user's own) and topics (see `sensitive.Topic`)."""
    if not folders and not topics:
        return NOTHING
    import hashlib

    from assistant.core.sensitive import Topic, topics_of

    places = tuple(sorted({str(Path(folder).expanduser().absolute()) for folder in folders}))
    chosen = frozenset(Topic(topic) for topic in topics)
    # A digest, so that the store says of no folder that there is something to hide in it.
    name = hashlib.sha256(json.dumps([places, sorted(chosen)]).encode()).hexdigest()
    return PrivateRule(name, places, lambda text: bool(chosen) and not chosen.isdisjoint(topics_of(text)))
