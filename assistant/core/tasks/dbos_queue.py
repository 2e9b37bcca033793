"""DBOS on PostgreSQL as the queue of tasks (extra `dbos`): it says when each item is worked on, and keeps its place.

Ids are all that it is given: a workflow has the id of its item, and neither takes nor returns a text.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from importlib.util import find_spec
from typing import Final

from assistant.core.tasks.queues import WorkOnItem
from assistant.errors import QueueError
from assistant.threads import in_thread
from memory_store import TaskItem
from memory_store.importing import one_at_a_time

_POLL_SECONDS: Final = 0.05
_LOOK_SECONDS: Final = 1.0
_ENDED: Final = ["SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"]
_in_use: Final = threading.Lock()  # there is one DBOS in a process


class DbosQueue:
    """Has items worked on as workflows of DBOS. `name` gives the record's own: others may use the same database."""

    def __init__(self, url: str, name: Callable[[], str]) -> None:
        self._url = url
        self._name = name

    async def work_on(self, items: Sequence[TaskItem], workers: int, work_on: WorkOnItem) -> None:
        """Have items worked on, so many at once (see `Queue`). Raises QueueError.

        No thread waits for an item, so that none keeps the program from ending.
        """
        if not items:
            return
        loop = asyncio.get_running_loop()
        places = asyncio.Semaphore(workers)  # what a crash left under way is begun again beside the queue
        waiting = {item.id: item for item in items}
        begun: list[asyncio.Task[bool]] = []
        rests = False
        over = threading.Event()

        async def work(item: TaskItem) -> bool:
            async with places:
                return not rests and await work_on(item)

        def note_end(ended: asyncio.Task[bool]) -> None:
            nonlocal rests
            rests = rests or ended.cancelled() or ended.exception() is not None or not ended.result()
            if (rests or not waiting) and all(task.done() for task in begun):
                over.set()

        async def begin(item_id: str) -> None:
            item = waiting.pop(item_id, None)
            if item is not None:  # else it is of another task, or done by now
                task = asyncio.ensure_future(work(item))
                task.add_done_callback(note_end)
                begun.append(task)
                await asyncio.wait([task])  # what goes wrong with it is raised below, and is not for DBOS to keep

        async def work_on_item(item_id: str) -> None:
            await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(begin(item_id), loop))

        try:
            await in_thread(partial(self._work_through, list(waiting), workers, work_on_item, over))
        finally:
            waiting.clear()
            rests = True
            results = await asyncio.gather(*begun, return_exceptions=True)  # of a database that went away as well
            over.set()
        failed = next((result for result in results if isinstance(result, BaseException)), None)
        if failed is not None:
            raise failed

    def _work_through(
        self, ids: Sequence[str], workers: int, work: Callable[[str], Awaitable[None]], over: threading.Event
    ) -> None:
        """Have DBOS begin the work on all of them, until it is `over`."""
        if find_spec("dbos") is None:
            raise QueueError(
                "The queue of tasks is to be DBOS, which is an extra.",
                'Install it: `pip install "keepsake-assistant[dbos]"`, or leave `database` under [tasks] empty.',
            )
        with one_at_a_time:
            from dbos import DBOS, SetWorkflowID, WorkflowSerializationFormat

        name = self._name()
        with _in_use:
            begin = DBOS.workflow(
                name="work_on_item",
                max_recovery_attempts=None,  # however often the program died
                serialization_type=WorkflowSerializationFormat.PORTABLE,
            )(work)
            try:
                dbos = DBOS(
                    config={
                        "name": _application(name),
                        "executor_id": name,
                        "application_version": name,  # the same always: what an older program began goes on as well
                        "system_database_url": self._url,
                        "log_level": "CRITICAL",
                    }
                )
                DBOS.launch()  # from here on what was under way when the program died is begun again
                dbos._sys_db._retry_connection_errors = False  # else it waits for a database that is away, without end
                _delete(name, _ENDED)
                DBOS.register_queue(
                    name, worker_concurrency=workers, polling_interval_sec=_POLL_SECONDS, on_conflict="always_update"
                )
                for item_id in ids:
                    with SetWorkflowID(item_id):  # one that is there already is joined
                        DBOS.enqueue_workflow(name, begin, item_id)
                while not over.wait(_LOOK_SECONDS):
                    DBOS.list_workflows(limit=1, load_input=False, load_output=False)  # raises where it is away
                _delete(name)
            except Exception as trouble:  # of DBOS, its driver or the address: no item is worked on here
                told = (str(trouble) or type(trouble).__name__).splitlines()[0]
                raise QueueError(
                    f"The database of the queue of tasks can't be used: {told}",
                    "Look at `database` under [tasks]; with an empty one, tasks need no database of their own.",
                ) from trouble
            finally:
                DBOS.destroy(destroy_registry=True)


def _application(name: str) -> str:
    return f"keepsake-{name}"


def _delete(name: str, status: list[str] | None = None) -> None:
    """Leave nothing in the database of this store's items: one may be worked on again, under the same id.

    DBOS may enter the end of one between the two statements of a deletion: the second one takes what that left.
    """
    from dbos import DBOS

    found = DBOS.list_workflows(application_name=_application(name), status=status, load_input=False, load_output=False)
    for _ in range(2):
        DBOS.delete_workflows([workflow.workflow_id for workflow in found])
