"""Which sentences of a message state something of the user: those ordered in words, those the classifier keeps."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from assistant.core.capture.classifier import Reading
from assistant.core.capture.orders import find_forget_order, find_remember_order
from assistant.core.capture.statement import About, Sentence, Statement, join_sentences, split_sentences
from assistant.core.sensitive import Topic, topics_of
from memory_store.languages import Rule
from memory_store.models import MemoryKind, Message

# The chance from which a sentence is kept; see benchmarks/fit_capture.py for what it costs and gives.
KEPT: Final = 0.7
# Where no sentence reaches this, no model is asked: most messages only ask.
PROMISING: Final = 0.2
# What is less sure is kept where it plainly makes something untrue that is remembered.
_DOUBTFUL: Final = 0.3
_ASKED_ABOUT: Final = frozenset({Topic.HEALTH, Topic.MOOD})
# A sentence that begins so says of whom it is only with the one before it.
_POINTS_BACK: Final = Rule("sentences", "points back", re.IGNORECASE)
# The classifier takes some of these for facts, and they would stand in place of the answer. Of the 200 sentences of
# `benchmarks/capture` that the rules fit not one is to be kept.
_ONLY_ASKS: Final = Rule("sentences", "only asks", re.IGNORECASE)


def read_orders(sentences: Sequence[Sentence], readings: Sequence[Reading]) -> dict[Sentence, Statement]:
    """Return what the user asks in words to remember, or to take for true no more: never a matter of chance."""
    found = {}
    for sentence, reading in zip(sentences, readings, strict=True):
        if words := find_remember_order(sentence.text):
            kind = reading.kind if reading.chance >= KEPT else MemoryKind.NOTE
            found[sentence] = Statement(words, kind, reading.about, is_ordered=True)
        elif words := find_forget_order(sentence.text):
            found[sentence] = Statement(words, MemoryKind.FACT, About.OTHER, is_order_to_forget=True)
    return found


def orders_to_remember(text: str) -> bool:
    """Say whether a message asks in words to remember something."""
    return any(find_remember_order(sentence.text) for sentence in split_sentences(text))


def read_statements(message: Message, sentences: Sequence[Sentence], readings: Sequence[Reading]) -> list[Statement]:
    """Return what a message states that is worth remembering, by the chances of its sentences, in its own words."""
    found = []
    for at, (sentence, reading) in enumerate(zip(sentences, readings, strict=True)):
        if reading.is_of_others:
            break  # what comes after the words that hand over a text is that text
        if reading.chance >= _DOUBTFUL and not _ONLY_ASKS.match(sentence.text):
            first = at - 1 if at and _POINTS_BACK.match(sentence.text) else at
            text = join_sentences(message.text, sentences[first : at + 1])
            sensitive = not _ASKED_ABOUT.isdisjoint(reading.topics | topics_of(text))
            found.append(
                Statement(
                    text,
                    reading.kind,
                    reading.about,
                    reading.ends,
                    is_doubtful=reading.chance < KEPT,
                    is_sensitive=sensitive,
                )
            )
    return found
