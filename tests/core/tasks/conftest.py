"""A PostgreSQL for the tests of tasks, where they are to run on DBOS."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.task_queue import database_for_tasks, wants_dbos


@pytest.fixture(scope="session", autouse=True)
def database() -> Iterator[None]:
    if not wants_dbos():
        yield
        return
    with database_for_tasks():
        yield
