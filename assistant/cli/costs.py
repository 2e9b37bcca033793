"""`keepsake cost`: what requests to models took, by model, role, chat or day, and how much of each budget is used."""

from __future__ import annotations

import dataclasses
from datetime import datetime
from typing import Annotated

import typer

from assistant import bootstrap
from assistant.cli.context import invocation, opened_record
from assistant.cli.output import iso, print_json, say, show, table
from assistant.core.conversation.costs import (
    describe_budget,
    describe_cost,
    describe_energy,
    describe_entry,
    describe_total,
)
from assistant.display import moment
from memory_store import Grouping, Window


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("cost")(cost)


def cost(
    context: typer.Context,
    by: Annotated[Grouping, typer.Option(help="What to add up by.")] = Grouping.MODEL,
    since: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="What was asked since this day.", show_default=False)
    ] = None,
    latest: Annotated[
        int, typer.Option(min=0, metavar="N", help="List the latest N requests one by one instead.", show_default=False)
    ] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Add up what requests to models took: tokens, price and energy, by model, role, chat or day; and the budgets.

    Example: keepsake cost --by day
    """
    if latest:
        _list_latest(context, latest, as_json)
        return
    with opened_record(context) as store:
        totals = store.ledger.totals(by, since.astimezone() if since else None)
        spent = {window: store.ledger.spent(window) for window in (Window.DAY, Window.MONTH)}
    limits = [limit for limit in bootstrap.budget_limits(invocation(context).settings()) if limit.window in spent]
    if as_json:
        budgets = [{**dataclasses.asdict(limit), "used": spent[limit.window].amount(limit.unit)} for limit in limits]
        windows = {window.value: dataclasses.asdict(total) for window, total in spent.items()}
        print_json({"by": by, "totals": [dataclasses.asdict(total) for total in totals], **windows, "budgets": budgets})
        return
    if not totals:
        show("Nothing was asked of a model yet.")
        return
    rows = [
        (
            total.title or total.name or "in no chat that is kept",
            f"{total.requests:,}",
            f"{total.input_tokens:,}",
            f"{total.cached_tokens:,}",
            f"{total.output_tokens:,}",
            describe_cost(total),
            describe_energy(total),
        )
        for total in totals
    ]
    table((by.upper(), "REQUESTS", "IN", "CACHED", "OUT", "COST", "ENERGY"), rows)
    say(f"Today: {describe_total(spent[Window.DAY])}")
    say(f"This month: {describe_total(spent[Window.MONTH])}")
    for limit in limits:
        say(describe_budget(limit, spent[limit.window]))


def _list_latest(context: typer.Context, most: int, as_json: bool) -> None:
    with opened_record(context) as store:
        entries = store.ledger.latest(most)
    if as_json:
        print_json({"requests": [{**dataclasses.asdict(entry), "made_at": iso(entry.made_at)} for entry in entries]})
        return
    if not entries:
        show("Nothing was asked of a model yet.")
    for entry in entries:
        unfinished = "" if entry.state == "settled" else f", {entry.state}"
        show(f"{moment(entry.made_at)}  {describe_entry(entry)}{unfinished}")
