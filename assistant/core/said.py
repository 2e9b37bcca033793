"""What was said, as rules read it: in lower case and simplified signs, sentence by sentence."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Final

from memory_store import folding
from memory_store.languages import read_pairs, rules

# Longer messages are pasted texts; who speaks of themselves does so at the beginning or at the end.
_MOST_BEFORE: Final = 6000
_MOST_AFTER: Final = 2000

_QUOTES: Final = str.maketrans("‘’“”", "''\"\"")
_END: Final = re.compile(r"(?<=[!?。;\n])|(?<=\.)(?!\d)(?=\s|$)|(?<=[\u4e00-\u9fff]\.)")


def normalised(text: str) -> str:
    """Return a text as rules read it: lower case, simplified signs, straight quotes; a long one in its two ends."""
    if len(text) > _MOST_BEFORE + _MOST_AFTER:
        text = f"{text[:_MOST_BEFORE]}\n{text[-_MOST_AFTER:]}"
    return unicodedata.normalize("NFKC", text).translate(_QUOTES).translate(_simplified()).casefold()


def sentences(text: str) -> Iterator[str]:
    """Yield the sentences of a text, normalised, without those that are empty."""
    for piece in _END.split(normalised(text)):
        if sentence := piece.strip():
            yield sentence


def as_meant(text: str, file: str) -> list[str]:
    """Return the sentences of a text that nobody made up, without the figures of speech that a file of rules names.

    What its rules for `earnest` find is not made up.
    """
    meant = []
    for sentence in sentences(text):
        if not finds("made_up", "made up", sentence) or finds(file, "earnest", sentence):
            for figure in rules(file)["not"]:
                sentence = figure.sub(" ", sentence)
            meant.append(sentence)
    return meant


def finds(file: str, name: str, sentence: str) -> bool:
    """Say whether one of the rules of this name in a file finds something; none does where there are none."""
    return any(rule.search(sentence) for rule in rules(file).get(name, ()))


@cache
def _simplified() -> Mapping[int, str]:
    """Return the simplified sign of each traditional one, and of those that rules read as another, for `translate`."""
    return {ord(sign): simple for sign, simple in (folding.simplified_signs() | read_pairs("zh", "alike.txt")).items()}
