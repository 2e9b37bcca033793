"""Reads exports of Joplin (JEX): a tar of notes in Markdown, each with what it is under its text."""

from __future__ import annotations

import re
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from assistant.errors import ReadError
from assistant.ingestion.base import About, Block, BlockKind, ReadDocument, ReadLimits, SourceFile, file_in_memory
from assistant.ingestion.readers.dates import parse_date
from assistant.ingestion.readers.encodings import decode_declared
from assistant.ingestion.readers.markdown import markdown_blocks
from assistant.ingestion.readers.packages import check_markup_size
from assistant.ingestion.readers.paragraphs import Line
from assistant.ingestion.readers.recognition import hint_unless_read
from memory_store.models import Author, AuthorKind, Locator

_FIELD: Final = re.compile(r"([a-z_]+): ?(.*)")
_NOTE, _FOLDER, _RESOURCE, _TAG, _TAGGED = "1", "2", "4", "5", "6"
_PICTURE: Final = re.compile(r"!?\[([^\[\]]{0,300})\]\(:/[0-9a-f]{32}\)")
_NOT_READ: Final = ("image/", "audio/", "video/")
_DEEPEST: Final = 20


@dataclass(frozen=True, slots=True)
class _Item:
    """A note, notebook, file or tag: its title, its text, and its fields."""

    title: str
    body: str
    fields: dict[str, str]


class JoplinReader:
    """JEX: each note a part, under its notebook."""

    media_type = "application/x-joplin"
    suffixes = (".jex",)
    about = About(
        "Joplin",
        "notes as Markdown, what is attached to them",
        "`note 2: Boiler`, under its notebook",
        "each note has its own title, author and time",
    )

    def read(self, file: SourceFile, limits: ReadLimits) -> ReadDocument:
        return ReadDocument(file.stem, self.media_type, _notes(file, limits))


def _notes(file: SourceFile, limits: ReadLimits) -> Iterator[Block]:
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
            yield from _note(number, item, _notebooks(item, items), tags.get(key, []))
    _attach(items, files, file)


def _note(number: int, item: _Item, notebooks: tuple[str, ...], tags: list[str]) -> Iterator[Block]:
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
    pictures, hint = 0, "They stay in Joplin."
    for key, item in items.items():
        if item.fields.get("type_") != _RESOURCE or key not in files:
            continue
        kind, ending = item.fields.get("mime", ""), "." + item.fields.get("file_extension", "").lower()
        if kind.startswith(_NOT_READ):
            unread = hint_unless_read(files[key], ending)
            if unread is not None:
                pictures += 1
                hint = unread or hint
                continue
        name = item.title if "." in item.title else f"{item.title or key}{ending}".rstrip(".")
        name = name.replace("/", "_").replace("!", "_")[:150]
        file.attached.append(file_in_memory(f"{file.path}!/{key[:8]}/{name}", files[key], file.modified_at))
    if pictures:
        file.note("files", f"pictures or recordings that are not read: {pictures}", hint)
