"""`keepsake web`: the chat in the browser, for this machine alone."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from typing import Annotated, Final

import typer

from assistant.cli.context import invocation
from assistant.cli.output import say, show
from assistant.errors import ConfigError

_PORT: Final = 8787


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("web")(web)


def web(
    context: typer.Context,
    port: Annotated[
        int, typer.Option(help="The port on this machine; 0 takes any that is free.", min=0, max=65535)
    ] = _PORT,
    open_browser: Annotated[bool, typer.Option("--open", help="Open it in your browser.")] = False,
) -> None:
    """Serve the chat to a browser on this machine. Needs the extra `web`.

    The printed address holds a token that is new at each start; without it nobody gets in, and no other machine can
    connect at all. Each page is a window of its own onto the same memory. Ctrl+C ends it.

    Example: keepsake web --open
    """
    if find_spec("textual_serve") is None:
        raise ConfigError("Serving the chat needs an extra.", 'Install it: `pip install "keepsake-assistant[web]"`.')
    from assistant.web.server import listen, serve

    chosen = invocation(context)
    chosen.settings()  # a mistake in them is better told here than in the page
    command = [sys.executable, "-m", "assistant.cli"]
    command += ["--data-dir", str(chosen.data_dir.absolute())] if chosen.data_dir else []
    command += ["--config", str(chosen.config.absolute())] if chosen.config else []

    def ready(url: str) -> None:
        show(url)
        say("Open this address in a browser on this machine. Ctrl+C ends it.")
        if open_browser:
            import webbrowser

            webbrowser.open(url)

    serve([*command, "chat"], listen(port), ready)
