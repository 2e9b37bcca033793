"""`keepsake mcp`: the memory for other programs and who may do what, and servers whose tools the chat uses."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from assistant import bootstrap, config
from assistant.cli.context import invocation, opened_record, opened_store
from assistant.cli.output import complain, iso, print_json, say, show, table
from assistant.display import excerpt, moment
from assistant.errors import ConfigError
from assistant.mcp.server_keys import forget_keys
from assistant.setting import keep_mcp_client, keep_mcp_server
from assistant.setting_values import WrongValueError, checked

if TYPE_CHECKING:
    from assistant.mcp.client import Listing

_group = typer.Typer(
    help="Give other programs the memory through the Model Context Protocol (MCP), and use the tools of servers.\n\n"
    "Example: keepsake mcp serve --name claude-desktop",
    no_args_is_help=True,
)


_Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(_group, name="mcp")


def _checked_name(name: str | None) -> str | None:
    if name is not None and not re.fullmatch(r"[a-z0-9][a-z0-9.-]{0,63}", name):
        raise typer.BadParameter("small letters, digits, dots and dashes", param_hint="NAME")
    return name


_Client = Annotated[
    str, typer.Argument(metavar="NAME", help="The program's name.", show_default=False, callback=_checked_name)
]


_RIGHTS = ", ".join(config.MCP_RIGHTS)


def _checked_rights(rights: list[str] | None) -> list[str]:
    for right in rights or ():
        if right not in config.MCP_RIGHTS:
            raise typer.BadParameter(f"{right} is none of {_RIGHTS}", param_hint="RIGHTS")
    return rights or []


@_group.command("serve")
def serve(
    context: typer.Context,
    name: Annotated[
        str | None,
        typer.Option(
            help="The program that asks, as the settings know it; by default what it calls itself.",
            show_default=False,
            callback=_checked_name,
        ),
    ] = None,
) -> None:
    """Serve the memory over stdin and stdout to a program that starts this. What is private never goes out.

    Example: keepsake mcp serve --name claude-desktop
    """
    import signal
    import threading

    from assistant import crash_log
    from assistant.mcp.wire import wire

    if sys.stdin.isatty():
        say("This waits for a program's messages; `keepsake mcp install` has a program start it. Ctrl+C ends it.")
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # nothing is cut that was acknowledged
    threading.excepthook = crash_log.note_thread
    with wire() as (asked, answered), opened_store(context, tells_at_end=False) as (store, _):
        from assistant.mcp.access import Access
        from assistant.mcp.public_memory import PublicMemory
        from assistant.mcp.server import build_server, run

        store.start_background()
        access = Access(store, lambda: invocation(context).settings().mcp, name or "")
        run(build_server(PublicMemory(store), access), asked, answered)


@_group.command("install")
def install(
    context: typer.Context,
    client: Annotated[
        str,
        typer.Argument(
            metavar="CLIENT",
            help="claude-desktop, claude-code, cursor, vscode or codex.",
            show_default=False,
        ),
    ],
    only_print: Annotated[bool, typer.Option("--print", help="Print what belongs into its file, and stop.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Don't ask.")] = False,
) -> None:
    """Write into a program's own configuration that it may use the memory. The change is shown and asked about first.

    What else is in the file stays, and a copy of it as it was is kept beside it.

    Example: keepsake mcp install claude-desktop
    """
    from assistant.mcp import installing

    program = installing.CLIENTS.get(client)
    if program is None:
        raise typer.BadParameter(f"{client} is none of {', '.join(installing.CLIENTS)}", param_hint="CLIENT")
    command = installing.command_line(_global_options(context), client)
    if only_print:
        show(installing.snippet(program, command))
        return
    change = installing.change(program, command)
    if change.before == change.after:
        show(f"{change.file} has it already.")
        return
    say(f"This changes {change.file}:")
    for line in change.lines:
        say(f"  {line}")
    if not yes:
        if not sys.stdin.isatty():
            raise ConfigError("Nothing was changed: there is nobody to ask.", "Give --yes if you mean it.")
        if not typer.confirm(f"Let {program.title} use the memory?", err=True):
            say("Nothing was changed.")
            raise typer.Exit(1)
    copy = change.write()
    show(f"{program.title} may use the memory. {program.afterwards}")
    if copy is not None:
        say(f"The file as it was is {copy}.")


def _global_options(context: typer.Context) -> list[str]:
    """Return the options that lead to this memory: a program has not the environment of this shell."""
    chosen = invocation(context)
    settings = chosen.settings()
    options: list[str] = []
    if chosen.data_dir or "KEEPSAKE_DATA_DIR" in os.environ:
        options += ["--data-dir", str(settings.data_folder)]
    if chosen.config or config.CONFIG_ENV in os.environ:
        options += ["--config", str(config.config_path(chosen.config))]
    return options


@_group.command("clients")
def clients(context: typer.Context, as_json: _Json = False) -> None:
    """List the programs that the settings name or that have asked, what they may do, and how much they saw.

    Example: keepsake mcp clients
    """
    from assistant.mcp.access import known_clients

    with opened_record(context) as store:
        found = known_clients(store, invocation(context).settings().mcp)
    if as_json:
        print_json({"clients": [{**asdict(client), "last": iso(client.last)} for client in found]})
        return
    if not found:
        show("No program has asked yet; `keepsake mcp serve` is what it starts.")
        return
    table(
        ("NAME", "MAY", "IS", "LAST ASKED", "TIMES", "SAW"),
        [
            (
                client.name,
                ", ".join(client.rights) or "nothing",
                client.software,
                moment(client.last) if client.last else "",
                str(client.accesses),
                str(client.items),
            )
            for client in found
        ],
    )


@_group.command("allow")
def allow(
    context: typer.Context,
    name: _Client,
    rights: Annotated[
        list[str] | None,
        typer.Argument(
            help=f"What it may do: {_RIGHTS}; nothing named: all.", show_default=False, callback=_checked_rights
        ),
    ] = None,
) -> None:
    """Let a program do this alone from now on, also one that is running.

    Example: keepsake mcp allow cursor search show
    """
    _keep(context, name, list(rights or config.MCP_RIGHTS))


@_group.command("revoke")
def revoke(context: typer.Context, name: _Client) -> None:
    """Let a program do nothing any more, at once, also one that is running. What it saw it has.

    Example: keepsake mcp revoke cursor
    """
    _keep(context, name, [])


def _keep(context: typer.Context, name: str, rights: Sequence[str]) -> None:
    chosen = invocation(context)
    chosen.settings()  # a mistake in them is told before the file is changed
    keep_mcp_client(config.config_path(chosen.config), name, list(rights))
    show(f"{name} may do this from now on: {', '.join(rights) or 'nothing'}.")


_Server = Annotated[
    str,
    typer.Argument(metavar="NAME", help="What the server is called here.", show_default=False, callback=_checked_name),
]


@_group.command("add")
def add(
    context: typer.Context,
    name: _Server,
    command: Annotated[
        list[str] | None,
        typer.Argument(metavar="[-- COMMAND ARGS…]", help="How it is started.", show_default=False),
    ] = None,
    url: Annotated[str, typer.Option(help="Where it runs, in place of a command.", show_default=False)] = "",
    env: Annotated[
        list[str] | None,
        typer.Option(help="The name of a variable of your environment that it gets; may be given again."),
    ] = None,
) -> None:
    """Let the model of the chat use the tools of a server. It is tried at once, and kept also where that fails.

    Example: keepsake mcp add files -- npx -y @modelcontextprotocol/server-filesystem ~/Notes
    """
    if bool(command) == bool(url):
        raise typer.BadParameter("give a command behind `--`, or --url", param_hint="COMMAND")
    chosen = invocation(context)
    chosen.settings()  # a mistake in them is told before the file is changed
    try:
        server: config.McpServer = checked(
            config.McpServer,
            {"url": url, "command": (command or [""])[0], "args": (command or [])[1:], "env": env or []},
        )
    except WrongValueError as error:
        raise typer.BadParameter(error.message, param_hint=".".join(error.path)) from error
    keep_mcp_server(config.config_path(chosen.config), name, server)
    show(f"{name} is kept; the chat asks it for its tools from the next start on.")
    _tell_of({name: server})


@_group.command("import")
def import_servers(
    context: typer.Context,
    file: Annotated[
        Path | None, typer.Argument(help="A program's list of servers; none: those that are found.", show_default=False)
    ] = None,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Don't ask; nothing is replaced, and no value of a variable is kept.")
    ] = False,
) -> None:
    """Take over the servers that another program has: Claude Desktop, Claude Code, Cursor, VS Code, Codex.

    Each is shown and asked about. The values of its variables are not shown, and never written into the settings: on a
    terminal you can have them kept where keys are. What can't be taken is named, with the reason.

    Example: keepsake mcp import
    """
    from assistant.cli.importing_servers import ServerImport
    from assistant.mcp import importing

    if not yes and not sys.stdin.isatty():
        raise ConfigError("Nothing was added: there is nobody to ask.", "Give --yes if you mean it.")
    files = [("", file)] if file is not None else importing.find_files()
    if not files:
        show("No program's list of servers was found; `keepsake mcp import FILE` reads one.")
        return
    chosen = invocation(context)
    work = ServerImport(config.config_path(chosen.config), chosen.settings().mcp.servers, asks=not yes)
    for title, path in files:
        say(f"{title} ({path}):" if title else f"{path}:")
        try:
            candidates = importing.read_servers(path)
        except ConfigError as error:
            if file is not None:
                raise
            complain(error)  # there may be others
            continue
        for candidate in candidates:
            work.take(candidate)
    if work.added:
        show(f"Added: {', '.join(work.added)}. Their tools are there from the next start of the chat on.")
        _tell_of(work.added)
    else:
        show("Nothing was added.")


@_group.command("list")
def list_servers(context: typer.Context, as_json: _Json = False) -> None:
    """List the servers whose tools the model of the chat may use. Each is started, and asked what it has.

    Example: keepsake mcp list
    """
    servers = invocation(context).settings().mcp.servers
    if as_json:
        found = [
            {
                "server": listing.server,
                "tools": [
                    {"name": tool.name, "effect": tool.effect, "description": tool.description}
                    for tool in listing.tools
                ],
                "failure": listing.failure or None,
            }
            for listing in _try(servers)
        ]
        print_json({"servers": found})
    elif servers:
        _tell_of(servers)
    else:
        show("There are no servers; `keepsake mcp add NAME -- COMMAND` adds one.")


@_group.command("login")
def login(context: typer.Context, name: _Server) -> None:
    """Log in at a server that is at an address and wants it, by OAuth: in your browser, with your account there.

    The address is shown, and opened by a yes alone. What the login gives is kept where keys are, for that server alone.

    Example: keepsake mcp login issues
    """
    import webbrowser

    from assistant.mcp.login import log_in

    def show_address(address: str) -> None:
        say("Log in here; this waits for it, and Ctrl+C gives it up:")
        say(address)
        if sys.stdin.isatty() and typer.confirm("Open it in your browser?", err=True) and not webbrowser.open(address):
            say("No browser could be opened.")

    server = _require_server(context, name)
    if not server.url:
        raise ConfigError(f"{name} is a program on this machine, where nobody logs in.", "It gets keys by `--env`.")
    if asyncio.run(log_in(name, server.url, bootstrap.credentials_file(), show_address)):
        show(f"Logged in at {name}. Its tools are there from the next message on.")
    else:
        show(f"{name} wants no login.")


@_group.command("logout")
def logout(context: typer.Context, name: _Server) -> None:
    """Forget the login at a server. The service may know it for longer: it can be taken back there.

    Example: keepsake mcp logout issues
    """
    from assistant.mcp.login import log_out

    _require_server(context, name)
    log_out(name, bootstrap.credentials_file())
    show(f"No login at {name} is kept any more.")


def _require_server(context: typer.Context, name: str) -> config.McpServer:
    server = invocation(context).settings().mcp.servers.get(name)
    if server is None:
        raise ConfigError(f"There is no server {name}.", "`keepsake mcp list` lists them.")
    return server


@_group.command("remove")
def remove(context: typer.Context, name: _Server) -> None:
    """Take a server out of the settings.

    Example: keepsake mcp remove files
    """
    server = _require_server(context, name)
    keep_mcp_server(config.config_path(invocation(context).config), name, None)
    forget_keys(name, server.env, bootstrap.credentials_file())
    show(f"The tools of {name} are not used any more.")


def _try(servers: Mapping[str, config.McpServer]) -> Sequence[Listing]:
    """Connect to servers, and return what they have."""
    from assistant.mcp.client import ServerToolbox

    async def tried() -> Sequence[Listing]:
        toolbox = ServerToolbox(servers, bootstrap.credentials_file())
        try:
            return await toolbox.list_tools()
        finally:
            await toolbox.close()

    return asyncio.run(tried())


def _tell_of(servers: Mapping[str, config.McpServer]) -> None:
    listings = _try(servers)
    rows = [
        (listing.server, tool.name, "no" if tool.effect == "read" else "yes", excerpt(tool.description, 60))
        for listing in listings
        for tool in listing.tools
    ]
    if rows:
        table(("SERVER", "TOOL", "ASKS FIRST", "WHAT IT SAYS OF ITSELF"), rows)
    for listing in listings:
        if not listing.tools:
            say(listing.failure or f"The server {listing.server} has no tools.")
