"""Reads files in a process of its own, so that a hostile or broken one can't hang or kill the assistant."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Final

from assistant.errors import ReadError
from assistant.ingestion import wire
from assistant.ingestion.base import Block, ReadDocument, ReadLimits, SourceFile
from assistant.ingestion.readers.encodings import too_much_text
from assistant.ingestion.readers.failures import translated
from assistant.ingestion.readers.registry import check_size, is_parsed_apart, read_document, reader_for

_MODULE: Final = "assistant.ingestion.reading_process"
_START_SECONDS: Final = 60.0
_LINE_BYTES: Final = 256 * 1024 * 1024
_LINES_AHEAD: Final = 16
_STEP: Final = 1 << 20
# What a program needs to start at all; keys and settings of the assistant are none of the reader's business.
_ENVIRONMENT: Final = ("PATH", "LANG", "LC_ALL", "TZ", "SYSTEMROOT", "TEMP", "TMP", "TMPDIR", "LD_LIBRARY_PATH")
_HINT: Final = "It may be damaged or hostile. If you trust it, open it in its own program and save it as text or PDF."


class ReadingProcess:
    """Reads one file after another. Its process is started when first needed, and anew after one that went wrong.

    Formats that Keepsake parses line by line with the standard library are read where they are. Safe to use from
    many threads, which wait for each other.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._lines: queue.Queue[bytes] = queue.Queue()
        self._ended = True

    def __enter__(self) -> ReadingProcess:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def read(self, file: SourceFile, limits: ReadLimits) -> ReadDocument:
        """Return a file as text, as `registry.read_document` does. Raise `ReadError`."""
        check_size(file, limits)
        if not is_parsed_apart(reader_for(file)):
            return read_document(file, limits)
        with self._lock:
            finished = False
            try:
                process = self._started(limits)
                with translated():
                    self._hand_over(process, file, limits)
                document = self._answer(limits)
                finished = True
                return document
            except _Answered as answer:
                finished = True
                raise ReadError(answer.message, answer.hint) from None
            finally:
                # After anything else, what the process would say next belongs to no one.
                if not finished:
                    self._stop()

    def close(self) -> None:
        """End the process."""
        with self._lock:
            self._stop()

    def _hand_over(self, process: subprocess.Popen[bytes], file: SourceFile, limits: ReadLimits) -> None:
        assert process.stdin is not None
        left = file.size
        with file.open() as stream:
            try:
                process.stdin.write(wire.request(file, left, limits))
            except OSError as error:
                raise self._crashed() from error
            while left and (step := stream.read(min(left, _STEP))):
                left -= len(step)
                try:
                    process.stdin.write(step)
                except OSError as error:
                    raise self._crashed() from error
        if left:
            raise ReadError("it changed while it was read", "Import it again.")
        try:
            process.stdin.flush()
        except OSError as error:
            raise self._crashed() from error

    def _answer(self, limits: ReadLimits) -> ReadDocument:
        left = limits.max_seconds
        document: ReadDocument | None = None
        blocks: list[Block] = []
        chars = 0
        while True:
            began = time.monotonic()
            answer = self._next(left, limits.max_seconds)
            left -= time.monotonic() - began
            try:
                if "error" in answer:
                    message, hint = answer["error"]
                    raise _Answered(str(message), str(hint))
                if "document" in answer:
                    document = wire.document_of(answer["document"])
                fresh = [wire.block_of(one) for one in answer.get("blocks", ())]
            except (KeyError, TypeError, ValueError) as error:
                raise self._crashed() from error
            blocks += fresh
            chars += sum(len(block.text) for block in fresh)
            if chars > limits.max_text_chars:
                raise too_much_text(limits)
            if "end" in answer and document is not None:
                return ReadDocument(
                    document.title, document.media_type, iter(blocks), document.author, document.created_at
                )

    def _next(self, seconds: float, allowed: float) -> dict[str, Any]:
        try:
            line = self._lines.get(timeout=max(0.0, seconds))
        except queue.Empty:
            raise ReadError(
                f"reading it took longer than {allowed:g} s", "Raise max_seconds in the settings if you trust it."
            ) from None
        try:
            answer = json.loads(line)
        except ValueError as error:  # No line: the process has ended. Half a line: it ended while it spoke.
            self._ended = not line
            raise self._crashed() from error
        if not isinstance(answer, dict):
            raise self._crashed()
        return answer

    def _started(self, limits: ReadLimits) -> subprocess.Popen[bytes]:
        if self._process is not None and self._process.poll() is None:
            return self._process
        self._stop()
        environment = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
        environment["PYTHONPATH"] = str(Path(__file__).parents[2])
        try:
            process = subprocess.Popen(
                [sys.executable, "-P", "-m", _MODULE, str(limits.max_memory_bytes)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=environment,
            )
        except OSError as error:
            raise ReadError(
                f"no process to read it can be started: {error.strerror}", "Close other programs."
            ) from error
        self._process = process
        self._ended = False
        self._lines = queue.Queue(_LINES_AHEAD)
        assert process.stdout is not None
        threading.Thread(
            target=_pass_on, args=(process.stdout, self._lines), name="keepsake-reading", daemon=True
        ).start()
        self._next(_START_SECONDS, _START_SECONDS)
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

    def _crashed(self) -> ReadError:
        return ReadError("reading it ended the process that reads: it crashed or ran out of memory", _HINT)


class _Answered(Exception):
    """The process read the file to an orderly failure, and can go on."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


def _pass_on(stdout: IO[bytes], lines: queue.Queue[bytes]) -> None:
    """Hand on each line, and an empty one at the end."""
    while line := stdout.readline(_LINE_BYTES):
        lines.put(line)
    lines.put(b"")
