"""Finds what a message mentions with `@`; a file that is not stored yet is imported first, so that it can be cited."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from assistant import bootstrap
from assistant.display import plain
from assistant.ingestion.attaching import attached_file
from assistant.language import _
from assistant.tui.mentions import names_in, resolve
from assistant.tui.threads import in_thread
from memory_store.models import Source

if TYPE_CHECKING:
    from assistant.tui.screens.chat import ChatScreen


@dataclass(frozen=True, slots=True)
class Found:
    """What is attached, and what there is to say of it: a line each."""

    sources: tuple[Source, ...] = ()
    told: tuple[str, ...] = ()
    failed: bool = False


async def attachments_of(chat: ChatScreen, text: str) -> Found:
    """Return what a message mentions. A name that stands for nothing is plain text."""
    names = names_in(text)
    if not names:
        return Found()
    taken = dict(chat.completer.taken)
    return await in_thread(lambda: _found(chat, names, {name: one.target for name, one in taken.items()}))


def _found(chat: ChatScreen, names: list[str], taken: dict[str, Source | Path]) -> Found:
    sources: list[Source] = []
    told: list[str] = []
    failed = False
    for name in names:
        target = taken.get(name) or resolve(chat.services.store, name, Path.cwd())
        if isinstance(target, Source):
            sources.append(target)
        elif target is not None:
            stored, words = _stored(chat, target)
            sources += [stored] if stored else []
            told += [words] if words else []
            failed = failed or stored is None
    return Found(tuple(dict.fromkeys(sources)), tuple(told), failed)


def _stored(chat: ChatScreen, path: Path) -> tuple[Source | None, str]:
    """Return a file as it is stored, and what there is to say of that."""
    store = chat.services.store
    shown = plain(path.name, one_line=True)
    if chat.session is not None and chat.session.temporary:
        told = _("{name} is not attached: a file is imported for that, and of a temporary chat nothing is kept.")
        return None, told.format(name=shown)
    file = attached_file(store, path, bootstrap.import_options(chat.services.settings))
    if file.source is None:
        return None, _("{name} is not attached: {reason}").format(name=shown, reason=file.reason)
    return file.source, _("Imported to be attached: {name}").format(name=shown) if file.is_new else ""
