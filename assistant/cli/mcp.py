"""`keepsake mcp`: the memory for other programs, and who of them may do what."""

from __future__ import annotations

import re
from typing import Annotated

import typer

from assistant.cli.context import invocation, opened_store

_group = typer.Typer(
    help="Give other programs the memory through the Model Context Protocol (MCP).\n\n"
    "Example: keepsake mcp serve --name claude-desktop",
    no_args_is_help=True,
)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(_group, name="mcp")


def _checked_name(name: str) -> str:
    if name and not re.fullmatch(r"[a-z0-9][a-z0-9.-]{0,63}", name):
        raise typer.BadParameter("small letters, digits, dots and dashes", param_hint="NAME")
    return name


@_group.command("serve")
def serve(
    context: typer.Context,
    name: Annotated[
        str,
        typer.Option(
            help="The program that asks, as the settings know it; by default what it calls itself.",
            show_default=False,
            callback=_checked_name,
        ),
    ] = "",
) -> None:
    """Serve the memory over stdin and stdout to a program that starts this. What is private never goes out.

    Example: keepsake mcp serve --name claude-desktop
    """
    import signal
    import threading

    from assistant import crash_log
    from assistant.mcp.wire import wire

    signal.signal(signal.SIGINT, signal.SIG_DFL)  # nothing is cut that was acknowledged
    threading.excepthook = crash_log.note_thread
    with wire() as (asked, answered), opened_store(context, tells_at_end=False) as (store, _):
        from assistant.mcp.access import Access
        from assistant.mcp.public_memory import PublicMemory
        from assistant.mcp.server import build_server, run

        store.start_background()
        access = Access(store, lambda: invocation(context).settings().mcp, name)
        run(build_server(PublicMemory(store), access), asked, answered)
