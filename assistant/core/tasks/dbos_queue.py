"""DBOS on PostgreSQL as the queue of tasks (extra `dbos`): it says when each item is worked on, and keeps its place.

Ids are all that it is given: a workflow has the id of its item, and neither takes nor returns a text.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final

from assistant.core.tasks.queues import WorkOnItem
from assistant.errors import QueueError
from memory_store import TaskItem

if TYPE_CHECKING:
    from dbos import WorkflowHandle

_POLL_SECONDS: Final = 0.05
_ENDED: Final = ["SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"]


class DbosQueue:
    """Has items worked on as workflows of DBOS. `name` is the record's own: others may use the same database."""

    def __init__(self, url: str, name: str) -> None:
        self._url = url
        self._name = name
        self._application = f"keepsake-{name}"

    async def work_on(self, items: Sequence[TaskItem], workers: int, work_on: WorkOnItem) -> None:
        """Have items worked on, so many at once (see `Queue`). Raises QueueError."""
        loop = asyncio.get_running_loop()
        places = asyncio.Semaphore(workers)  # what a crash left under way is begun again beside the queue
        waiting = {item.id: item for item in items}
        under_way: set[asyncio.Future[bool]] = set()
        over = asyncio.Event()
        troubles: list[BaseException] = []

        async def take_place(item: TaskItem) -> bool:
            async with places:
                if over.is_set():
                    return False
                working = asyncio.ensure_future(work_on(item))
                under_way.add(working)
                return await working

        def work(item_id: str) -> bool:
            item = waiting.pop(item_id, None)
            if item is None:  # of another task, or done by now
                return True
            working = asyncio.run_coroutine_threadsafe(take_place(item), loop)
            trouble = working.exception()
            if trouble is not None:  # raised below: what went wrong is not for DBOS to keep
                troubles.append(trouble)
                return False
            return working.result()

        try:
            await asyncio.to_thread(self._work_through, list(waiting), workers, work)
        finally:
            over.set()
            await asyncio.gather(*under_way, return_exceptions=True)  # of a database that went away as well
        if troubles:
            raise troubles[0]

    def _work_through(self, ids: Sequence[str], workers: int, work: Callable[[str], bool]) -> None:
        if find_spec("dbos") is None:
            raise QueueError(
                "The queue of tasks is to be DBOS, which is an extra.",
                'Install it: `pip install "keepsake-assistant[dbos]"`, or leave `database` under [tasks] empty.',
            )
        from dbos import DBOS, SetWorkflowID, WorkflowSerializationFormat, error
        from sqlalchemy.exc import SQLAlchemyError

        rests = threading.Event()

        def work_on_item(item_id: str) -> None:
            if not work(item_id):
                rests.set()

        begin = DBOS.workflow(name="work_on_item", serialization_type=WorkflowSerializationFormat.PORTABLE)(
            work_on_item
        )
        try:
            DBOS(
                config={
                    "name": self._application,
                    "executor_id": self._name,
                    "application_version": self._name,  # the same always: what an older program began goes on as well
                    "system_database_url": self._url,
                    "log_level": "CRITICAL",
                }
            )
            DBOS.launch()  # from here on what was under way when the program died is begun again
            self._delete_ended()
            DBOS.register_queue(
                self._name, worker_concurrency=workers, polling_interval_sec=_POLL_SECONDS, on_conflict="always_update"
            )
            handles = []
            for item_id in ids:
                with SetWorkflowID(item_id):  # one that is there already is joined
                    handles.append(DBOS.enqueue_workflow(self._name, begin, item_id))
            self._wait_for(handles, rests)
            self._delete_ended()
        except (error.DBOSException, SQLAlchemyError) as trouble:
            raise QueueError(
                f"The database of the queue of tasks can't be used: {str(trouble).splitlines()[0]}",
                "Look at `database` under [tasks]; with an empty one, tasks need no database of their own.",
            ) from trouble
        finally:
            DBOS.destroy(destroy_registry=True)

    def _wait_for(self, handles: Sequence[WorkflowHandle[Any]], rests: threading.Event) -> None:
        """Wait until all are over; once the work rests, those that are not begun are taken back."""
        from dbos import DBOS, error

        for handle in handles:
            with suppress(error.DBOSAwaitedWorkflowCancelledError):
                handle.get_result(polling_interval_sec=_POLL_SECONDS)
            if rests.is_set():
                rests.clear()
                queued = DBOS.list_workflows(
                    application_name=self._application, status="ENQUEUED", load_input=False, load_output=False
                )
                DBOS.cancel_workflows([workflow.workflow_id for workflow in queued])

    def _delete_ended(self) -> None:
        """Leave nothing in the database of what is over: an item may be worked on again, under the same id."""
        from dbos import DBOS

        ended = DBOS.list_workflows(
            application_name=self._application, status=_ENDED, load_input=False, load_output=False
        )
        DBOS.delete_workflows([workflow.workflow_id for workflow in ended])
