"""Textual's driver for a terminal that may go: what can't be shown any more is let go, so that the chat can end."""

from __future__ import annotations

from contextlib import suppress
from typing import IO, Any, cast

from textual.drivers.linux_driver import LinuxDriver


class TerminalDriver(LinuxDriver):
    """Ends its threads quietly where the terminal has gone; whoever watches the terminal asks the chat to end.

    Textual's own thread that writes ends with the first failure: its queue fills up then, and the chat waits for room
    in it for ever, holding the index.
    """

    def start_application_mode(self) -> None:
        """Begin to write, to what forgives."""
        self._file = cast("Any", _Forgiving(cast("IO[str]", self._file)))
        super().start_application_mode()  # type: ignore[no-untyped-call]

    def run_input_thread(self) -> None:
        """Read until the terminal or the chat ends."""
        with suppress(OSError):
            super().run_input_thread()


class _Forgiving:
    """A file that takes what is written after it can't be written to any more."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file

    def write(self, text: str) -> None:
        with suppress(OSError):
            self._file.write(text)

    def flush(self) -> None:
        with suppress(OSError):
            self._file.flush()

    def fileno(self) -> int:
        return self._file.fileno()

    def isatty(self) -> bool:
        return self._file.isatty()
