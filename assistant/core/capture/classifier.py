"""Reads sentences without a model: linear heads over their features, fitted by `benchmarks/fit_capture.py`."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING, Final

from assistant.core.capture.features import pair_features, sentence_features
from assistant.core.capture.statement import About
from assistant.core.sensitive import Topic
from memory_store.models import MemoryKind

if TYPE_CHECKING:
    from memory_store.embedding.base import Vectors

Embed = Callable[[Sequence[str]], "Vectors | None"]
"""Gives the vectors that the heads were fitted for, shape (texts, 384), or None where there are none."""

WEIGHTS_FILE: Final = "weights.npz"
ENDS: Final = "end"
"""The class of a sentence that tells of something that is no more so; the others are kinds of memory."""
PASSED_OVER: Final = "none"
"""How the names of those classes begin that are not remembered."""
_LIKELY: Final = 0.5
# Whoever is asked about their health for nothing is annoyed.
_SURE: Final = 0.7
_OF_OTHERS: Final = frozenset({"none work_text", "none quote", "none fiction"})
_REQUEST: Final = "none request"


@dataclass(frozen=True, slots=True)
class Reading:
    """What a sentence is: the chance, 0 to 1, that it is worth remembering, its likeliest kind and topic.

    `ends` says that it tells of something that is no more so; `topics` are the sensitive ones that it touches.
    `is_of_others` says that it hands over or is a text of somebody else: to be worked on, a quotation, a story;
    or that it is a request that ends in a colon, and so hands over what follows.
    """

    chance: float
    kind: MemoryKind
    about: About
    ends: bool
    topics: frozenset[Topic]
    is_of_others: bool = False


@dataclass(frozen=True, slots=True)
class Relation:
    """The chances, 0 to 1 and together 1, of what a later sentence does to an earlier one of the same user."""

    replaces: float
    ends: float
    same: float
    both: float
    unsure: float


class SentenceClassifier:
    """The heads, with what embeds for them. Where nothing embeds, heads over words alone read in their place."""

    def __init__(self, embed: Embed) -> None:
        self._embed = embed

    def read(self, sentences: Sequence[str]) -> list[Reading]:
        """Return what each sentence of one message is; they are given in their order. Raises EmbeddingError."""
        if not sentences:
            return []
        vectors = self._embed(sentences)
        heads = load_heads(with_vectors=vectors is not None)
        features = sentence_features(sentences, vectors, heads["kind"].vocabulary)
        readings = []
        for text, kinds, abouts, topics in zip(
            sentences,
            heads["kind"].softmax(features),
            heads["about"].softmax(features),
            heads["topic"].sigmoid(features),
            strict=True,
        ):
            chances = dict(zip(heads["kind"].classes, map(float, kinds), strict=True))
            kept = {name: chance for name, chance in chances.items() if not name.startswith(PASSED_OVER)}
            likeliest = max((name for name in kept if name != ENDS), key=kept.__getitem__)
            of_others = sum(chances.get(name, 0.0) for name in _OF_OTHERS)
            if text.rstrip().endswith((":", "：")):
                of_others += chances.get(_REQUEST, 0.0)
            readings.append(
                Reading(
                    sum(kept.values()),
                    MemoryKind(likeliest),
                    About(heads["about"].classes[int(abouts.argmax())]),
                    kept[ENDS] > kept[likeliest],
                    frozenset(
                        Topic(name)
                        for name, chance in zip(heads["topic"].classes, topics, strict=True)
                        if chance > _SURE
                    ),
                    of_others >= _LIKELY,
                )
            )
        return readings

    def relate(self, earlier: Sequence[str], later: str) -> list[Relation]:
        """Return what a sentence does to each of some earlier ones. Raises EmbeddingError."""
        if not earlier:
            return []
        texts = [later, *earlier]
        vectors = self._embed(texts)
        heads = load_heads(with_vectors=vectors is not None)
        readings = read_alone(heads, texts, vectors)
        features = pair_features(
            [(text, later) for text in earlier],
            None if vectors is None else (vectors[1:], vectors[:1].repeat(len(earlier), axis=0)),
            (readings[1:], readings[:1].repeat(len(earlier), axis=0)),
            heads["relation"].vocabulary,
        )
        names = heads["relation"].classes
        return [
            Relation(**dict(zip(names, map(float, row), strict=True))) for row in heads["relation"].softmax(features)
        ]


def read_alone(heads: Mapping[str, Head], texts: Sequence[str], vectors: Vectors | None) -> Vectors:
    """Return the chances of kinds and topics of sentences of different messages, shape (texts, classes)."""
    import numpy as np

    rows = []
    for at, text in enumerate(texts):
        features = sentence_features(
            [text], None if vectors is None else vectors[at : at + 1], heads["kind"].vocabulary
        )
        rows.append(np.concatenate([heads["kind"].softmax(features), heads["about"].softmax(features)], axis=1))
    return np.concatenate(rows)


@dataclass(frozen=True, slots=True)
class Head:
    """A linear head: its words by column, the names of its classes, weights of shape (features, classes), biases."""

    vocabulary: Mapping[str, int]
    classes: tuple[str, ...]
    weights: Vectors
    biases: Vectors

    def softmax(self, features: Vectors) -> Vectors:
        """Return the chance of each class, together 1, shape (rows, classes)."""
        import numpy as np

        scores = self._scores(features)
        powers = np.exp(scores - scores.max(axis=1, keepdims=True))
        return np.asarray(powers / powers.sum(axis=1, keepdims=True))

    def sigmoid(self, features: Vectors) -> Vectors:
        """Return the chance of each class by itself, shape (rows, classes)."""
        import numpy as np

        return np.asarray(1 / (1 + np.exp(-self._scores(features))))

    def _scores(self, features: Vectors) -> Vectors:
        # A head that was fitted to less than all features was fitted to the first of them.
        return features[:, : len(self.weights)] @ self.weights + self.biases


@functools.cache
def load_heads(*, with_vectors: bool) -> Mapping[str, Head]:
    """Return the fitted heads by name: `kind`, `about`, `topic` and `relation`."""
    import numpy as np

    with resources.files(__package__).joinpath(WEIGHTS_FILE).open("rb") as file, np.load(file) as data:
        named = json.loads(bytes(data["names"]).decode())
        prefix = "vectors" if with_vectors else "words"
        columns = {
            name: {word: column for column, word in enumerate(words)} for name, words in named["vocabularies"].items()
        }
        heads = {}
        for name in ("kind", "about", "topic", "relation"):
            key = f"{prefix}_{name}"
            weights = data[f"{key}_weights"].astype(np.float32) * data[f"{key}_scales"].astype(np.float32)
            heads[name] = Head(
                columns[named["heads"][key]["vocabulary"]],
                tuple(named["heads"][key]["classes"]),
                weights,
                data[f"{key}_biases"].astype(np.float32),
            )
    return heads
