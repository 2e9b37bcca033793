"""How requests and what was read travel between the reading process and the one that asked: lines of JSON."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from assistant.ingestion.base import Cutting, LeftOut, ReadDocument, ReadLimits, SourceFile, file_in_memory
from assistant.ingestion.conversations.base import (
    Imported,
    ImportedConversation,
    ImportedDocument,
    ImportedMemory,
    ImportedMessage,
    RecognisedExport,
    Skipped,
    Torn,
)
from memory_store.models import Author, AuthorKind, Locator, MemoryKind, PassageDraft, Role

# Everything that makes a value of another shape than was written fail.
MALFORMED = (KeyError, TypeError, ValueError, IndexError, AttributeError)


def file_request(file: SourceFile, limits: ReadLimits, cutting: Cutting) -> bytes:
    """Return the line that asks for a file's passages; its `size` bytes follow."""
    asked = {
        "path": file.path,
        "size": file.size,
        "suffix": file.suffix,
        "modified_at": file.modified_at.isoformat(),
        "cutting": asdict(cutting),
    }
    return line({"file": asked, "limits": asdict(limits)})


def export_request(kind: str, path: Path, limits: ReadLimits) -> bytes:
    """Return the line that asks what an export is (`recognise`) or what is in it (`export`)."""
    # A path may hold bytes that are no text; as such they survive the way through ASCII.
    return line({kind: str(path), "limits": asdict(limits)})


def line(value: Mapping[str, Any]) -> bytes:
    """Return a value as one line."""
    return json.dumps(value, separators=(",", ":")).encode("ascii") + b"\n"


def opening(document: ReadDocument) -> dict[str, Any]:
    """Return what a document is, without its passages."""
    return {"document": [document.title, document.media_type, document.author, _time(document.created_at)]}


def opening_of(value: Any) -> tuple[str, str, str | None, datetime | None]:
    """Return title, media type, author and time as `opening` wrote them."""
    title, media_type, author, created_at = value
    return str(title), str(media_type), _text(author), _moment(created_at)


def passages(drafts: Iterable[PassageDraft]) -> dict[str, Any]:
    """Return some passages of a document."""
    return {
        "passages": [
            [
                draft.text,
                [
                    draft.locator.page,
                    draft.locator.headings,
                    draft.locator.line_start,
                    draft.locator.line_end,
                    draft.locator.part,
                ],
                None if draft.author is None else _author(draft.author),
                _time(draft.created_at),
            ]
            for draft in drafts
        ]
    }


def passages_of(value: Any) -> list[PassageDraft]:
    """Return what `passages` wrote."""
    return [
        PassageDraft(str(text), _locator_of(place), None if author is None else _author_of(author), _moment(created_at))
        for text, place, author, created_at in value
    ]


def left_out(parts: Iterable[LeftOut]) -> dict[str, Any]:
    """Return what of a document can't be read."""
    return {"left_out": [[part.part, part.reason, part.hint] for part in parts]}


def left_out_of(value: Any) -> tuple[LeftOut, ...]:
    """Return what `left_out` wrote."""
    return tuple(LeftOut(str(part), str(reason), str(hint)) for part, reason, hint in value)


def attached(file: SourceFile) -> dict[str, Any]:
    """Return a file that came with a document."""
    with file.open() as stream:
        data = base64.b64encode(stream.read()).decode("ascii")
    return {"attached": [file.path, data, file.suffix, file.modified_at.isoformat()]}


def attached_of(value: Any) -> SourceFile:
    """Return what `attached` wrote."""
    path, data, suffix, modified_at = value
    raw = base64.b64decode(str(data), validate=True)
    return file_in_memory(str(path), raw, datetime.fromisoformat(modified_at), str(suffix))


def recognised(found: RecognisedExport | None) -> dict[str, Any]:
    """Return what an export is."""
    return {"recognised": None if found is None else [found.name, found.whole, sorted(found.members)]}


def recognised_of(value: Any) -> RecognisedExport | None:
    """Return what `recognised` wrote."""
    if value is None:
        return None
    name, whole, members = value
    return RecognisedExport(str(name), bool(whole), frozenset(str(member) for member in members))


def imported(item: Imported) -> dict[str, Any]:
    """Return one piece of an export."""
    match item:
        case ImportedConversation():
            messages = [
                [
                    message.origin,
                    message.parent_origin,
                    message.role,
                    message.text,
                    _author(message.author),
                    _time(message.created_at),
                ]
                for message in item.messages
            ]
            times = [_time(item.created_at), _time(item.updated_at)]
            skipped = {kind.value: count for kind, count in item.skipped.items()}
            return {"conversation": [item.origin, item.title, times, messages, item.current, skipped, item.private]}
        case ImportedMemory():
            return {"memory": [item.origin, item.text, _author(item.author), item.kind, item.private]}
        case ImportedDocument():
            file = item.file
            with file.open() as stream:
                text = stream.read().decode("utf-8")
            return {"inner": [file.path, text, file.suffix, _time(file.modified_at)]}
        case Torn():
            return {"torn": [item.number, item.title, item.reason, item.hint]}


def imported_of(value: Mapping[str, Any]) -> Imported:
    """Return what `imported` wrote."""
    ((kind, fields),) = value.items()
    match kind:
        case "conversation":
            origin, title, (created_at, updated_at), messages, current, skipped, private = fields
            return ImportedConversation(
                str(origin),
                str(title),
                datetime.fromisoformat(created_at),
                datetime.fromisoformat(updated_at),
                tuple(_message_of(message) for message in messages),
                _text(current),
                {Skipped(name): int(count) for name, count in skipped.items()},
                bool(private),
            )
        case "memory":
            origin, text, author, memory_kind, private = fields
            return ImportedMemory(str(origin), str(text), _author_of(author), MemoryKind(memory_kind), bool(private))
        case "inner":
            path, text, suffix, modified_at = fields
            moment = datetime.fromisoformat(modified_at)
            return ImportedDocument(file_in_memory(str(path), str(text).encode("utf-8"), moment, str(suffix)))
        case "torn":
            number, title, reason, hint = fields
            return Torn(int(number), str(title), str(reason), str(hint))
    raise ValueError(kind)


def _message_of(value: Any) -> ImportedMessage:
    origin, parent, role, text, author, created_at = value
    moment = datetime.fromisoformat(created_at)
    return ImportedMessage(str(origin), _text(parent), Role(role), str(text), _author_of(author), moment)


def _author(author: Author) -> list[Any]:
    return [author.kind, author.name]


def _author_of(value: Any) -> Author:
    kind, name = value
    return Author(AuthorKind(kind), _text(name))


def _locator_of(value: Any) -> Locator:
    page, headings, line_start, line_end, part = value
    return Locator(
        _number(page),
        tuple(str(heading) for heading in headings),
        _number(line_start),
        _number(line_end),
        _text(part),
    )


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _number(value: Any) -> int | None:
    return None if value is None else int(value)


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def _moment(value: Any) -> datetime | None:
    return None if value is None else datetime.fromisoformat(value)
