"""Recipes as files: a folder, or a zip of one, is read with care, and written so that other programs read it.

Nothing of it is ever run. Scripts and whatever else is no text are left out, and named.
"""

from __future__ import annotations

import stat
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Final

from assistant.core.recipes import SKILL_FILE
from assistant.core.recipes.skill import RecipeError
from assistant.errors import ReadError
from assistant.ingestion.readers.packages import UNPACKING_FAILURES, directory
from memory_store import whole_file
from memory_store.models import LeftOut

_TEXTS: Final = frozenset({".md", ".txt", ".csv", ".tsv", ".json", ".yaml", ".yml", ".toml"})
_UNNAMED: Final = frozenset({"license", "notice", "readme"})
_SCRIPTS: Final = frozenset(
    {".py", ".sh", ".bash", ".zsh", ".fish", ".js", ".mjs", ".ts", ".rb", ".pl", ".php", ".ps1", ".bat", ".cmd", ".lua"}
)
_ZIPS: Final = frozenset({".zip", ".skill"})
_MOST_FILES: Final = 200
_MOST_BYTES: Final = 1024 * 1024
_MOST_FILE_BYTES: Final = 256 * 1024
_MOST_ZIP_BYTES: Final = 20 * 1024 * 1024
_MOST_NAME_CHARS: Final = 200


@dataclass(frozen=True, slots=True)
class SkillFiles:
    """The texts of a skill: SKILL.md, the others by their paths, and what was left out."""

    skill: str
    files: Mapping[str, str]
    left_out: tuple[LeftOut, ...]


Member = tuple[str, int, Callable[[], bytes]]


def read_files(path: Path) -> SkillFiles:
    """Return the texts of a folder, a zip, or a SKILL.md by itself. Raises RecipeError: what, why, the next step."""
    if path.is_dir():
        return _collect(path, _members_of_folder(path))
    if not path.is_file():
        raise RecipeError(f"{path} is no file and no folder.", "Name a folder with a SKILL.md, or a zip of one.")
    if path.suffix.lower() == ".md":
        return _collect(path, iter([(SKILL_FILE, path.stat().st_size, lambda: _read(path))]))
    if path.suffix.lower() not in _ZIPS:
        raise RecipeError(
            f"{path} is no recipe.", "Name a folder with a SKILL.md, a .zip or .skill of one, or the .md."
        )
    if path.stat().st_size > _MOST_ZIP_BYTES:
        raise RecipeError(f"{path} is too large for a recipe.", "Unpack it, take out what is large, name the folder.")
    try:
        with path.open("rb") as stream, directory(stream) as archive:
            return _collect(path, _members_of_zip(path, archive))
    except (ReadError, OSError, EOFError, zipfile.BadZipFile, zlib.error, *UNPACKING_FAILURES) as error:
        reason = getattr(error, "message", None) or getattr(error, "strerror", None) or "it is damaged"
        raise RecipeError(f"{path} can't be read: {reason}.", "Get a fresh copy of it.") from error


def write_files(path: Path, name: str, skill: str, files: Mapping[str, str]) -> Path:
    """Write a recipe: a zip where the path ends in .zip or .skill, else a folder of its name in the folder `path`.

    Return what was written. Raises RecipeError where something is there, or it can't be written.
    """
    texts = {SKILL_FILE: skill, **files}
    for inner in texts:
        _check_name(path, inner)
    if path.suffix.lower() in _ZIPS:
        if path.exists():
            raise RecipeError(f"{path} exists.", "Name another file.")
        with whole_file(path) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            for inner, text in texts.items():
                archive.writestr(zipfile.ZipInfo(f"{name}/{inner}"), text)
        return path
    folder = path / name
    if folder.exists():
        raise RecipeError(f"{folder} exists.", "Name another folder.")
    try:
        for inner, text in texts.items():
            (folder / inner).parent.mkdir(parents=True, exist_ok=True)
            with whole_file(folder / inner) as file:
                file.write(text.encode("utf-8", "replace"))
    except OSError as error:
        raise RecipeError(f"{folder} can't be written: {error.strerror}.", "Name another folder.") from error
    return folder


