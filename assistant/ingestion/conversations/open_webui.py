"""Reads the chats that Open WebUI exports, one or all of them, in its newer and its older shape."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any, Final

from assistant.ingestion.conversations.base import ImportedConversation, Node, Said, Skipped, Thread, torn
from assistant.ingestion.conversations.exports import JsonFormat
from assistant.ingestion.conversations.values import digest, key, mapping, moment, one_line, sequence, text
from memory_store.models import Role

# What Open WebUI writes into an answer: the model's reasoning, and the calls of tools.
_DETAILS = re.compile(
    r'<details\s+type="(reasoning|tool_calls|code_interpreter)"[^<>]*>.*?(?:</details>|\Z)', re.DOTALL
)


def _conversation(value: Any, otherwise: datetime) -> ImportedConversation:
    record = mapping(value)
    chat = mapping(record.get("chat")) or record
    history = mapping(chat.get("history"))
    started = moment(record.get("created_at")) or moment(chat.get("timestamp")) or otherwise
    thread = Thread()
    entries = history.get("messages")
    if isinstance(entries, dict) and entries:
        for name, entry in entries.items():
            parent = key(mapping(entry).get("parentId"))
            thread.nodes.append(Node(name, parent, _read_message(mapping(entry), thread)))
    elif isinstance(chat.get("messages"), list):
        for number, entry in enumerate(map(mapping, chat["messages"])):
            thread.add(key(entry.get("id")) or str(number), _read_message(entry, thread))
    else:
        raise torn("it has no messages")
    messages = thread.messages(started, otherwise)
    identity = key(record.get("id")) or key(chat.get("id")) or digest(*(node.key for node in thread.nodes))
    return thread.conversation(
        f"open-webui:{identity}",
        record.get("title") or chat.get("title"),
        messages,
        created_at=started,
        updated_at=moment(record.get("updated_at")),
        current=key(history.get("currentId")),
    )


OPEN_WEBUI: Final = JsonFormat("open-webui", "Open WebUI", _conversation)


def _read_message(entry: dict[str, Any], thread: Thread) -> Said | None:
    role = text(entry.get("role"))
    if role not in ("user", "assistant"):
        thread.skipped[Skipped.TOOL if role == "tool" else Skipped.SYSTEM] += 1
        return None
    content = entry.get("content")
    pieces = [text(content)] if isinstance(content, str) else []
    pieces += [text(mapping(part).get("text")) for part in sequence(content)]
    words = "\n".join(piece for piece in pieces if piece.strip()).strip()
    if role == "assistant":
        for match in _DETAILS.finditer(words):
            thread.skipped[Skipped.THINKING if match[1] == "reasoning" else Skipped.TOOL] += 1
        words = _DETAILS.sub("", words).strip()
    files = [file for file in map(mapping, sequence(entry.get("files"))) if file.get("type") != "image"]
    if attached := ", ".join(name for file in files if (name := text(file.get("name")))):
        words = f"{words}\n\nAttached: {attached}"
    model = one_line(entry.get("modelName"), entry.get("model"), "Open WebUI")
    return thread.said(Role(role), words, model, moment(entry.get("timestamp")))
