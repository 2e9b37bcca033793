"""`keepsake search`: what recall finds, and why."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from assistant.cli import completing
from assistant.cli.context import opened_store
from assistant.cli.output import hit_json, print_json, show
from assistant.core.relevance import worth_telling
from assistant.display import excerpt, main_signals, moment, plain
from memory_store.models import Hit, RecallFilters, SourceKind

if TYPE_CHECKING:
    from memory_store import StoredPassage


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("search")(search)


def search(
    context: typer.Context,
    query: Annotated[str, typer.Argument(help="What to look for.", show_default=False)],
    limit: Annotated[int, typer.Option("-k", "--limit", min=1, max=1000, help="How many passages.")] = 10,
    kind: Annotated[list[SourceKind] | None, typer.Option(help="Only of this kind.", show_default=False)] = None,
    source: Annotated[
        list[str] | None,
        typer.Option(help="Only of this source's id.", show_default=False, autocompletion=completing.anything),
    ] = None,
    since: Annotated[datetime | None, typer.Option(help="Not older than this day.", show_default=False)] = None,
    until: Annotated[datetime | None, typer.Option(help="Older than this day.", show_default=False)] = None,
    as_of: Annotated[
        datetime | None, typer.Option(help="As things stood at this time: what was true then.", show_default=False)
    ] = None,
    author: Annotated[list[str] | None, typer.Option(help="Only what this person said.", show_default=False)] = None,
    public: Annotated[bool, typer.Option(help="Leave out what is private.")] = False,
    explain: Annotated[bool, typer.Option("--explain", help="Show what each signal said of each hit.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Search documents, conversations and memories by words and by meaning.

    Example: keepsake search "boiler pressure" -k 3
    """
    if not query.strip():
        raise typer.BadParameter("there is nothing to look for", param_hint="QUERY")
    # NumPy is not loaded yet. The products of one query are small, and threads for them take longer to start.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    with opened_store(context) as (store, _):
        filters = RecallFilters(
            kinds=frozenset(kind or ()),
            source_ids=frozenset(store.resolve(text) for text in source or ()),
            authors=frozenset(author or ()),
            since=since.astimezone() if since else None,
            until=until.astimezone() if until else None,
            include_private=not public,
            as_of=as_of.astimezone() if as_of else None,
        )
        hits = store.recall(query, limit, filters)
    if as_json:
        print_json({"query": query, "hits": [hit_json(hit) for hit in hits]})
        return
    if said := heading(hits):
        show(said)
    for number, hit in enumerate(hits, start=1):
        show(f"{number}. {source_line(hit)}")
        show(f"   {excerpt(hit.text, 300)}")
        if hit.also_in:
            show(f"   also in {', '.join(plain(item.path or item.title, one_line=True) for item in hit.also_in)}")
        show(f"   {reasons_line(hit)}  {hit.id}")
    if explain and hits:
        show("\n" + explanation(hits))


def heading(hits: Sequence[Hit]) -> str:
    """Return what to say before hits where they need it: that there are none, or that none of them fits."""
    if not hits:
        return "Nothing was found."
    return "" if worth_telling(hits) else "Nothing fits that; this is what lies nearest:"


def source_line(hit: Hit | StoredPassage) -> str:
    """Return where a hit or a passage is from and when, on one line."""
    title = plain(hit.source.path or hit.source.title, one_line=True)
    return "  ".join(piece for piece in (title, hit.locator.label(), moment(hit.created_at)) if piece)


def reasons_line(hit: Hit) -> str:
    """Return why a hit was found, on one line: the words that matched and what spoke most for it."""
    reasons = [f"words {', '.join(hit.matched)}"] if hit.matched else []
    return "; ".join([*reasons, *main_signals(hit.reasons)])


def explanation(hits: Sequence[Hit]) -> str:
    """Return a table of what each signal said of each hit: its value and, in brackets, what it added to the score."""
    names = list(dict.fromkeys(reason.signal for hit in hits for reason in hit.reasons))
    by_name = [{reason.signal: reason for reason in hit.reasons} for hit in hits]
    head = ["", *(f"#{number}" for number in range(1, len(hits) + 1))]
    rows = [head, ["score", *(f"{hit.score:.2f}" for hit in hits)]]
    rows.append(["relevance", *(f"{hit.relevance:.2f}" for hit in hits)])
    for name in names:
        cells = [entry.get(name, None) for entry in by_name]
        rows.append([name, *(f"{item.value:.2f} ({item.contribution:+.2f})" if item else "" for item in cells)])
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if column else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )
