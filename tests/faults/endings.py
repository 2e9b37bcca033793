"""Ends the program in the middle of its work in every way, again and again: `python -m tests.faults.endings --runs 20`.

A real process on a terminal of its own gives an answer, imports, or erases; then the terminal is closed, or it gets a
signal. It has to end within five seconds, keep what has come of the answer, give back the index, and leave no process.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import os
import pty
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout

from memory_store import NewDocument, Store
from memory_store.clock import now
from memory_store.models import Locator, MessageStatus, PassageDraft
from tests.support.chat_server import ChatServer, Gate, Stream

WAYS: Final = ("SIGHUP", "SIGTERM", "closed", "no longer there")
FRONTS: Final = ("chat", "plain", "command")
WORK: Final = ("answer", "import", "erasure")
SECONDS: Final = 5.0
_MARK: Final = "KEEPSAKE_ENDING_TEST"
_PATIENCE_SECONDS: Final = 60.0
_BEGUN: Final = "Half of what there is"


@dataclass(frozen=True, slots=True)
class Case:
    """What works where, and how it is ended."""

    front: str
    work: str
    way: str

    def __str__(self) -> str:
        return f"{self.front}, {self.work}, {self.way}"


def cases() -> list[Case]:
    """Return all that there are: the line chat imports nothing, and a command reads no terminal that could go."""
    every = [Case(*one) for one in itertools.product(FRONTS, WORK, WAYS)]
    return [
        one
        for one in every
        if (one.front, one.work) != ("plain", "import") and (one.front, one.way) != ("command", "no longer there")
    ]


class Program:
    """A process on a terminal. Without `controlling` the terminal sends no signal when it is closed."""

    def __init__(self, arguments: list[str], folder: Path, environment: dict[str, str], *, controlling: bool) -> None:
        self._ours, theirs = pty.openpty()
        self.mark = f"{_MARK}={folder}"
        program = "import os, fcntl, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); " if controlling else ""
        # Whoever runs this may be let ignore it, as `nohup` does.
        program += "import signal; signal.signal(signal.SIGHUP, signal.SIG_DFL); "
        program += f"import sys; sys.argv[1:] = {arguments!r}; from assistant.cli import main; main()"
        self.process = subprocess.Popen(
            [sys.executable, "-c", program],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
            env={**os.environ, "TERM": "xterm-256color", **environment, _MARK: str(folder)},
        )
        os.close(theirs)
        self.seen = b""

    def read(self, seconds: float = 0.02) -> None:
        """Take what it has drawn, so that it need not wait for that."""
        while select.select([self._ours], [], [], seconds)[0]:
            try:
                piece = os.read(self._ours, 65536)
            except OSError:
                return  # it has ended
            self.seen += piece
            seconds = 0

    def until(self, holds: Callable[[], bool]) -> None:
        """Wait until something holds, and read meanwhile."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while not holds():
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise TimeoutError(f"it did not come so far: {self.seen[-1500:]!r}")
            self.read()

    def type(self, text: str) -> None:
        """Type a line."""
        os.write(self._ours, text.encode() + b"\r")

    def end(self, way: str) -> None:
        """Close its terminal, or ask it by a signal."""
        if way in ("closed", "no longer there"):
            os.close(self._ours)
            self._ours = -1
        else:
            self.process.send_signal(getattr(signal, way))

    def seconds_to_end(self) -> float:
        """Return how long it took to end, no longer than twice what it may."""
        began = time.monotonic()
        while self.process.poll() is None and time.monotonic() - began < 2 * SECONDS:
            if self._ours >= 0:
                self.read()
            else:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self.process.wait(0.05)
        return time.monotonic() - began

    def left(self) -> list[int]:
        """Return the processes that it started and that are still there."""
        found = []
        for entry in Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                if entry.name.isdigit() and self.mark.encode() in (entry / "environ").read_bytes():
                    found.append(int(entry.name))
        return found

    def close(self) -> None:
        """Leave nothing behind."""
        for number in self.left():
            with contextlib.suppress(ProcessLookupError):
                os.kill(number, signal.SIGKILL)
        self.process.wait()
        if self._ours >= 0:
            os.close(self._ours)


def run(case: Case, folder: Path) -> list[str]:
    """Run a case once; return what it did not keep to."""
    data = folder / "data"
    gate = Gate()
    with ChatServer(lambda _: Stream((_BEGUN, gate)), models=["m"]) as server:
        _fill(data, folder, case)
        environment = {
            "KEEPSAKE_DATA_DIR": str(data),
            "KEEPSAKE_CONFIG": str(_settings(folder, server.url, "auto" if case.work == "import" else "none")),
            "HOME": str(folder),
        }
        controlling = case.way != "no longer there"
        program = Program(_arguments(case, folder), folder, environment, controlling=controlling)
        try:
            _work(program, case, folder, gate)
            program.end(case.way)
            seconds = program.seconds_to_end()
            return list(_findings(program, case, data, seconds))
        finally:
            gate.open()
            program.close()


