"""Verifies in a process of its own: closing any descriptor of the database drops the locks of the process that did.

SQLite's locks are POSIX locks, which belong to a process and not to a descriptor: whoever has the database open and
opens and closes it once more by any other way has no lock any more, and the next process to leave deletes the
write-ahead log under it (sqlite.org, "How To Corrupt An SQLite Database File", 2.2).
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter, ValidationError

from memory_store.errors import Action, Step, StoreError
from memory_store.verification.verify import Verification

MODULE: Final = "memory_store.verification"
_LEAST_SECONDS: Final = 300.0
_BYTES_A_SECOND: Final = 1e6
_RESULT: Final = TypeAdapter(dict[str, Verification])


def verify_apart(database: Path, index_root: Path, erasures: Sequence[str]) -> dict[str, Verification]:
    """Return what `verify` finds, by erasure. Raises StoreError if the other process did not come to an end."""
    code, printed, errors = _run([str(database), str(index_root), *erasures], _patience(database.parent))
    try:
        return _RESULT.validate_json(printed)
    except ValidationError as error:
        reasons = errors.strip().splitlines()
        raise StoreError(
            f"The erasure could not be verified: {reasons[-1] if reasons else f'its process ended with {code}'}",
            "Try it again.",
            Step(Action.REPAIR),
        ) from error


def _patience(folder: Path) -> float:
    """Return how many seconds a scan of a folder may take: far more than it does, on a slow disk too."""
    size = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):  # gone meanwhile
                size += Path(parent, name).lstat().st_size
    return _LEAST_SECONDS + size / _BYTES_A_SECOND


def _run(arguments: Sequence[str], seconds: float) -> tuple[int, str, str]:
    """Run the module with these arguments to its end; return its code and what it printed to each stream."""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    try:
        ended = subprocess.run(
            [sys.executable, "-P", "-m", MODULE, *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            env=environment,
            check=False,
            timeout=seconds,
        )
    except subprocess.TimeoutExpired:
        return -1, "", f"its process did not end within {seconds:.0f} seconds"
    except OSError as error:
        raise StoreError(
            f"No process to verify the erasure can be started: {error.strerror or error}.", "Close other programs."
        ) from error
    return ended.returncode, ended.stdout, ended.stderr
