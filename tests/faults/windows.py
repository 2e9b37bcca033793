"""Many windows on one store: `python -m tests.faults.windows --seeds 100` writes, erases, kills, and then counts.

Nine real processes share a data folder for a while: a chat on its screen (through the pilot), a chat by lines in a
terminal of its own, imports, shell commands one after another, and five servers of MCP that programs ask. They write,
forget with verification, back up, purge, merge, export, restore and check in random order, and are killed now and then.
At the end everything that a user saw acknowledged and nobody forgot must be there, and everything that was said to be
forgotten must be in no byte of the folder, backups included.

The harness of kills (tests/faults/harness.py) has one process at a time: it never had a second one that leaves while a
first one goes on after an erasure, so it could not see that a scan in the process of the first had dropped its locks.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import pty
import random
import re
import select
import shutil
import sys
import tempfile
import threading
import time
import zipfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final

from memory_store import Store
from tests.faults import screen_window
from tests.mcp.process import Process
from tests.memory_store.support import bytes_of
from tests.support import warmed
from tests.support.embedder import HashEmbedder

_PATIENCE_SECONDS: Final = 90.0
_KILLED_OF_A_HUNDRED: Final = 6
_PROGRAMS: Final = 5
_IDLE: Final = re.compile(r"(^|\n)(\x1b\[[?0-9;]*[a-z])*> $")
# What is said shares no word with what is noted, so that no answer quotes what is forgotten later.
_NOTED: Final = ("boiler", "ladder", "lantern", "kettle", "shelf", "drawer", "garage", "cellar")
_SAID: Final = ("tomorrow", "weather", "evening", "walking", "garden", "autumn", "travel", "cooking")


class GoneError(Exception):
    """The process of a window was killed while it was asked."""


@dataclass
class Books:
    """What users have seen: acknowledged and kept, forgotten, or asked for and not known to have happened."""

    kept: set[str] = field(default_factory=set)
    gone: set[str] = field(default_factory=set)
    unknown: set[str] = field(default_factory=set)
    done: Counter[str] = field(default_factory=Counter)
    trouble: list[str] = field(default_factory=list)
    _forgettable: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def keep(self, mark: str, *, may_be_forgotten: bool) -> None:
        """Note what was acknowledged."""
        with self._lock:
            self.kept.add(mark)
            if may_be_forgotten:
                self._forgettable.append(mark)

    def choose(self, chosen: random.Random) -> str | None:
        """Take a mark that is to be forgotten: from now on nobody knows of it, until its erasure is acknowledged."""
        with self._lock:
            if not self._forgettable:
                return None
            mark = self._forgettable.pop(chosen.randrange(len(self._forgettable)))
            self.kept.discard(mark)
            self.unknown.add(mark)
            return mark

    def forget(self, mark: str) -> None:
        """Note an erasure that was acknowledged."""
        with self._lock:
            self.unknown.discard(mark)
            self.gone.add(mark)


@dataclass
class Window:
    """One of them, with a thread of the harness that asks it for one thing after another."""

    name: str
    folder: Path
    books: Books
    chosen: random.Random
    count: int = 0

    @property
    def data(self) -> Path:
        """The data folder."""
        return self.folder / "memory"

    def mark(self) -> str:
        """Return a word that stands nowhere else."""
        self.count += 1
        return f"zq{self.name}n{self.count}x{self.chosen.randrange(10**6)}"

    def noted(self, mark: str) -> str:
        """Return a note with a mark."""
        return f"the {self.chosen.choice(_NOTED)} of {mark} stands beside the {self.chosen.choice(_NOTED)}"

    def said(self, mark: str) -> str:
        """Return a message with a mark."""
        return f"{self.chosen.choice(_SAID)} {self.chosen.choice(_SAID)} {mark}"

    def operations(self) -> dict[str, Callable[[], None]]:
        """What this window can be asked for, each as often as it is likely."""
        raise NotImplementedError

    def kill(self) -> None:
        """Kill its process."""
        raise NotImplementedError

    def close(self) -> None:
        """End its process as a user would."""

    def run(self, until: float) -> None:
        """Ask for one thing after another, and have the process killed in the middle of some."""
        operations = self.operations()
        while time.monotonic() < until:
            name = self.chosen.choice(sorted(operations))
            timer = threading.Timer(self.chosen.uniform(0.02, 1.0), self.kill)
            if self.chosen.randrange(100) < _KILLED_OF_A_HUNDRED:
                timer.start()
            try:
                operations[name]()
                self.books.done[f"{self.name}: {name.split('.')[0]}"] += 1
            except GoneError as reason:
                self.books.done[f"{self.name}: {str(reason) or 'killed'}"] += 1
            finally:
                timer.cancel()
                if timer.ident is not None:
                    timer.join()
        self.close()


class ShellWindow(Window):
    """Commands, one after another, each a process of its own."""

    process: warmed.Warmed | None = None

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()

    def ask(self, *arguments: str, fails: bool = False) -> str:
        """Run a command; return what it printed. Raises GoneError if it was killed; another failure is a trouble."""
        self.process = warmed.start("tests.faults.shell", "--data-dir", str(self.data), *arguments)
        code, out, errors = self.process.finish(_PATIENCE_SECONDS)
        if code < 0:
            raise GoneError
        if code and not fails:
            self.books.trouble.append(f"{' '.join(arguments)}: {errors.strip()[-300:]}")
            raise GoneError("it failed")
        return out

    def operations(self) -> dict[str, Callable[[], None]]:
        plain: dict[str, tuple[str, ...]] = {
            "goals": ("goals", "add", "Climb a hill"),
            "learn": ("learn",),
            "backup make": ("backup", "make", "--keep", "2"),
            "backup purge": ("backup", "purge"),
            "export": ("export", str(self.folder / "archive.zip"), "--force"),
            "stats": ("stats",),
            "repair": ("doctor", "--repair"),
            "reindex": ("reindex",),
            "questions": ("questions", "list"),
            "about-me": ("about-me",),
        }
        named: dict[str, Callable[[], None]] = {
            name: lambda arguments=arguments: self._run(*arguments)  # type: ignore[misc]
            for name, arguments in plain.items()
        }
        often = {"add": self._add, "forget": self._forget, "ask": self._ask, "search": self._search}
        return named | {
            "backup merge": self._merge,
            "restore": self._restore,
            "doctor": self._doctor,
            "later": lambda: self._forget("--later"),
            "in backups": lambda: self._forget("--in-backups"),
            "rename": self._rename,
            "memory edit": lambda: self._on_a_memory("memory", "edit", after=("--pin",)),
            "goals review": lambda: self._on_a_memory("goals", "review", after=("It goes well",)),
            "goals end": lambda: self._on_a_memory("goals", "end"),
            "task": lambda: self._task(removed=False),
            "task remove": lambda: self._task(removed=True),
            "remind": lambda: self._remind(removed=False),
            "remind remove": lambda: self._remind(removed=True),
            "questions answer": lambda: self._on_a_memory("questions", "answer", after=("yes",)),
            **{f"{name}.{number}": function for name, function in often.items() for number in range(4)},
        }

    def _run(self, *arguments: str) -> None:
        self.ask(*arguments, fails=arguments[0] == "doctor")

    def _add(self) -> None:
        mark = self.mark()
        self.ask("memory", "add", self.noted(mark))
        self.books.keep(mark, may_be_forgotten=True)

    def _task(self, *, removed: bool) -> None:
        """Let a task keep a note, and do to it what can be done."""
        mark = self.mark()
        plan = self.folder / f"{mark}.toml"
        steps = f'[[steps]]\nname = "keep"\ntool = "remember"\nwith = {{ text = "{self.noted(mark)}" }}\n'
        plan.write_text(f'title = "A task"\n{steps}[[items]]\nname = "One"\n', "utf-8")
        task = (self.ask("task", "new", "--plan", str(plan)).split() or ["tas_b"])[0]
        self.ask("task", "edit", task, "--plan", str(plan))
        self.ask("task", "run", task)
        self.ask("task", "approve", task, "--all", fails=True)
        self.ask("task", "pause", task, fails=True)
        self.ask("task", "resume", task, fails=True)
        self.ask("task", "run", task, fails=True)
        self.ask("task", "retry", task, fails=True)
        done = '"state": "done"' in self.ask("task", "show", task, "--json", fails=True)
        self.ask("task", "cancel", task, fails=True)
        if removed:
            self.ask("task", "remove", task, "--yes")  # with the note, which rests on nothing else
            self.books.forget(mark)
        elif done:  # the task repeats the note, and would stay where only the note is forgotten
            self.books.keep(mark, may_be_forgotten=False)

    def _remind(self, *, removed: bool) -> None:
        """Keep a reminder, and do to it what can be done."""
        mark = self.mark()
        self.ask("remind", "new", self.noted(mark), "--every", "Monday 8:00", "--yes")
        lines = self.ask("remind", "list", fails=True).splitlines()
        reminder = next((line.split()[0] for line in lines if mark in line), "sch_b")
        self.ask("remind", "pause", reminder, fails=True)
        self.ask("remind", "resume", reminder, fails=True)
        if removed:
            self.ask("remind", "remove", reminder, "--yes", fails=True)
            self.books.forget(mark)
        else:
            self.books.keep(mark, may_be_forgotten=True)

    def _forget(self, *options: str) -> None:
        mark = self.books.choose(self.chosen)
        if mark is not None:
            self.ask("forget", "--matching", mark, "--everywhere", "--yes", *options)
            self.books.forget(mark)

    def _ask(self) -> None:
        mark = self.mark()
        self.ask("ask", self.said(mark))
        self.books.keep(mark, may_be_forgotten=False)

    def _search(self) -> None:
        kept = sorted(self.books.kept)
        if kept:
            mark = self.chosen.choice(kept)
            found = self.ask("search", mark, fails=True)
            # What was said and taken for a question is found where it is looked for.
            found += self.ask("search", mark, "--kind", "conversation", fails=True)
            if mark not in found and mark in self.books.kept:
                self.books.trouble.append(f"{mark} was acknowledged and is not found")

    def _merge(self) -> None:
        names = sorted(path.name for path in (self.data / "backups").glob("[0-9]*.db"))
        if names:
            self.ask("backup", "merge", self.chosen.choice(names), fails=True)

    def _restore(self) -> None:
        if (self.folder / "archive.zip").exists():
            self.ask("restore", str(self.folder / "archive.zip"), fails=True)

    def _rename(self) -> None:
        found = re.findall(r"con_\w+", self.ask("conversation", "list"))
        if found:
            self.ask("conversation", "rename", found[0], "Renamed", fails=True)

    def _on_a_memory(self, group: str, command: str, after: tuple[str, ...] = ()) -> None:
        found = re.findall(r"mem_\w+", self.ask(group, "list"))
        if found:  # another window may have forgotten it by now
            self.ask(group, command, self.chosen.choice(found), *after, fails=True)

    def _doctor(self) -> None:
        printed = self.ask("doctor", fails=True)
        bad = [line for line in printed.splitlines() if re.match(r"failed +(database|record|full text)", line)]
        self.books.trouble.extend(bad)


class ImportWindow(ShellWindow):
    """Imports of files that are new, changed, or were imported before."""

    def operations(self) -> dict[str, Callable[[], None]]:
        return {"import new": self._new, "import changed": self._changed, "import again": self._again}

    def _file(self, name: str, mark: str) -> Path:
        path = self.folder / "files" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("\n\n".join(self.noted(mark) for _ in range(5)), "utf-8")
        return path

    def _new(self) -> None:
        mark = self.mark()
        self.ask("import", str(self._file(f"{mark}.md", mark)))
        self.books.keep(mark, may_be_forgotten=True)

    def _changed(self) -> None:
        self.ask("import", str(self._file("changing.md", self.mark())), "--again")

    def _again(self) -> None:
        if (self.folder / "files").exists():
            self.ask("import", str(self.folder / "files"), fails=True)


class ScreenWindow(Window):
    """A chat on its screen."""

    process: Any = None
    pipe: Connection | None = None

    def kill(self) -> None:
        if self.pipe is not None and self.process is not None:
            self.process.kill()

    def ask(self, name: str, argument: str) -> bool:
        """Have the window do something; return whether the user saw it done."""
        try:
            if self.pipe is None:
                self.pipe, theirs = multiprocessing.Pipe()
                self.process = warmed.SERVER.Process(target=screen_window.run, args=(self.folder, theirs))
                self.process.start()
                theirs.close()
                self._answer()
            self.pipe.send((name, argument))
            return self._answer()
        except (EOFError, OSError) as error:
            self.pipe = None
            if self.process.exitcode not in (None, -9):
                self.books.trouble.append(f"the screen's process ended by itself with {self.process.exitcode}: {name}")
            raise GoneError from error

    def _answer(self) -> bool:
        assert self.pipe is not None
        if not self.pipe.poll(_PATIENCE_SECONDS):
            self.process.kill()
            self.books.trouble.append("the screen did not answer")
        return bool(self.pipe.recv())

    def close(self) -> None:
        if self.pipe is not None:
            self.pipe.send(None)
            self.process.join(_PATIENCE_SECONDS)

    def operations(self) -> dict[str, Callable[[], None]]:
        typed = (
            "/new",
            "/private",
            "/retry",
            "/continue",
            "/temporary",
            "/learn",
            "/goals",
            "/memory",
            "/documents",
            "/doctor",
        )
        often = {"remember": self._remember, "say": self._say, "forget": self._forget, "import": self._import}
        return {
            "/export": self._export,
            "/watch": self._watch,
            **{one: lambda one=one: self._type(one) for one in typed},  # type: ignore[misc]
            **{f"{name}.{number}": function for name, function in often.items() for number in range(4)},
        }

    def _type(self, command: str) -> None:
        self.ask("type", command)
        if command == "/temporary":  # what is said there is kept nowhere
            self.ask("type", "/new")

    def _watch(self) -> None:
        (self.folder / "watched").mkdir(exist_ok=True)
        self.ask("type", f"/watch {self.folder / 'watched'}")

    def _export(self) -> None:
        self.ask("type", f"/export {self.folder / f'{self.mark()}.zip'}")

    def _remember(self) -> None:
        mark = self.mark()
        if self.ask("remember", self.noted(mark)):
            self.books.keep(mark, may_be_forgotten=True)

    def _say(self) -> None:
        mark = self.mark()
        if self.ask("say", self.said(mark)):
            self.books.keep(mark, may_be_forgotten=False)

    def _forget(self) -> None:
        mark = self.books.choose(self.chosen)
        if mark is not None and self.ask("forget", mark):
            self.books.forget(mark)

    def _import(self) -> None:
        mark = self.mark()
        path = self.folder / f"{mark}.md"
        path.write_text(self.noted(mark), "utf-8")
        if self.ask("import", str(path)):
            self.books.keep(mark, may_be_forgotten=True)


class LineWindow(Window):
    """A chat by lines, in a terminal of its own."""

    process: Any = None
    terminal: int = -1
    printed: str = ""

    def kill(self) -> None:
        process = self.process  # which the window's own thread may find ended meanwhile
        if process is not None:
            process.kill()

    def _started(self) -> None:
        if self.process is None:
            self.terminal, theirs = pty.openpty()
            name = os.ttyname(theirs)
            self.process = warmed.SERVER.Process(
                target=in_terminal, args=(name, ("--data-dir", str(self.data), "chat", "--plain"), dict(os.environ))
            )
            self.process.start()
            self.printed = ""
            self._wait_for(lambda: bool(_IDLE.search(self.printed)))
            os.close(theirs)

    def ask(self, line: str, answer: str = "") -> str:
        """Type a line, and another to a question that it leads to; return what was printed."""
        try:
            self._started()
            self.printed = ""
            os.write(self.terminal, line.encode() + b"\n")
            self._wait_for(lambda: self._is_idle(line) or (bool(answer) and "anything else keeps it: " in self.printed))
            if answer and "anything else keeps it: " in self.printed and not self._is_idle(line):
                time.sleep(0.6)  # as long as the question can't be answered
                os.write(self.terminal, answer.encode() + b"\n")
                self._wait_for(lambda: self._is_idle(line))
        except OSError as error:
            self._ended()
            raise GoneError from error
        return self.printed

    def _is_idle(self, line: str) -> bool:
        shown = self.printed.replace("\r", "")
        return line[:20] in shown and bool(_IDLE.search(shown))

    def _wait_for(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while not condition():
            if select.select([self.terminal], [], [], 0.1)[0]:
                self.printed += os.read(self.terminal, 65536).decode("utf-8", "replace").replace("\r", "")
            elif not self.process.is_alive():
                raise OSError("its process has ended")
            if time.monotonic() > deadline:
                self.books.trouble.append(f"the chat by lines did not answer: {self.printed[-300:]!r}")
                self.process.kill()
                raise OSError("it did not answer")

    def _ended(self) -> None:
        self.process.join(_PATIENCE_SECONDS)
        if self.process.exitcode not in (0, -9):
            self.books.trouble.append(f"the chat by lines ended with {self.process.exitcode}: {self.printed[-500:]}")
        self.process = None
        os.close(self.terminal)

    def close(self) -> None:
        if self.process is not None:
            os.write(self.terminal, b"/quit\n")
            deadline = time.monotonic() + _PATIENCE_SECONDS
            while self.process.is_alive() and time.monotonic() < deadline:
                if select.select([self.terminal], [], [], 0.1)[0]:
                    try:
                        os.read(self.terminal, 65536)
                    except OSError:
                        break
            self._ended()

    def operations(self) -> dict[str, Callable[[], None]]:
        typed = ("/new", "/private", "/retry", "/continue", "/edit walking in the evening", "/search boiler")
        often = {"remember": self._remember, "say": self._say, "forget": self._forget}
        return {
            "/temporary": self._temporary,
            **{one: lambda one=one: self._type(one) for one in typed},  # type: ignore[misc]
            **{f"{name}.{number}": function for name, function in often.items() for number in range(4)},
        }

    def _type(self, line: str) -> None:
        self.ask(line)

    def _temporary(self) -> None:
        self.ask("/temporary")
        self.ask("/new")  # what is said there is kept nowhere

    def _remember(self) -> None:
        mark = self.mark()
        if f"Remembered: {(text := self.noted(mark))}" in self.ask(f"/remember {text}"):
            self.books.keep(mark, may_be_forgotten=True)

    def _say(self) -> None:
        mark = self.mark()
        if "error" not in self.ask(self.said(mark)).casefold():
            self.books.keep(mark, may_be_forgotten=False)

    def _forget(self) -> None:
        mark = self.books.choose(self.chosen)
        if mark is not None and "Verified: nothing of it is left" in self.ask(f"/forget matching {mark}", "erase"):
            self.books.forget(mark)


class ProgramWindow(Window):
    """Another program with the memory, which it asks through a server of MCP."""

    process: Process | None = None

    def kill(self) -> None:
        process = self.process  # which the window's own thread may find ended meanwhile
        if process is not None:
            process.started.kill()

    def ask(self, tool: str, **arguments: Any) -> tuple[str, bool]:
        """Call a tool, and agree to what it asks the user; return what it told, and whether it failed."""
        too_long = threading.Timer(_PATIENCE_SECONDS, self._give_up, (tool,))
        too_long.start()
        try:
            if self.process is None:
                self.process = Process(self.data, self.name)
                self.process.greet()
            return self.process.call(tool, **arguments)
        except (EOFError, OSError, ValueError) as error:
            assert self.process is not None
            code, left, errors = self.process.end()
            self.process = None
            if code != -9 or (left and not isinstance(error, EOFError)):
                self.books.trouble.append(
                    f"the server ended with {code} at {tool}: {error!r} {left[-300:]} {errors[-300:]}"
                )
            raise GoneError from error
        finally:
            too_long.cancel()

    def _give_up(self, tool: str) -> None:
        self.books.trouble.append(f"the server did not answer: {tool}")
        self.kill()

    def close(self) -> None:
        if self.process is not None:
            code, left, errors = self.process.end()
            if (code, left) != (0, ""):
                self.books.trouble.append(f"the server ended with {code}: {left[-300:]} {errors[-300:]}")

    def operations(self) -> dict[str, Callable[[], None]]:
        often = {"remember": self._remember, "forget": self._forget, "search": self._search}
        return {
            "list_recent": self._list_recent,
            **{f"{name}.{number}": function for name, function in often.items() for number in range(3)},
        }

    def _told(self, tool: str, **arguments: Any) -> str:
        told, failed = self.ask(tool, **arguments)
        if failed:
            self.books.trouble.append(f"{tool} {arguments}: {told}")
            raise GoneError("it failed")
        return told

    def _remember(self) -> None:
        mark = self.mark()
        self._told("remember", text=self.noted(mark))
        self.books.keep(mark, may_be_forgotten=True)

    def _forget(self) -> None:
        mark = self.books.choose(self.chosen)
        # What another window noted as private is not there for a program, and stays.
        if mark is not None and "verified" in self.ask("forget", words=mark)[0]:
            self.books.forget(mark)

    def _search(self) -> None:
        own = sorted(mark for mark in self.books.kept if mark.startswith(f"zq{self.name}n"))
        if own:
            mark = self.chosen.choice(own)
            if mark not in self._told("search", words=mark) and mark in self.books.kept:
                self.books.trouble.append(f"{mark} was acknowledged and is not found")

    def _list_recent(self) -> None:
        found = re.findall(r"id: (\w+)", self._told("list_recent", limit=50))
        if found:  # another window may have forgotten it by now
            self.ask("show", id=self.chosen.choice(found))


def in_terminal(name: str, arguments: tuple[str, ...], environment: dict[str, str]) -> None:
    """Run a command with a terminal as its own."""
    import fcntl
    import termios

    os.setsid()
    terminal = os.open(name, os.O_RDWR)
    fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)
    for descriptor in (0, 1, 2):
        os.dup2(terminal, descriptor)
    os.environ.clear()
    os.environ.update(environment)
    for stream, descriptor, mode in (("stdin", 0, "r"), ("stdout", 1, "w"), ("stderr", 2, "w")):
        setattr(sys, stream, open(descriptor, mode, encoding="utf-8", buffering=1, closefd=False))  # noqa: SIM115
    from tests.faults import shell

    shell.main(list(arguments))


def run(seed: int, seconds: float) -> tuple[Books, list[str]]:
    """Have all the windows work on one store for a while; return what they did, and what does not hold at the end."""
    chosen = random.Random(seed)
    folder = Path(tempfile.mkdtemp(prefix="keepsake-windows-"))
    os.environ["KEEPSAKE_CONFIG"] = str(folder / "config.toml")
    (folder / "config.toml").touch()
    books = Books()
    kinds: list[tuple[str, type[Window]]] = [
        *(("screen", ScreenWindow), ("lines", LineWindow), ("import", ImportWindow), ("shell", ShellWindow)),
        *((f"program{number}", ProgramWindow) for number in range(_PROGRAMS)),
    ]
    windows = [kind(name, folder, books, random.Random(chosen.random())) for name, kind in kinds]
    Store.open(folder / "memory", HashEmbedder()).close()
    until = time.monotonic() + seconds
    threads = [threading.Thread(target=window.run, args=(until,), name=window.name) for window in windows]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    failures = check(folder, books)
    if not failures:
        shutil.rmtree(folder)
    return books, failures


def check(folder: Path, books: Books) -> list[str]:
    """Return what users were promised and does not hold."""
    data = folder / "memory"
    failures = []
    with Store.open(data, HashEmbedder()) as store:
        store.complete_erasures(again=True)
        store.embed_pending()
        store.update_index()
        failures += [f"the store is not sound: {one}" for one in store.verify()]
        failures += [f"{one.id} is not complete" for one in store.erasures() if one.completed_at is None]
        failures += [
            f"{mark} was acknowledged and is lost" for mark in sorted(books.kept) if not store.find_holding(mark)
        ]
        _, left = store.backups.purge()
        failures += [f"the backup {one.name} can't be purged" for one in left]
        failures += [f"the backup {one.name} was rescued" for one in store.backups.all() if one.rescued]
    everything = bytes_of(data)
    failures += [f"{mark} was forgotten and is there" for mark in sorted(books.gone) if mark.encode() in everything]
    for archive in folder.glob("*.zip"):
        if zipfile.ZipFile(archive).testzip() is not None:
            failures.append(f"{archive} is damaged")
    return failures


def main() -> None:
    """Run as many seeds as asked; print what was done and end with 1 if anything did not hold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=60.0)
    arguments = parser.parse_args()
    done: Counter[str] = Counter()
    kept = gone = survived = 0
    for seed in range(arguments.first, arguments.first + arguments.seeds):
        books, failures = run(seed, arguments.seconds)
        done += books.done
        kept, gone, survived = kept + len(books.kept), gone + len(books.gone), survived + (not failures)
        print(f"seed {seed}: {'held' if not failures else 'DID NOT HOLD'}, {books.done.total()} operations", flush=True)
        for failure in [*failures, *books.trouble]:
            print(f"  {failure}", flush=True)
    for what, count in sorted(done.items()):
        print(f"| {what} | {count} |")
    print(f"acknowledged and there: {kept}, forgotten and gone: {gone}")
    print(f"{survived} of {arguments.seeds} seeds held")
    sys.exit(survived != arguments.seeds)


if __name__ == "__main__":
    main()
