"""The command line as a whole: its global options, its commands, its exit codes."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from assistant.cli.commands import CommandGroup
from assistant.cli.context import Invocation
from assistant.cli.output import complain, say, unexpected
from memory_store.errors import KeepsakeError

EXIT_FAILED = 1
EXIT_INTERRUPTED = 130

_HELP = (
    "Keepsake: a personal assistant with a long-term memory that you own. Without a command it opens the chat.\n\n"
    "Results go to stdout, messages to stderr. "
    "Ends with 0 if it is done, 1 if it failed, 2 if it was called wrongly, 130 if it was interrupted.\n\n"
    'Example: keepsake --data-dir ~/work/memory ask "Who has our spare key?"'
)

app = typer.Typer(
    name="keepsake",
    help=_HELP,
    no_args_is_help=False,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    cls=CommandGroup,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback(invoke_without_command=True)
def options(
    context: typer.Context,
    data_dir: Annotated[
        Path | None, typer.Option(help="Where the memory is kept (or KEEPSAKE_DATA_DIR).", show_default=False)
    ] = None,
    config: Annotated[
        Path | None, typer.Option(help="The configuration file (or KEEPSAKE_CONFIG).", show_default=False)
    ] = None,
    version: Annotated[bool, typer.Option("--version", help="Print the version and end.")] = False,
) -> None:
    """Read the global options; without a command, open the chat."""
    context.obj = Invocation(data_dir, config)
    if version:
        from memory_store.version import version as installed

        typer.echo(f"keepsake {installed()}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        from assistant.tui import run_chat

        raise typer.Exit(run_chat(data_dir, config))


def run(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit code: 0 done, 1 failed, 2 wrong usage, 130 interrupted."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:  # text in any language, also where the locale is C
            reconfigure(encoding="utf-8", errors="replace")
    try:
        app(args=arguments, standalone_mode=True)
    except KeepsakeError as error:
        complain(error)
        return EXIT_FAILED
    except BrokenPipeError:
        sys.stderr.close()  # whoever read our output has gone; nothing is left to say
        return EXIT_FAILED
    except Exception as error:  # noqa: BLE001 — a traceback would show what is remembered; the log has the place
        complain(unexpected(error))
        return EXIT_FAILED
    except KeyboardInterrupt:
        say("Interrupted.")
        return EXIT_INTERRUPTED
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0
    return 0
