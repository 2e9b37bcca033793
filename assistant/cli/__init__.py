"""The `keepsake` command."""

from __future__ import annotations


def main() -> None:
    """Run the command line; bare `keepsake` opens the chat without loading what only the commands need."""
    import sys

    if len(sys.argv) == 1:
        from assistant.tui import run_chat

        raise SystemExit(run_chat())
    from assistant.cli.app import run

    raise SystemExit(run())
