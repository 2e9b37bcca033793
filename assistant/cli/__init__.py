"""The `keepsake` command."""

from __future__ import annotations

COMPLETE = "_KEEPSAKE_COMPLETE"  # set by a shell that asks for completions


def main() -> None:
    """Run the command line; bare `keepsake` opens the chat without loading what only the commands need."""
    import atexit
    import gc
    import os
    import sys

    if len(sys.argv) == 1 and COMPLETE not in os.environ:
        from assistant.tui import run_chat

        raise SystemExit(run_chat())
    # What is imported is no garbage, and at the end all memory goes back at once: a fifth of the time of a search.
    gc.set_threshold(200_000, 10, 10)
    atexit.register(gc.freeze)
    if sys.argv[1:] == ["--version"]:
        from memory_store.version import version

        print(f"keepsake {version()}")
        return
    from assistant.cli.app import run
    from assistant.ending import end_when_asked

    end_when_asked()
    raise SystemExit(run())
