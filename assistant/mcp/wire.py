"""Keeps stdout for the protocol: each line on it is a message, whatever else of this process prints."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from typing import BinaryIO


@contextlib.contextmanager
def wire() -> Iterator[tuple[BinaryIO, BinaryIO]]:
    """Give stdin and stdout to the protocol alone: what anything else prints goes to stderr, and it reads nothing.

    That holds for Python's streams and for libraries that write to the descriptor, until the end of the process.
    """
    sys.stdout.flush()
    reading, writing = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    try:
        os.dup2(2, 1)
    except OSError:  # who started this closed its stderr
        os.dup2(nothing, 1)
    os.close(nothing)
    sys.stdout = sys.stderr
    with os.fdopen(reading, "rb") as asked, os.fdopen(writing, "wb") as answered:
        yield asked, answered
