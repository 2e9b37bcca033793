"""Reads the exports of note programs, Evernote (ENEX) and Joplin (JEX): each note with its own title and time."""

from __future__ import annotations

import base64
import binascii
import re
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any, Final

from assistant.errors import ReadError
from assistant.ingestion.base import Block, BlockKind, ReadDocument, Reader, ReadLimits, SourceFile, file_in_memory
from assistant.ingestion.readers.dates import parse_date
from assistant.ingestion.readers.encodings import decode_declared
from assistant.ingestion.readers.markdown import markdown_blocks
from assistant.ingestion.readers.markup import blocks, parse, walk
from assistant.ingestion.readers.packages import check_markup_size
from assistant.ingestion.readers.paragraphs import Line
from assistant.ingestion.readers.recognition import hint_unless_read
from memory_store.models import Author, AuthorKind, Locator

_ROOT: Final = b"<en-export"
_PROLOGUE: Final = re.compile(r"\s*(?:<\?xml[^>]*>\s*)?(?:<!DOCTYPE[^>]*>)?")
# How newer versions write an entry of a checklist.
_CHECKED: Final = re.compile(r"--en-checked:\s*(true|false)")
_HEAD_BYTES: Final = 4096
_NOT_READ: Final = ("image/", "audio/", "video/")
_FIELD: Final = re.compile(r"([a-z_]+): ?(.*)")
_NOTE, _FOLDER, _RESOURCE, _TAG, _TAGGED = "1", "2", "4", "5", "6"
_PICTURE: Final = re.compile(r"!?\[([^\[\]]{0,300})\]\(:/[0-9a-f]{32}\)")
_DEEPEST: Final = 20


@dataclass(slots=True)
class _Unread:
    """Counts the pictures and recordings that are not read, and knows what would help."""

    hint: str
    count: int = 0

    def reads(self, data: bytes, suffix: str) -> bool:
        """Return whether a picture is read; else count it."""
        hint = hint_unless_read(data, suffix)
        self.count += hint is not None
        self.hint = hint or self.hint
        return hint is None

    def note(self, file: SourceFile, part: str) -> None:
        """Note what was counted, if anything was."""
        if self.count:
            file.note(part, f"pictures or recordings that are not read: {self.count}", self.hint)


def read_enex(file: SourceFile, limits: ReadLimits) -> ReadDocument:
    """ENEX, of Evernote and of what can be exported like it."""
    with file.open() as stream:
        if _ROOT not in stream.read(_HEAD_BYTES):
            raise ReadError("not an export of Evernote: it does not begin as one", "Export the notes again.")
    return ReadDocument(_notes(file, limits))


ENEX = Reader("application/enex+xml", (".enex",), read_enex)


def _notes(file: SourceFile, limits: ReadLimits) -> Iterator[Block]:
    from lxml import etree

    number = 0
    with file.open() as stream:
        # No entity is resolved and no DTD loaded, so that a large file is no more than that.
        events = etree.iterparse(
            stream,
            tag=("{*}note", "note"),
            resolve_entities=False,
            load_dtd=False,
            no_network=True,
            huge_tree=True,
            recover=True,
        )
        for _, note in events:
            number += 1
            yield from _note(note, number, file, limits)
            note.clear()
        if len(events.error_log):
            reason = f"torn or damaged export: {events.error_log[0].message}"[:200]
            part = f"line {events.error_log[0].line:,}"
            file.note(part, reason, "Compare the notes, or export them again.")


