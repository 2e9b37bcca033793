"""Kills at named points and torn files; the long run is `python -m tests.faults.harness --runs 500`."""

from __future__ import annotations

import os
import random
import signal
from pathlib import Path

import pytest

from memory_store import Store
from memory_store.database.migrations import migrations
from tests.faults.harness import House, run
from tests.memory_store.test_migrations import ARCHIVES, STORES, assert_holds_everything, unpacked
from tests.support import warmed
from tests.support.embedder import HashEmbedder

RUNS = int(os.environ.get("FAULT_RUNS", "12"))


def test_killed_and_torn_stores_keep_every_promise(tmp_path: Path) -> None:
    chosen = random.Random(20_261_125)
    house = House(tmp_path)
    for number in range(RUNS):
        if number % 10 == 0:  # begin anew now and then, so that every stage is hit
            house = House(tmp_path / str(number))
            house.folder.mkdir()
        run(number, house, chosen)
    assert house.kept


def killed(folder: Path, task: str, commit: int, when: str) -> bool:
    """Run a task that dies at a commit; return whether it got that far."""
    arguments = [str(folder), task, "commit", str(commit), when]
    code, _, complaint = warmed.start("tests.faults.victim", *arguments).finish()
    assert code in (0, -signal.SIGKILL), complaint
    return code != 0


@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_migration_is_done_or_not_begun(tmp_path: Path, when: str) -> None:
    steps = len(migrations()) - 1  # from the schema of the first fixture, a commit each
    for commit in range(1, steps + 2):
        folder = tmp_path / str(commit)
        folder.mkdir()
        unpacked(STORES[0], folder)
        assert killed(folder, "open", commit, when) == (commit <= steps)
        with Store.open(folder, HashEmbedder()) as store:
            assert_holds_everything(store)


@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_restore_brings_everything_or_nothing(tmp_path: Path, when: str) -> None:
    for commit in range(1, 5):
        folder = tmp_path / str(commit)
        reached = killed(folder, str(ARCHIVES[0].absolute()), commit, when)
        with Store.open(folder, HashEmbedder()) as store:
            if store.documents.all():
                assert_holds_everything(store)
            else:
                assert reached
                assert store.memories.all() == []
