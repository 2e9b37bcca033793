"""DBOS on a real PostgreSQL as the queue of tasks: run by `scripts/try_dbos.sh`, with the tests of tasks themselves."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from assistant.core.tasks.background import TaskRunner
from assistant.core.tasks.dbos_queue import DbosQueue
from assistant.core.tasks.worker import TaskWorker
from assistant.errors import QueueError
from memory_store import Store, Task, TaskItem
from memory_store.database.tasks import StepOutcome, TaskState
from tests.core.tasks.test_worker import World, allow_all, begin
from tests.support.embedder import HashEmbedder
from tests.support.task_queue import Postgres, wants_dbos

pytestmark = pytest.mark.skipif(not wants_dbos(), reason="scripts/try_dbos.sh gets the extra")
NAMES = ("Bo", "Annalisa", "Cid", "Dorothea", "Emil", "Fanny", "Gustav", "Hedwig")


@pytest.fixture
def postgres() -> Iterator[Postgres]:
    with Postgres() as postgres:
        yield postgres


def queue_of(store: Store, postgres: Postgres) -> DbosQueue:
    return DbosQueue(postgres.url, store.tasks.queue_name)


async def work(world: World, postgres: Postgres) -> None:
    queue = queue_of(world.store, postgres)
    await TaskWorker(world.store, world.build, world.find, queue.work_on).work(asyncio.Event())


def read_task(world: World, task: Task) -> Task:
    return world.store.tasks.get(task.id)


async def work_until_killed(folder: Path, url: str) -> None:
    """Work on a task, and die with the third letter: it is sent, and nothing says so."""
    with Store.open(folder, HashEmbedder()) as store:
        world = World(store)

        def die() -> None:
            if len(world.letters) == 3:
                os.kill(os.getpid(), signal.SIGKILL)

        world.on_letter = die
        task = begin(world, *NAMES)
        await allow_all(world, task)
        queue = DbosQueue(url, store.tasks.queue_name)
        await TaskWorker(store, world.build, world.find, queue.work_on).work(asyncio.Event())


def begin_and_die(folder: Path, postgres: Postgres) -> None:
    """Have another process do that."""
    command = [sys.executable, "-m", "tests.extras.test_dbos", str(folder), postgres.url]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    assert "itm_" in postgres.dump()


async def test_killed_program_goes_on_where_it_was_sends_nothing_twice_and_leaves_no_word(
    tmp_path: Path, postgres: Postgres
) -> None:
    begin_and_die(tmp_path, postgres)
    postgres.execute("UPDATE dbos.workflow_status SET recovery_attempts = 500")  # as if it had died as often
    with Store.open(tmp_path, HashEmbedder()) as store:
        world = World(store)
        [task] = store.tasks.all()
        await work(world, postgres)
        questions = store.tasks.questions(task.id)
        assert [step.outcome for _, step in questions].count(StepOutcome.UNCERTAIN) >= 1
        sent = {item.key for item in store.tasks.items(task.id)} - {place for place, _ in world.letters}
        assert 3 <= len(sent) <= 6  # those before the kill, and those under way beside it
        for _, step in questions:
            assert store.tasks.answer(step, StepOutcome.DONE)
        await work(world, postgres)
        assert (read_task(world, task).state, set(world.states(task).values())) == (TaskState.DONE, {"done"})
        assert len(world.letters) == len({place for place, _ in world.letters})
        kept = postgres.dump()
        assert [word for word in (*NAMES, "quiet", "window", "itm_") if word in kept] == []


async def test_database_that_is_away_lets_the_task_wait_and_says_so(tmp_path: Path, postgres: Postgres) -> None:
    with Store.open(tmp_path, HashEmbedder()) as store:
        world = World(store)
        task = begin(world, "Bo")
        await allow_all(world, task)
        postgres.stop()
        try:
            await work(world, postgres)
        finally:
            postgres.start()
        told = read_task(world, task)
        assert (told.state, world.states(task), world.letters) == (TaskState.RUNNING, {"Bo": "waiting"}, [])
        assert "The database of the queue of tasks can't be used" in (told.trouble or "")
        assert told.not_before is not None
        store.tasks.change_state(task.id, TaskState.RUNNING)
        await work(world, postgres)
        assert (world.states(task), len(world.letters)) == ({"Bo": "done"}, 1)


async def test_what_is_under_way_when_the_database_goes_away_is_ended_first(tmp_path: Path, postgres: Postgres) -> None:
    loop, refused, ended = asyncio.get_running_loop(), asyncio.Event(), list[str]()

    class Watched(DbosQueue):
        def _work_through(self, *given: Any) -> None:
            try:
                super()._work_through(*given)
            finally:
                loop.call_soon_threadsafe(refused.set)

    async def work_on(item: TaskItem) -> bool:
        await asyncio.to_thread(postgres.stop)
        await refused.wait()
        await asyncio.to_thread(store.tasks.get, task.id)
        ended.append(item.key)
        return True

    with Store.open(tmp_path, HashEmbedder()) as store:
        task = begin(World(store), "Bo", "Annalisa")
        try:
            with pytest.raises(QueueError):
                await Watched(postgres.url, lambda: "own").work_on(store.tasks.items(task.id), 1, work_on)
        finally:
            postgres.start()
    assert ended == ["Bo"]


async def test_two_stores_use_one_database_and_neither_sees_what_the_other_does(
    tmp_path: Path, postgres: Postgres
) -> None:
    begin_and_die(tmp_path / "other", postgres)
    with Store.open(tmp_path / "own", HashEmbedder()) as store:
        world = World(store)
        task = begin(world, *NAMES)
        await allow_all(world, task)
        await work(world, postgres)
        assert (set(world.states(task).values()), len(world.letters)) == ({"done"}, len(NAMES))
    assert "itm_" in postgres.dump()  # what the other left under way waits for it


def leave_what_does_not_end(folder: Path, url: str) -> None:
    """Close a chat while an item is under way that does not end."""
    begun = threading.Event()

    async def work_on(_: TaskItem) -> bool:
        begun.set()
        await asyncio.Event().wait()
        return True

    with Store.open(folder, HashEmbedder()) as store:
        task = begin(World(store), "Bo")
        items, queue = store.tasks.items(task.id), DbosQueue(url, store.tasks.queue_name)
        runner = TaskRunner(lambda _: queue.work_on(items, 1, work_on))
        runner.start()
        begun.wait()
        runner.stop()


def test_item_that_does_not_end_keeps_no_program_from_ending(tmp_path: Path, postgres: Postgres) -> None:
    command = [sys.executable, "-m", "tests.extras.test_dbos", str(tmp_path), postgres.url, "leave"]
    ended = subprocess.run(command, check=True, timeout=60, capture_output=True, text=True)
    assert (ended.stdout, ended.stderr) == ("", "")


async def test_two_stores_of_one_program_work_one_after_the_other(tmp_path: Path, postgres: Postgres) -> None:
    worked: list[str] = []

    async def work_on(item: TaskItem) -> bool:
        await asyncio.to_thread(lambda: None)
        worked.append(item.key)
        return True

    with Store.open(tmp_path / "a", HashEmbedder()) as first, Store.open(tmp_path / "b", HashEmbedder()) as second:
        await asyncio.gather(
            *(
                queue_of(store, postgres).work_on(store.tasks.items(begin(World(store), *names).id), 2, work_on)
                for store, names in ((first, NAMES[:4]), (second, NAMES[4:]))
            )
        )
    assert sorted(worked) == sorted(NAMES)


@pytest.mark.parametrize("url", ["postgresql://localhost", "postgresql://localhost:port/tasks"])
async def test_address_that_is_none_is_told_as_that(tmp_path: Path, url: str) -> None:
    with Store.open(tmp_path, HashEmbedder()) as store:
        world = World(store)
        task = begin(world, "Bo")
        await TaskWorker(store, world.build, world.find, DbosQueue(url, lambda: "own").work_on).work(asyncio.Event())
        assert "The database of the queue of tasks can't be used" in (read_task(world, task).trouble or "")


if __name__ == "__main__":
    given = Path(sys.argv[1]), sys.argv[2]
    if sys.argv[3:] == ["leave"]:
        leave_what_does_not_end(*given)
    else:
        asyncio.run(work_until_killed(*given))