def _note(note: Any, number: int, file: SourceFile, limits: ReadLimits) -> Iterator[Block]:
    title = " ".join((note.findtext("title") or "").split())
    part = f"note {number}" + (f": {title}" if title else "")
    writer = note.findtext("note-attributes/author")
    author = Author(AuthorKind.DOCUMENT, writer) if writer else None
    created = _moment(note.findtext("created")) or _moment(note.findtext("updated"))
    tags = ", ".join(tag.text for tag in note.findall("tag") if tag.text)
    source = note.findtext("note-attributes/source-url")
    about = [title, f"Tags: {tags}" if tags else "", f"Source: {source}" if source else ""]
    pieces = [Block(line, Locator(), BlockKind.PARAGRAPH) for line in about if line]
    content = _content(note.find("content"))
    check_markup_size(len(content), limits)
    page = parse(_PROLOGUE.sub("", content, count=1))
    for box in page.find_all("en-todo"):
        box.insert_before("[x] " if box.get("checked") == "true" else "[ ] ")
    for entry in page.find_all("li", style=_CHECKED):
        is_checked = "true" in _CHECKED.findall(str(entry.get("style")))
        (entry.find("div") or entry).insert(0, "[x] " if is_checked else "[ ] ")
    for secret in page.find_all("en-crypt"):
        file.note(part, "encrypted: a passage of the note", "Decrypt it in Evernote and export again.")
        secret.extract()
    pieces += blocks(walk(page))
    pieces += [Block(line, Locator(), BlockKind.LIST) for task in note.findall("task") if (line := _task(task))]
    unread = _Unread("They stay in Evernote.")
    others = len(file.attached)
    for index, resource in enumerate(note.findall("resource"), start=1):
        kept = _resource(resource, index, part, file, created or file.modified_at, unread)
        if kept is not None:
            if any(item.path == kept.path for item in file.attached[others:]):
                kept = replace(kept, path=f"{kept.path.removesuffix(kept.suffix)} ({index}){kept.suffix}")
            file.attached.append(kept)
            pieces.append(Block(f"Attachment: {kept.path.rpartition('/')[2]}", Locator(), BlockKind.PARAGRAPH))
    unread.note(file, part)
    for piece in pieces:
        place = replace(piece.locator, part=part)
        yield Block(piece.text, place, piece.kind, author, created)


def _task(task: Any) -> str:
    """Return a task that stands beside the text of its note: whether it is done, what it is, and when it is due."""
    title, due = (" ".join((task.findtext(name) or "").split()) for name in ("title", "dueDate"))
    day = _moment(due)
    mark = "[x]" if task.findtext("taskStatus") == "completed" else "[ ]"
    return f"{mark} {title}" + (f", {day:%Y-%m-%d}" if day is not None else "") if title else ""


def _content(element: Any) -> str:
    """Return the markup of a note: text, as it is packed, or elements where some program did not pack it."""
    from lxml import etree

    if element is None:
        return ""
    if not len(element):
        return element.text or ""
    return str(etree.tostring(element, encoding="unicode"))


def _resource(
    resource: Any, index: int, part: str, file: SourceFile, created: datetime, unread: _Unread
) -> SourceFile | None:
    """Return what is attached as a file; None for what is damaged, a picture or a recording."""
    name = " ".join((resource.findtext("resource-attributes/file-name") or "").replace("/", "_").split())[:150]
    kind = (resource.findtext("mime") or "").lower()
    is_medium = kind.startswith(_NOT_READ)
    if not name and not is_medium:
        unread.count += 1
        return None
    try:
        data = base64.b64decode(resource.findtext("data") or "")
    except (binascii.Error, ValueError):
        reason = "damaged: its packed content doesn't unpack"
        file.note(f"{part} › {name or kind}", reason, "Export the note again.")
        return None
    if is_medium:
        suffix = PurePosixPath(name).suffix.lower() or "." + kind.rpartition("/")[2]
        if not unread.reads(data, suffix):
            return None
        name = name or f"picture {index}{suffix}"
    place = f"{file.path}!/{part.partition(':')[0]}/"
    return file_in_memory(f"{place}{name.replace('!', '_')}", data, created)


def _moment(text: str | None) -> datetime | None:
    return parse_date((text or "").strip())


@dataclass(frozen=True, slots=True)
class _Item:
    """A note, notebook, file or tag: its title, its text, and its fields."""

    title: str
    body: str
    fields: dict[str, str]


def read_joplin(file: SourceFile, limits: ReadLimits) -> ReadDocument:
    """JEX: each note a part, under its notebook."""
    return ReadDocument(_joplin_notes(file, limits))


JOPLIN = Reader("application/x-joplin", (".jex",), read_joplin)


