"""A lock between processes, which dies with the process that holds it."""

from __future__ import annotations

import threading
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from filelock import BaseFileLock


class ProcessLock:
    """A lock on a file, private to its owner. Its library is loaded when the lock is first asked for."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._making = threading.Lock()
        self._lock: BaseFileLock | None = None

    @property
    def is_locked(self) -> bool:
        """Whether this process holds it."""
        return self._lock is not None and self._lock.is_locked

    def acquire(self) -> AbstractContextManager[object] | None:
        """Take it without waiting; return what gives it back when a `with` ends, or None if another process has it.

        Whoever takes it again within this process gets it too, and gives it back as often.
        """
        from filelock import FileLock, Timeout

        with self._making:
            self._lock = self._lock or FileLock(self._path, mode=0o600, thread_local=False)
        try:
            return self._lock.acquire(timeout=0)
        except Timeout:
            return None

    def release(self) -> None:
        """Give it back."""
        if self._lock is not None:
            self._lock.release()


class Turn:
    """What one thread of one process has at a time."""

    def __init__(self, path: Path) -> None:
        self._lock = ProcessLock(path)
        self._taken = threading.Lock()

    def take(self) -> AbstractContextManager[object] | None:
        """Take it without waiting; return what gives it back when a `with` ends, or None if anyone else has it."""
        if not self._taken.acquire(blocking=False):
            return None
        with ExitStack() as held:
            held.callback(self._taken.release)
            turn = self._lock.acquire()
            if turn is None:
                return None
            held.enter_context(turn)
            return held.pop_all()
