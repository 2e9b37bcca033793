"""A real terminal: a tmux server of its own, whose screen is read and whose state is asked for."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

PATIENCE_SECONDS = 40.0
# The other screen, the cursor, reports of the mouse, marked pastes.
_STATE = "#{alternate_on} #{cursor_flag} #{mouse_any_flag} #{bracket_paste_flag}"


def available() -> bool:
    """Say whether tmux is there."""
    return shutil.which("tmux") is not None


@dataclass
class Terminal:
    """One window with a shell in it. `home` is all that the programs in it know of the user."""

    socket: Path
    home: Path

    @classmethod
    def open(cls, folder: Path, width: int, height: int) -> Terminal:
        """Start a server with one window of this size."""
        home = folder / "home"
        home.mkdir(parents=True)
        terminal = cls(folder / "tmux", home)
        kept = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL") if name in os.environ}
        environment = {**kept, "HOME": str(home), "TERM": "xterm-256color", "LC_ALL": "C.UTF-8"}
        server = ("tmux", "-S", str(terminal.socket), "-f", "/dev/null")
        size = ("-x", str(width), "-y", str(height))
        subprocess.run([*server, "new-session", "-d", *size, "sh"], env=environment, check=True)
        terminal.do("set-option", "-g", "escape-time", "10")
        terminal.type("PS1='ready> '; clear")
        terminal.press("Enter")
        terminal.until(lambda: terminal.screen.startswith("ready>"))
        return terminal

    def do(self, *arguments: str) -> str:
        """Run a command of tmux and return what it printed."""
        done = subprocess.run(["tmux", "-S", str(self.socket), *arguments], capture_output=True, text=True, check=True)
        return done.stdout

    def close(self) -> None:
        """End the server with everything in it."""
        subprocess.run(["tmux", "-S", str(self.socket), "kill-server"], capture_output=True, check=False)

    def run(self, *command: str) -> None:
        """Type a command and Enter."""
        self.type(shlex.join(command))
        self.press("Enter")

    def type(self, text: str) -> None:
        """Type a text as it is."""
        self.do("send-keys", "-l", text)

    def press(self, *keys: str) -> None:
        """Press keys, by tmux's names."""
        self.do("send-keys", *keys)

    @property
    def screen(self) -> str:
        """What is on the screen."""
        return self.do("capture-pane", "-p")

    @property
    def setup(self) -> tuple[str, str]:
        """How the terminal is set up: what tmux knows of its modes, and what `stty` says of its line."""
        modes, name = self.do("display-message", "-p", f"{_STATE}\n#{{pane_tty}}").splitlines()
        with Path(name).open("rb") as line:
            return modes, subprocess.run(["stty", "-a"], stdin=line, capture_output=True, text=True, check=True).stdout

    def until(self, predicate: Callable[[], bool]) -> None:
        """Wait until something holds."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        pause = threading.Event()
        while not predicate():
            assert time.monotonic() < deadline, f"it did not come to that; the screen is\n{self.screen}"
            pause.wait(0.05)

    def until_shown(self, text: str) -> None:
        """Wait until a text is on the screen."""
        self.until(lambda: text in self.screen)

    def child(self) -> int:
        """Return the process that the shell is waiting for."""
        shell = self.do("display-message", "-p", "#{pane_pid}").strip()
        listed = subprocess.run(["ps", "-o", "pid=", "--ppid", shell], capture_output=True, text=True, check=False)
        return int(listed.stdout.split()[0])
