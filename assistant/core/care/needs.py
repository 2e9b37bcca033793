"""Which need a message speaks of: self-harm, abuse, a medical emergency; the writer's own, or of someone near."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import Final

from assistant.core.rules import rules
from assistant.core.said import is_made_up, sentences

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
    read = list(_as_meant(text))
    for need in Need:
        said = [one for one in read if need is not Need.MEDICAL or not _finds("not now", one)]
        if any(_finds(need, one) for one in said):
            return need
    return None


def _as_meant(text: str) -> Iterator[str]:
    """Yield the sentences of a text that nobody made up, without figures of speech."""
    for sentence in sentences(text):
        if not is_made_up(sentence) or _finds("earnest", sentence):
            for figure in rules(_FILE)["not"]:
                sentence = figure.sub(" ", sentence)
            yield sentence


def _finds(name: str, sentence: str) -> bool:
    return any(rule.search(sentence) for rule in rules(_FILE)[name])
