"""Finds the files to import: in folders, in zips, and in zips inside of those."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Final
from zipfile import ZipInfo

from assistant.errors import ReadError
from assistant.failures import hint_with
from assistant.ingestion.base import ReadLimits, SourceFile
from assistant.ingestion.readers.failures import translate_failures
from assistant.ingestion.readers.packages import (
    Archive,
    check_archive,
    check_member,
    check_place,
    distinguish_names,
    member_modified_at,
    member_name,
    too_much_unpacked,
)
from assistant.ingestion.readers.registry import NOT_READ, NOT_READ_HINT, known_suffixes
from assistant.ingestion.readers.sniffing import EMPTY_ZIP, HEAD_BYTES, PDF, ZIP, binary_kind
from memory_store import OWN_DATA, OWN_DATA_HINT, is_own, is_own_place

MEMBER: Final = "!/"
"""What parts the path of a zip, or of a mail, from that of what is inside."""
_DEEPEST_MAIL: Final = 5
_SKIPPED = frozenset(("__pycache__", "node_modules", "__MACOSX"))


@dataclass(frozen=True, slots=True)
class DiscoveryFailure:
    """A path that was asked for, or met, and can't be imported."""

    path: str
    reason: str
    hint: str


Found = SourceFile | DiscoveryFailure
Identity = tuple[int, int]
"""A file or folder by its device and inode."""
Claim = Callable[[str], bool]
"""Says of a name inside of a folder or zip, relative and with `/`, whether someone else reads it."""


def walk(
    paths: Sequence[Path], is_claimed: Callable[[Path], bool]
) -> Iterator[tuple[Path, os.stat_result, bool] | DiscoveryFailure]:
    """Yield each file and folder at and under `paths` once, with its status and whether it was named, or why it can't
    be read: in order of name, a folder before what is in it, to any depth.

    Hidden files and folders, caches, links inside folders and what is claimed when its folder was yielded are passed
    over; Keepsake's own data is never opened, and a failure where it was named.
    """
    seen: set[Identity] = set()
    for named in paths:
        waiting = [(named, True)]
        while waiting:
            path, is_named = waiting.pop()
            shown = display(path)
            try:
                if is_named:
                    path = Path(os.path.abspath(path.expanduser()))  # noqa: PTH100 - resolve() would rename a link
                status = path.stat() if is_named else path.lstat()
                is_place = is_named and is_own_place(path)
            except (OSError, RuntimeError, ValueError) as error:
                yield _failure(shown, error)
                continue
            if is_place:
                yield DiscoveryFailure(shown, OWN_DATA, hint_with(*OWN_DATA_HINT))
                continue
            # A link may lead out of the folder that was asked for, or round in circles.
            if stat.S_ISLNK(status.st_mode) or identity_of(status) in seen or is_own(status):
                continue
            seen.add(identity_of(status))
            yield path, status, is_named
            if stat.S_ISDIR(status.st_mode):
                try:
                    names = sorted(os.listdir(path), reverse=True)  # noqa: PTH208 - names alone are needed, to sort them
                except OSError as error:
                    yield _failure(display(path), error)
                    continue
                inside = (path / name for name in names if not is_passed_over(name))
                waiting += ((item, False) for item in inside if not is_claimed(item))


def opener(path: Path) -> Callable[[], BinaryIO]:
    """Return what opens a file of the disk."""
    return lambda: path.open("rb")


def identity_of(status: os.stat_result) -> Identity:
    """Return what tells a file or folder from all others, whatever path leads to it."""
    return status.st_dev, status.st_ino


def discover(
    paths: Sequence[Path], limits: ReadLimits, claims: Mapping[Identity, Claim | None] | None = None
) -> Iterator[Found]:
    """Yield every file under `paths`, in order of name, each once; nothing is unpacked to the disk.

    A path that is given by name is followed even if it is a link or hidden. `claims` are files, folders and zips that
    someone else reads: all of them, or what the claim says of a name inside.
    """
    claims = claims or {}
    folders: dict[Path, Claim] = {}

    def is_claimed(path: Path) -> bool:
        folder = next((parent for parent in path.parents if parent in folders), None) if folders else None
        return folder is not None and folders[folder](path.relative_to(folder).as_posix())

    for entry in walk(paths, is_claimed):
        if isinstance(entry, DiscoveryFailure):
            yield entry
            continue
        path, status, named = entry
        claim, is_read_elsewhere = claims.get(identity_of(status)), identity_of(status) in claims
        if stat.S_ISDIR(status.st_mode):
            if is_read_elsewhere:
                folders[path] = claim or (lambda name: True)
        elif is_read_elsewhere and claim is None:
            continue
        elif stat.S_ISREG(status.st_mode):
            suffix = path.suffix.lower()
            file = SourceFile(display(path), opener(path), status.st_size, suffix, last_written(status))
            yield from _file(file, limits, 1, claim)
        elif named:
            yield DiscoveryFailure(display(path), "it is neither a file nor a folder", "Name a file or a folder.")


