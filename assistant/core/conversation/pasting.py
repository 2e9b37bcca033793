"""Tells paths from other text that is pasted: terminals paste the path of what is dropped onto them."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

_MOST_CHARS: Final = 8192
_MOST_PATHS: Final = 100


def pasted_paths(text: str) -> tuple[Path, ...]:
    """Return the absolute paths that a pasted text consists of, quoted, escaped or as file URLs.

    None at all unless each of them is there.
    """
    text = text.strip()
    if not text or len(text) > _MOST_CHARS or not _begins_like_paths(text):
        return ()
    whole = _existing(text)
    if whole is not None:
        return (whole,)
    try:
        words = shlex.split(text)
    except ValueError:
        return ()
    found = [_existing(word) for word in words[: _MOST_PATHS + 1]]
    paths = tuple(path for path in found if path is not None)
    return paths if len(paths) == len(found) <= _MOST_PATHS else ()


def _begins_like_paths(text: str) -> bool:
    return text.lstrip("'\"").startswith(("/", "~/", "file://"))


def _existing(word: str) -> Path | None:
    if word.startswith("file://"):
        word = unquote(urlsplit(word).path)
    if not word.startswith(("/", "~/")):
        return None
    try:
        path = Path(word).expanduser()
        return path if path.exists() else None
    except (OSError, RuntimeError, ValueError):
        return None  # too long for a path, or of a user who is not known
