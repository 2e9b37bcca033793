"""Kills and tears, as many as are asked for: `python -m tests.faults.harness --runs 500` writes the report.

Each run kills a working process (tests/faults/victim.py) at a named point or at a random moment, tears a file of the
index now and then, and then holds the store to what it promises.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
import threading
import zipfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from memory_store import Store
from memory_store.errors import NotFoundError
from tests.faults.victim import POINTS
from tests.memory_store.support import IN_CHROMA, bytes_of
from tests.support import warmed
from tests.support.embedder import HashEmbedder

TEARS: Final = ("none", "truncate", "zero", "flip", "delete", "older copy", "wrong embedder")


@dataclass
class House:
    """A store that is killed again and again, and what was acknowledged in it."""

    folder: Path
    kept: dict[str, str] = field(default_factory=dict)
    gone: dict[str, str] = field(default_factory=dict)

    @property
    def data(self) -> Path:
        """The data folder."""
        return self.folder / "data"

    def kill(self, point: str, chosen: random.Random) -> None:
        """Let a process work until it dies at the point, or at a random moment, and note what it acknowledged."""
        number = str(chosen.randrange(1, 12 if point == "commit" else 3))
        arguments = [str(self.data), str(chosen.getrandbits(32)), point, number, chosen.choice(("before", "after"))]
        process = warmed.start("tests.faults.victim", *arguments)
        timer = threading.Timer(chosen.uniform(0.05, 2.0) if point == "any moment" else 40.0, process.kill)
        timer.start()
        _, printed, _ = process.finish()
        timer.cancel()
        for line in printed.splitlines():
            state, identifier, mark = line.split()
            (self.kept if state == "kept" else self.gone)[identifier] = mark

    def tear(self, way: str, chosen: random.Random) -> None:
        """Damage one file of the index as a failing disk or a careless copy would."""
        root = self.data / "index"
        files = sorted(path for path in root.rglob("*") if path.is_file() and path.stat().st_size)
        older = self.folder / "older"
        if way == "wrong embedder":
            with Store.open(self.data, HashEmbedder("another"), IN_CHROMA) as store:
                assert store.recall("line about", 1)
                store.update_index()
        elif files and way != "none":
            victim = chosen.choice(files)
            data = bytearray(victim.read_bytes())
            match way:
                case "truncate":
                    victim.write_bytes(data[: chosen.randrange(len(data))])
                case "zero":
                    victim.write_bytes(bytes(len(data)))
                case "flip":
                    for _ in range(40):
                        data[chosen.randrange(len(data))] ^= 1 << chosen.randrange(8)
                    victim.write_bytes(data)
                case "delete":
                    victim.unlink()
                case "older copy" if older.exists():
                    shutil.rmtree(root)
                    shutil.copytree(older, root)
        if root.exists() and chosen.random() < 0.3:
            shutil.rmtree(older, ignore_errors=True)
            shutil.copytree(root, older)

    def check(self) -> None:
        """Open the store and hold it to its promises: nothing acknowledged lost, recall right, erasures complete."""
        with Store.open(self.data, HashEmbedder(), IN_CHROMA) as store:
            store.complete_erasures()
            store.embed_pending()
            assert store.update_index()
            problems = store.verify()
            assert problems == [], problems
            for identifier, mark in self.kept.items():
                assert _is_there(store, identifier), f"{identifier} was acknowledged and is lost"
                found = [hit.text for hit in store.recall(mark, 1)]
                assert any(mark in text for text in found), f"{mark} is not recalled"
            assert all(one.completed_at for one in store.erasures())
            for one in store.backups.all():
                assert store.backups.check(one.name) == []
        shutil.rmtree(self.data / "backups", ignore_errors=True)  # copies of what had not yet been erased
        left = bytes_of(self.data)
        for identifier, mark in self.gone.items():
            assert identifier.encode() not in left, f"{identifier} was erased and is still there"
            assert mark.encode() not in left, f"{mark} was erased and is still there"
        archive = self.folder / "archive.zip"
        if archive.exists():
            assert zipfile.ZipFile(archive).testzip() is None


def _is_there(store: Store, identifier: str) -> bool:
    try:
        return store.resolve(identifier) == identifier
    except NotFoundError:
        return False


def run(number: int, house: House, chosen: random.Random) -> tuple[str, str]:
    """Kill, tear and check once; return what was done."""
    points = ["any moment", *POINTS]
    point = points[number % len(points)]
    way = TEARS[number % len(TEARS)]
    house.kill(point, chosen)
    house.tear(way, chosen)
    house.check()
    return point, way


def main() -> None:
    """Run as often as asked; print a table of what was survived and end with 1 if anything was not."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=30)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    chosen = random.Random(arguments.seed)
    survived: Counter[str] = Counter()
    failures: list[str] = []
    with tempfile.TemporaryDirectory(prefix="keepsake-faults-") as name:
        house = House(Path(name))
        for number in range(arguments.runs):
            if number % 12 == 0:
                house = House(Path(name) / str(number))
                house.folder.mkdir()
            try:
                point, way = run(number, house, chosen)
                survived[f"kill: {point}"] += 1
                survived[f"tear: {way}"] += 1
            except AssertionError as error:
                failures.append(f"run {number}: {error}")
                print(failures[-1], flush=True)
    for what, count in sorted(survived.items()):
        print(f"| {what} | {count} |")
    print(f"{arguments.runs - len(failures)} of {arguments.runs} survived (seed {arguments.seed})")
    sys.exit(bool(failures))


if __name__ == "__main__":
    main()