def discover_attached(file: SourceFile, limits: ReadLimits) -> Iterator[Found]:
    """Yield what came with a mail: a file, or the members of a zip."""
    depth = file.path.count(MEMBER) + 1
    if file.suffix == ".zip" and depth > limits.max_nesting:
        yield DiscoveryFailure(file.path, f"zips nested more than {limits.max_nesting} deep", "Unpack it yourself.")
    elif depth > _DEEPEST_MAIL:
        yield DiscoveryFailure(file.path, "nested too deeply to be a document", "Save it from the mail program.")
    else:
        yield from _file(file, limits, depth)


def display(path: Path) -> str:
    """Return a path as text that can be stored: bytes that are not UTF-8 are shown as a replacement character."""
    return os.fsencode(path).decode("utf-8", errors="replace")


def last_written(status: os.stat_result) -> datetime:
    """Return when a file was last written; now, where a disk holds a number that is no time."""
    try:
        return datetime.fromtimestamp(status.st_mtime, UTC)
    except (ValueError, OverflowError, OSError):
        return datetime.now(UTC)


def is_passed_over(name: str) -> bool:
    """Return whether a file or folder of this name is hidden or a cache."""
    return name.startswith(".") or name in _SKIPPED


def _file(file: SourceFile, limits: ReadLimits, depth: int, claim: Claim | None = None) -> Iterator[Found]:
    """Yield a file that has a reader or is text, or the members of a zip."""
    try:
        with translate_failures():
            if file.suffix == ".zip":
                yield from _zip(file, limits, depth, claim)
                return
            reason = None if file.suffix in known_suffixes() or not file.size else _why_unreadable(file)
    except ReadError as error:
        yield DiscoveryFailure(file.path, error.message, error.hint)
        return
    yield file if reason is None else DiscoveryFailure(file.path, reason, NOT_READ_HINT)


def _why_unreadable(file: SourceFile) -> str | None:
    with file.open() as stream:
        head = stream.read(HEAD_BYTES)
    if head.startswith((PDF, ZIP, EMPTY_ZIP)):
        return None  # The registry looks inside, and can say more about it.
    kind = binary_kind(head)
    return f"{NOT_READ} ({kind})" if kind else None


def _zip(file: SourceFile, limits: ReadLimits, depth: int, claim: Claim | None) -> Iterator[Found]:
    with Archive(file) as archive:
        members = [info for info in archive.members() if claim is None or not claim(member_name(info))]
        check_archive(members, limits)
        unpacked = 0
        for name, info in distinguish_names(members):
            path = f"{file.path}{MEMBER}{name}"
            if any(is_passed_over(part) for part in PurePosixPath(name).parts if part != ".."):
                continue
            try:
                check_place(name, info)
                check_member(info, limits)
            except ReadError as error:
                yield DiscoveryFailure(path, error.message, error.hint)
                continue
            unpacked += info.file_size
            if unpacked > limits.max_decompressed_bytes:
                bomb = too_much_unpacked(limits)
                yield DiscoveryFailure(file.path, f"{bomb.message}; stopped before {name}", bomb.hint)
                return
            yield from _member(archive, info, path, limits, depth)


def _member(archive: Archive, info: ZipInfo, path: str, limits: ReadLimits, depth: int) -> Iterator[Found]:
    suffix = PurePosixPath(path).suffix.lower()
    modified_at = member_modified_at(info, archive.file.modified_at)
    member = SourceFile(path, archive.opener(info), info.file_size, suffix, modified_at)
    if suffix != ".zip":
        yield from _file(member, limits, depth)
    elif depth >= limits.max_nesting:
        yield DiscoveryFailure(path, f"zips nested more than {limits.max_nesting} deep", "Unpack it yourself.")
    elif info.file_size > limits.max_file_bytes:
        yield DiscoveryFailure(path, "too large for a zip inside a zip", "Unpack the outer one and import that.")
    else:
        yield from _file(_in_memory(member), limits, depth + 1)


def _in_memory(member: SourceFile) -> SourceFile:
    """Return a zip inside a zip so that it can be read at any place: its bytes, held while its members are read."""
    held: list[bytes] = []

    def opened() -> BinaryIO:
        if not held:
            with member.open() as stream:
                held.append(stream.read())
        return BytesIO(held[0])

    return SourceFile(member.path, opened, member.size, member.suffix, member.modified_at)


def _failure(path: str, error: Exception) -> DiscoveryFailure:
    if isinstance(error, FileNotFoundError):
        return DiscoveryFailure(path, "it does not exist", "Check the spelling of the path.")
    if isinstance(error, PermissionError):
        return DiscoveryFailure(path, "no permission to read it", "Change its permissions, or run as its owner.")
    reason = getattr(error, "strerror", None) or str(error)
    return DiscoveryFailure(path, f"the system can't read it: {reason}", "Check the path.")
