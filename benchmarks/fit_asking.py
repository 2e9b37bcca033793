"""Fits what tells questions and small talk from statements: `python -m benchmarks.fit_asking DATA`.

DATA is a folder with `xquad/xquad.*.json` (github.com/google-deepmind/xquad, CC BY-SA 4.0: questions and paragraphs in
twelve languages), `chatterbot_corpus/` (the PyPI package chatterbot-corpus, BSD: short talk in twenty-five) and
`spacy/lang/*/examples.py` (the PyPI package spacy, MIT: a few sentences in sixty languages, for measuring alone). With
them go LoCoMo, MemoryBank and the preferences of ../shared/data, and the lists in `benchmarks/asking/`. Held out are 8
of XQuAD's 48 articles, a fifth of the short talk, the first of LoCoMo's conversations, a fifth of each list and all of
spaCy's: prints how well these are told apart, fits once more with all but spaCy's, and writes memory_store/asking.bin.
"""

from __future__ import annotations

import argparse
import ast
import json
import re
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np

from memory_store import asking
from memory_store.asking import BUCKETS, FITTED, Saying, pieces

SHARED: Final = Path("../shared/data")
LISTS: Final = Path(__file__).parent / "asking"
_HELD_OUT_ARTICLES: Final = 8
_EPOCHS, _BATCH, _RATE, _DECAY = 10, 256, 4.0, 1e-7
_ENDS: Final = re.compile(r"(?<=[.!?])\s+|(?<=[。！？।])\s*")
_GREEK: Final = re.compile("[\u0370-\u03ff]")
_LINE: Final = re.compile(r"\s*(?P<first>- )?- (?P<text>.+)$")
_BARE: Final = re.compile(r"[\s.!?。！？؟;\u037e…।]+$")
Sentence = tuple[str, Saying, bool]  # its text, what it does, whether it is held out


def main() -> None:
    """Fit, print how well what was held out is told apart, write the weights."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    data = parser.parse_args().data
    sets = {
        "XQuAD": list(xquad(data / "xquad")),
        "short talk": list(short_talk(data / "chatterbot_corpus")),
        "chats": list(chats()),
        "lists": list(lists()),
    }
    everything = [one for sentences in sets.values() for one in sentences]
    write(*fit([one for one in everything if not one[2]]))
    sets["spaCy's examples"] = list(examples(data / "spacy"))
    for name, sentences in sets.items():
        measure(name, [one for one in dict.fromkeys(sentences) if one[2]])
    write(*fit(everything))


def is_asked(text: str) -> bool:
    """Say whether a sentence is marked as a question; Greek has the sign of other languages' semicolon for it."""
    return bool(asking.MARKED.search(text) or (_GREEK.search(text) and text.rstrip().endswith(";")))


def _marked(text: str, held_out: bool) -> Sentence:
    return text, Saying.ASKS if is_asked(text) else Saying.TELLS, held_out


def _is_fifth(text: str) -> bool:
    return zlib.crc32(text.encode()) % 5 == 0


def xquad(folder: Path) -> Iterator[Sentence]:
    """Yield questions, and the sentences of the paragraphs that they are about."""
    for path in sorted(folder.glob("xquad.*.json")):
        articles = json.loads(path.read_text("utf-8"))["data"]
        for number, article in enumerate(articles):
            held_out = number >= len(articles) - _HELD_OUT_ARTICLES
            for paragraph in article["paragraphs"]:
                for asked in paragraph["qas"]:
                    yield asked["question"].strip(), Saying.ASKS, held_out
                for sentence in _ENDS.split(paragraph["context"]):
                    if 15 < len(sentence) < 300 and not is_asked(sentence):
                        yield sentence.strip(), Saying.TELLS, held_out


def short_talk(folder: Path) -> Iterator[Sentence]:
    """Yield what is marked as asked, and answers; what begins a talk is often a question without its mark."""
    for path in sorted(folder.glob("data/*/*.yml")):
        for line in path.read_text("utf-8-sig").splitlines():
            found = _LINE.match(line)
            if found is None or len(text := found["text"].strip().strip("\"'")) < 4 or path.stem == "greetings":
                continue
            # Short answers are small talk as often as not, and unmarked.
            long = len(text.split()) > 3 or (not text.isascii() and len(text) > 9)
            if is_asked(text) or (long and not found["first"]):
                yield _marked(text, _is_fifth(text))


