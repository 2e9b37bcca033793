"""`keepsake export` and `keepsake restore`: everything leaves in one command, and arrives in one."""

from __future__ import annotations

import dataclasses
import os
import sys
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer

from assistant import portable_settings
from assistant.cli.context import invocation, opened_store
from assistant.cli.output import print_json, say, show
from assistant.display import excerpt
from assistant.errors import ConfigError
from memory_store import FOLDERS, Format, RestoreOptions, Store, is_encrypted
from memory_store.errors import StoreError
from memory_store.version import version
from memory_store.wording import format_counts

PASSPHRASE_ENV: Final = "KEEPSAKE_PASSPHRASE"
_MOST_NAMED: Final = 20
_NAME_LENGTH: Final = 70
_Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


class Wanted(StrEnum):
    """What `export` can write: an archive, or a format of the store's own list."""

    ARCHIVE = "archive"
    MARKDOWN = Format.MARKDOWN.value
    CSV = Format.CSV.value
    CLAUDE = Format.CLAUDE.value
    PAM = Format.PAM.value


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("export")(export)
    app.command("restore")(restore)


def export(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="The zip, file or folder to write.", show_default=False)],
    wanted: Annotated[
        Wanted,
        typer.Option(
            "--format",
            help="archive: everything, in a zip that can be restored. markdown: a folder of linked notes (Obsidian). "
            "csv: memories as a table. claude: the lines Claude's memory import takes. pam: Portable AI Memory 1.0.",
        ),
    ] = Wanted.ARCHIVE,
    without_private: Annotated[
        bool, typer.Option("--without-private", help="Leave the private out (not in an archive, which is whole).")
    ] = False,
    encrypt: Annotated[
        bool,
        typer.Option("--encrypt", help=f"Encrypt the archive (age) with a passphrase: asked for, or {PASSPHRASE_ENV}."),
    ] = False,
    force: Annotated[bool, typer.Option(help="Replace the file if it exists.")] = False,
    as_json: _Json = False,
) -> None:
    """Write everything to one zip, with JSON lines for programs and Markdown for you; or to another format.

    Example: keepsake export keepsake.zip
    """
    path = file.expanduser().absolute()
    if path.is_file() and not force:
        raise StoreError(f"{file} exists.", "Choose another name, or give --force to replace it.")
    if wanted is Wanted.ARCHIVE:
        _export_archive(context, path, without_private, encrypt, as_json)
        return
    other = Format(wanted.value)
    if encrypt:
        raise StoreError("Only an archive can be encrypted.", "Leave out --format, or --encrypt.")
    with opened_store(context) as (store, _):
        files = store.export_as(other, path, with_private=not without_private)
    if as_json:
        print_json({"path": str(path), "format": other.value, "files": files})
    else:
        show(f"Wrote {path} ({format_counts({'files': files}) if other in FOLDERS else other.value}).")
        say("It is not encrypted, and only an archive can be restored.")


def _export_archive(context: typer.Context, path: Path, without_private: bool, encrypt: bool, as_json: bool) -> None:
    if without_private:
        raise StoreError(
            "An archive is whole: the private is in it.",
            f"Use --encrypt, or a format that takes --without-private: {', '.join(Format)}.",
        )
    passphrase = _passphrase(new=True) if encrypt else None
    with opened_store(context) as (store, _):
        settings = portable_settings.portable(invocation(context).config)
        summary = store.export(path, version(), settings, passphrase)
    if as_json:
        fields = {"path": str(summary.path), "bytes": summary.size_bytes, "counts": dict(summary.counts)}
        print_json({**fields, "encrypted": encrypt})
        return
    show(f"Wrote {summary.path} ({summary.size_bytes / 1e6:.1f} MB{', encrypted' if encrypt else ''}).")
    if not encrypt:
        say("It holds your memory unencrypted; --encrypt puts it under a passphrase.")


def _passphrase(*, new: bool) -> str:
    """Return the passphrase from the environment, or ask for it: twice for a new one, and without showing it."""
    given = os.environ.get(PASSPHRASE_ENV)
    if given:
        return given
    prompt = "A passphrase for the archive (without it nobody can open it)" if new else "The archive's passphrase"
    answer: str = typer.prompt(prompt, hide_input=True, confirmation_prompt=new, err=True)
    return answer


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
    with_settings: Annotated[
        bool, typer.Option("--with-settings", help="Ask for each setting of the archive whether it is taken.")
    ] = False,
    with_queue: Annotated[
        bool, typer.Option("--with-queue", help="Let the model learn from the messages that waited for it there.")
    ] = False,
    as_json: _Json = False,
) -> None:
    """Bring an archive into the store and merge it with what is there. All of it comes, or nothing.

    It brings memories, not orders: of its settings nothing is taken without a yes for each, and never an endpoint, the
    name of a key, a folder or a key binding.

    Example: keepsake restore keepsake.zip --dry-run
    """
    path = file.expanduser().absolute()
    if with_settings and not dry_run and not sys.stdin.isatty():
        raise StoreError("Nothing was restored: nobody can be asked about the settings.", "Leave --with-settings out.")
    passphrase = _passphrase(new=False) if is_encrypted(path) else None
    options = RestoreOptions(prefer is Preference.ARCHIVE, bring_back, dry_run, passphrase, with_queue)
    with opened_store(context) as (store, _):
        summary = store.restore(path, options)
        named = [(pair, _named(store, *pair)) for pair in summary.differing[:_MOST_NAMED]]
        if not dry_run:
            if not summary.vectors_kept:
                say("The vectors were made by another embedder and are made anew.")
            store.embed_pending()
            store.update_index()
    taken = _settings(context, summary.settings, ask=with_settings and not dry_run)
    if as_json:
        print_json(dataclasses.asdict(summary) | {"settings": taken})
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
    if summary.waiting and not with_queue:
        show(f"{summary.waiting} messages waited there for the model to learn from them; --with-queue takes that over.")


def _settings(context: typer.Context, text: str | None, *, ask: bool) -> list[str]:
    """Offer the settings of an archive one by one, and return the names of those that were taken."""
    if text is None:
        return []
    chosen = invocation(context)
    try:
        offered, never = portable_settings.offers(text, chosen.settings())
    except ConfigError as error:
        say(f"{error.message} {error.hint}")
        return []
    if offered and not ask:
        say(f"The archive has other settings: {len(offered)}. --with-settings shows them and asks for each.")
    taken = []
    for offer in offered if ask else []:
        here, there = offer.setting.text_of(offer.here), offer.setting.text_of(offer.there)
        words = f"{offer.setting.full_name}: {here or 'nothing'} → {excerpt(there, _NAME_LENGTH) or 'nothing'}"
        say(words)
        if typer.confirm("Take it?", err=True):
            portable_settings.take(offer, chosen.config)
            taken.append(offer.setting.full_name)
    if never:
        say(f"Never taken from an archive, set them yourself: {excerpt(', '.join(never), 400)}.")
    return taken


def _in_words(counts: Mapping[str, int]) -> str:
    return format_counts({name.replace("_", " "): count for name, count in counts.items()})


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
