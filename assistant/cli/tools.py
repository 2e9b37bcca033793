"""`keepsake tools`: what a model may use in a turn, and which of it was allowed for always."""

from __future__ import annotations

from typing import Annotated

import typer

from assistant import bootstrap
from assistant.cli.context import invocation, opened_record
from assistant.cli.output import iso, print_json, show, table
from assistant.core.tools.tool import Effect
from assistant.display import excerpt, moment, plain
from memory_store.errors import NotFoundError

_group = typer.Typer(
    help="See which tools a model may use, and have those ask again that were allowed for always.\n\n"
    "Example: keepsake tools list",
    no_args_is_help=True,
)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(_group, name="tools")


@_group.command("list")
def list_tools(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """List the tools that come along, and all that were allowed for always. `keepsake mcp list` lists those of servers.

    Example: keepsake tools list
    """
    with opened_record(context) as store:
        kept = store.approvals.all()
    own = bootstrap.own_tools(invocation(context).settings())
    if as_json:
        tools = [{"name": tool.name, "effect": tool.effect, "description": tool.description} for tool in own]
        allowed = [{"tool": item.tool, "origin": item.origin, "allowed_at": iso(item.allowed_at)} for item in kept]
        print_json({"tools": tools, "allowed": allowed})
        return
    rows = [(tool.name, "no" if tool.effect is Effect.READ else "yes", excerpt(tool.description, 100)) for tool in own]
    table(("tool", "asks first", "what it does"), rows)
    if kept:
        show("")
        table(
            ("always allowed", "of", "since"),
            [(plain(item.tool), plain(item.origin), moment(item.allowed_at)) for item in kept],
        )


@_group.command("revoke")
def revoke(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="TOOL", help="The tool's name.", show_default=False)],
) -> None:
    """Have a tool ask again that was allowed for always.

    Example: keepsake tools revoke remember
    """
    with opened_record(context) as store:
        if not store.approvals.revoke(name):
            raise NotFoundError(
                f"The tool {name} was not allowed for always.", "`keepsake tools list` shows which were."
            )
    show(f"{name} asks again.")
