"""What the vector of a query says by itself, by weights fitted for an embedder (`benchmarks/fit_queries.py`)."""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from memory_store.embedding.base import Vectors

FILE: Final = "queries.json"
LIKELY: Final = 0.5


@dataclass(frozen=True, slots=True)
class _Fitted:
    advice: Vectors
    question: Vectors
    usual: float
    small_talk: Vectors
    small_talk_bias: float


@functools.cache
def _fitted(embedder_name: str | None) -> _Fitted | None:
    """Return what was fitted for an embedder, each vector of shape (dimension,); nothing for one never looked at."""
    data = json.loads(Path(__file__).with_name(FILE).read_text("utf-8")).get(embedder_name) if embedder_name else None
    if data is None:
        return None
    advice, question, small_talk = (
        np.array(data[name], dtype=np.float32) for name in ("advice", "question", "small talk")
    )
    return _Fitted(advice, question, data["usual"], small_talk, data["small talk bias"])


def small_talk_chance(vector: Vectors | None, embedder_name: str | None) -> float:
    """Return the chance, 0 to 1, that a query of this vector only greets, thanks or chats; 0 where nobody can say."""
    fitted = _fitted(embedder_name)
    if vector is None or fitted is None:
        return 0.0
    return float(1 / (1 + np.exp(-(vector / np.linalg.norm(vector) @ fitted.small_talk + fitted.small_talk_bias))))


def commonness(vectors: Vectors, embedder_name: str | None) -> Vectors:
    """Return how much nearer than usual each passage, shape (passages, dimension), is to any question whatever.

    It is a part of a cosine, 0 where nobody can say. A short general sentence is near to every question.
    """
    fitted = _fitted(embedder_name)
    common = np.zeros(len(vectors)) if fitted is None else np.einsum("ij,j->i", vectors, fitted.question) - fitted.usual
    return np.asarray(common, dtype=np.float32)


def for_tastes(vector: Vectors, embedder_name: str) -> Vectors:
    """Return the vector to look for tastes with: a request's, less what all requests for advice have in common.

    What it gives with a sentence of the user is no cosine: of a taste that should govern the request it is .05 in the
    median, of another .02.
    """
    fitted = _fitted(embedder_name)
    return vector if fitted is None else np.asarray(vector / np.linalg.norm(vector) - fitted.advice, dtype=np.float32)
