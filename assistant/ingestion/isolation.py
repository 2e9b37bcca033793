"""Reads files in a process of its own, so that a hostile or broken one can't hang, fill or kill the assistant."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Generator, Iterator, Mapping
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from pydantic import Base64Bytes, TypeAdapter, ValidationError

from assistant.errors import ReadError
from assistant.ingestion.base import Cutting, LeftOut, ReadFile, ReadLimits, SourceFile, check_size, file_in_memory
from assistant.ingestion.conversations.base import (
    Imported,
    ImportedConversation,
    ImportedDocument,
    ImportedMemory,
    RecognisedExport,
    Torn,
)
from assistant.ingestion.readers.encodings import too_much_text
from assistant.ingestion.readers.failures import translate_failures
from assistant.ingestion.readers.recognition import seconds_for
from memory_store.models import PassageDraft

_MODULE: Final = "assistant.ingestion.reading_process"
_START_SECONDS: Final = 60.0
_LINE_BYTES: Final = 256 * 1024 * 1024
# A line may be a whole conversation, so few of them wait.
_LINES_AHEAD: Final = 4
_STEP: Final = 1 << 20
# What a program needs to start at all; keys and settings of the assistant are none of the reader's business.
_ENVIRONMENT: Final = ("PATH", "LANG", "LC_ALL", "TZ", "SYSTEMROOT", "TEMP", "TMP", "TMPDIR", "LD_LIBRARY_PATH")
_HINT: Final = "It may be damaged or hostile. If you trust it, open it in its own program and save it as text or PDF."


@dataclass(frozen=True, slots=True)
class _Carried:
    """A file that was inside of another one, with its bytes."""

    path: str
    data: Base64Bytes
    suffix: str
    modified_at: datetime

    def file(self) -> SourceFile:
        """Return it as a file to read."""
        return file_in_memory(self.path, self.data, self.modified_at, self.suffix)


@dataclass(frozen=True, slots=True)
class _Answer:
    """A line from the reading process: a piece of what was read, or the end and whether it is fit for another file."""

    document: tuple[str, str, str | None, datetime | None] | None = None
    passages: tuple[PassageDraft, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    attached: _Carried | None = None
    recognised: RecognisedExport | None = None
    imported: ImportedConversation | ImportedMemory | Torn | None = None
    inner: _Carried | None = None
    error: tuple[str, str] | None = None
    end: bool | None = None


_ANSWER: Final = TypeAdapter(_Answer)


class ReadingProcess:
    """Reads one file after another, of every format. Its process is started when first needed, or by `start`, and
    anew after one that went wrong.

    Safe to use from many threads, which wait for each other.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._lines: queue.Queue[bytes] = queue.Queue()
        self._ended = True
        self._ready = False

    def __enter__(self) -> ReadingProcess:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def start(self, limits: ReadLimits) -> None:
        """Start the process without waiting for it. Raise `ReadError` if the system has no room for one."""
        with self._lock:
            self._start(limits)

    def read(self, file: SourceFile, limits: ReadLimits, cutting: Cutting) -> ReadFile:
        """Return a file as passages. Raise `ReadError` for whatever is wrong with it."""
        check_size(file, limits)
        opening = None
        passages: list[PassageDraft] = []
        left_out: tuple[LeftOut, ...] = ()
        attached: list[SourceFile] = []
        chars = 0
        asked = {
            "path": file.path,
            "size": file.size,
            "suffix": file.suffix,
            "modified_at": file.modified_at.isoformat(),
            "cutting": asdict(cutting),
        }
        with closing(self._ask({"file": asked}, limits, seconds_for(file, limits), file=file)) as answers:
            for answer in answers:
                opening = answer.document or opening
                passages += answer.passages
                left_out += answer.left_out
                attached += [answer.attached.file()] if answer.attached else []
                if sum(item.size for item in attached) > file.size:
                    raise _crash()  # No file holds more than itself.
                chars += sum(len(passage.text) for passage in answer.passages)
                if chars > limits.max_text_chars:
                    raise too_much_text(limits)
        if opening is None:
            raise _crash()
        return ReadFile(*opening, tuple(passages), left_out, tuple(attached))

    def recognise(self, path: Path, limits: ReadLimits) -> RecognisedExport | None:
        """Return what export a file or folder is, or None if it is none. Raise `ReadError`."""
        with closing(self._ask({"recognise": str(path)}, limits, limits.max_seconds)) as answers:
            found = [answer.recognised for answer in answers]
        return found[-1] if found else None

    def export(self, path: Path, limits: ReadLimits) -> Generator[Imported, None, None]:
        """Yield what an export holds. If reading it fails, the last item says why: what came before stands."""
        count = 0
        with closing(self._ask({"export": str(path)}, limits, limits.max_seconds, each=True)) as answers:
            try:
                for answer in answers:
                    item = ImportedDocument(answer.inner.file()) if answer.inner else answer.imported
                    if item is None:
                        raise _crash()
                    count += 1
                    yield item
            except ReadError as error:
                yield Torn(count + 1 if count else 0, "", error.message, error.hint)

    def close(self) -> None:
        """End the process."""
        with self._lock:
            self._stop()

    def _ask(
        self,
        asked: Mapping[str, Any],
        limits: ReadLimits,
        seconds: float,
        *,
        file: SourceFile | None = None,
        each: bool = False,
    ) -> Generator[_Answer, None, None]:
        """Yield the answers to a request, which together, or with `each` one by one, may take so many seconds."""
        with self._lock:
            fit = False
            try:
                process = self._ensure_started(limits)
                # A path may hold bytes that are no text; as such they survive the way through ASCII.
                request = json.dumps({**asked, "limits": asdict(limits)}).encode("ascii") + b"\n"
                with translate_failures():
                    _hand_over(process, _pieces(request, file))
                left = seconds
                while True:
                    began = time.monotonic()
                    answer = self._next(left, seconds)
                    left = seconds if each else left - (time.monotonic() - began)
                    fit = answer.end is True
                    if answer.error is not None:
                        raise ReadError(*answer.error)
                    if answer.end is not None:
                        return
                    yield answer
            finally:
                # After anything but an orderly end, what the process would say next belongs to no one.
                if not fit:
                    self._stop()

    def _next(self, seconds: float, allowed: float) -> _Answer:
        try:
            line = self._lines.get(timeout=max(0.0, seconds))
        except queue.Empty:
            raise ReadError(
                f"reading it took longer than {allowed:.3g} s", "Raise max_seconds in the settings if you trust it."
            ) from None
        try:
            return _ANSWER.validate_json(line)
        except ValidationError as error:  # No line: the process has ended. Half a line: it ended while it spoke.
            self._ended = not line
            raise _crash() from error

    def _start(self, limits: ReadLimits) -> subprocess.Popen[bytes]:
        if self._process is not None and self._process.poll() is None:
            return self._process
        self._stop()
        environment = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
        environment["PYTHONPATH"] = str(Path(__file__).parents[2])
        command = [sys.executable, "-P", "-m", _MODULE, str(limits.max_memory_bytes)]
        lines: queue.Queue[bytes] = queue.Queue(_LINES_AHEAD)
        begun: queue.Queue[subprocess.Popen[bytes] | OSError] = queue.Queue(1)
        threading.Thread(
            target=_serve, args=(command, environment, begun, lines), name="keepsake-reading", daemon=True
        ).start()
        process = begun.get()
        if isinstance(process, OSError):
            raise ReadError(
                f"no process to read it can be started: {process.strerror}", "Close other programs."
            ) from process
        self._process = process
        self._ended = self._ready = False
        self._lines = lines
        return process

    def _ensure_started(self, limits: ReadLimits) -> subprocess.Popen[bytes]:
        process = self._start(limits)
        if not self._ready:
            try:
                self._next(_START_SECONDS, _START_SECONDS)
            except ReadError as error:
                raise ReadError(
                    "the process that reads files does not start",
                    f"Nothing is wrong with the file. `{sys.executable} -m {_MODULE} 2000000000` says why; "
                    "installing Keepsake again as its README says may mend it.",
                ) from error
            self._ready = True
        return process

    def _stop(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        while not self._ended:  # The thread that reads may be waiting for room; it ends with an empty line.
            self._ended = not self._lines.get()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except OSError:
                    continue  # What was not sent yet can't be sent any more.


def _hand_over(process: subprocess.Popen[bytes], pieces: Iterator[bytes]) -> None:
    """Send a request; what goes wrong with the process is told from what goes wrong with the file."""
    assert process.stdin is not None
    for piece in pieces:
        try:
            process.stdin.write(piece)
        except OSError as error:
            raise _crash() from error
    try:
        process.stdin.flush()
    except OSError as error:
        raise _crash() from error


def _pieces(request: bytes, file: SourceFile | None) -> Iterator[bytes]:
    """Yield a request and the bytes of the file that it is about."""
    yield request
    if file is None:
        return
    left = file.size
    with file.open() as stream:
        while left and (step := stream.read(min(left, _STEP))):
            left -= len(step)
            yield step
    if left:
        raise ReadError("it changed while it was read", "Import it again.")


def _crash() -> ReadError:
    return ReadError("reading it ended the process that reads: it crashed or ran out of memory", _HINT)


def _serve(
    command: list[str],
    environment: dict[str, str],
    begun: queue.Queue[subprocess.Popen[bytes] | OSError],
    lines: queue.Queue[bytes],
) -> None:
    """Start the process, which the system ends with this thread, and hand on its lines, an empty one last."""
    try:
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment
        )
    except OSError as error:
        begun.put(error)
        return
    begun.put(process)
    assert process.stdout is not None
    while line := process.stdout.readline(_LINE_BYTES):
        lines.put(line)
    lines.put(b"")
