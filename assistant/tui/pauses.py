"""Keeps the garbage collector's long pauses out of the frames: it looks at everything when nobody waits."""

from __future__ import annotations

import gc
from typing import Final

# Young objects are looked at in small lots: while a task works in the background the collector had a hundred thousand
# to look at in one go, and the screen waited 60 ms for it. Looking at all of them (the third number) takes a tenth of a
# second and more once the libraries are loaded, and would come several times a second while an answer streams.
_THRESHOLDS: Final = (2_000, 10, 50_000)
_settled = False


def settle() -> None:
    """Take what is loaded by now for good: it is never looked at again. For the end of a program's start."""
    global _settled
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_THRESHOLDS)
    _settled = True


def loaded() -> None:
    """Take for good what was loaded after the start, too."""
    if _settled:
        settle()


def rest() -> None:
    """Look at everything, now that an answer is whole and the user reads."""
    if _settled:
        gc.collect()
