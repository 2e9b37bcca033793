"""A folder of Markdown notes with front matter and links, as Obsidian and its like read them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Final

from memory_store.clock import to_text
from memory_store.models import Author, Conversation, Document, Memory, Message, MessageStatus
from memory_store.transfer.markdown import close_code_block, file_name, heading_of, passages_of, safe_id
from memory_store.transfer.record import Record

_INDEX: Final = "Keepsake.md"
_TITLE_OF_A_MEMORY: Final = 60
_WHOLE_ID: Final = 64


@dataclass(frozen=True, slots=True)
class _Note:
    """Where a record has its note: the file without its suffix, and what a link to it says."""

    place: str
    title: str

    def link(self) -> str:
        title = self.title.translate(_NOT_IN_LINKS).strip() or self.place
        return f"[[{self.place}|{title}]]"


_NOT_IN_LINKS: Final = str.maketrans(dict.fromkeys("[]|#^`\n\r", " "))


def note_files(record: Record) -> Iterator[tuple[str, Iterator[str]]]:
    """Yield (file name, pieces of text): a note for each document, conversation and memory, and one with links to all.

    Every branch of a conversation is there; the messages outside of the one in view say so.
    """
    notes = _notes(record)
    homes = record.homes()
    yield _INDEX, _index(notes)
    for document in record.documents():
        yield f"{notes[document.id].place}.md", _document(record, document)
    for conversation in record.conversations():
        yield f"{notes[conversation.id].place}.md", _conversation(record, conversation, notes, homes)
    for memory in record.memories():
        yield f"{notes[memory.id].place}.md", _memory(memory, notes, homes)


def _notes(record: Record) -> dict[str, _Note]:
    """Return the note of each record by its id, no two in one file."""
    notes: dict[str, _Note] = {}
    taken: set[str] = set()
    for folder, title, identifier in chain(
        (("documents", document.title, document.id) for document in record.documents()),
        (("conversations", conversation.title, conversation.id) for conversation in record.conversations()),
        (("memories", memory.text[:_TITLE_OF_A_MEMORY], memory.id) for memory in record.memories()),
    ):
        name = file_name(title, identifier)
        if f"{folder}/{name}".casefold() in taken:  # many of one title: the end of the id may not tell them apart
            name = file_name(title, identifier, signs=_WHOLE_ID)
        taken.add(f"{folder}/{name}".casefold())
        notes[identifier] = _Note(f"{folder}/{name.removesuffix('.md')}", " ".join(title.split()))
    return notes


def _index(notes: Mapping[str, _Note]) -> Iterator[str]:
    yield "# Keepsake\n"
    folder = ""
    for note in notes.values():
        if not note.place.startswith(f"{folder}/"):
            folder = note.place.partition("/")[0]
            yield f"\n## {folder.capitalize()}\n\n"
        yield f"- {note.link()}\n"


def _front_matter(fields: Mapping[str, object]) -> str:
    """Return YAML of these fields; each value is written as JSON, which YAML takes and no text can break out of."""
    lines = [
        f"{name}: {json.dumps(value, ensure_ascii=False)}\n" for name, value in fields.items() if value is not None
    ]
    return "---\n" + "".join(lines) + "---\n\n"


def _author(author: Author) -> str:
    return author.name or author.kind.value


def _tags(kind: str, *, private: bool, pinned: bool = False) -> list[str]:
    marks = [name for name, is_so in (("private", private), ("pinned", pinned)) if is_so]
    return [f"keepsake/{text}" for text in (kind, *marks)]


def _document(record: Record, document: Document) -> Iterator[str]:
    yield _front_matter(
        {
            "id": document.id,
            "aliases": [document.title],
            "source": document.path,
            "media_type": document.media_type,
            "author": _author(document.author),
            "created": to_text(document.created_at),
            "imported": to_text(document.imported_at),
            "tags": _tags("document", private=document.private),
        }
    )
    yield f"# {' '.join(document.title.split())}\n"
    yield from passages_of(record, document)


def _conversation(
    record: Record, conversation: Conversation, notes: Mapping[str, _Note], homes: Mapping[str, str]
) -> Iterator[str]:
    yield _front_matter(
        {
            "id": conversation.id,
            "aliases": [conversation.title],
            "created": to_text(conversation.created_at),
            "updated": to_text(conversation.updated_at),
            "origin": conversation.origin,
            "tags": _tags("conversation", private=conversation.private),
        }
    )
    yield f"# {' '.join(conversation.title.split())}\n"
    parents = {item.id: item.parent_id for item in record.messages(conversation.id)}
    in_view = _in_view(parents, conversation.current_message_id)
    previous: str | None = None
    for message in record.messages(conversation.id):
        yield f"\n## {heading_of(message)}\n\n"
        if message.id not in in_view:
            yield "*On another branch.*\n\n"
        if message.parent_id and message.parent_id in parents and message.parent_id != previous:
            yield f"*In answer to [[#^{_block(message.parent_id)}|an earlier message]].*\n\n"
        if message.status is not MessageStatus.COMPLETE:
            yield f"*This answer is {message.status.value}.*\n\n"
        yield f"{close_code_block(message.text)}\n"
        yield from _sources(record, message, notes, homes)
        yield f"\n^{_block(message.id)}\n"
        previous = message.id


def _block(message_id: str) -> str:
    """Return the mark by which a message can be linked to."""
    return safe_id(message_id).replace("_", "-")


def _in_view(parents: dict[str, str | None], current: str | None) -> set[str]:
    """Return the messages from the first to the current one; without a current one, to the latest."""
    at = current if current in parents else next(reversed(parents), None)
    seen: set[str] = set()
    while at is not None and at not in seen:
        seen.add(at)
        at = parents.get(at)
    return seen


def _sources(record: Record, message: Message, notes: Mapping[str, _Note], homes: Mapping[str, str]) -> Iterator[str]:
    cited = [
        (citation, notes.get(homes.get(citation.owner_id, citation.owner_id)))
        for citation in record.citations(message.id)
    ]
    lines = [
        f"- \\[{source.number}\\] {note.link()}{f', {source.place}' if source.place else ''}\n"
        for source, note in cited
        if note
    ]
    if lines:
        yield "\nSources:\n\n"
        yield from lines


def _memory(memory: Memory, notes: Mapping[str, _Note], homes: Mapping[str, str]) -> Iterator[str]:
    newer = notes.get(memory.superseded_by or "")
    sources = [note for source in memory.sources if (note := notes.get(homes.get(source, source)))]
    yield _front_matter(
        {
            "id": memory.id,
            "kind": memory.kind.value,
            "author": _author(memory.author),
            "recorded": to_text(memory.recorded_at),
            "valid_from": to_text(memory.valid_from) if memory.valid_from else None,
            "valid_to": to_text(memory.valid_to) if memory.valid_to else None,
            "superseded_by": newer.link() if newer else None,
            "sources": [source.link() for source in dict.fromkeys(sources)] or None,
            "tags": _tags("memory", private=memory.private, pinned=memory.pinned),
        }
    )
    yield f"{close_code_block(memory.text)}\n"
    if newer:
        yield f"\nSuperseded by {newer.link()}.\n"
    for source in dict.fromkeys(sources):
        yield f"\nFrom {source.link()}.\n"
