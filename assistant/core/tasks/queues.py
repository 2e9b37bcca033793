"""The border to a queue: when each item of a task is worked on. What is found, and what was begun, is in the record."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from assistant.core.tasks.steps import all_of
from memory_store import TaskItem

WorkOnItem = Callable[[TaskItem], Awaitable[bool]]
"""Works on an item, and returns whether others may be begun after it."""
Queue = Callable[[Sequence[TaskItem], int, WorkOnItem], Awaitable[None]]
"""Has items worked on, so many at once, and returns when none is under way or will be begun any more.

What an item raises is raised once the others that are under way have ended. Raises QueueError where the queue itself
can't be used; what it has not begun by then waits in the record.
"""


async def work_in_order(items: Sequence[TaskItem], workers: int, work_on: WorkOnItem) -> None:
    """Have items worked on in this process, in their order: the queue that comes along."""
    queue = iter(items)

    async def take_items() -> None:
        for item in queue:
            if not await work_on(item):
                return

    await all_of([take_items() for _ in range(min(workers, len(items)))])
