"""The one place that decides what is private although nobody marked it: by the user's rule of folders and topics."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Final

from memory_store import ids


def _nothing(_: str) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class PrivateRule:
    """What is private by itself: documents beneath `folders` (absolute), and texts that `touches` says so of.

    `name` tells one rule from another; the rule that covers nothing has none.
    """

    name: str = ""
    folders: tuple[str, ...] = ()
    touches: Callable[[str], bool] = _nothing

    def covers_path(self, path: str) -> bool:
        """Say whether a file lies beneath one of the folders, by its name or where its links lead."""
        if not self.folders:
            return False
        named = {PurePath(path), PurePath(Path(path).resolve())}
        folders = {PurePath(end) for text in self.folders for end in (text, Path(text).resolve())}
        return any(item.is_relative_to(folder) for item in named for folder in folders)


NOTHING: Final = PrivateRule()


def register(connection: sqlite3.Connection, rule: Callable[[], PrivateRule]) -> None:
    """Let SQL ask the rule that is in force."""
    connection.create_function("is_private_text", 1, lambda text: rule().touches(text))
    connection.create_function("is_private_path", 1, lambda path: rule().covers_path(path))


def is_private_text(connection: sqlite3.Connection, *texts: str | None) -> bool:
    """Say whether one of the texts is private by the rule."""
    return any(connection.execute("SELECT is_private_text(?)", (text,)).fetchone()[0] for text in texts if text)


def is_private_path(connection: sqlite3.Connection, path: str) -> bool:
    """Say whether the file of a document is private by the rule."""
    return bool(connection.execute("SELECT is_private_path(?)", (path,)).fetchone()[0])


def any_private(connection: sqlite3.Connection, sources: Iterable[str | None]) -> bool:
    """Say whether one of these messages and documents is private: what is made of it is so too."""
    return any(
        connection.execute(f"SELECT 1 FROM {table} WHERE id = ? AND private = 1", (source,)).fetchone()
        for source in sources
        if source is not None
        for table in ("documents" if ids.prefix_of(source) == ids.DOCUMENT else "messages",)
    )
