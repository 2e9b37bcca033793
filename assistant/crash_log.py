"""The log of what went wrong unexpectedly: where in the code, and of which kind; never a word of what is remembered.

It lies in the data folder, so that an erasure's search of the disk covers it too.
"""

from __future__ import annotations

import logging
import os
import platform
import threading
import traceback
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Final

NAME: Final = "keepsake.log"
_MOST_BYTES: Final = 256 * 1024
_log: Final = logging.getLogger("keepsake.crashes")


def _opener(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


class _PrivateFile(RotatingFileHandler):
    """A log that only its owner reads, each new file of it too, and that keeps quiet where it can't be written."""

    def _open(self) -> TextIOWrapper:
        # `Path.open` takes no opener.
        return open(self.baseFilename, "a", encoding=self.encoding, opener=_opener)

    def handleError(self, record: logging.LogRecord) -> None:
        """Do without: the folder is gone, full or not ours, which whoever works with it is told anyway."""


def begin(folder: Path) -> None:
    """Write to the log of this data folder from now on. Nothing is made there until there is something to log."""
    end()
    handler = _PrivateFile(folder / NAME, maxBytes=_MOST_BYTES, backupCount=1, encoding="utf-8", delay=True)
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    _log.addHandler(handler)
    _log.setLevel(logging.INFO)
    _log.propagate = False


def end() -> None:
    """Close the log."""
    for handler in list(_log.handlers):
        if isinstance(handler, RotatingFileHandler):
            _log.removeHandler(handler)
            handler.close()


def note(error: BaseException) -> Path | None:
    """Log a failure that nobody expected, and return the file; None where none is written.

    The message of an exception is left out, and so are the lines of code and the values of variables: any of them may
    hold what the user wrote. What is left says where to look.
    """
    handler = next((one for one in _log.handlers if isinstance(one, RotatingFileHandler)), None)
    if handler is None:
        return None
    lines = [f"{platform.python_implementation()} {platform.python_version()} on {platform.system()}"]
    at: BaseException | None = error
    while at is not None:
        lines.append(f"  {type(at).__module__}.{type(at).__qualname__}")
        lines += [
            f"    {_shown(one.filename)}:{one.lineno} {one.name}" for one in traceback.extract_tb(at.__traceback__)
        ]
        at = at.__cause__ or at.__context__
    _log.info("%s", "\n".join(lines))
    file = Path(handler.baseFilename)
    return file if file.is_file() else None


def note_thread(failed: threading.ExceptHookArgs) -> None:
    """Log what ended a thread; for `threading.excepthook`, which would print it with the words of its message."""
    if failed.exc_value is not None:
        note(failed.exc_value)


def _shown(filename: str) -> str:
    """Return a file of code by its last parts: its place on the disk would name the user."""
    return "/".join(Path(filename).parts[-3:])
