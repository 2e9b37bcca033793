"""What a shell's Tab key offers beyond commands and options: the ids that are in the store, each with a word on it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Final

import typer

from assistant.display import excerpt
from memory_store import ids
from memory_store.errors import KeepsakeError

_LONGEST: Final = 40
# A shell evaluates what it is offered: of a title, which may be anybody's, only words are let through.
_NO_WORD: Final = re.compile(r"[^\w ,.-]+")
Completer = Callable[[typer.Context, str], list[tuple[str, str]]]


def ids_of(*prefixes: str) -> Completer:
    """Return what completes ids of these kinds."""

    def complete(context: typer.Context, incomplete: str) -> list[tuple[str, str]]:
        from memory_store import glance

        folder = _data_folder(context)
        found = glance(folder / "keepsake.db", prefixes, incomplete) if folder else []
        return [(identifier, excerpt(_NO_WORD.sub(" ", words), _LONGEST)) for identifier, words in found]

    return complete


memories: Final = ids_of(ids.MEMORY)
documents: Final = ids_of(ids.DOCUMENT)
conversations: Final = ids_of(ids.CONVERSATION)
cards: Final = ids_of(ids.CARD)
reminders: Final = ids_of(ids.SCHEDULE)
receipts: Final = ids_of(ids.ERASURE)
anything: Final = ids_of(ids.MEMORY, ids.DOCUMENT, ids.CONVERSATION)


def recipes(context: typer.Context, incomplete: str) -> list[str]:
    """Complete the names of recipes."""
    from assistant.core.recipes.shelf import packaged_names
    from memory_store import glance

    folder = _data_folder(context)
    own = [name for _id, name in glance(folder / "keepsake.db", (ids.RECIPE,), "")] if folder else []
    return sorted(name for name in {*packaged_names(), *own} if name.startswith(incomplete))


def backups(context: typer.Context, incomplete: str) -> list[str]:
    """Complete the names of backups, the latest first."""
    folder = _data_folder(context)
    found = (folder / "backups").glob("*.db") if folder else ()
    return sorted((path.name for path in found if path.name.startswith(incomplete)), reverse=True)


def _data_folder(context: typer.Context) -> Path | None:
    """Return the data folder that the line names so far, or the settings do."""
    from assistant.cli.context import Invocation

    options = context.find_root().params
    try:
        return Invocation(options.get("data_dir"), options.get("config")).settings().data_folder
    except KeepsakeError:
        return None  # the command itself will say what is wrong with the settings
