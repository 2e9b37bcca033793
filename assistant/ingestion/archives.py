"""Holds a zip open while its members are read, and reads what its directory says of them."""

from __future__ import annotations

import io
import stat
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import IO, BinaryIO, cast
from zipfile import ZipFile, ZipInfo

from assistant.errors import ReadError
from assistant.ingestion.base import SourceFile
from assistant.ingestion.readers.charsets import detect_encoding
from assistant.ingestion.readers.packages import UNPACKING_FAILURES, directory

_UTF8_FLAG = 0x800


class Archive:
    """A zip that is open while anyone uses it: the walk through its members, or a member that is being read.

    Each opening reads the whole directory, so a member of many must not cost one of its own.
    """

    def __init__(self, file: SourceFile) -> None:
        self.file = file
        self._lock = threading.Lock()
        self._users = 0
        self._stream: BinaryIO | None = None
        self._zip: ZipFile | None = None

    def __enter__(self) -> Archive:
        self._acquire()
        return self

    def __exit__(self, *error: object) -> None:
        self.release()

    def members(self) -> list[ZipInfo]:
        """Return the members that are files, by name."""
        archive = self._acquire()
        try:
            # A name that a damaged directory left empty is no file's.
            return sorted((info for info in archive.infolist() if info.filename and not info.is_dir()), key=member_name)
        finally:
            self.release()

    def opener(self, info: ZipInfo) -> Callable[[], BinaryIO]:
        """Return what opens a member, now or after the walk has ended."""

        def opened() -> BinaryIO:
            archive = self._acquire()
            try:
                return _MemberStream(archive.open(info), self)
            except UNPACKING_FAILURES as error:
                self.release()
                raise ReadError("damaged: its packed content doesn't unpack", "Get a fresh copy of it.") from error
            except BaseException:
                self.release()
                raise

        return opened

    def _acquire(self) -> ZipFile:
        with self._lock:
            if self._zip is None:
                stream = self.file.open()
                try:
                    self._zip, self._stream = directory(stream), stream
                except ReadError:
                    stream.close()
                    raise
            self._users += 1
            return self._zip

    def release(self) -> None:
        """Say that one user is done; the last one closes the file."""
        with self._lock:
            self._users -= 1
            if not self._users and self._zip is not None and self._stream is not None:
                self._zip.close()
                self._stream.close()
                self._zip = self._stream = None


class _MemberStream(io.BufferedReader):
    """A member as a stream that keeps its archive open until it is closed."""

    def __init__(self, member: IO[bytes], archive: Archive) -> None:
        super().__init__(cast(io.RawIOBase, member))  # The stubs call every opened member plain IO.
        self._archive: Archive | None = archive

    def close(self) -> None:
        super().close()
        archive, self._archive = self._archive, None
        if archive is not None:
            archive.release()


def member_name(info: ZipInfo) -> str:
    """Return a member's name. Zips from Chinese or Japanese Windows hold it in that system's encoding, unmarked."""
    name = info.filename
    if not info.flag_bits & _UTF8_FLAG and not name.isascii():
        raw = name.encode("cp437", errors="replace")
        try:
            name = raw.decode("utf-8")
        except UnicodeDecodeError:
            with suppress(ReadError):  # The name is for people; the member is read all the same.
                name = raw.decode(detect_encoding(raw), errors="replace")
    return name.replace("\\", "/")


def named_apart(infos: Iterable[ZipInfo]) -> Iterator[tuple[str, ZipInfo]]:
    """Yield members with their names; the second of a name, which zips allow, becomes `notes (2).md`."""
    infos = list(infos)
    given = {member_name(info) for info in infos}
    taken: set[str] = set()
    for info in infos:
        name = member_name(info)
        path = PurePosixPath(name)
        number = 1
        while name in taken or (number > 1 and name in given):
            number += 1
            name = f"{str(path).removesuffix(path.suffix)} ({number}){path.suffix}"
        taken.add(name)
        yield name, info


def check_place(name: str, info: ZipInfo) -> None:
    """Raise `ReadError` if a member claims a place outside of the archive, or is a link."""
    parts = PurePosixPath(name).parts
    if name.startswith("/") or ".." in parts or (len(name) > 1 and name[1] == ":"):
        raise ReadError("path escape: its name leads out of the archive", "Don't trust this archive.")
    if stat.S_ISLNK(info.external_attr >> 16):
        raise ReadError("a link, not a file", "Unpack the archive and import the folder.")


def member_modified_at(info: ZipInfo, otherwise: datetime) -> datetime:
    """Return when a member was changed; zips hold local time without a zone, taken as UTC."""
    try:
        return datetime(*info.date_time, tzinfo=UTC)
    except ValueError:
        return otherwise  # Some archivers write month 0.
