"""A store filled with synthetic passages, and the same vectors in one bare Chroma collection beside it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any, Final

import numpy as np

from benchmarks.measure import milliseconds
from benchmarks.synthetic import PASSAGES_PER_DOCUMENT, SyntheticEmbedder, Texts
from memory_store import IndexSettings, NewDocument, Store
from memory_store.embedding.base import Vectors
from memory_store.models import PassageDraft
from memory_store.store import DATABASE_NAME

_BATCH: Final = 2048
_QUESTIONS: Final = 60
_START: Final = datetime(2020, 1, 1, tzinfo=UTC)


# Beyond this, one bare collection takes longer to build than anybody waits.
LARGEST_BARE: Final = 200_000


@dataclass(frozen=True, slots=True)
class FilledStore:
    """A folder with a store of `size` passages, questions about them, and how long each step of filling took."""

    folder: Path
    size: int
    questions: list[str]
    seconds: dict[str, float]

    @property
    def memory(self) -> Path:
        """The folder of the store."""
        return self.folder / "memory"

    @property
    def bare(self) -> Path:
        """The folder of the bare Chroma collection."""
        return self.folder / "chroma"


def fill(folder: Path, size: int, index: IndexSettings | None = None, *, bare: bool = True) -> FilledStore:
    """Fill a store through its public door: documents added, vectors embedded (at no cost), what it needs built.

    With `bare` the same vectors come into one collection of Chroma's, unless there are too many.
    """
    texts = Texts()
    asked: list[str] = []
    seconds: dict[str, float] = {}
    filled = FilledStore(folder, size, asked, seconds)
    with Store.open(filled.memory, SyntheticEmbedder(), index) as store:
        seconds["add"] = milliseconds(lambda: _add(store, texts, size, asked)) / 1000
        seconds["embed"] = milliseconds(store.embed_pending) / 1000
        seconds["index"] = milliseconds(store.update_index) / 1000
    asked[:] = texts.questions(asked)
    if bare and size <= LARGEST_BARE:
        seconds["bare index"] = milliseconds(lambda: _fill_bare(filled)) / 1000
    return filled


def _add(store: Store, texts: Texts, size: int, asked: list[str]) -> None:
    """Add documents, one a day, and choose the passages to ask about, evenly over all of them."""
    passages = texts.passages(size)
    every = max(1, size // _QUESTIONS)
    for number in range(0, -(-size // PASSAGES_PER_DOCUMENT)):
        piece = list(islice(passages, PASSAGES_PER_DOCUMENT))
        first = number * PASSAGES_PER_DOCUMENT
        asked.extend(one for at, one in enumerate(piece, start=first) if at % every == 0)
        store.documents.add(
            NewDocument(
                path=f"/synthetic/{number:05d}.txt",
                title=f"Synthetic {number}",
                media_type="text/plain",
                content_hash=f"{number:064x}",
                size_bytes=sum(map(len, piece)),
                created_at=_START + timedelta(days=number),
            ),
            [PassageDraft(one) for one in piece],
        )


def middle_of_time(size: int) -> datetime:
    """Return a time before which half of the passages were made."""
    return _START + timedelta(days=size // PASSAGES_PER_DOCUMENT // 2)


def stored_vectors(filled: FilledStore) -> Iterator[tuple[list[str], Vectors]]:
    """Yield the ids and vectors of the record in batches."""
    with closing(sqlite3.connect(filled.memory / DATABASE_NAME)) as connection:
        cursor = connection.execute(
            "SELECT p.id, e.vector FROM embeddings AS e JOIN passages AS p ON p.row = e.passage_row ORDER BY e.seq"
        )
        while page := cursor.fetchmany(_BATCH):
            matrix = np.frombuffer(b"".join(vector for _, vector in page), dtype="<f4")
            yield [one for one, _ in page], matrix.reshape(len(page), -1)


def _fill_bare(filled: FilledStore) -> None:
    with bare_collection(filled) as collection:
        number = 0
        for ids, vectors in stored_vectors(filled):
            collection.add(ids=ids, embeddings=vectors, metadatas=[{"number": number + at} for at in range(len(ids))])
            number += len(ids)


@contextmanager
def bare_collection(filled: FilledStore) -> Iterator[Any]:
    """Open one Chroma collection that holds every vector, with the search width that Keepsake uses."""
    import chromadb
    from chromadb.config import Settings

    client: Any = chromadb.PersistentClient(path=str(filled.bare), settings=Settings(anonymized_telemetry=False))
    try:
        yield client.get_or_create_collection(
            "bare",
            embedding_function=None,
            configuration={"hnsw": {"space": "cosine", "ef_search": 200, "sync_threshold": _BATCH}},
        )
    finally:
        client.close()


@contextmanager
def bare_full_text(filled: FilledStore) -> Iterator[sqlite3.Connection]:
    """Open the store's full-text table with SQLite alone, with the cache that Keepsake gives it."""
    with closing(sqlite3.connect(filled.memory / DATABASE_NAME)) as connection:
        connection.execute("PRAGMA cache_size=-16000")
        yield connection
