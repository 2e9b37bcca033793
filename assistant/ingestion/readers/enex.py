"""Reads notes of Evernote (ENEX): each with its title, time, author, and what is attached to it."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any, Final

from assistant.errors import ReadError
from assistant.ingestion.base import About, Block, BlockKind, ReadDocument, ReadLimits, SourceFile, file_in_memory
from assistant.ingestion.readers.dates import parse_date
from assistant.ingestion.readers.markup import blocks, parse, walk
from assistant.ingestion.readers.packages import check_markup_size
from assistant.ingestion.readers.recognition import hint_unless_read
from memory_store.models import Author, AuthorKind, Locator

_ROOT: Final = b"<en-export"
_PROLOGUE: Final = re.compile(r"\s*(?:<\?xml[^>]*>\s*)?(?:<!DOCTYPE[^>]*>)?")
# How newer versions write an entry of a checklist.
_CHECKED: Final = re.compile(r"--en-checked:\s*(true|false)")
_HEAD_BYTES: Final = 4096
_NOT_READ: Final = ("image/", "audio/", "video/")


class EnexReader:
    """ENEX, of Evernote and of what can be exported like it."""

    media_type = "application/enex+xml"
    suffixes = (".enex",)
    about = About(
        "Evernote",
        "notes as HTML, what is attached to them",
        "`note 2: Boiler`",
        "each note has its own title, author and time",
    )

    def read(self, file: SourceFile, limits: ReadLimits) -> ReadDocument:
        with file.open() as stream:
            if _ROOT not in stream.read(_HEAD_BYTES):
                raise ReadError("not an export of Evernote: it does not begin as one", "Export the notes again.")
        return ReadDocument(file.stem, self.media_type, _notes(file, limits))


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
    pictures, hint = 0, "They stay in Evernote."
    others = len(file.attached)
    for index, resource in enumerate(note.findall("resource"), start=1):
        kept = _resource(resource, index, part, file, created or file.modified_at)
        if isinstance(kept, str):
            pictures += 1
            hint = kept or hint
        elif kept is not None:
            if any(item.path == kept.path for item in file.attached[others:]):
                kept = replace(kept, path=f"{kept.path.removesuffix(kept.suffix)} ({index}){kept.suffix}")
            file.attached.append(kept)
            pieces.append(Block(f"Attachment: {kept.path.rpartition('/')[2]}", Locator(), BlockKind.PARAGRAPH))
    if pictures:
        file.note(part, f"pictures or recordings that are not read: {pictures}", hint)
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


def _resource(resource: Any, index: int, part: str, file: SourceFile, created: datetime) -> SourceFile | str | None:
    """Return what is attached as a file, or for a picture or a recording what would help; None if it is damaged."""
    name = " ".join((resource.findtext("resource-attributes/file-name") or "").replace("/", "_").split())[:150]
    kind = (resource.findtext("mime") or "").lower()
    is_medium = kind.startswith(_NOT_READ)
    if not name and not is_medium:
        return ""
    try:
        data = base64.b64decode(resource.findtext("data") or "")
    except (binascii.Error, ValueError):
        reason = "damaged: its packed content doesn't unpack"
        file.note(f"{part} › {name or kind}", reason, "Export the note again.")
        return None
    if is_medium:
        suffix = PurePosixPath(name).suffix.lower() or "." + kind.rpartition("/")[2]
        hint = hint_unless_read(data, suffix)
        if hint is not None:
            return hint
        name = name or f"picture {index}{suffix}"
    place = f"{file.path}!/{part.partition(':')[0]}/"
    return file_in_memory(f"{place}{name.replace('!', '_')}", data, created)


def _moment(text: str | None) -> datetime | None:
    return parse_date((text or "").strip())
