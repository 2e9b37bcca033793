"""Reads the exports of Claude: its conversations, what it remembered, and the documents of its projects."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any, Final

from assistant.errors import ReadError
from assistant.ingestion.base import ReadLimits, file_in_memory
from assistant.ingestion.conversations.base import (
    Imported,
    ImportedConversation,
    ImportedDocument,
    ImportedMemory,
    Node,
    Said,
    Skipped,
    Thread,
    Torn,
    torn,
)
from assistant.ingestion.conversations.exports import Export, JsonFormat, Member, items
from assistant.ingestion.conversations.values import digest, key, mapping, moment, one_line, sequence, text, title_from
from memory_store.models import USER, Author, AuthorKind, Role

_CLAUDE = Author(AuthorKind.MODEL, "Claude")
# Where the calls of tools hold what they make; the commands are those of artifacts, not of a shell.
_BODIES = ("content", "file_text", "new_str", "replacement")
_COMMANDS = frozenset(("create", "update", "rewrite", "view", "str_replace", "insert", "undo_edit"))
_HEADING = re.compile(r"\*\*(.{1,80})\*\*|#{1,6} (.{1,80})")


class ClaudeFormat(JsonFormat):
    """The export of Claude's privacy settings, as a zip, a folder or one of its files."""

    def read(self, export: Export, limits: ReadLimits) -> Iterator[Imported]:
        """Yield the conversations, then the memories, then the documents of projects."""
        yield from super().read(export, limits)
        for member in (*export.named("memories.json"), *export.under("memories")):
            yield from _each(member, limits, _memories, export)
        for member in (*export.named("projects.json"), *export.under("projects")):
            yield from _each(member, limits, _documents, export)


def _conversation(value: Any, otherwise: datetime) -> ImportedConversation:
    outer = mapping(value)
    entries = outer.get("chat_messages")
    if not isinstance(entries, list):
        raise torn("it has no messages")
    started = moment(outer.get("created_at")) or moment(outer.get("updated_at")) or otherwise
    model = Author(AuthorKind.MODEL, one_line(outer.get("model"), "Claude"))
    thread = Thread()
    # Older exports name no parents: each message follows the one before.
    is_tree = any(key(mapping(entry).get("parent_message_uuid")) for entry in entries)
    for number, entry in enumerate(map(mapping, entries)):
        name, said = key(entry.get("uuid")) or f"{number}", _read_message(entry, model, thread.skipped)
        if is_tree:
            thread.nodes.append(Node(name, key(entry.get("parent_message_uuid")), said))
        else:
            thread.add(name, said)
    messages = thread.messages(started, otherwise)
    identity = key(outer.get("uuid")) or digest(*(node.key for node in thread.nodes))
    title = title_from(outer.get("name"), messages[0].text)
    project = one_line(mapping(outer.get("project")).get("name"))
    return thread.conversation(
        f"claude:{identity}",
        f"{project}: {title}" if project else title,
        messages,
        created_at=started,
        updated_at=moment(outer.get("updated_at")),
        current=key(outer.get("current_leaf_message_uuid")),
    )


def _read_message(entry: dict[str, Any], model: Author, skipped: Counter[Skipped]) -> Said | None:
    sender = text(entry.get("sender"))
    pieces: list[str] = []
    for part in map(mapping, sequence(entry.get("content"))):
        kind = text(part.get("type"))
        if kind in ("text", "voice_note"):  # What was spoken comes with its words.
            pieces.append(_append_citations(text(part.get("text")).strip(), part))
        elif kind == "tool_use" and (made := _read_tool_call(mapping(part.get("input")))):
            pieces.append(made)
        else:
            skipped[Skipped.THINKING if "thinking" in kind else Skipped.TOOL] += 1
    if not sequence(entry.get("content")):
        pieces.append(text(entry.get("text")).strip())
    names = []
    for item in map(mapping, sequence(entry.get("attachments"))):
        name, pasted = text(item.get("file_name")), text(item.get("extracted_content")).strip()
        if pasted:  # A long paste becomes an attachment without a name.
            pieces.append(f"{name}:\n{pasted}" if name else pasted)
        elif name:
            names.append(name)
    names += [name for item in sequence(entry.get("files")) if (name := text(mapping(item).get("file_name")))]
    if names:
        pieces.append("Attached: " + ", ".join(names))
    words = "\n\n".join(piece for piece in pieces if piece)
    if not words:
        skipped[Skipped.EMPTY] += 1
        return None
    is_user = sender in ("human", "user")
    author = USER if is_user else model
    return Said(Role.USER if is_user else Role.ASSISTANT, words, author, moment(entry.get("created_at")))