def _collect(path: Path, members: Iterator[Member]) -> SkillFiles:
    found = list(members)
    roots = [PurePosixPath(name).parent for name, _size, _read in found if PurePosixPath(name).name == SKILL_FILE]
    if not roots:
        raise RecipeError(f"{path} holds no {SKILL_FILE}.", "Name the folder that holds it, or a zip of that.")
    root = min(roots, key=lambda parent: len(parent.parts))
    if any(other != root and not other.is_relative_to(root) for other in roots):
        raise RecipeError(f"{path} holds more than one recipe.", "Import the folder of each by itself.")
    texts: dict[str, str] = {}
    left_out: list[LeftOut] = []
    total = 0
    for name, size, read in found:
        if not PurePosixPath(name).is_relative_to(root):
            left_out.append(LeftOut(name, "it lies outside of the recipe's folder", ""))
            continue
        inner = str(PurePosixPath(name).relative_to(root))
        reason = _why_left_out(inner, size)
        if reason:
            left_out.append(LeftOut(inner, reason, ""))
            continue
        data = read()
        total += len(data)
        if total > _MOST_BYTES:
            raise RecipeError(f"{path} holds more than {_MOST_BYTES // 1024:,} KB of text.", "Take out what is large.")
        try:
            texts[inner] = data.decode("utf-8-sig").replace("\r\n", "\n")
        except UnicodeDecodeError as error:
            if inner == SKILL_FILE:
                raise RecipeError(f"{SKILL_FILE} of {path} is no UTF-8.", "Save it as UTF-8.") from error
            left_out.append(LeftOut(inner, "it is no text in UTF-8", ""))
    if SKILL_FILE not in texts:
        raise RecipeError(f"{SKILL_FILE} of {path} is too large.", "Move what is seldom needed to files beside it.")
    return SkillFiles(texts.pop(SKILL_FILE), texts, tuple(left_out))


def check_part(inner: str) -> None:
    """Raise RecipeError for a path that no file of a recipe has."""
    _check_name(Path(SKILL_FILE), inner)
    reason = _why_left_out(inner, 0)
    if reason:
        raise RecipeError(f"{inner} is not kept: {reason}.", "Name a text, such as assets/plan.toml.")


def _why_left_out(inner: str, size: int) -> str:
    """Return why a file of a recipe is not kept; an empty text for one that is."""
    path = PurePosixPath(inner)
    if path.suffix.lower() in _SCRIPTS or path.parts[0] == "scripts":
        return "a script is never run"
    if path.suffix.lower() not in _TEXTS and path.name.lower() not in _UNNAMED:
        return "only texts are kept"
    return "it is too large" if size > _MOST_FILE_BYTES else ""


def _members_of_folder(folder: Path) -> Iterator[Member]:
    """Yield the files of a folder, following no links."""
    count = 0
    waiting = [folder]
    while waiting:
        for item in sorted(waiting.pop().iterdir()):
            if item.name.startswith(".") or item.name == "__pycache__":
                continue
            count += 1
            if count > _MOST_FILES:
                raise RecipeError(f"{folder} holds more than {_MOST_FILES} files.", "Name the folder of one recipe.")
            name = item.relative_to(folder).as_posix()
            _check_name(folder, name)
            if item.is_symlink():
                raise RecipeError(f"{item} is a link, which is not followed.", "Put the file itself there.")
            if item.is_dir():
                waiting.append(item)
            elif item.is_file():
                yield name, item.stat().st_size, lambda item=item: _read(item)  # type: ignore[misc]


def _members_of_zip(path: Path, archive: zipfile.ZipFile) -> Iterator[Member]:
    """Yield the files of a zip: what it says of their sizes bounds what is unpacked."""
    members = [info for info in archive.infolist() if not info.is_dir()]
    if len(members) > _MOST_FILES:
        raise RecipeError(f"{path} holds more than {_MOST_FILES} files.", "Make a zip of one recipe alone.")
    for info in members:
        name = info.filename.replace("\\", "/")
        _check_name(path, name)
        if stat.S_ISLNK(info.external_attr >> 16):
            raise RecipeError(f"{path}: {name} is a link, which is not followed.", "Put the file itself there.")
        if any(part.startswith(".") or part in ("__MACOSX", "__pycache__") for part in PurePosixPath(name).parts):
            continue
        yield name, info.file_size, lambda info=info: archive.read(info)  # type: ignore[misc]


def _check_name(path: Path, name: str) -> None:
    parts = PurePosixPath(name).parts
    wrong = not parts or name.startswith("/") or ".." in parts or ":" in parts[0] or not name.isprintable()
    if wrong or len(name) > _MOST_NAME_CHARS:
        shown = "".join(sign if sign.isprintable() else "?" for sign in name[:80])
        raise RecipeError(f"{path} holds a file with a name that is not taken: {shown}.", "Give it a plain name.")


def _read(path: Path) -> bytes:
    with _opened(path) as file:
        return file.read(_MOST_FILE_BYTES + 1)


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    try:
        with path.open("rb") as file:
            yield file
    except OSError as error:
        raise RecipeError(f"{path} can't be read: {error.strerror}.", "Look who may read it.") from error
