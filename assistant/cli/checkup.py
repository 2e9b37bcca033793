"""`keepsake doctor`: what was looked at, what it means, and what mends it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from assistant.cli.context import invocation, opened_store
from assistant.cli.output import complain, print_json, say, show
from assistant.failures import mend
from memory_store import health
from memory_store.errors import CorruptStoreError, ErasureFailedError, ErasurePendingError
from memory_store.health import Check, State


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("doctor")(doctor)


def doctor(
    context: typer.Context,
    repair: Annotated[bool, typer.Option("--repair", help="Mend what can be mended without losing anything.")] = False,
    into: Annotated[
        Path | None, typer.Option("--salvage", help="Save what a damaged store still holds.", show_default=False)
    ] = None,
    backup: Annotated[
        str | None, typer.Option("--backup", help="With --salvage: read this backup.", show_default=False)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Look over the whole store; each check says what it found, what that means and what mends it.

    Ends with 1 if anything needs attention. `--salvage FOLDER` copies all that can be read into a new store, out of
    the store or, with `--backup NAME`, out of a backup that is damaged.

    Example: keepsake doctor --repair
    """
    if into is not None:
        _salvage(invocation(context).settings().data_folder, into.expanduser().absolute(), backup, as_json)
        return
    if backup is not None:
        raise typer.BadParameter("goes with --salvage NEW_FOLDER", param_hint="--backup")
    before: list[Check] = []
    try:
        with opened_store(context) as (store, _):
            checks = before = health.examine(store)
            if repair:
                try:
                    health.repair(store)
                except (ErasurePendingError, ErasureFailedError) as error:
                    complain(error)  # the checks below say which erasure it is
                checks = health.examine(store)
    except CorruptStoreError as error:
        checks = [Check("database", State.FAILED, error.message, "Some of it may be lost.", error.hint, error.steps)]
    bad = [check for check in checks if check.state is not State.OK]
    mended = [check.name for check in before if check.state is not State.OK and check not in checks]
    if as_json:
        print_json({"ok": not bad, "checks": [_json(check) for check in checks], "repaired": mended})
    else:
        _print(checks, mended)
    if bad:
        raise typer.Exit(1)


def _print(checks: Sequence[Check], mended: Sequence[str]) -> None:
    for check in checks:
        show(f"{check.state.value:<9}  {check.name}: {check.finding}")
        if check.state is not State.OK:
            show(f"           {check.meaning}")
            show(f"           To do: {mend(check)}")
    if mended:
        show(f"Repaired: {', '.join(dict.fromkeys(mended))}.")
    if all(check.state is State.OK for check in checks):
        show("All is well.")


def _json(check: Check) -> dict[str, Any]:
    fields = {"name": check.name, "state": check.state.value, "finding": check.finding, "meaning": check.meaning}
    return {**fields, "repair": mend(check)}


def _salvage(damaged: Path, folder: Path, backup: str | None, as_json: bool) -> None:
    from memory_store.salvage import salvage

    result = salvage(damaged, folder, backup)
    if as_json:
        print_json({"folder": str(folder), "saved": dict(result.saved), "lost": dict(result.lost)})
        return
    for table, count in result.saved.items():
        lost = result.lost.get(table, 0)
        if count or lost:
            show(f"{table}: {count} saved" + (f", at least {lost} lost" if lost else ""))
    say(f"Saved into {folder}. Use it with: keepsake --data-dir {folder}")
