"""The process that reads files, with readers that do as a hostile file would make them: started by the tests alone."""

from __future__ import annotations

import os
import signal
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import replace

from assistant.ingestion import reading_process
from assistant.ingestion.base import Block, BlockKind, ReadDocument, ReadLimits, SourceFile
from assistant.ingestion.readers.registry import read_document
from memory_store.models import Locator


class PanicException(BaseException):
    """What a library in Rust lets through."""


def hostile(file: SourceFile, limits: ReadLimits) -> ReadDocument:
    """Read a file, or do what it says."""
    with file.open() as stream:
        words = stream.read()
    if b"HANG" in words:
        threading.Event().wait()
    if b"CRASH" in words:
        os.kill(os.getpid(), signal.SIGSEGV)
    if b"EAT" in words:
        held = []
        while True:
            held.append(bytearray(1 << 24))
    if b"ONE BITE" in words:
        bytearray(1 << 40)
    if b"STRANGE" in words:
        raise TypeError("what is this?")
    if b"PANIC" in words:
        raise PanicException("index out of bounds")
    if b"EXIT" in words:
        raise SystemExit(3)
    if b"MISSING" in words:
        raise ModuleNotFoundError("No module named 'lxml_html_clean'", name="lxml_html_clean")
    if b"PRINT" in words:
        print("noise")
        os.write(1, b"more noise\n")
    if b"WRITE" in words:
        with tempfile.TemporaryFile() as written:
            written.write(b"x" * 10_000)
    document = read_document(file, limits)
    return replace(document, blocks=_endless()) if b"FLOOD" in words else document


def _endless() -> Iterator[Block]:
    while True:
        yield Block("water " * 1000, Locator(), BlockKind.PARAGRAPH)


if __name__ == "__main__":
    reading_process.read_document = hostile  # type: ignore[attr-defined]
    reading_process.main()
