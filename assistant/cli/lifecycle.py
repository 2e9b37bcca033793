"""The commands over the whole store: export, restore, reindex, stats."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer

from assistant import portable_settings
from assistant.cli.context import invocation, opened_store
from assistant.cli.output import print_json, say, show
from assistant.display import excerpt, plain
from memory_store import Store
from memory_store.errors import StoreError
from memory_store.transfer.restore import RestoreOptions
from memory_store.version import version
from memory_store.wording import counted

_MOST_NAMED: Final = 20
_NAME_LENGTH: Final = 70
_Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("export")(export)
    app.command("restore")(restore)
    app.command("reindex")(reindex)
    app.command("stats")(stats)


def export(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="The zip to write.", show_default=False)],
    force: Annotated[bool, typer.Option(help="Replace the file if it exists.")] = False,
    as_json: _Json = False,
) -> None:
    """Write everything to one zip: JSON lines for programs, Markdown for you.

    Example: keepsake export keepsake.zip
    """
    if file.exists() and not force:
        raise StoreError(f"{file} exists.", "Choose another name, or give --force to replace it.")
    with opened_store(context) as (store, _):
        summary = store.export(
            file.expanduser().absolute(), version(), portable_settings.portable(invocation(context).config)
        )
    if as_json:
        print_json({"path": str(summary.path), "bytes": summary.size_bytes, "counts": dict(summary.counts)})
    else:
        show(f"Wrote {summary.path} ({summary.size_bytes / 1e6:.1f} MB).")


class Preference(StrEnum):
    """Whose version of a row stays where the archive and the store differ."""

    STORE = "store"
    ARCHIVE = "archive"


def restore(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="The zip that `export` wrote.", show_default=False)],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count what would come.")] = False,
    prefer: Annotated[
        Preference, typer.Option(help="Whose version stays where they differ.", case_sensitive=False)
    ] = Preference.STORE,
    bring_back: Annotated[bool, typer.Option("--bring-back", help="Let in what was forgotten too.")] = False,
    as_json: _Json = False,
) -> None:
    """Bring an archive into the store and merge it with what is there. All of it comes, or nothing.

    Example: keepsake restore keepsake.zip --dry-run
    """
    options = RestoreOptions(prefer is Preference.ARCHIVE, bring_back, dry_run)
    with opened_store(context) as (store, _):
        summary = store.restore(file.expanduser().absolute(), options)
        named = [(one, _named(store, *one)) for one in summary.differing[:_MOST_NAMED]]
        if not dry_run:
            if not summary.vectors_kept:
                say("The vectors were made by another embedder and are made anew.")
            store.embed_pending()
            store.update_index()
    brought = None
    if summary.settings is not None and not dry_run:
        brought = portable_settings.install(summary.settings, invocation(context).config)
    if as_json:
        fields = dataclasses.asdict(summary) | {"settings": str(brought) if brought else None}
        print_json(fields)
        return
    show(f"{'Would restore' if dry_run else 'Restored'} {_in_words(summary.counts)}.")
    outcome = "the archive's was taken" if prefer is Preference.ARCHIVE else "the store's own was kept"
    for label, counts in (
        ("There already", summary.known),
        (f"Different ({outcome})", summary.conflicts),
        ("Forgotten, so left out (--bring-back lets them in)", summary.away),
    ):
        if any(counts.values()):
            show(f"{label}: {_in_words(counts)}.")
    for (_, identifier), words in named:
        show(f"  {identifier}  {excerpt(words, _NAME_LENGTH)}")
    if len(summary.differing) > len(named):
        show(f"  … and {len(summary.differing) - len(named)} more; --json lists them all.")
    if brought:
        show(f"The settings came too: {brought}.")


def _in_words(counts: Mapping[str, int]) -> str:
    return counted({name.replace("_", " "): count for name, count in counts.items()})


def _named(store: Store, table: str, identifier: str) -> str:
    """Return by what a person knows a record."""
    match table:
        case "documents":
            return store.documents.get(identifier).path
        case "conversations":
            return store.conversations.get(identifier).title
        case "messages":
            return store.conversations.message(identifier).text
        case _:
            return store.memories.get(identifier).text


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