def chats() -> Iterator[Sentence]:
    """Yield what people said in LoCoMo and MemoryBank, and tastes with the requests that they govern."""
    talk: dict[str, Any] = json.loads((SHARED / "locomo_dev.json").read_text("utf-8"))
    for number, conversation in enumerate(talk["conversations"]):
        for turn in (one for session in conversation["sessions"] for one in session["turns"]):
            yield from (_marked(one, number == 0) for one in _ENDS.split(turn["text"]) if len(one) > 4)
    bank: dict[str, Any] = json.loads((SHARED / "memorybank_dev.json").read_text("utf-8"))
    for user in (one for language in bank.values() for one in language["users"]):
        for turn in (one for session in user["sessions"] for one in session["turns"] if one["role"] == "user"):
            yield from (_marked(one, False) for one in _ENDS.split(turn["text"]) if len(one) > 4)
    tastes: dict[str, Any] = json.loads((SHARED / "preferences_dev.json").read_text("utf-8"))
    for one in (one for topic in tastes.values() for one in topic):
        yield one["preference"], Saying.TELLS, False
        yield one["question"], Saying.ASKS, False


def lists() -> Iterator[Sentence]:
    """Yield small talk, requests, and statements that begin as questions do. Those few count many times."""
    for name, what, times in (
        ("small_talk", Saying.CHATS, 80),
        ("requests", Saying.ASKS, 20),
        ("statements", Saying.TELLS, 30),
    ):
        for line in dict.fromkeys((LISTS / f"{name}.txt").read_text("utf-8").splitlines()):
            yield from [(line, what, _is_fifth(line))] * times


def examples(folder: Path) -> Iterator[Sentence]:
    """Yield the example sentences of spaCy's languages."""
    for path in sorted(folder.glob("lang/*/examples.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and "spacy.lang" not in node.value:
                text = " ".join(node.value.split())
                if len(text) > 3:
                    yield _marked(text, True)


def fit(sentences: list[Sentence]) -> tuple[np.ndarray, np.ndarray]:
    """Return weights, shape (FITTED, BUCKETS), and biases, by stochastic descent on the softmax loss (AdaGrad).

    Each sentence is seen as it was written and without the sign at its end.
    """
    rows = [(form, what) for text, what, _ in sentences for form in dict.fromkeys((text, _BARE.sub("", text)))]
    texts, whats = [row[0] for row in rows], [row[1] for row in rows]
    found = [tuple(np.fromiter(one, np.int64) for one in pieces(text)) for text in texts]
    target = np.array([[what is one for one in FITTED] for what in whats], dtype=float)
    count = len(FITTED)
    weights, squares = np.zeros((count, BUCKETS)), np.full((count, BUCKETS), 1e-3)
    biases = np.zeros(count)
    chosen = np.random.default_rng(1)
    for _ in range(_EPOCHS):
        order = chosen.permutation(len(texts))
        for start in range(0, len(order), _BATCH):
            batch = order[start : start + _BATCH]
            flat = [_flattened([found[one][at] for one in batch]) for at in range(count)]
            scores = biases + np.stack(
                [
                    np.bincount(row, one[indices], len(batch)) * norm
                    for one, (indices, row, norm) in zip(weights, flat, strict=True)
                ],
                axis=1,
            )
            error = _softmax(scores) - target[batch]
            for at, (indices, row, norm) in enumerate(flat):
                gradient = np.bincount(indices, (error[:, at] * norm)[row], BUCKETS) / len(batch)
                touched = gradient != 0
                squares[at, touched] += gradient[touched] ** 2
                weights[at] *= 1 - _DECAY * _RATE
                weights[at, touched] -= _RATE * gradient[touched] / np.sqrt(squares[at, touched])
                biases[at] -= 0.5 * error[:, at].mean()
    return weights, biases


def _flattened(rows: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the buckets of some sentences in one, the number of each one's sentence, and what divides its sum."""
    sizes = np.array([len(one) for one in rows])
    return np.concatenate(rows), np.repeat(np.arange(len(rows)), sizes), 1 / np.sqrt(np.maximum(sizes, 1))


def _softmax(scores: np.ndarray) -> np.ndarray:
    """Return the chance of each of FITTED; what is left of 1 is that something is told."""
    powers = np.exp(np.minimum(scores, 30))
    return np.asarray(powers / (1 + powers.sum(axis=1, keepdims=True)))


def write(weights: np.ndarray, biases: np.ndarray) -> None:
    """Write the weights, a byte each, with a scale for each of FITTED."""
    scales = np.abs(weights).max(axis=1) / 127
    rounded = np.rint(weights / scales[:, None]).astype(np.int8)
    head = struct.pack(f"<{2 * len(FITTED)}f", *scales, *biases)
    Path(asking.__file__).with_name(asking.WEIGHTS_FILE).write_bytes(head + rounded.tobytes())


def measure(name: str, sentences: list[Sentence]) -> None:
    """Print, as written and without the sign at the end, which part of each sort is told to be what."""
    for form, change in (("as written", str), ("without its sign", lambda text: _BARE.sub("", text))):
        for what in Saying:
            told = [asking.what_of(change(text)) for text, one, _ in sentences if one is what]
            if told:
                shares = ", ".join(f"{one} {told.count(one) / len(told):.3f}" for one in Saying)
                print(f"{name:<17} {form:<17} {what:<6} {len(told):>5}: {shares}", flush=True)


if __name__ == "__main__":
    main()
