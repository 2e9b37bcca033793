"""From process start to the first painted frame: the chat against an empty Textual app, each in a terminal."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
import time
from statistics import median
from typing import Final

from benchmarks.measure import ROOT, Figure, alternate

GOAL: Final = 2.0
_ROUNDS: Final = 9
_ROWS, _COLUMNS = 36, 100
_SECONDS: Final = 30.0
_OURS: Final = """
import os, sys, time
from pathlib import Path
from assistant.tui.app import ChatApp
from assistant.tui.services import service_opener

class Timed(ChatApp):
    def painted(self):
        os.write(int(sys.argv[1]), str(time.monotonic()).encode())
        os._exit(0)

Timed(service_opener(Path(os.devnull), None)).run()
"""
_BARE: Final = """
import os, sys, time
from textual.app import App

class Empty(App):
    def on_mount(self):
        self.call_after_refresh(self.painted)

    def painted(self):
        os.write(int(sys.argv[1]), str(time.monotonic()).encode())
        os._exit(0)

Empty().run()
"""


def measure(small: bool = False) -> Figure:
    """Return the median times to first paint, taken in turn."""
    rounds = 3 if small else _ROUNDS
    ours: list[float] = []
    bare: list[float] = []
    # The first of each fills the caches of files and bytecode.
    alternate(rounds + 1, lambda _: ours.append(_paint(_OURS)), lambda _: bare.append(_paint(_BARE)))
    return Figure("start to first paint", "ms", median(ours[1:]), median(bare[1:]), GOAL)


def _paint(code: str) -> float:
    """Run the code in a terminal of its own; return the milliseconds until it says that its frame is painted."""
    terminal, inside = pty.openpty()
    fcntl.ioctl(inside, termios.TIOCSWINSZ, struct.pack("HHHH", _ROWS, _COLUMNS, 0, 0))
    report, reporting = os.pipe()
    start = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(reporting)],
        stdin=inside,
        stdout=inside,
        stderr=inside,
        cwd=ROOT,
        env={**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor"},
        pass_fds=(reporting,),
        start_new_session=True,
    )
    os.close(inside)
    os.close(reporting)
    shown = b""
    try:
        # The terminal is read to its end, as a real one would: else the process waits for room.
        while piece := _read(terminal):
            shown += piece
        process.wait(_SECONDS)
        said = os.read(report, 64)
    finally:
        process.kill()
        os.close(terminal)
        os.close(report)
    if not said:
        raise RuntimeError(f"No frame was painted:\n{shown.decode(errors='replace')}")
    return (float(said) - start) * 1000


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # Linux says so when the last process inside the terminal is gone
        return b""