def _joplin_notes(file: SourceFile, limits: ReadLimits) -> Iterator[Block]:
    items: dict[str, _Item] = {}
    files: dict[str, bytes] = {}
    try:
        with file.open() as stream, tarfile.open(fileobj=stream, mode="r:") as archive:
            for count, member in enumerate(archive, start=1):
                if count > limits.max_members:
                    raise ReadError(f"it holds more than {limits.max_members:,} files", "Export fewer notebooks.")
                # A sparse member may claim any size; no other is larger than the archive.
                opened = archive.extractfile(member) if member.isreg() and member.size <= file.size else None
                if opened is None:
                    continue
                data, name = opened.read(), member.name.rpartition("/")[2]
                if name.endswith(".md"):
                    check_markup_size(len(data), limits)
                    item = _item(decode_declared(data, "utf-8"))
                    items[item.fields.get("id", name)] = item
                else:
                    files[name.partition(".")[0]] = data
    except tarfile.TarError as error:
        file.note("the end", f"torn or damaged archive: {error}"[:200], "Export the notes again.")
    tags = _tags(items)
    kept = [(key, item) for key, item in items.items() if item.fields.get("type_") == _NOTE]
    for number, (key, item) in enumerate(kept, start=1):
        if item.fields.get("deleted_time", "0") not in ("", "0"):
            file.note(f"note {number}: {item.title}", "in the bin of Joplin", "Restore it if it matters.")
        elif item.fields.get("encryption_applied") == "1":
            reason = "encrypted: it needs a password"
            file.note(f"note {number}", reason, "Export it from Joplin while it is decrypted.")
        else:
            yield from _joplin_note(number, item, _notebooks(item, items), tags.get(key, []))
    _attach(items, files, file)


def _joplin_note(number: int, item: _Item, notebooks: tuple[str, ...], tags: list[str]) -> Iterator[Block]:
    part = f"note {number}: {item.title}"
    writer = item.fields.get("author")
    author = Author(AuthorKind.DOCUMENT, writer) if writer else None
    created = parse_date(item.fields.get("user_created_time") or item.fields.get("created_time"))
    about = [item.title, f"Tags: {', '.join(tags)}" if tags else "", item.fields.get("source_url", "")]
    pieces = [Block(words, Locator(), BlockKind.PARAGRAPH) for words in about if words]
    body = _PICTURE.sub(r"\1", item.body)
    pieces += markdown_blocks(Line(number, line) for number, line in enumerate(body.splitlines(), start=1))
    for piece in pieces:
        # The lines of a note are not lines of the file, so they would lead nowhere.
        place = Locator(headings=(*notebooks, *piece.locator.headings), part=part)
        yield replace(piece, locator=place, author=author, created_at=created)


def _item(text: str) -> _Item:
    """Return an item; its fields are the last lines, up to a blank one."""
    lines = text.rstrip("\n").split("\n")
    at = len(lines)
    fields: dict[str, str] = {}
    while at and (match := _FIELD.fullmatch(lines[at - 1])):
        fields[match[1]] = match[2]
        at -= 1
    title = lines[0] if at else ""
    return _Item(" ".join(title.split()), "\n".join(lines[1:at]).strip("\n"), fields)


def _tags(items: dict[str, _Item]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for item in items.values():
        tag = items.get(item.fields.get("tag_id", ""))
        if item.fields.get("type_") == _TAGGED and tag is not None:
            found.setdefault(item.fields.get("note_id", ""), []).append(tag.title)
    return found


def _notebooks(item: _Item, items: dict[str, _Item]) -> tuple[str, ...]:
    names: list[str] = []
    at = items.get(item.fields.get("parent_id", ""))
    while at is not None and at.fields.get("type_") == _FOLDER and len(names) < _DEEPEST:
        names.append(at.title)
        at = items.get(at.fields.get("parent_id", ""))
    return tuple(reversed(names))


def _attach(items: dict[str, _Item], files: dict[str, bytes], file: SourceFile) -> None:
    unread = _Unread("They stay in Joplin.")
    for key, item in items.items():
        if item.fields.get("type_") != _RESOURCE or key not in files:
            continue
        kind, ending = item.fields.get("mime", ""), "." + item.fields.get("file_extension", "").lower()
        if kind.startswith(_NOT_READ) and not unread.reads(files[key], ending):
            continue
        name = item.title if "." in item.title else f"{item.title or key}{ending}".rstrip(".")
        name = name.replace("/", "_").replace("!", "_")[:150]
        file.attached.append(file_in_memory(f"{file.path}!/{key[:8]}/{name}", files[key], file.modified_at))
    unread.note(file, "files")
