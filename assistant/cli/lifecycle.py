"""The commands over the whole store: reindex, stats, requests."""

from __future__ import annotations

import dataclasses
from typing import Annotated

import typer

from assistant.cli.context import opened_store
from assistant.cli.output import iso, print_json, say, show, table
from assistant.display import moment, plain

_Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("reindex")(reindex)
    app.command("stats")(stats)
    app.command("requests")(requests)


def reindex(context: typer.Context, as_json: _Json = False) -> None:
    """Make the vector index anew, and the vectors too where another embedder made them.

    Example: keepsake reindex
    """
    with opened_store(context) as (store, _):
        store.reindex(lambda done, total: say(f"Embedded {done} of {total}.") if done % 640 == 0 else None)
        result = store.stats()
    if as_json:
        print_json({"embedded": result.embedded, "to_embed": result.to_embed, "to_index": result.to_index})
    else:
        show(f"Indexed {result.embedded} passages.")


def stats(context: typer.Context, as_json: _Json = False) -> None:
    """Count what is remembered.

    Example: keepsake stats --json
    """
    with opened_store(context) as (store, settings):
        result = store.stats()
    fields = {**dataclasses.asdict(result), "by_kind": dict(result.by_kind), "data_dir": str(settings.data_folder)}
    if as_json:
        print_json(fields)
        return
    for name, value in fields.items():
        show(f"{name.replace('_', ' ')}: {plain(str(value))}")


def requests(context: typer.Context, as_json: _Json = False) -> None:
    """List what was sent to services that are not on this machine: when, where to, what for; never the text.

    Example: keepsake requests
    """
    with opened_store(context) as (store, _):
        found = store.requests.all()
    if as_json:
        print_json(
            {"requests": [{**dataclasses.asdict(request), "sent_at": iso(request.sent_at)} for request in found]}
        )
        return
    if not found:
        show("Nothing was sent anywhere.")
        return
    table(
        ("SENT", "TO", "MODEL OR TOOL", "FOR", "ITEMS", "PRIVATE"),
        [
            (
                moment(request.sent_at),
                request.endpoint,
                request.model,
                request.purpose,
                str(request.items),
                str(request.private or ""),
            )
            for request in found
        ],
    )