def _findings(program: Program, case: Case, data: Path, seconds: float) -> Iterator[str]:
    if seconds > SECONDS:
        yield f"took {seconds:.1f} s"
    if program.process.poll() is not None:
        deadline = time.monotonic() + 1.0  # the system ends the children of an ended process at once, not before it
        while program.left() and time.monotonic() < deadline:
            select.select([], [], [], 0.01)
    if left := [one for one in program.left() if one != program.process.pid]:
        yield f"left {len(left)} processes"
    try:
        FileLock(data / "index.lock").acquire(timeout=0).lock.release()
    except Timeout:
        yield "held the index"
        return
    with Store.open(data) as store:
        if case.work == "answer":
            talks = [one for talk in store.conversations.all() for one in store.conversations.messages(talk.id)]
            kept = [one for one in talks if one.text.startswith(_BEGUN)]
            if not kept or kept[0].status is not MessageStatus.PARTIAL:
                yield "did not keep the answer so far"
        if problems := store.verify():
            yield f"left {problems}"


def _fill(data: Path, folder: Path, case: Case) -> None:
    with Store.open(data) as store:
        for number in range(40 if case.work == "erasure" else 1):
            new = NewDocument(f"/{number}.md", str(number), "text/plain", str(number), 9, now())
            texts = [f"Passage {one} of {number} about keys and boilers. " * 12 for one in range(30)]
            store.documents.add(new, [PassageDraft(text, Locator()) for text in texts])
    if case.work == "import":
        notes = folder / "notes"
        notes.mkdir()
        for number in range(400):
            (notes / f"{number}.html").write_text(f"<p>Page {number}.</p>" + "<p>Words of a page.</p>" * 400)


def _settings(folder: Path, url: str, embedder: str) -> Path:
    file = folder / "config.toml"
    file.write_text(
        f'[model]\nprovider = "openai"\nname = "m"\nbase_url = "{url}"\n[embedder]\nprovider = "{embedder}"\n'
        "[chat]\ntitles = false\nlearn = false\n"
    )
    return file


def _arguments(case: Case, folder: Path) -> list[str]:
    if case.front != "command":
        return ["chat", "--plain"] if case.front == "plain" else ["chat"]
    commands = {
        "answer": ["ask", "What is there?"],
        "import": ["import", str(folder / "notes")],
        "erasure": ["forget", "--all", "--yes"],
    }
    return commands[case.work]


def _work(program: Program, case: Case, folder: Path, gate: Gate) -> None:
    """Let it come to the middle of its work."""
    data = folder / "data"
    if case.front != "command":
        program.until(lambda: (b"Ctrl+D" if case.front == "plain" else b"F1 help") in program.seen)
        first = {"answer": "What is there?", "import": f"/import {folder / 'notes'}", "erasure": "/forget all"}
        if case.work == "erasure" and case.front == "plain":
            first["erasure"] = "/forget matching boilers"
        program.type(first[case.work])
    if case.work == "answer":
        program.until(lambda: gate.reached.is_set() and _BEGUN.split()[0].encode() in program.seen)
    elif case.work == "import":
        with Store.open(data) as store:
            program.until(lambda: len(store.documents.all()) > 20)
    else:
        if case.front != "command":
            program.until(lambda: b"press Enter" in program.seen or "“erase”".encode() in program.seen)
            deadline = time.monotonic() + 0.7
            while time.monotonic() < deadline:  # nothing answers sooner
                program.read()
            program.type("erase")
        with Store.open(data) as store:
            program.until(lambda: bool(store.erasures()))


def main() -> None:
    """Run every case so many times, one round of all after the other, and print how many kept to it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--only", default="", help="words that the name of a case has to hold")
    chosen = parser.parse_args()
    kept: Counter[str] = Counter()
    for round_number in range(1, chosen.runs + 1):
        for case in [one for one in cases() if chosen.only in str(one)]:
            with tempfile.TemporaryDirectory() as folder:
                found = run(case, Path(folder))
            kept[str(case)] += not found
            if found:
                print(f"{case}: {', '.join(found)}", flush=True)
        worst = min(kept.values())
        print(f"round {round_number}: of {len(kept)} cases the worst kept to it {worst} times", flush=True)
    for name, count in kept.items():
        print(f"{name}: {count} of {chosen.runs}")
    sys.exit(0 if all(count == chosen.runs for count in kept.values()) else 1)


if __name__ == "__main__":
    main()
