"""`keepsake show`: anything by its id, and where it comes from, down to the original words."""

from __future__ import annotations

from typing import Annotated, Any, Final

import typer

from assistant.cli import completing
from assistant.cli.context import opened_store
from assistant.cli.output import iso, print_json, show
from assistant.core.framing import author_label
from assistant.core.provenance import Origin, provenance
from assistant.display import excerpt, moment, plain

_EXCERPT_CHARS: Final = 300
_INDENT: Final = "    "


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("show")(show_)


def show_(
    context: typer.Context,
    identifier: Annotated[
        str,
        typer.Argument(
            metavar="ID",
            help="The id of anything, or its beginning.",
            show_default=False,
            autocompletion=completing.anything,
        ),
    ],
    whole: Annotated[
        bool, typer.Option("--provenance", help="Follow where it comes from down to the original words.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Show a memory, message, document, passage or conversation: who said it, when, where, and what it rests on.

    Example: keepsake show mem_k7 --provenance
    """
    with opened_store(context) as (store, _):
        found = provenance(store, store.resolve(identifier), whole=whole)
    if as_json:
        print_json(_as_json(found))
        return
    show(plain(found.text))
    _print(found, 0)


def _print(origin: Origin, depth: int) -> None:
    indent = _INDENT * depth
    who = (
        "erased since"
        if origin.author is None and origin.at is None
        else author_label(origin.author)
        if origin.author
        else ""
    )
    when = moment(origin.at) if origin.at else ""
    about = ", ".join(part for part in (origin.kind if who != "erased since" else "", who, when, origin.place) if part)
    relation = f"{origin.relation}: " if origin.relation else ""
    show(f"{indent}{relation}{plain(about, one_line=True)}  {origin.id}".rstrip())
    if origin.quote:
        show(f"{indent}{_INDENT}the words: “{plain(origin.quote, one_line=True)}”")
    if depth and origin.text and origin.text != origin.quote:
        show(f"{indent}{_INDENT}{excerpt(origin.text, _EXCERPT_CHARS)}")
    for other in origin.origins:
        _print(other, depth + 1)


def _as_json(origin: Origin) -> dict[str, Any]:
    return {
        "id": origin.id,
        "kind": origin.kind,
        "relation": origin.relation or None,
        "text": origin.text,
        "author": {"kind": origin.author.kind.value, "name": origin.author.name} if origin.author else None,
        "at": iso(origin.at) if origin.at else None,
        "place": origin.place or None,
        "quote": origin.quote,
        "origins": [_as_json(other) for other in origin.origins],
    }
