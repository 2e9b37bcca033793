"""Files and folders that appear whole or not at all: written beside their place, then moved there."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from memory_store.errors import ArchiveError


def refuse_inside(folder: Path, path: Path) -> None:
    """Raise ArchiveError if `path` is in the folder of a store, where it could replace the record itself."""
    if Path(os.path.realpath(path.parent)).is_relative_to(os.path.realpath(folder)):
        raise ArchiveError(f"{path} is in the folder of the store itself.", "Choose a place outside of it.")


@contextmanager
def whole_file(path: Path) -> Iterator[IO[bytes]]:
    """Give a file (0600) that takes the place of `path`, safe on the disk, when the block ends without an error.

    Raises ArchiveError if it can't be written there.
    """
    if path.is_dir():
        raise ArchiveError(f"{path} is a folder.", "Name a file, such as keepsake.zip.")
    try:
        with replace_file(path) as file:
            yield file
    except OSError as error:
        raise _unwritable(path, error) from error


@contextmanager
def replace_file(path: Path) -> Iterator[IO[bytes]]:
    """Give a file that nobody else may read (0600), to take the place of `path` when the block ends without an error.

    It is on the disk then, its name too. Raises OSError.
    """
    temporary = _beside(path)
    try:
        with os.fdopen(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600), "w+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    if os.name == "posix":
        with suppress(PermissionError):  # a folder that may be written and not read: the file itself is on the disk
            folder = os.open(path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)


def write_private(path: Path, text: str) -> None:
    """Write a file of the user's whole or not at all, in a folder of theirs that is made if need be. Raises OSError."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with replace_file(path) as file:
        file.write(text.encode())


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """Give a folder (0700) that becomes `path` when the block ends without an error.

    Raises ArchiveError if something is there already, or it can't be written there.
    """
    try:
        taken = path.exists() and not (path.is_dir() and not any(path.iterdir()))
    except OSError as error:  # a folder that may not be looked into
        raise _unwritable(path, error) from error
    if taken:
        raise ArchiveError(f"{path} is there already.", "Name a new folder; nothing of yours is ever replaced by one.")
    temporary = _beside(path)
    try:
        temporary.mkdir(mode=0o700)
        yield temporary
        temporary.replace(path)
    except OSError as error:
        raise _unwritable(path, error) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _beside(path: Path) -> Path:
    return path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")


def _unwritable(path: Path, error: OSError) -> ArchiveError:
    return ArchiveError(f"{path} can't be written: {error.strerror or error}.", "Choose another place.")
