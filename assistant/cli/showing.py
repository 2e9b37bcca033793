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


def _print(one: Origin, depth: int) -> None:
    indent = _INDENT * depth
    who = "erased since" if one.author is None and one.at is None else author_label(one.author) if one.author else ""
    when = moment(one.at) if one.at else ""
    about = ", ".join(part for part in (one.kind if who != "erased since" else "", who, when, one.place) if part)
    relation = f"{one.relation}: " if one.relation else ""
    show(f"{indent}{relation}{plain(about, one_line=True)}  {one.id}".rstrip())
    if one.quote:
        show(f"{indent}{_INDENT}the words: “{plain(one.quote, one_line=True)}”")
    if depth and one.text and one.text != one.quote:
        show(f"{indent}{_INDENT}{excerpt(one.text, _EXCERPT_CHARS)}")
    for other in one.origins:
        _print(other, depth + 1)


def _as_json(one: Origin) -> dict[str, Any]:
    return {
        "id": one.id,
        "kind": one.kind,
        "relation": one.relation or None,
        "text": one.text,
        "author": {"kind": one.author.kind.value, "name": one.author.name} if one.author else None,
        "at": iso(one.at) if one.at else None,
        "place": one.place or None,
        "quote": one.quote,
        "origins": [_as_json(other) for other in one.origins],
    }
