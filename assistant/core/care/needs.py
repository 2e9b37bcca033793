"""Which need a message speaks of: self-harm, abuse, a medical emergency; the writer's own, or of someone near."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from assistant.core.said import as_meant, finds

_FILE: Final = "care"


class Need(StrEnum):
    """What help is offered for; each value is the name of its rules. Of several in a message the first one counts."""

    SELF_HARM = "self harm"
    MEDICAL = "medical"
    ABUSE = "abuse"


def care_needed(text: str) -> Need | None:
    """Return what a message speaks of, if that is an emergency of its writer or of someone near; None for any other.

    Figures of speech, stories, general questions and code have none. Rules in English and Chinese: they miss some, and
    take some for what they are not; neither is a judgement about who writes.
    """
    read = as_meant(text, _FILE)
    for need in Need:
        said = [item for item in read if need is not Need.MEDICAL or not finds(_FILE, "not now", item)]
        if any(finds(_FILE, need, item) for item in said):
            return need
    return None
