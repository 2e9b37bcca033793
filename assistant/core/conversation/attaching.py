"""Finds what a message mentions with `@`; a file that is not stored yet is imported first, so that it can be cited."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from assistant.core.conversation.mentions import names_in, resolve
from assistant.display import plain
from assistant.ingestion.pipeline import ImportOptions, attached_file
from assistant.language import _
from memory_store import Store
from memory_store.models import Source


@dataclass(frozen=True, slots=True)
class Attachments:
    """What is attached, and what there is to say of it: a line each."""

    sources: tuple[Source, ...] = ()
    notes: tuple[str, ...] = ()
    failed: bool = False


def find_attachments(
    store: Store, text: str, chosen: Mapping[str, Source | Path], options: ImportOptions, *, temporary: bool
) -> Attachments:
    """Return what a message mentions; `chosen` is what some names stand for. A name that means nothing is plain text.

    For a temporary chat no file is imported.
    """
    sources: list[Source] = []
    notes: list[str] = []
    failed = False
    for name in names_in(text):
        target = chosen.get(name) or resolve(store, name, Path.cwd())
        if isinstance(target, Source):
            sources.append(target)
        elif target is not None:
            stored, note = _attach_file(store, target, options, temporary=temporary)
            sources += [stored] if stored else []
            notes += [note] if note else []
            failed = failed or stored is None
    return Attachments(tuple(dict.fromkeys(sources)), tuple(notes), failed)


def _attach_file(store: Store, path: Path, options: ImportOptions, *, temporary: bool) -> tuple[Source | None, str]:
    """Return a file as it is stored, and what there is to say of that."""
    shown = plain(path.name, one_line=True)
    if temporary:
        note = _("{name} is not attached: a file is imported for that, and of a temporary chat nothing is kept.")
        return None, note.format(name=shown)
    file = attached_file(store, path, options)
    if file.source is None:
        return None, _("{name} is not attached: {reason}").format(name=shown, reason=file.reason)
    return file.source, _("Imported to be attached: {name}").format(name=shown) if file.is_new else ""
