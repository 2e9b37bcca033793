"""A process that verifies one erasure after another; starting one for each would be most of what they take.

It is one of its own, as promised, and runs what `python -m memory_store.verification` does.
"""

from __future__ import annotations

import contextlib
import io
import json
import subprocess
import sys
import threading
import traceback
from collections.abc import Sequence

from memory_store.verification import __main__ as program


class VerifyingProcess:
    """Starts the process when it is first needed. Safe to use from many threads, which wait for each other."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[str] | None = None

    def run(self, arguments: Sequence[str], _seconds: float) -> tuple[int, str, str]:
        """Verify, however long it takes; return the code, and what was printed to each stream."""
        with self._lock:
            if self._process is None:
                command = [sys.executable, "-m", __name__]
                self._process = subprocess.Popen(
                    command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8"
                )
            assert self._process.stdin is not None
            assert self._process.stdout is not None
            print(json.dumps(arguments), file=self._process.stdin, flush=True)
            code, printed, errors = json.loads(self._process.stdout.readline())
            return code, printed, errors

    def end(self) -> None:
        """End the process, if there is one."""
        if self._process is not None:
            self._process.communicate()


def _serve() -> None:
    # The end of the requests is its end: the system would end it with the thread that started it.
    vars(program)["end_with_parent"] = lambda: None
    for line in sys.stdin:
        sys.argv[1:] = json.loads(line)
        code = 0
        with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as errors:
            try:
                program.main()
            except SystemExit as ended:
                code = 1
                print(ended.code, file=sys.stderr)
            except Exception:  # noqa: BLE001 — told to whoever asked, as the end of the process would
                code = 1
                traceback.print_exc()
        print(json.dumps((code, out.getvalue(), errors.getvalue())), flush=True)


if __name__ == "__main__":
    _serve()
