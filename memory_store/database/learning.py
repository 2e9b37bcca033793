"""What is learned, beside the memories themselves: the messages that wait, open questions, and summaries."""

from __future__ import annotations

from memory_store.database.capture_queue import CaptureQueue
from memory_store.database.connection import Database
from memory_store.database.questions import Questions
from memory_store.database.summaries import Summaries


class Learning:
    """The queue of what is still to be captured from, the questions to the user, and the summaries."""

    def __init__(self, database: Database) -> None:
        self.queue = CaptureQueue(database)
        self.questions = Questions(database)
        self.summaries = Summaries(database)
