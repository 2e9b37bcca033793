"""The log of what went wrong unexpectedly: where in the code, and of which kind; never a word of what is remembered.

It lies in the data folder, so that an erasure's search of the disk covers it too. Every command begins it and hardly
one writes to it, so it does without the library for logs, which takes longer to import than a line to write.
"""

from __future__ import annotations

import os
import platform
import threading
import traceback
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Final

NAME: Final = "keepsake.log"
_MOST_BYTES: Final = 256 * 1024
_writing: Final = threading.Lock()
_folder: Path | None = None


def begin(folder: Path) -> None:
    """Write to the log of this data folder from now on. Nothing is made there until there is something to log."""
    global _folder
    _folder = folder


def end() -> None:
    """Log nothing from now on."""
    global _folder
    _folder = None


def note(error: BaseException) -> Path | None:
    """Log a failure that nobody expected, and return the file; None where none is written.

    The message of an exception is left out, and so are the lines of code and the values of variables: any of them may
    hold what the user wrote. What is left says where to look.
    """
    if _folder is None:
        return None
    lines = [f"{platform.python_implementation()} {platform.python_version()} on {platform.system()}"]
    at: BaseException | None = error
    while at is not None:
        lines.append(f"  {type(at).__module__}.{type(at).__qualname__}")
        lines += [
            f"    {_shown(summary.filename)}:{summary.lineno} {summary.name}"
            for summary in traceback.extract_tb(at.__traceback__)
        ]
        at = at.__cause__ or at.__context__
    file = _folder / NAME
    # The folder may be gone, full or not ours, which whoever works with it is told anyway.
    with suppress(OSError), _writing:
        _append(file, f"{datetime.now():%Y-%m-%d %H:%M:%S} " + "\n".join(lines) + "\n")
    return file if file.is_file() else None


def note_thread(failed: threading.ExceptHookArgs) -> None:
    """Log what ended a thread; for `threading.excepthook`, which would print it with the words of its message."""
    if failed.exc_value is not None:
        note(failed.exc_value)


def _append(file: Path, text: str) -> None:
    """Add to a file that only its owner reads; a full one becomes the one before, whose place that takes."""
    if file.is_file() and file.stat().st_size + len(text) > _MOST_BYTES:
        file.replace(file.with_name(f"{NAME}.1"))
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "a", encoding="utf-8") as opened:
        opened.write(text)


def _shown(filename: str) -> str:
    """Return a file of code by its last parts: its place on the disk would name the user."""
    return "/".join(Path(filename).parts[-3:])
