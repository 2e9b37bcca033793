"""Scores what was captured from a dialogue against what should have been."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Final

from assistant.core.capture.statement import split_sentences
from benchmarks.learning.dialogue_set import Dialogue, Words
from memory_store.models import Role


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a dialogue: all texts captured, those living at its end, the first recalled."""

    dialogue: Dialogue
    captured: tuple[str, ...] = ()
    living: tuple[str, ...] = ()
    first: str | None = None


@dataclass(frozen=True, slots=True)
class Share:
    """So many of so many."""

    part: int = 0
    whole: int = 0

    def __add__(self, other: Share) -> Share:
        return Share(self.part + other.part, self.whole + other.whole)

    @property
    def value(self) -> float | None:
        """The part of the whole, 0 to 1; None where there is nothing to share."""
        return self.part / self.whole if self.whole else None

    def __str__(self) -> str:
        return "–" if self.value is None else f"{self.value:.2f} ({self.part}/{self.whole})"


@dataclass(frozen=True, slots=True)
class Figure:
    """A measure's name and its goal: at least so much, or at most."""

    name: str
    goal: float
    is_upper: bool = False

    def met(self, share: Share) -> bool:
        """Whether the goal is met; where there is nothing to measure, it is."""
        if share.value is None:
            return True
        return share.value <= self.goal if self.is_upper else share.value >= self.goal


PRECISION: Final = Figure("precision", 0.9)
RECALL: Final = Figure("recall", 0.7)
SUPERSESSION: Final = Figure("supersession right", 0.7)
OF_REMEMBERED: Final = Figure("… of what was remembered", 0.9)
FIRST: Final = Figure("living first", 0.7)
OF_LIVING: Final = Figure("… where it is living", 0.95)
FROM_NEGATIVES: Final = Figure("of negatives", 0.03, is_upper=True)
INVENTED: Final = Figure("invented", 0.0, is_upper=True)
FIGURES: Final = (PRECISION, RECALL, SUPERSESSION, OF_REMEMBERED, FIRST, OF_LIVING, FROM_NEGATIVES, INVENTED)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an outcome adds to each figure, and what there is to complain of, a line each."""

    shares: Mapping[str, Share]
    complaints: Sequence[str] = field(default=())


def holds(text: str, words: Words) -> bool:
    """Return whether a text holds all these words, whatever their case; what is not Chinese as whole words."""
    folded = text.casefold()
    return all(re.search(_pattern(word.casefold()), folded) for word in words)


@cache
def _pattern(word: str) -> str:
    before = r"(?<![a-z0-9])" if word[0].isascii() else ""
    after = r"(?![a-z0-9])" if word[-1].isascii() else ""
    return before + re.escape(word) + after


def fits(text: str, wanted: Iterable[Words]) -> bool:
    """Return whether a text holds the words of any of these."""
    return any(holds(text, words) for words in wanted)


def judged(outcome: Outcome) -> Verdict:
    """Return what an outcome is worth.

    Captured right is what holds the words of something living or ended; what holds only those of something allowed
    counts neither way. What ended is no longer living if no living memory holds its words but such as hold those of
    something living or allowed as well. Recall counts what should be living at the end, and what ended if it was
    captured at all. Invented is what stands in no message of the user, word for word.
    """
    dialogue = outcome.dialogue
    said = [turn.text for turn in dialogue.turns if turn.role is Role.USER]
    right = [text for text in outcome.captured if fits(text, dialogue.living + dialogue.ended)]
    wrong = [text for text in outcome.captured if text not in right and not fits(text, dialogue.allowed)]
    missed = [words for words in dialogue.living if not any(holds(text, words) for text in outcome.living)]
    unknown = [words for words in dialogue.ended if not any(holds(text, words) for text in outcome.captured)]
    still = [
        text
        for text in outcome.living
        if fits(text, dialogue.ended) and not fits(text, dialogue.living + dialogue.allowed)
    ]
    invented = [text for text in outcome.captured if not any(text in message for message in said)]
    wanted = len(dialogue.living) + len(dialogue.ended)
    shares = {
        PRECISION.name: Share(len(right), len(right) + len(wrong)),
        RECALL.name: Share(wanted - len(missed) - len(unknown), wanted),
        INVENTED.name: Share(len(invented), len(outcome.captured)),
    }
    complaints = [f"false positive: {text}" for text in wrong]
    complaints += [f"missed: {' + '.join(words)}" for words in missed]
    complaints += [f"missed before it ended: {' + '.join(words)}" for words in unknown]
    complaints += [f"still living: {text}" for text in still]
    if dialogue.is_negative:
        shares[FROM_NEGATIVES.name] = Share(len(wrong), sum(len(split_sentences(one)) for one in said))
    if dialogue.ended:
        done = Share(int(not still and not missed), 1)
        shares[SUPERSESSION.name] = done
        shares[OF_REMEMBERED.name] = done if not unknown else Share()
    if dialogue.question:
        found = Share(int(outcome.first is not None and holds(outcome.first, dialogue.first)), 1)
        shares[FIRST.name] = found
        shares[OF_LIVING.name] = found if not missed else Share()
        if not found.part and not missed:
            complaints.append(f"{dialogue.question} recalls first: {outcome.first}")
    return Verdict(shares, complaints)


def summed(verdicts: Iterable[Verdict]) -> dict[str, Share]:
    """Return each figure over several dialogues."""
    total = {figure.name: Share() for figure in FIGURES}
    for verdict in verdicts:
        for name, share in verdict.shares.items():
            total[name] += share
    return total
