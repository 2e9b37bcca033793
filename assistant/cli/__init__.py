"""The `keepsake` command."""

from __future__ import annotations

# With this in the environment a shell asks what could stand next, through the bare command.
_COMPLETION = "_KEEPSAKE_COMPLETE"


def main() -> None:
    """Run the command line; bare `keepsake` opens the chat without loading what only the commands need."""
    import os
    import sys

    if len(sys.argv) == 1 and _COMPLETION not in os.environ:
        from assistant.tui import run_chat

        raise SystemExit(run_chat())
    from assistant.cli.app import run

    raise SystemExit(run())
