"""Opens zip files with care, for the formats that are one (DOCX, PPTX, XLSX, ODT, EPUB) and for archives of files.

What a zip declares is checked before anything is unpacked. The declared sizes can be trusted as bounds: `zipfile`
never returns more bytes of a member than its directory declares.
"""

from __future__ import annotations

import io
import lzma
import posixpath
import stat
import threading
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import IO, Any, BinaryIO, cast
from zipfile import ZipFile, ZipInfo

from assistant.errors import ReadError
from assistant.ingestion.base import ReadLimits, SourceFile
from assistant.ingestion.readers.encodings import detect_encoding

# Small members may compress to almost nothing, such as a page of blanks; they harm nobody.
_RATIO_MATTERS_ABOVE = 1024 * 1024
_ENCRYPTED_FLAG = 0x1
_BOMB_HINT = "It looks like a zip bomb. If you trust it, unpack it yourself and import the folder."
# What `zipfile` lets through besides its own error: damaged offsets, names, flags and streams.
UNPACKING_FAILURES = (ValueError, NotImplementedError, RuntimeError, lzma.LZMAError)
_TAIL_BYTES = 65_536 + 22 + 20 + 56
# An entry takes about 100 bytes here, and several hundred in memory.
_MAX_DIRECTORY_BYTES = 16 * 1024 * 1024
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
# The part that makes a zip a document of its kind.
_MAIN_PARTS = (
    ("word/document.xml", ".docx"),
    ("ppt/presentation.xml", ".pptx"),
    ("xl/workbook.xml", ".xlsx"),
    ("xl/workbook.bin", ".xlsb"),
    ("META-INF/container.xml", ".epub"),
)


_OPEN_DOCUMENTS = (
    (b"opendocument.text", ".odt"),
    (b"opendocument.spreadsheet", ".ods"),
    (b"opendocument.presentation", ".odp"),
)
OTHER_OPEN_DOCUMENT = "an OpenDocument file that is no text, spreadsheet or presentation"
IWORK = "a document of Apple's Pages, Numbers or Keynote"
_UTF8_FLAG = 0x800


@contextmanager
def open_zip(file: SourceFile) -> Iterator[zipfile.ZipFile]:
    """Open `file` as a zip and close it after use. Raise `ReadError` if its directory is damaged."""
    with file.open() as stream, directory(stream) as archive:
        yield archive


def directory(stream: BinaryIO) -> zipfile.ZipFile:
    """Return the zip that `stream` holds; closing it leaves the stream open. Raise `ReadError` if it is damaged."""
    try:
        _check_directory(stream)
        return zipfile.ZipFile(stream)
    except (zipfile.BadZipFile, ValueError, NotImplementedError, UnicodeDecodeError) as error:
        raise ReadError("damaged: the zip's directory can't be read", "Get a fresh copy of it.") from error


def _check_directory(stream: BinaryIO) -> None:
    """Raise `ReadError` if a zip's directory is so large that `zipfile`, which makes all of it, would fill the memory.

    Where the directory lies: the last 22 bytes and a comment, or a record of 56 before those (APPNOTE 4.3.14, 4.3.16).
    """
    end = stream.seek(0, 2)
    stream.seek(max(0, end - _TAIL_BYTES))
    tail = stream.read()
    at = tail.rfind(b"PK\x05\x06")
    lengths = [int.from_bytes(tail[at + 12 : at + 16], "little")] if at >= 0 else []
    wide = tail.rfind(b"PK\x06\x06", 0, max(at, 0))
    if wide >= 0:
        lengths.append(int.from_bytes(tail[wide + 40 : wide + 48], "little"))
    if any(_MAX_DIRECTORY_BYTES < length < 0xFFFFFFFF for length in lengths):
        raise ReadError("it holds more files than can be listed", "Unpack it yourself and import the folder.")


def check_archive(infos: Sequence[zipfile.ZipInfo], limits: ReadLimits) -> None:
    """Raise `ReadError` if the members are too many."""
    if len(infos) > limits.max_members:
        raise ReadError(
            f"it holds {len(infos):,} files, the limit is {limits.max_members:,}",
            "Unpack it yourself and import the folder, or raise the limit in the settings.",
        )


def check_member(info: zipfile.ZipInfo, limits: ReadLimits) -> None:
    """Raise `ReadError` if a member is encrypted, packed in an unknown way, or would unpack far beyond its size."""
    if info.flag_bits & _ENCRYPTED_FLAG:
        raise ReadError("encrypted: it needs a password", "Unpack it yourself and import the folder.")
    if info.compress_type not in _METHODS:
        raise ReadError("packed in a way that Python can't unpack", "Pack it again as an ordinary zip.")
    ratio = info.file_size / max(1, info.compress_size)
    if info.file_size > _RATIO_MATTERS_ABOVE and ratio > limits.max_ratio:
        raise ReadError(f"it would unpack to {ratio:,.0f} times its size", _BOMB_HINT)


def too_much_unpacked(limits: ReadLimits) -> ReadError:
    """Return the error for an archive that would fill the disk or the memory."""
    return ReadError(f"it would unpack to more than {limits.max_decompressed_bytes / 1024**2:,.0f} MB", _BOMB_HINT)


