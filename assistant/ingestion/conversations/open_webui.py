"""Reads the chats that Open WebUI exports, one or all of them, in its newer and its older shape."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from assistant.ingestion.base import ReadLimits
from assistant.ingestion.conversations.base import (
    Imported,
    ImportedConversation,
    Node,
    Said,
    Skipped,
    link,
    visible_end,
)
from assistant.ingestion.conversations.exports import Export, conversation_members, conversations, format_key, torn
from assistant.ingestion.conversations.values import (
    digest,
    key,
    mapping,
    moment,
    one_line,
    sequence,
    text,
    title_from,
    without_thinking,
)
from memory_store.models import USER, Author, AuthorKind, Role

# What Open WebUI writes into an answer: the model's reasoning, and the calls of tools.
_DETAILS = re.compile(
    r'<details\s+type="(reasoning|tool_calls|code_interpreter)"[^<>]*>.*?(?:</details>|\Z)', re.DOTALL
)


class OpenWebUiFormat:
    """A JSON file of chats: the chat itself, or wrapped in the record that holds it."""

    key = "open-webui"
    name = "Open WebUI"

    def recognises(self, export: Export) -> bool:
        """Return whether its chats have a `history` of messages."""
        return format_key(export) == self.key

    def read(self, export: Export, limits: ReadLimits) -> Iterator[Imported]:
        """Yield the chats."""
        yield from conversations(export, conversation_members(export), limits, _conversation)


def _conversation(value: Any, otherwise: datetime) -> ImportedConversation:
    record = mapping(value)
    chat = mapping(record.get("chat")) or record
    history = mapping(chat.get("history"))
    started = next(
        (found for item in (record.get("created_at"), chat.get("timestamp")) if (found := moment(item))), otherwise
    )
    skipped: Counter[Skipped] = Counter()
    entries = history.get("messages")
    if isinstance(entries, dict) and entries:
        nodes = [
            Node(name, key(mapping(entry).get("parentId")), _said(mapping(entry), skipped))
            for name, entry in entries.items()
        ]
    elif isinstance(chat.get("messages"), list):
        nodes = []
        for number, entry in enumerate(map(mapping, chat["messages"])):
            parent = nodes[-1].key if nodes else None
            nodes.append(Node(key(entry.get("id")) or str(number), parent, _said(entry, skipped)))
    else:
        raise torn("it has no messages")
    messages = link(nodes, started)
    if not messages:
        raise torn("it has no messages with text")
    identity = key(record.get("id")) or key(chat.get("id")) or digest(*(node.key for node in nodes))
    title = title_from(record.get("title") or chat.get("title"), messages[0].text)
    updated = moment(record.get("updated_at")) or max(message.created_at for message in messages)
    current = visible_end(nodes, key(history.get("currentId")), messages)
    return ImportedConversation(f"open-webui:{identity}", title, started, updated, messages, current, skipped)


def _said(entry: dict[str, Any], skipped: Counter[Skipped]) -> Said | None:
    role = text(entry.get("role"))
    if role not in ("user", "assistant"):
        skipped[Skipped.TOOL if role == "tool" else Skipped.SYSTEM] += 1
        return None
    content = entry.get("content")
    pieces = [text(content)] if isinstance(content, str) else []
    pieces += [text(mapping(part).get("text")) for part in sequence(content)]
    words = "\n".join(piece for piece in pieces if piece.strip()).strip()
    if role == "assistant":
        for match in _DETAILS.finditer(words):
            skipped[Skipped.THINKING if match[1] == "reasoning" else Skipped.TOOL] += 1
        words, thought = without_thinking(_DETAILS.sub("", words).strip())
        skipped.update([Skipped.THINKING] if thought else [])
    names = [
        text(mapping(item).get("name")) for item in sequence(entry.get("files")) if mapping(item).get("type") != "image"
    ]
    if attached := ", ".join(name for name in names if name):
        words = f"{words}\n\nAttached: {attached}".strip()
    if not words:
        skipped[Skipped.EMPTY] += 1
        return None
    if role == "user":
        return Said(Role.USER, words, USER, moment(entry.get("timestamp")))
    model = one_line(entry.get("modelName"), entry.get("model"), "Open WebUI")
    return Said(Role.ASSISTANT, words, Author(AuthorKind.MODEL, model), moment(entry.get("timestamp")))
