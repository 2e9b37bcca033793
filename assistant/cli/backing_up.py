"""`keepsake backup`: verified copies of the whole store beside it, and a new data folder out of one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from assistant.cli import completing
from assistant.cli.context import opened_store
from assistant.cli.output import iso, print_json, say, show, table
from assistant.display import moment
from memory_store.backups import KEPT, Backup
from memory_store.wording import format_counts

_Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
_Name = Annotated[
    str,
    typer.Argument(
        help="The backup's name, as `list` shows it.", show_default=False, autocompletion=completing.backups
    ),
]
_group = typer.Typer(
    name="backup",
    help="Verified copies of the whole store, in its data folder.\n\nExample: keepsake backup make",
    no_args_is_help=True,
)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(_group)


@_group.command("make")
def make(
    context: typer.Context,
    keep: Annotated[int, typer.Option(min=1, help="How many to keep; the oldest go.")] = KEPT,
    as_json: _Json = False,
) -> None:
    """Copy the store as it is now, verify the copy, and remove the oldest backups. Others may go on writing.

    Example: keepsake backup make --keep 14
    """
    with opened_store(context) as (store, _):
        made = store.backups.make(keep)
        folder = store.backups.folder
    if as_json:
        print_json(_json(made))
    else:
        show(f"Made and verified {folder / made.name} ({made.size_bytes / 1e6:,.1f} MB).")


@_group.command("list")
def list_(context: typer.Context, as_json: _Json = False) -> None:
    """List the backups, the latest first.

    Example: keepsake backup list
    """
    with opened_store(context) as (store, _):
        found = store.backups.all()
    if as_json:
        print_json({"backups": [_json(backup) for backup in found]})
        return
    table(
        ("made", "size", "schema", "name"),
        [
            (moment(backup.made_at), f"{backup.size_bytes / 1e6:,.1f} MB", str(backup.schema), backup.name)
            for backup in found
        ],
    )


@_group.command("check")
def check(context: typer.Context, name: _Name, as_json: _Json = False) -> None:
    """Open a backup and look over every page of it. Ends with 1 if anything is wrong.

    Example: keepsake backup check 20260502T093000000000Z.db
    """
    with opened_store(context) as (store, _):
        problems = store.backups.check(name)
    if as_json:
        print_json({"name": name, "problems": problems})
    else:
        for problem in problems:
            show(problem)
        show(f"{name} is sound." if not problems else f"{name} is damaged.")
    if problems:
        raise typer.Exit(1)


@_group.command("restore")
def restore(
    context: typer.Context,
    name: _Name,
    to: Annotated[Path, typer.Option(help="The new data folder.", show_default=False)],
) -> None:
    """Make a new data folder out of a backup; the store in use is not touched.

    Example: keepsake backup restore 20260502T093000000000Z.db --to ~/keepsake-may
    """
    folder = to.expanduser().absolute()
    with opened_store(context) as (store, _):
        store.backups.restore(name, folder)
    show(f"Restored into {folder}.")
    say(f"Use it with: keepsake --data-dir {folder}")


@_group.command("merge")
def merge(context: typer.Context, name: _Name) -> None:
    """Bring in what a backup holds and the store does not. What was forgotten stays away.

    One that a window saved, when its database was removed or replaced, is removed afterwards.

    Example: keepsake backup merge 20260502T093000000000Z-rescued.db
    """
    with opened_store(context) as (store, _):
        summary = store.merge_backup(name)
    came = format_counts(dict(summary.counts))
    show(f"Brought in {came}." if any(summary.counts.values()) else "It holds nothing that is not here already.")
    for table_name, identifier in summary.differing:
        show(f"Differs, and stays as it is here: {identifier} ({table_name})")


@_group.command("purge")
def purge(context: typer.Context) -> None:
    """Erase from every backup what was forgotten since it was made. Ends with 1 if one of them can't be rewritten.

    Example: keepsake backup purge
    """
    with opened_store(context) as (store, _):
        rewritten, left = store.backups.purge()
    for backup in rewritten:
        show(f"Rewrote {backup.name} without what was forgotten.")
    for backup in left:
        show(f"{backup.name} can't be rewritten (an older schema, or damaged): `keepsake backup remove {backup.name}`.")
    if not rewritten and not left:
        show("No backup holds anything that was forgotten.")
    if left:
        raise typer.Exit(1)


@_group.command("remove")
def remove(
    context: typer.Context,
    names: Annotated[
        list[str],
        typer.Argument(help="Names of backups.", show_default=False, autocompletion=completing.backups),
    ],
) -> None:
    """Remove backups from the disk.

    Example: keepsake backup remove 20260502T093000000000Z.db
    """
    with opened_store(context) as (store, _):
        for name in names:
            store.backups.remove(name)
            show(f"Removed {name}.")


def _json(backup: Backup) -> dict[str, Any]:
    return {
        "name": backup.name,
        "made_at": iso(backup.made_at),
        "bytes": backup.size_bytes,
        "schema": backup.schema,
    }
