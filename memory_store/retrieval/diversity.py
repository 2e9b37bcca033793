"""Diversity: passages that say nearly the same come as one hit with several sources."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from memory_store.languages import Rule
from memory_store.retrieval.pool import Pool
from memory_store.retrieval.words import stems

# Of two passages with this part of their words in common (Jaccard), the second tells nothing new.
_SAME_WORDS: Final = 0.9
# So much may the numbers of their words differ, as a part of the sum of both: fewer are then at least .9 of more.
_MOST_UNLIKE: Final = (1 - _SAME_WORDS) / (1 + _SAME_WORDS) + 1e-9
# Unless they differ in one of these: a number, or a no.
_NUMBER: Final = re.compile(r"\d")
_DENIES: Final = Rule("query", "denies")
# Short texts share all their words by chance: "Thanks!" is said for many reasons.
_FEWEST_WORDS: Final = 5
_WORD: Final = re.compile(r"\w+")
Group = tuple[int, ...]


def grouped(pool: Pool, order: Sequence[int], k: int) -> list[Group]:
    """Return the first k groups of candidates, best first, each its best member with its near-duplicates after it.

    `order` holds positions of candidates, best first. Once there are k groups, 10 + k more are compared with them.
    """
    candidates = pool.candidates
    groups: list[list[int]] = []
    heads: list[frozenset[str]] = []
    for place, at in enumerate(order):
        if len(groups) == k and place >= 2 * k + 10:
            break
        words = _words(candidates[at].text)
        twin = next((number for number, head in enumerate(heads) if _same(head, words)), None)
        if twin is not None:
            groups[twin].append(at)
        elif len(groups) < k:
            groups.append([at])
            heads.append(words)
    return [tuple(group) for group in groups]


def _words(text: str) -> frozenset[str]:
    """Return the words of a text; where there are signs without spaces between them, their pairs."""
    return frozenset(_WORD.findall(text.casefold()) if text.isascii() else stems(text))


def _same(first: frozenset[str], second: frozenset[str]) -> bool:
    sizes = len(first) + len(second)
    if abs(len(first) - len(second)) > _MOST_UNLIKE * sizes or min(len(first), len(second)) < _FEWEST_WORDS:
        return False
    shared = len(first & second)
    return shared >= _SAME_WORDS * (sizes - shared) and not any(
        _NUMBER.search(word) or _DENIES.search(word) for word in first ^ second
    )
