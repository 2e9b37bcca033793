"""For processes that work for another one: none is left when that one has ended, in whatever way."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from typing import Final

_PR_SET_PDEATHSIG: Final = 1  # linux/prctl.h
_LOOK_SECONDS: Final = 0.5


def end_with_parent() -> None:
    """Let this process be killed when the one that started it ends: by the system where it can, else by looking."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    else:
        threading.Thread(target=_look, args=(os.getppid(),), name="keepsake-parent", daemon=True).start()


def _look(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_LOOK_SECONDS)
    os._exit(1)
