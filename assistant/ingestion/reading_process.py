"""The process in which files are parsed: it gets their bytes, returns their blocks, and can do little else.

Started by `isolation` as `python -m assistant.ingestion.reading_process BYTES_OF_MEMORY`.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
from datetime import datetime
from io import BytesIO
from typing import BinaryIO

from assistant.errors import ReadError
from assistant.ingestion import wire
from assistant.ingestion.base import Block, ReadLimits, SourceFile
from assistant.ingestion.readers.registry import read_document

_BATCH_CHARS = 65536
_BATCH_BLOCKS = 256


def main() -> None:
    """Serve one request after another until there are no more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C is for the assistant, which ends this process itself.
    # A library that prints must not speak into the protocol.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    _limit(int(sys.argv[1]))
    # What nearly every format needs, so that its import does not count for the first file.
    importlib.import_module("bs4")
    importlib.import_module("lxml.etree")
    requests = sys.stdin.buffer
    answers.write(wire.end())
    answers.flush()
    while line := requests.readline():
        if not _serve(json.loads(line), requests, answers):
            return


def _serve(asked: dict[str, object], requests: BinaryIO, answers: BinaryIO) -> bool:
    """Answer one request; return whether this process is fit for another."""
    limits = ReadLimits(**asked["limits"])  # type: ignore[arg-type]
    fit = True
    try:
        data = requests.read(int(str(asked["size"])))
        _limit_time(limits.max_seconds)
        file = SourceFile(
            str(asked["path"]),
            lambda: BytesIO(data),
            len(data),
            str(asked["suffix"]),
            datetime.fromisoformat(str(asked["modified_at"])),
        )
        _send(file, limits, answers)
    except ReadError as error:
        fit = not isinstance(error.__cause__, MemoryError)
        answers.write(wire.error(error.message, error.hint))
    except MemoryError:
        return False  # Not even the answer could be made; the end of this process says enough.
    answers.flush()
    return fit


def _send(file: SourceFile, limits: ReadLimits, answers: BinaryIO) -> None:
    document = read_document(file, limits)
    answers.write(wire.opening(document))
    batch: list[Block] = []
    chars = 0
    for block in document.blocks:
        batch.append(block)
        chars += len(block.text)
        if chars > _BATCH_CHARS or len(batch) >= _BATCH_BLOCKS:
            answers.write(wire.some_blocks(batch))
            batch, chars = [], 0
    answers.write(wire.some_blocks(batch) + wire.end())


def _limit(memory: int) -> None:
    """Bound the memory, and forbid to write any file. Windows has no such limits: there time alone is bounded."""
    sys.dont_write_bytecode = True
    try:
        import resource
    except ImportError:
        return
    for kind, most in (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(kind)
        bounded = most if hard == resource.RLIM_INFINITY else min(most, hard)
        try:
            resource.setrlimit(kind, (bounded, hard))
        except (ValueError, OSError):
            continue  # macOS knows RLIMIT_AS and refuses to set it.


def _limit_time(seconds: float) -> None:
    """Bound the processor's time for one file, so that nothing is left running if the assistant itself was killed."""
    try:
        import resource
    except ImportError:
        return
    used = resource.getrusage(resource.RUSAGE_SELF)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (int(used.ru_utime + used.ru_stime + 2 * seconds) + 5, hard))


if __name__ == "__main__":
    main()
