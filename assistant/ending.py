"""How the program ends when it is asked to, or when its terminal has gone: in order where it can, in time always."""

from __future__ import annotations

import os
import select
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import Final

# The system's own shutdown, and who closes a terminal, wait little longer before they kill.
SECONDS: Final = 4.0
_BACKSTOP_SECONDS: Final = 4.7
SIGNALS: Final = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))


def asked_signals() -> tuple[int, ...]:
    """Return the signals that ask the program to end; not those that whoever started it let it ignore (`nohup`)."""
    return tuple(item for item in SIGNALS if signal.getsignal(item) is not signal.SIG_IGN)


def end_when_asked() -> None:
    """Let what asks the program to end unwind it, as Ctrl+C does: what is open is closed, what has come is kept."""
    for number in asked_signals():
        signal.signal(number, _unwind)


def _unwind(number: int, _frame: FrameType | None) -> None:
    for item in asked_signals():
        signal.signal(item, _already_ending)  # a second one must not cut short what is being closed
    end_in_time(128 + number)
    raise SystemExit(128 + number)


def _already_ending(_number: int, _frame: FrameType | None) -> None:
    """Do nothing: the end is on its way, and bounded."""


def end_in_time(code: int) -> None:
    """End the program with this code after a few seconds, whatever still hangs then.

    Everything acknowledged is in the database already, and the system gives back every lock. Where a call into a
    library keeps all threads of Python waiting, the system's own alarm ends the process.
    """
    ending = threading.Timer(SECONDS, os._exit, (code,))
    ending.daemon = True
    ending.start()
    if hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_REAL, _BACKSTOP_SECONDS)


def watch_terminal(gone: Callable[[], object]) -> None:
    """Call this, in another thread, when the terminal of standard input has gone. Not every end of one sends SIGHUP."""
    if not hasattr(select, "poll") or not sys.stdin or not sys.stdin.isatty():
        return
    waiting = select.poll()
    waiting.register(sys.stdin.fileno(), 0)  # nothing but that it hung up, or is there no more

    def watch() -> None:
        while not waiting.poll():
            pass
        gone()

    threading.Thread(target=watch, name="keepsake-terminal", daemon=True).start()


def hang_up() -> None:
    """Ask this program to end as the system does when a terminal is closed, also one that was started by `nohup`."""
    ignored = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    os.kill(os.getpid(), signal.SIGTERM if ignored else signal.SIGHUP)
