"""What is learned, beside the memories themselves: the messages that wait, open questions, and summaries."""

from __future__ import annotations

from collections.abc import Sequence

from memory_store.database.capture_queue import CaptureQueue, Change
from memory_store.database.connection import Database
from memory_store.database.questions import Questions
from memory_store.database.summaries import Summaries
from memory_store.models import Memory


class Learning:
    """The queue of what is still to be captured from, the questions to the user, and the summaries."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.queue = CaptureQueue(database)
        self.questions = Questions(database)
        self.summaries = Summaries(database)

    def keep(self, changes: Sequence[Change]) -> list[tuple[Memory, Memory | None]]:
        """Store what was captured, in one transaction; return what `Change.apply` does of each."""
        with self._database.write() as connection:
            return [stored for one in changes if (stored := one.apply(connection)) is not None]
