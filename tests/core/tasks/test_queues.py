"""A queue that can't be used lets the task wait, and says so."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from assistant import bootstrap
from assistant.config import Settings, TasksConfig
from assistant.core.tasks import dbos_queue
from assistant.core.tasks.worker import TaskWorker
from memory_store import Store, TaskState
from tests.core.tasks.test_worker import World, begin
from tests.support.embedder import HashEmbedder


async def test_extra_that_is_not_there_is_named_and_the_task_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dbos_queue, "find_spec", lambda _: None)
    with Store.open(tmp_path, HashEmbedder()) as store:
        world = World(store)
        task = begin(world, "Bo")
        queue = bootstrap.build_queue(Settings(tasks=TasksConfig("postgresql://me@localhost/keepsake")), store)
        await TaskWorker(store, world.build, world.find, queue).work(asyncio.Event())
        told = store.tasks.get(task.id)
        assert (told.state, world.states(task), told.not_before is None) == (
            TaskState.RUNNING,
            {"Bo": "waiting"},
            False,
        )
        assert 'pip install "keepsake-assistant[dbos]"' in (told.trouble or "")


def test_queue_is_built_while_the_store_is_busy(tmp_path: Path) -> None:
    with Store.open(tmp_path, HashEmbedder()) as store:
        pass
    bootstrap.build_queue(Settings(tasks=TasksConfig("postgresql://me@localhost/keepsake")), store)  # it asks nothing
