"""What `@` offers while a message is written: files, and the documents, chats and memories that are stored."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Final

from assistant.display import excerpt, plain
from memory_store.models import Source, SourceKind

if TYPE_CHECKING:
    from memory_store import Store

MOST: Final = 10
_OF_EACH: Final = 4
_NAME_CHARS: Final = 48
# What is being written at the cursor: @word, or @"several words until the closing mark.
_AT_CURSOR: Final = re.compile(r'(?:^|(?<=[\s(]))@(?:"([^"\n]*)|([^\s"]*))$')
_WRITTEN: Final = re.compile(r'(?:^|(?<=[\s(]))@(?:"([^"\n]+)"|([^\s"]+))')
# The last word of a command, as a shell would take it: a blank in a path stands behind a backslash.
_ARGUMENT: Final = re.compile(r"(?<=\s)((?:\\.|[^\s\\\"'-])(?:\\.|[^\s\\\"'])*)$")
_ESCAPED: Final = re.compile(r"\\(.)")
_TO_ESCAPE: Final = re.compile(r"[\s\"'\\()&;]")
_PATH_LIKE: Final = re.compile(r"^(?:~|\.{1,2})?/|^~$")


@dataclass(frozen=True, slots=True)
class Mention:
    """One offer: how it is named in the message, what it is, and what it stands for: a stored source or a file."""

    name: str
    detail: str
    target: Source | Path

    @property
    def written(self) -> str:
        """The mention as it stands in a message."""
        return f'@"{self.name}"' if re.search(r'[\s"()]', self.name) else f"@{self.name}"


def at_cursor(before: str) -> str | None:
    """Return what is written behind an `@` up to the cursor; None where no mention is being written."""
    found = _AT_CURSOR.search(before)
    return None if found is None else (found.group(1) or found.group(2) or "")


def path_at_cursor(before: str) -> str | None:
    """Return the path that is being written as an argument of a command, its escaped blanks plain; None for none."""
    found = _ARGUMENT.search(before)
    return None if found is None else _ESCAPED.sub(r"\1", found.group(1))


def with_path(before: str, mention: Mention) -> str:
    """Return the text before the cursor with the path that is being written at its end completed."""
    written = _TO_ESCAPE.sub(r"\\\g<0>", mention.name)
    return before[: _begin_of_argument(before)] + written + ("" if mention.detail == "folder" else " ")


def _begin_of_argument(before: str) -> int:
    found = _ARGUMENT.search(before)
    return len(before) if found is None else found.start(1)


def files_of(typed: str, folder: Path) -> list[Mention]:
    """Return the files and folders that a path may become, a few. Reads the disk."""
    return list(islice(_files(typed, folder) if "/" in typed else _near(typed, folder, beginning=True), MOST))


def without_mention(before: str) -> str:
    """Return the text before the mention that is being written at its end."""
    return _AT_CURSOR.sub("", before)


def names_in(text: str) -> list[str]:
    """Return what a message mentions, in its order, each once."""
    return list(dict.fromkeys(quoted or bare for quoted, bare in _WRITTEN.findall(text)))


def offers(store: Store, typed: str, folder: Path) -> list[Mention]:
    """Return what fits what is typed so far, a few of each kind; a path offers files alone. Reads store and disk."""
    if _PATH_LIKE.match(typed):
        return list(islice(_files(typed, folder), MOST))
    words = typed.casefold().split()
    kinds = (_documents(store, words), _conversations(store, words), _memories(store, words), _near(typed, folder))
    return list(islice(chain.from_iterable(islice(kind, _OF_EACH) for kind in kinds), MOST))


def resolve(store: Store, name: str, folder: Path) -> Source | Path | None:
    """Return what a mention stands for that was typed by hand: a file by its path, else a document by its title."""
    path = _path(name, folder)
    if path is not None and path.is_file():
        return path
    for document in store.documents.all():
        if name.casefold() in (document.title.casefold(), Path(document.path).name.casefold()):
            return Source(document.id, SourceKind.DOCUMENT, document.title, document.path)
    return None


def _documents(store: Store, words: list[str]) -> Iterator[Mention]:
    for document in sorted(store.documents.all(), key=lambda document: document.imported_at, reverse=True):
        if _holds(f"{document.title} {document.path}", words):
            title = _name(document.title) or Path(document.path).name
            yield Mention(title, "document", Source(document.id, SourceKind.DOCUMENT, document.title, document.path))


def _conversations(store: Store, words: list[str]) -> Iterator[Mention]:
    for conversation in store.conversations.all():
        if conversation.title and conversation.message_count and _holds(conversation.title, words):
            yield Mention(
                _name(conversation.title), "chat", Source(conversation.id, SourceKind.CONVERSATION, conversation.title)
            )


def _memories(store: Store, words: list[str]) -> Iterator[Mention]:
    for memory in store.memories.all() if words else ():
        if _holds(memory.text, words):
            yield Mention(
                _name(memory.text), memory.kind.value, Source(memory.id, SourceKind.MEMORY, memory.kind.value)
            )


def _near(typed: str, folder: Path, *, beginning: bool = False) -> Iterator[Mention]:
    """Yield files of the folder in which Keepsake was started, by any part of their name, or by its beginning."""
    for entry in _entries(folder):
        place = entry.name.casefold().find(typed.casefold())
        if place == 0 or (place > 0 and not beginning):
            yield _file(entry, entry.name)


def _files(typed: str, folder: Path) -> Iterator[Mention]:
    """Yield the files and folders that a path may become."""
    head, _, begun = typed.rpartition("/")
    above = _path(f"{head}/", folder)
    for entry in _entries(above) if above is not None else ():
        if entry.name.casefold().startswith(begun.casefold()):
            yield _file(entry, f"{head}/{entry.name}")


def _file(entry: os.DirEntry[str], name: str) -> Mention:
    is_folder = entry.is_dir()
    return Mention(f"{name}/" if is_folder else name, "folder" if is_folder else "file", Path(entry.path))


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as found:
            shown = [entry for entry in found if not entry.name.startswith(".") and plain(entry.name) == entry.name]
    except OSError:
        return []  # not there, or not ours to read: there is nothing to offer
    return sorted(shown, key=lambda entry: entry.name.casefold())


def _path(name: str, folder: Path) -> Path | None:
    try:
        return folder / Path(name).expanduser()
    except RuntimeError:
        return None  # ~somebody who is not known here


def _holds(text: str, words: list[str]) -> bool:
    folded = text.casefold()
    return all(word in folded for word in words)


def _name(text: str) -> str:
    return excerpt(text.replace('"', ""), _NAME_CHARS)
