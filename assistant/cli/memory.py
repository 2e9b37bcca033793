"""`keepsake memory`: see, add and correct what is remembered."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from assistant.cli import completing
from assistant.cli.context import opened_record, opened_store
from assistant.cli.output import memory_json, print_json, say, show, table
from assistant.display import excerpt, moment
from memory_store import NewMemory
from memory_store.errors import StoreError
from memory_store.models import Memory, MemoryKind

_Id = Annotated[
    str, typer.Argument(help="The id, or its beginning.", show_default=False, autocompletion=completing.memories)
]
_group = typer.Typer(
    help="See, add and correct what is remembered.\n\nExample: keepsake memory list", no_args_is_help=True
)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(_group, name="memory")


@_group.command("list")
def list_(
    context: typer.Context,
    kind: Annotated[MemoryKind | None, typer.Option(help="Only of this kind.", show_default=False)] = None,
    history: Annotated[bool, typer.Option(help="Superseded versions too.")] = False,
    as_of: Annotated[
        datetime | None, typer.Option(help="What was true at this time, by what is known today.", show_default=False)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """List memories, the latest first.

    Example: keepsake memory list --kind fact --as-of 2025-03-01
    """
    moment_of = as_of.astimezone() if as_of else None
    with opened_record(context) as store:
        listed = store.memories.all(include_superseded=history, as_of=moment_of)
        found = [memory for memory in listed if kind in (None, memory.kind)]
    if as_json:
        print_json({"memories": [memory_json(memory) for memory in found]})
        return
    table(
        ("ID", "KIND", "RECORDED", "MARKS", "TEXT"),
        [
            (memory.id, memory.kind.value, moment(memory.recorded_at), _marks(memory), excerpt(memory.text, 100))
            for memory in found
        ],
    )


@_group.command("show")
def show_(
    context: typer.Context,
    memory_id: _Id,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Show one memory with its earlier versions.

    Example: keepsake memory show mem_k7
    """
    with opened_record(context) as store:
        memory = store.memories.get(store.resolve(memory_id))
        earlier = store.memories.get_earlier(memory.id)
    if as_json:
        print_json({**memory_json(memory), "earlier": [memory_json(item) for item in earlier]})
        return
    show(memory.text)
    show()
    for name, value in memory_json(memory).items():
        if name not in ("text", "author") and value not in (None, False):
            show(f"{name}: {value}")
    show(f"author: {memory.author.name or memory.author.kind.value}")
    for item in earlier:
        show(f"earlier ({moment(item.recorded_at)}): {item.text}")


@_group.command("add")
def add(
    context: typer.Context,
    text: Annotated[str, typer.Argument(help="What to remember.", show_default=False)],
    kind: Annotated[MemoryKind, typer.Option(help="What sort of memory.")] = MemoryKind.NOTE,
    pin: Annotated[bool, typer.Option(help="Show it to the model in every turn.")] = False,
    private: Annotated[bool, typer.Option(help="Never send it to a model on another machine.")] = False,
    valid_from: Annotated[datetime | None, typer.Option(help="Since when it is true.", show_default=False)] = None,
    valid_to: Annotated[datetime | None, typer.Option(help="Until when it is true.", show_default=False)] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Remember something.

    Example: keepsake memory add "The spare key is with Ines at number 12." --kind fact
    """
    new = NewMemory(
        text,
        kind=kind,
        pinned=pin,
        private=private,
        valid_from=valid_from.astimezone() if valid_from else None,
        valid_to=valid_to.astimezone() if valid_to else None,
    )
    with opened_store(context) as (store, _):
        memory = store.remember(new)
        store.embed_pending()
    _report(memory, "Remembered", as_json)


@_group.command("edit")
def edit(
    context: typer.Context,
    memory_id: _Id,
    text: Annotated[str | None, typer.Argument(help="The new words.", show_default=False)] = None,
    kind: Annotated[MemoryKind | None, typer.Option(help="Another kind.", show_default=False)] = None,
    pin: Annotated[bool | None, typer.Option("--pin/--unpin", help="Pin it or not.", show_default=False)] = None,
    private: Annotated[
        bool | None, typer.Option("--private/--no-private", help="Mark it private or not.", show_default=False)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Correct a memory. New words make a new version; the old one is kept as history until you forget it.

    Example: keepsake memory edit mem_k7 "The spare key is with Ines at number 14."
    """
    if text is None and kind is None and pin is None and private is None:
        raise StoreError("Nothing to change was given.", "Give new words, --kind, --pin or --private.")
    with opened_store(context) as (store, _):
        memory = store.memories.get(store.resolve(memory_id))
        if text is not None or kind is not None:
            memory = store.memories.supersede(
                memory.id,
                NewMemory(
                    text if text is not None else memory.text,
                    kind=kind or memory.kind,
                    pinned=memory.pinned,
                    private=memory.private,
                ),
            )
        memory = store.memories.mark(memory.id, pinned=pin, private=private)
        store.embed_pending()
    _report(memory, "Changed", as_json)


def _report(memory: Memory, verb: str, as_json: bool) -> None:
    if as_json:
        print_json(memory_json(memory))
    else:
        say(f"{verb}:")
        show(f"{memory.id}  {memory.text}")


def _marks(memory: Memory) -> str:
    marks = (("pinned", memory.pinned), ("private", memory.private), ("superseded", memory.superseded_by is not None))
    return ",".join(name for name, is_set in marks if is_set)
