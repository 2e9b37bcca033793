"""Bounds the processor's time of the process that reads, so that nothing runs on if the assistant itself was killed."""

from __future__ import annotations

from typing import Final

# Two threads may work at once, and starting takes a little.
_THREADS: Final = 2
_MORE: Final = 5


def allow(seconds: float) -> None:
    """Let this process work for so many seconds from now on; Windows bounds nothing."""
    try:
        import resource
    except ImportError:
        return
    used = resource.getrusage(resource.RUSAGE_SELF)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    most = int(used.ru_utime + used.ru_stime + _THREADS * seconds) + _MORE
    resource.setrlimit(resource.RLIMIT_CPU, (most, hard))
