"""`keepsake search`: what recall finds, and why."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from assistant.cli.context import opened_store
from assistant.cli.output import hit_json, local, print_json, show
from assistant.display import excerpt
from memory_store.models import Hit, RecallFilters, SourceKind


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("search")(search)


def search(
    context: typer.Context,
    query: Annotated[str, typer.Argument(help="What to look for.", show_default=False)],
    limit: Annotated[int, typer.Option("-k", "--limit", min=1, max=1000, help="How many passages.")] = 10,
    kind: Annotated[list[SourceKind] | None, typer.Option(help="Only of this kind.", show_default=False)] = None,
    source: Annotated[list[str] | None, typer.Option(help="Only of this source's id.", show_default=False)] = None,
    since: Annotated[datetime | None, typer.Option(help="Not older than this day.", show_default=False)] = None,
    until: Annotated[datetime | None, typer.Option(help="Older than this day.", show_default=False)] = None,
    public: Annotated[bool, typer.Option(help="Leave out what is private.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Search documents, conversations and memories by words and by meaning.

    Example: keepsake search "boiler pressure" -k 3
    """
    with opened_store(context) as (store, _):
        filters = RecallFilters(
            kinds=frozenset(kind or ()),
            source_ids=frozenset(store.resolve(one) for one in source or ()),
            since=since.astimezone() if since else None,
            until=until.astimezone() if until else None,
            include_private=not public,
        )
        hits = store.recall(query, limit, filters)
    if as_json:
        print_json({"query": query, "hits": [hit_json(hit) for hit in hits]})
        return
    if not hits:
        show("Nothing was found.")
    for number, hit in enumerate(hits, start=1):
        show(f"{number}. {source_line(hit)}")
        show(f"   {excerpt(hit.text, 300)}")
        show(f"   {reasons_line(hit)}  {hit.id}")


def source_line(hit: Hit) -> str:
    """Return where a hit is from and when, on one line."""
    title = hit.source.path or hit.source.title
    return "  ".join(piece for piece in (title, hit.locator.label(), local(hit.created_at)) if piece)


def reasons_line(hit: Hit) -> str:
    """Return why a hit was found, on one line."""
    reasons = []
    for reason in hit.reasons:
        words = f" ({', '.join(reason.words)})" if reason.words else ""
        reasons.append(f"{reason.list_name} #{reason.rank}{words}")
    return "; ".join(reasons)
