"""Opens what a person names as an export (a file, a zip, a folder), and streams the conversations of its JSON."""

from __future__ import annotations

import codecs
import json
import os
import posixpath
import re
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, Final

from assistant.errors import ReadError
from assistant.ingestion.base import ReadLimits, SourceFile
from assistant.ingestion.conversations.base import Imported, ImportedConversation, Torn, torn
from assistant.ingestion.conversations.values import mapping, text
from assistant.ingestion.discovery import display, last_written, opener
from assistant.ingestion.readers.failures import translate_failures
from assistant.ingestion.readers.packages import Archive, check_archive, check_member, check_place, member_name
from memory_store import is_own

_MEMBER_SUFFIXES = (".json", ".jsonl")
_TABLE_SUFFIXES = (".csv", ".html")
_SUBFOLDERS = ("projects", "memories", "design_chats")
_PARTS = frozenset(
    (
        *("chat.html", "user.json", "users.json", "user_settings.json", "message_feedback.json"),
        *("model_comparisons.json", "shared_conversations.json", "group_chats.json", "shopping.json", "sora.json"),
        *("export_manifest.json", "conversation_asset_file_names.json", "library_files.json"),
        *("memories.json", "projects.json"),
    )
)
_UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_NUMBERED = re.compile(r"conversations(?:-\d+)?\.json|file[-_][0-9A-Za-z]{16,}.*|.*\.dat")
_UUID_FILE = re.compile(rf"{_UUID}\.json")
# Pictures and recordings: of a conversation, of the user, of a model.
_MEDIA_FOLDER = re.compile(rf"{_UUID}|user-\w{{16,}}|dalle-generations")
SQLITE = b"SQLite format 3\x00"
# Keys of which one set opens every conversation of a known format.
_SIGNATURES: dict[str, tuple[frozenset[str], ...]] = {
    "chatgpt": tuple(frozenset(("mapping", other)) for other in ("current_node", "create_time")),
    "claude": tuple(frozenset(("chat_messages", other)) for other in ("uuid", "name")),
    "open-webui": (
        frozenset(("chat.history.messages",)),
        frozenset(("chat.messages", "chat.title")),
        frozenset(("history.messages", "history.currentId")),
        frozenset(("chat.history", "user_id")),
    ),
}
Parse = Callable[[Any, datetime], ImportedConversation]
# How much of a file is looked at to tell its format: more than a very long first conversation.
_SIGNATURE_BYTES = 16 * 1024 * 1024
_SIGNATURE_EVENTS = 200_000
_SIGNATURE_ITEMS = 20
_BOM = b"\xef\xbb\xbf"
_DEPTH = 8
# ijson keeps the path of every level, so that its memory is the square of the depth.
_MOST_NESTED = 500
_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+("|\\?\Z)', re.DOTALL)
_BRACKETS = re.compile(rb"[\[{]++|[\]}]++")


@dataclass(frozen=True, slots=True)
class Member:
    """A file inside an export; its name is relative, with `/`."""

    name: str
    size: int
    open: Callable[[], BinaryIO]


@dataclass(slots=True)
class Export:
    """Something that may be an export. `database` is set for a SQLite file, which is read where it lies."""

    path: str
    modified_at: datetime
    members: tuple[Member, ...] = ()
    database: Path | None = None
    keys: dict[str, frozenset[str]] = field(default_factory=dict)
    """What `json_stream.keys_until` found, by the member's name: looked for once, asked by every format."""
    places: dict[str, str | None] = field(default_factory=dict)
    """Where in a member its conversations stand, by its name."""
    tables: tuple[Member, ...] = ()
    """Members that are no JSON: tables and pages."""

    def named(self, *names: str) -> list[Member]:
        """Return the members with one of these names, whatever folder of the export they are in."""
        return [member for member in self.members if posixpath.basename(member.name) in names]

    def under(self, folder: str) -> list[Member]:
        """Return the members that lie in a folder of this name and are called as exports call them."""
        inside = [member for member in self.members if posixpath.basename(posixpath.dirname(member.name)) == folder]
        return [member for member in inside if belongs(member.name)]


@contextmanager
def open_export(path: Path, limits: ReadLimits) -> Iterator[Export | None]:
    """Open what may be an export, or None if it can't be one. Raise `ReadError` if it can't be opened."""
    with ExitStack() as stack:
        with translate_failures():
            export = _open(path, limits, stack)
        yield export


def _open(path: Path, limits: ReadLimits, stack: ExitStack) -> Export | None:
    status = path.stat()
    modified_at = last_written(status)
    shown = display(path)
    if stat.S_ISDIR(status.st_mode):
        return Export(shown, modified_at, tuple(folder_members(path)))
    if not stat.S_ISREG(status.st_mode):
        return None
    if path.suffix.lower() == ".zip":
        file = SourceFile(shown, opener(path), status.st_size, ".zip", modified_at)
        archive = stack.enter_context(Archive(file))
        members = tuple(_zip_members(archive, limits))
        tables = tuple(item for item in members if item.name.lower().endswith(_TABLE_SUFFIXES))
        return Export(shown, modified_at, tuple(item for item in members if item not in tables), tables=tables)
    member = Member(path.name, status.st_size, opener(path))
    if path.suffix.lower() in _MEMBER_SUFFIXES:
        return Export(shown, modified_at, (member,))
    if path.suffix.lower() in _TABLE_SUFFIXES:
        return Export(shown, modified_at, tables=(member,))
    with path.open("rb") as stream:
        is_database = stream.read(len(SQLITE)) == SQLITE
    return Export(shown, modified_at, database=path) if is_database else None


def folder_members(folder: Path) -> Iterator[Member]:
    """Yield the files of a folder that are called as the parts of an export are."""
    for inside in (folder, *(folder / name for name in _SUBFOLDERS)):
        try:
            entries = sorted(os.scandir(inside), key=lambda entry: entry.name)
        except OSError:
            continue  # Most exports have no such folder; an unreadable one is reported by the import of its files.
        for entry in entries:
            path = Path(entry.path)
            name = path.relative_to(folder).as_posix()
            # Beside the conversations anything may lie; only what an export names so is looked at.
            if belongs(name) and name.endswith(_MEMBER_SUFFIXES) and entry.is_file(follow_symlinks=False):
                status = entry.stat(follow_symlinks=False)
                if not is_own(status):
                    yield Member(name, status.st_size, opener(path))


def _is_read(name: str) -> bool:
    base = posixpath.basename(name).lower()
    return base.endswith(_MEMBER_SUFFIXES) or (base.endswith(_TABLE_SUFFIXES) and base not in _PARTS)


def _zip_members(archive: Archive, limits: ReadLimits) -> Iterator[Member]:
    infos = [(name, info) for info in archive.members() if _is_read(name := member_name(info))]
    # The pictures of an export are often more than an archive of documents may hold, and are never looked at.
    check_archive([info for _, info in infos], limits)
    total = 0
    for name, info in infos:
        try:
            check_place(name, info)
            check_member(info, limits)
        except ReadError:
            continue  # A member that can't be trusted is no part of an export; its format names what is missing.
        total += info.file_size
        if total > limits.max_decompressed_bytes:
            return
        yield Member(name, info.file_size, archive.opener(info))


def belongs(name: str) -> bool:
    """Return whether a file of this relative name is part of an export of ChatGPT's or Claude's, as they name theirs.

    A person may have unpacked an export among files of their own, which are documents as ever.
    """
    *folders, base = name.split("/")
    return (
        base in _PARTS
        or _NUMBERED.fullmatch(base) is not None
        or (bool(folders) and folders[-1] in _SUBFOLDERS and _UUID_FILE.fullmatch(base) is not None)
        or any(_MEDIA_FOLDER.fullmatch(folder) for folder in folders)
    )


def sort_numbered(members: Sequence[Member], stem: str) -> list[Member]:
    """Return `stem.json` and the parts `stem-000.json`, `stem-001.json` … of an export, in their order."""
    found = []
    for member in members:
        name = posixpath.basename(member.name).removesuffix(".json")
        rest = name.removeprefix(stem)
        if member.name.endswith(".json") and name.startswith(stem) and (not rest or rest[1:].isdecimal()):
            found.append((int(rest[1:]) if rest else -1, member))
    return [member for _, member in sorted(found, key=lambda pair: (pair[0], pair[1].name))]


def conversation_members(export: Export) -> list[Member]:
    """Return the members that may hold conversations: those of the name that exports use, or the file named."""
    if len(export.members) == 1:
        return list(export.members)
    return sort_numbered(export.members, "conversations")


def format_key(export: Export) -> str | None:
    """Return the key of the JSON format that an export is of, by the first of its files that tells."""
    for member in conversation_members(export):
        keys = export.keys.get(member.name)
        if keys is None:
            keys = export.keys[member.name] = keys_until(member.open, lambda found: _known_key(found) is not None)
        if key := _known_key(keys):
            return key
    return None


def _known_key(keys: frozenset[str]) -> str | None:
    return next((key for key, sets in _SIGNATURES.items() if any(item <= keys for item in sets)), None)


def conversations(
    export: Export, members: Sequence[Member], limits: ReadLimits, parse: Parse, place: str | None = None
) -> Iterator[ImportedConversation | Torn]:
    """Yield each conversation of the members, or why it can't be imported; `place` is where they stand in a file."""
    number = 0
    for member in members:
        try:
            for value in items(member.open, limits, place):
                number += 1
                try:
                    conversation = parse(value, export.modified_at)
                    if sum(len(message.text) for message in conversation.messages) > limits.max_text_chars:
                        raise torn(f"it holds more than {limits.max_text_chars:,} characters of text")
                    yield conversation
                except ReadError as error:
                    yield Torn(number, title_of(value), error.message, error.hint)
        except ReadError as error:
            yield Torn(number + 1, "", f"{member.name}: {error.message}", error.hint)


def title_of(value: object) -> str:
    """Return the title of a conversation that can't be read, if it has one."""
    outer = mapping(value)
    return " ".join((text(outer.get("title")) or text(outer.get("name"))).split())[:80]


@dataclass(frozen=True, slots=True)
class JsonFormat:
    """The exports of one assistant, known by the keys of their conversations, of which `parse` reads each."""

    key: str
    name: str
    parse: Parse

    def recognises(self, export: Export) -> bool:
        return format_key(export) == self.key

    def read(self, export: Export, limits: ReadLimits) -> Iterator[Imported]:
        yield from conversations(export, conversation_members(export), limits, self.parse)


class _Nesting:
    """Follows how deep JSON is nested, in pieces of any size and in time that grows with their length alone."""

    def __init__(self) -> None:
        self._depth = 0
        self._open_string = b""

    def follow(self, data: bytes) -> None:
        """Take the next bytes. Raise `ReadError` if they go too deep."""
        # A string becomes its closing mark; one that goes on in the next piece becomes nothing, or its last backslash.
        rest, strings = _STRING.subn(rb"\1", self._open_string + data)
        self._open_string = b""
        if strings > rest.count(b'"'):
            self._open_string = b'"\\' if rest.endswith(b"\\") else b'"'
        opened = rest.count(b"[") + rest.count(b"{")
        if self._depth + opened <= _MOST_NESTED:
            self._depth += opened - rest.count(b"]") - rest.count(b"}")
            return
        for run in _BRACKETS.findall(rest):
            self._depth += len(run) if run[:1] in (b"[", b"{") else -len(run)
            if self._depth > _MOST_NESTED:
                raise ReadError("nested too deeply to be a document", "Get a fresh copy of the export.")


class _Metered:
    """A stream that knows how much was read since the last item, and refuses to go on far beyond it, or too deep."""

    def __init__(self, stream: BinaryIO, most: int) -> None:
        self._stream = stream
        self._most = most
        self._nesting = _Nesting()
        self.since = 0
        self._held = stream.read(3).removeprefix(_BOM)
        self.torn = 0
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def peek(self) -> bytes:
        """Return the first byte that is no white space; the stream stays where it is."""
        while not self._held.strip() and (more := self._stream.read(4096)):
            self._held += more
        return self._held.strip()[:1]

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes. Raise `ReadError` if one item is too large to be held."""
        if size == 0:
            return b""
        data, self._held = (self._held, b"") if self._held else (self._stream.read(size), b"")
        if not data.isascii() or self._decoder.getstate()[0]:
            # A torn character is one sign of damage, not the end of the export.
            text = self._decoder.decode(data, final=not data)
            self.torn += max(0, text.count("\ufffd") - data.count(b"\xef\xbf\xbd"))
            data = text.encode("utf-8") or (b"" if not data else self.read(size))
        self.since += len(data)
        if self.since > self._most:
            raise ReadError(
                f"an item of more than {self._most / 1024**2:,.0f} MB", "Raise max_markup_mb in the settings."
            )
        self._nesting.follow(data)
        return data


EACH_LINE: Final = "\0line"
ALL_LINES: Final = "\0lines"


def items(opened: Callable[[], BinaryIO], limits: ReadLimits, place: str | None = None) -> Iterator[Any]:
    """Yield the items of an array, or the object that a file is. Raise `ReadError` where the JSON is malformed.

    `place` is a path of ijson's for what stands elsewhere, or says that each line is a value, or one of a list.
    """
    import ijson

    if place in (EACH_LINE, ALL_LINES):
        yield from _read_lines(opened, limits, whole=place == ALL_LINES)
        return
    with translate_failures(), opened() as stream:
        metered = _Metered(stream, limits.max_markup_bytes)
        if place is None:
            place = "item" if metered.peek() == b"[" else ""
        try:
            for item in ijson.items(metered, place, use_float=True):
                yield item
                metered.since = 0
            if metered.torn:  # All was read; that some of it is damaged is still to be said.
                raise ReadError(f"damaged characters, shown as �: {metered.torn:,}", "Compare it with the original.")
        except (ijson.JSONError, ValueError, OverflowError) as error:
            reason = "the file ends in the middle" if isinstance(error, ijson.IncompleteJSONError) else "malformed JSON"
            raise ReadError(f"{reason}; what follows can't be read", "Get a fresh copy of the export.") from error


def _read_lines(opened: Callable[[], BinaryIO], limits: ReadLimits, *, whole: bool) -> Iterator[Any]:
    """Yield the value of each line, or all of them as a list."""
    values: list[Any] = []
    held = 0
    with translate_failures(), opened() as stream:
        while line := stream.readline(limits.max_markup_bytes + 1):
            held = held + len(line) if whole else len(line)
            if held > limits.max_markup_bytes:
                most = limits.max_markup_bytes / 1024**2
                raise ReadError(f"an item of more than {most:,.0f} MB", "Raise max_markup_mb in the settings.")
            if not line.strip():
                continue
            nesting = _Nesting()
            nesting.follow(line)
            try:
                value = json.loads(line, strict=False)
            except ValueError as error:
                raise ReadError("malformed JSON; what follows can't be read", "Get a fresh copy.") from error
            if whole:
                values.append(value)
            else:
                yield value
    if values:
        yield values


def keys_until(opened: Callable[[], BinaryIO], decided: Callable[[frozenset[str]], bool]) -> frozenset[str]:
    """Return the paths of keys, such as `chat.history`, near the beginning of a file, as far as is needed to decide.

    An object and an array of objects have the same paths. Malformed JSON has those that come before the damage.
    """
    import ijson

    found: set[str] = set()
    ended = 0
    with translate_failures(), opened() as stream:
        metered = _Metered(stream, _SIGNATURE_BYTES)
        if metered.peek() not in (b"[", b"{"):
            return frozenset()
        listed = metered.peek() == b"["
        try:
            for count, (prefix, event, value) in enumerate(ijson.parse(metered, use_float=True)):
                if count > _SIGNATURE_EVENTS:
                    break
                if listed and prefix == "item" and event == "end_map":
                    ended += 1
                    if ended >= _SIGNATURE_ITEMS:
                        break
                if event != "map_key" or (listed and not prefix.startswith("item")):
                    continue
                path = f"{prefix}.{value}".removeprefix("item.") if listed else f"{prefix}.{value}".removeprefix(".")
                if path.count(".") < _DEPTH and path not in found:
                    found.add(path)
                    if decided(frozenset(found)):
                        break
        except (ijson.JSONError, ReadError, ValueError, OverflowError):
            pass  # What was seen so far decides; whoever reads the file reports the damage.
    return frozenset(found)
