"""Tells what was said apart: a sentence that tells something, one that only asks, and small talk; in any language.

Weights over hashed pieces of a sentence (words, pairs of words, runs of signs, its beginning and its end), fitted by
`benchmarks/fit_asking.py`. Nobody lists question words: a language is known as far as its sentences were fitted, and
what it can't tell counts as telling something, because a statement that is taken for a question would be lost.
"""

from __future__ import annotations

import functools
import itertools
import math
import re
import struct
import unicodedata
import zlib
from array import array
from collections.abc import Callable, Iterator
from enum import StrEnum
from importlib import resources
from typing import Final

BUCKETS: Final = 1 << 15
WEIGHTS_FILE: Final = "asking.bin"
# Longer messages tell something; sentences are judged by their beginning and their end.
_LONGEST_MESSAGE: Final = 600
_BEGINNING, _END_SIGNS = 90, 40
# One sign among hundreds of pieces would hardly count.
_WEIGHT_OF_A_MARK: Final = 16
# How sure it must be that a sentence tells nothing.
SURE: Final = 0.9
# And how likely, where nothing is lost by it: that a query is small talk, or that something said may be a question.
_LIKELY: Final = 0.5
_ENDS: Final = re.compile(r"(?<=[.!?؟。！？\u037e;।…])\s+|(?<=[。！？])|\n+")
_CLOSING: Final = re.compile(r"[\s.!?。！？؟;\u037e…\"'”’)»」।]+$")
# A sentence that is marked as a question.
MARKED: Final = re.compile(r"[?？؟\u037e]\s*[\"'”’)»」]*$")
_NUMBERS: Final = re.compile(r"\d+")
_WORD: Final = re.compile(r"\w+")


class Saying(StrEnum):
    """What a sentence does."""

    TELLS = "tells"
    ASKS = "asks"
    CHATS = "chats"


# The order of the weights in the file.
FITTED: Final = (Saying.ASKS, Saying.CHATS)


def tells_nothing(text: str) -> bool:
    """Return whether no sentence of a message tells anything: it asks, requests, greets or thanks."""
    return len(text) <= _LONGEST_MESSAGE and _each(text, lambda item: what_of(item) is not Saying.TELLS)


def asks_something(text: str) -> bool:
    """Return whether some sentence of a message asks or requests."""
    return any(what_of(item) is Saying.ASKS for item in split(text[:_LONGEST_MESSAGE]))


def may_ask(text: str) -> bool:
    """Return whether each sentence of a message more likely asks than tells, though that may not be sure."""
    return _each(text[:_LONGEST_MESSAGE], lambda item: chances(item)[0] >= _LIKELY)


def is_small_talk(text: str) -> bool:
    """Return whether all of a message is small talk: nothing is asked for that anything stored could answer."""
    return len(text) <= _LONGEST_MESSAGE and _each(text, lambda item: chances(item)[1] >= _LIKELY)


def _each(text: str, holds: Callable[[str], bool]) -> bool:
    """Return whether there is a sentence and something holds of every one."""
    sentences = list(split(text))
    return bool(sentences) and all(map(holds, sentences))


def what_of(sentence: str) -> Saying:
    """Return what a sentence does, TELLS where that is not sure."""
    asks, chats = chances(sentence)
    if max(asks, chats) < SURE and asks + chats < SURE:
        return Saying.TELLS
    return Saying.ASKS if asks >= chats else Saying.CHATS


def chances(sentence: str) -> tuple[float, ...]:
    """Return the chance, 0 to 1, of each of FITTED."""
    weights, scales, biases = _fitted()
    exact = [
        biases[at] + scales[at] * sum(weights[at * BUCKETS + number] for number in found) / math.sqrt(len(found) or 1)
        for at, found in enumerate(pieces(sentence))
    ]
    highest = max(0.0, *exact)
    powers = [math.exp(number - highest) for number in exact]
    total = sum(powers) + math.exp(-highest)
    return tuple(power / total for power in powers)


def split(text: str) -> Iterator[str]:
    """Yield the sentences of a message that hold a word."""
    for piece in _ENDS.split(text):
        if _WORD.search(piece):
            yield piece.strip()


def pieces(sentence: str) -> tuple[set[int], set[int]]:
    """Return the buckets of a sentence's pieces for each of FITTED.

    Small talk is told by whole words alone: a word that was never met says nothing of it, whatever it looks like.
    """
    text = " ".join(_NUMBERS.sub("0", unicodedata.normalize("NFKC", sentence).casefold()).split())
    if len(text) > _BEGINNING + _END_SIGNS:
        text = f"{text[:_BEGINNING]} {text[-_END_SIGNS:]}"
    body = _CLOSING.sub("", text)
    words = _WORD.findall(body)
    whole = {f"w{word}" for word in words} | {f"b{item} {other}" for item, other in itertools.pairwise(words)}
    found = set(whole)
    whole.add(f"length {min(6, len(words))}")
    if words:
        found.update((f"<{words[0]}", f">{words[-1]}", f"<{' '.join(words[:2])}", f">{' '.join(words[-2:])}"))
    for size in (1, 2, 3, 4):
        found.update(f"c{body[at : at + size]}" for at in range(len(body) - size + 1))
        found.update((f"^{body[:size]}", f"${body[-size:]}"))
    found.add(f"length {min(6, len(words) // 2)}")
    found.add(f"signs {min(6, len(body) // 8)}")
    if MARKED.search(sentence.strip()):
        found.update(f"mark {number}" for number in range(_WEIGHT_OF_A_MARK))
    return _buckets(found), _buckets(whole)


def _buckets(pieces: set[str]) -> set[int]:
    return {zlib.crc32(piece.encode()) % BUCKETS for piece in pieces}


@functools.cache
def _fitted() -> tuple[array[int], tuple[float, ...], tuple[float, ...]]:
    """Return the weights in the order of FITTED, and the scale and the bias of each."""
    data = resources.files(__package__).joinpath(WEIGHTS_FILE).read_bytes()
    count = len(FITTED)
    numbers = struct.unpack_from(f"<{2 * count}f", data)
    return array("b", data[8 * count :]), numbers[:count], numbers[count:]