def package_kind(file: SourceFile) -> str:
    """Return the suffix of the document that the zip is, such as `.docx`, or in words what else it is."""
    with open_zip(file) as package:
        names = set(package.namelist())
        for part, suffix in _MAIN_PARTS:
            if part in names or part.replace(".xml", "2.xml") in names:  # as Word on the web names it
                return suffix
        if "content.xml" in names:
            kind = first_bytes(package, "mimetype", 100) if "mimetype" in names else b""
            return next((suffix for name, suffix in _OPEN_DOCUMENTS if name in kind), OTHER_OPEN_DOCUMENT)
        if any(name.startswith("Index/") and name.endswith(".iwa") for name in names) or "Index.zip" in names:
            return IWORK
    return "another kind of Office file" if "[Content_Types].xml" in names else "a zip archive under another suffix"


@contextmanager
def open_package(file: SourceFile, limits: ReadLimits) -> Iterator[zipfile.ZipFile]:
    """Open a document that is a zip, check all of it, and close it after use."""
    with open_zip(file) as package:
        infos = package.infolist()
        check_archive(infos, limits)
        for info in infos:
            check_member(info, limits)
        if sum(info.file_size for info in infos) > limits.max_decompressed_bytes:
            raise too_much_unpacked(limits)
        yield package


def read_part(package: zipfile.ZipFile, name: str, limits: ReadLimits) -> bytes | None:
    """Return the bytes of a member, or None if there is none of that name."""
    try:
        info = package.getinfo(name)
    except KeyError:
        return None  # Many parts are optional; the reader knows which are not.
    check_markup_size(info.file_size, limits)
    return unpack(package, info)


def unpack(package: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    """Return the bytes of a member. Raise `ReadError` if it is damaged."""
    try:
        return package.read(info)
    except UNPACKING_FAILURES as error:
        raise ReadError("damaged: its packed content doesn't unpack", "Get a fresh copy of it.") from error


def first_bytes(package: zipfile.ZipFile, name: str, count: int) -> bytes:
    """Return the beginning of a member, however large it is. Raise `ReadError` if it is damaged."""
    try:
        with package.open(name) as part:
            return part.read(count)
    except UNPACKING_FAILURES as error:
        raise ReadError("damaged: its packed content doesn't unpack", "Get a fresh copy of it.") from error


def check_markup_size(size: int, limits: ReadLimits) -> None:
    """Raise `ReadError` if markup is too large to be held as a tree."""
    if size > limits.max_markup_bytes:
        raise ReadError(
            f"too large: {size / 1024**2:,.0f} MB of markup, the limit is {limits.max_markup_bytes / 1024**2:,.0f} MB",
            "Save it in smaller parts, or raise the limit in the settings.",
        )


def parse_xml(data: bytes, what: str) -> Any:
    """Return the root element of XML, parsed without entities, DTDs or network. Raise `ReadError` if malformed."""
    from lxml import etree

    parser = etree.XMLParser(resolve_entities=False, load_dtd=False, no_network=True, huge_tree=False)
    try:
        return etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise ReadError(f"damaged: its {what} is malformed", "Get a fresh copy of it.") from error


Relations = dict[str, tuple[str, str]]
"""What a part of an Office file refers to: its type and its place inside the package, by id."""


def relations(package: zipfile.ZipFile, part: str, limits: ReadLimits) -> Relations:
    """Return what a part refers to. The place of what is outside is its address."""
    folder, name = posixpath.split(part)
    data = read_part(package, posixpath.join(folder, "_rels", f"{name}.rels"), limits)
    if data is None:
        return {}
    found: Relations = {}
    for element in parse_xml(data, "list of parts").iter("{*}Relationship"):
        place = element.get("Target") or ""
        if element.get("TargetMode") != "External":
            place = place[1:] if place.startswith("/") else posixpath.normpath(posixpath.join(folder, place))
        found[element.get("Id") or ""] = (posixpath.basename(element.get("Type") or ""), place)
    return found


def relation_of(element: Any) -> str:
    """Return the id of what an element of an Office file refers to, whatever namespace it has for that."""
    return next((value for key, value in element.attrib.items() if key.endswith("/relationships}id")), "")


def first_texts(root: Any | None, *names: str) -> list[str]:
    """Return the text of the first element of each name that has one, whatever its namespace; empty where none has."""
    found: list[str] = []
    for name in names:
        texts = ("".join(element.itertext()).strip() for element in root.iter("{*}" + name)) if root is not None else ()
        found.append(next(filter(None, texts), ""))
    return found


def properties(package: zipfile.ZipFile, limits: ReadLimits) -> list[str]:
    """Return title, author and time as an Office file gives them."""
    core = read_part(package, "docProps/core.xml", limits)
    return first_texts(parse_xml(core, "properties") if core else None, "title", "creator", "created")


def attribute(element: Any, name: str = "val") -> str:
    """Return an attribute by its name without its namespace; empty where there is none."""
    return next((value for key, value in element.attrib.items() if key.rpartition("}")[2] == name), "")


def local_name(element: Any) -> str:
    """Return an element's name without its namespace; empty for what is no element, such as a comment."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


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


def distinguish_names(infos: Iterable[ZipInfo]) -> Iterator[tuple[str, ZipInfo]]:
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