def _append_citations(words: str, part: dict[str, Any]) -> str:
    """Return words with the addresses that they cite behind them."""
    sources = []
    for entry in map(mapping, sequence(part.get("citations"))):
        details = mapping(entry.get("details"))
        address = text(entry.get("url")) or text(details.get("url"))
        title = one_line(entry.get("title"), details.get("title"))
        if address and address not in words:
            sources.append(f"[{title}]({address})" if title else address)
    return "\n".join((words, *dict.fromkeys(sources))) if words else ""


def _read_tool_call(given: dict[str, Any]) -> str:
    """Return what a call of a tool makes: an artifact, a file, code that was run; empty if nothing."""
    title = one_line(given.get("title"), PurePosixPath(text(given.get("path"))).name)
    code = text(given.get("code")) or text(given.get("command"))
    if code and code not in _COMMANDS:
        return f"```\n{code}\n```"
    words = next((body for key in _BODIES if (body := text(given.get(key)).strip())), "")
    return f"{title}\n\n{words}" if title and words else words


def _each(
    member: Member, limits: ReadLimits, parse: Any, export: Export
) -> Iterator[ImportedMemory | ImportedDocument | Torn]:
    try:
        for value in items(member.open, limits):
            yield from parse(mapping(value), export)
    except ReadError as error:
        yield Torn(0, member.name, error.message, error.hint)


def _memories(outer: dict[str, Any], _: Export) -> Iterator[ImportedMemory]:
    texts = [text(outer.get("conversations_memory")), *map(text, mapping(outer.get("project_memories")).values())]
    for whole in texts:
        heading = ""
        for paragraph in re.split(r"\n\s*\n", whole):
            words = paragraph.strip()
            if match := _HEADING.fullmatch(words):
                heading = match[1] or match[2]
            elif words:
                words = f"{heading}: {words}" if heading else words
                yield ImportedMemory(f"claude:memory:{digest(words)}", words, _CLAUDE)


def _documents(outer: dict[str, Any], export: Export) -> Iterator[ImportedDocument]:
    project = key(outer.get("uuid")) or digest(text(outer.get("name")))
    created_at = moment(outer.get("created_at")) or export.modified_at
    if instructions := text(outer.get("prompt_template")).strip():
        name = f"{text(outer.get('name')) or 'Project'} (instructions).md"
        yield _document(f"claude:{project}/instructions", name, instructions, created_at)
    for number, doc in enumerate(map(mapping, sequence(outer.get("docs")))):
        name = text(doc.get("filename")) or f"document {number + 1}.md"
        content = text(doc.get("content"))
        if content.strip():
            place = f"claude:{project}/{key(doc.get('uuid')) or number}"
            yield _document(place, name, content, moment(doc.get("created_at")) or created_at)


def _document(place: str, name: str, content: str, created_at: datetime) -> ImportedDocument:
    plain = " ".join(name.replace("/", "-").replace("\\", "-").split())[:150] or "document"
    suffix = PurePosixPath(plain).suffix.lower()
    # The export holds the text of a document, whatever the document was.
    read_as = suffix if suffix in (".md", ".csv", ".json", ".html", ".txt") else ".txt"
    return ImportedDocument(file_in_memory(f"{place}/{plain}", content.encode("utf-8"), created_at, read_as))


CLAUDE: Final = ClaudeFormat("claude", "Claude", _conversation)
