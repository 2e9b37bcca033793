"""The process in which files are parsed: it gets their bytes, returns their passages, and can do little else.

Started by `isolation` as `python -m assistant.ingestion.reading_process BYTES_OF_MEMORY`.
"""

from __future__ import annotations

import base64
import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import fields
from datetime import datetime
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO, Final

from assistant.errors import ReadError
from assistant.ingestion import processor_time
from assistant.ingestion.base import Cutting, ReadLimits, SourceFile
from assistant.ingestion.chunking import chunk
from assistant.ingestion.conversations.base import ImportedDocument
from assistant.ingestion.conversations.registry import read_export, recognise_path
from assistant.ingestion.readers.failures import translate_failures
from assistant.ingestion.readers.registry import read_document
from memory_store.models import PassageDraft
from memory_store.parent import end_with_parent

_BATCH_CHARS: Final = 65536
_BATCH_PASSAGES: Final = 256

Answers = Iterator[dict[str, Any]]


def main() -> None:
    """Serve one request after another until there are no more, or this process is fit for none."""
    end_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C is for the assistant, which ends this process itself.
    # A library that prints must not speak into the protocol.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    memory = int(sys.argv[1])
    _limit(memory)
    requests = sys.stdin.buffer
    answers.write(_line({"end": True}))
    answers.flush()
    while line := requests.readline():
        if not _serve(json.loads(line), requests, answers, memory):
            return


def _serve(asked: dict[str, Any], requests: BinaryIO, answers: BinaryIO, memory: int) -> bool:
    """Answer one request; return whether this process is fit for another, which the answer ends with."""
    limits = ReadLimits(**asked["limits"])
    fit = True
    try:
        with translate_failures():
            for answer in _answers(asked, requests, limits):
                answers.write(_line(answer))
            fit = _fit(memory)
        answers.write(_line({"end": fit}))
    except ReadError as error:
        cause = error.__cause__
        fit = not isinstance(cause, MemoryError) and (cause is None or isinstance(cause, Exception)) and _fit(memory)
        answers.write(_line({"error": [error.message, error.hint], "end": fit}))
    answers.flush()
    return fit


def _answers(asked: dict[str, Any], requests: BinaryIO, limits: ReadLimits) -> Answers:
    if wanted := asked.get("file"):
        processor_time.allow(limits.seconds_for(wanted["size"]))
        data = requests.read(wanted["size"])
        moment = datetime.fromisoformat(wanted["modified_at"])
        file = SourceFile(wanted["path"], lambda: BytesIO(data), len(data), wanted["suffix"], moment)
        yield from _document(file, limits, Cutting(**wanted["cutting"]))
    elif path := asked.get("recognise"):
        processor_time.allow(limits.max_seconds)
        yield {"recognised": recognise_path(Path(path), limits)}
    else:
        renew: Callable[[], None] = partial(processor_time.allow, limits.max_seconds)
        renew()
        for item in read_export(Path(asked["export"]), limits):
            yield {"inner": item.file} if isinstance(item, ImportedDocument) else {"imported": item}
            renew()


def _document(file: SourceFile, limits: ReadLimits, cutting: Cutting) -> Answers:
    document = read_document(file, limits)
    yield {"document": (document.title, document.media_type, document.author, document.created_at)}
    batch: list[PassageDraft] = []
    chars = 0
    for count, draft in enumerate(chunk(document.blocks, cutting.target_chars, cutting.max_chars), start=1):
        if count > limits.max_passages:
            raise ReadError(
                f"it would become more than {limits.max_passages:,} passages", "Split it into smaller files."
            )
        while document.attached:  # A mailbox holds more of them than should lie in memory at once.
            yield {"attached": document.attached.pop(0)}
        batch.append(draft)
        chars += len(draft.text)
        if chars > _BATCH_CHARS or len(batch) >= _BATCH_PASSAGES:
            yield {"passages": batch}
            batch, chars = [], 0
    yield {"passages": batch}
    yield from ({"attached": file} for file in document.attached)
    yield {"left_out": document.left_out}


def _line(answer: dict[str, Any]) -> bytes:
    text = json.dumps(answer, default=_as_json, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "replace") + b"\n"


def _as_json(value: Any) -> Any:
    """Return in a form that `isolation` knows what JSON has none for: dataclasses by their fields, files with bytes."""
    match value:
        case SourceFile():
            with value.open() as stream:
                data = base64.b64encode(stream.read()).decode("ascii")
            return {"path": value.path, "data": data, "suffix": value.suffix, "modified_at": value.modified_at}
        case datetime():
            return value.isoformat()
        case frozenset():
            return sorted(value)
    return {field.name: getattr(value, field.name) for field in fields(value)}


def _fit(memory: int) -> bool:
    """Return whether another file would have room. What a big one took is not always given back."""
    try:
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[0])
    except (OSError, ValueError, IndexError):
        return True  # Only Linux bounds the memory, and tells how much is taken.
    return pages * os.sysconf("SC_PAGE_SIZE") < memory / 2


def _limit(memory: int) -> None:
    """Bound the memory, and forbid to write any file. Windows has no such limits: there time alone is bounded."""
    sys.dont_write_bytecode = True
    try:
        import resource
    except ImportError:
        return
    for kind, most in ((resource.RLIMIT_AS, memory), (resource.RLIMIT_FSIZE, 0), (resource.RLIMIT_CORE, 0)):
        _, hard = resource.getrlimit(kind)
        bounded = most if hard == resource.RLIM_INFINITY else min(most, hard)
        try:
            resource.setrlimit(kind, (bounded, hard))
        except (ValueError, OSError):
            continue  # macOS knows RLIMIT_AS and refuses to set it.


if __name__ == "__main__":
    main()
