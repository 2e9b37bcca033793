"""Reads the exports of ChatGPT: `conversations.json`, or its parts, with each conversation as a tree of nodes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from assistant.ingestion.base import ReadLimits
from assistant.ingestion.conversations.base import Imported, ImportedConversation, Skipped
from assistant.ingestion.conversations.chatgpt_content import made, report, shown
from assistant.ingestion.conversations.exports import Export
from assistant.ingestion.conversations.json_export import conversation_members, conversations, format_key, torn
from assistant.ingestion.conversations.threads import Node, Said, link, visible_end
from assistant.ingestion.conversations.values import digest, key, mapping, moment, one_line, sequence, text, title_from
from memory_store.models import USER, Author, AuthorKind, Role

_TEXT = ("text", "multimodal_text")
_SKIPPED_CONTENT = {
    "thoughts": Skipped.THINKING,
    "reasoning_recap": Skipped.THINKING,
    "user_editable_context": Skipped.PROFILE,
    "model_editable_context": Skipped.PROFILE,
}


class ChatGptFormat:
    """The export of ChatGPT's data controls, as a zip, a folder or one of its files."""

    key = "chatgpt"
    name = "ChatGPT"

    def recognises(self, export: Export) -> bool:
        """Return whether its conversations have a `mapping`."""
        return format_key(export) == self.key

    def read(self, export: Export, limits: ReadLimits) -> Iterator[Imported]:
        """Yield the conversations."""
        yield from conversations(export, conversation_members(export), limits, _conversation)


def _conversation(value: Any, otherwise: datetime) -> ImportedConversation:
    outer = mapping(value)
    nodes_by_key = outer.get("mapping")
    if not isinstance(nodes_by_key, dict):
        raise torn("it has no messages")
    started = moment(outer.get("create_time")) or moment(outer.get("update_time")) or otherwise
    skipped: Counter[Skipped] = Counter()
    model = one_line(outer.get("default_model_slug"), "ChatGPT")
    nodes = [_node(name, mapping(item), model, skipped) for name, item in nodes_by_key.items()]
    messages = link(nodes, started)
    if not messages:
        raise torn("it has no messages with text")
    identity = key(outer.get("conversation_id")) or key(outer.get("id")) or digest(*(node.key for node in nodes))
    current = visible_end(nodes, key(outer.get("current_node")), messages)
    title = title_from(outer.get("title"), messages[0].text)
    updated = moment(outer.get("update_time")) or max(message.created_at for message in messages)
    return ImportedConversation(f"chatgpt:{identity}", title, started, updated, messages, current, skipped)


def _node(name: str, node: dict[str, Any], model: str, skipped: Counter[Skipped]) -> Node:
    message = node.get("message")
    said: Said | None = None
    if isinstance(message, dict):
        found = _said(message, model)
        if isinstance(found, Skipped):
            skipped[found] += 1
        else:
            said = found
    return Node(name, key(node.get("parent")), said)


def _said(message: dict[str, Any], model: str) -> Said | Skipped:
    author, content, metadata = (mapping(message.get(name)) for name in ("author", "content", "metadata"))
    kind, role = text(content.get("content_type")) or "text", text(author.get("role"))
    if kind in _SKIPPED_CONTENT:
        return _SKIPPED_CONTENT[kind]
    if metadata.get("is_user_system_message"):
        return Skipped.PROFILE
    if metadata.get("is_visually_hidden_from_conversation"):
        return Skipped.HIDDEN
    when = moment(message.get("create_time"))
    writer = Author(AuthorKind.MODEL, one_line(metadata.get("model_slug"), model))
    if role == "tool" and (found := report(message)) and found[0]:
        return Said(Role.ASSISTANT, shown(*found), writer, when)
    if role not in ("user", "assistant"):
        return Skipped.TOOL if role == "tool" else Skipped.SYSTEM
    if text(message.get("channel")) == "analysis" and text(message.get("recipient")) in ("", "all"):
        return Skipped.THINKING
    words = _words(kind, content, metadata)
    recipient = text(message.get("recipient"))
    if recipient not in ("", "all"):
        # What is addressed to a tool is a call of it, not an answer; what it makes is kept.
        kept = made(recipient, text(content.get("text")) or words)
        return Said(Role.ASSISTANT, kept, writer, when) if kept else Skipped.TOOL
    if kind not in (*_TEXT, "code"):
        return Skipped.TOOL
    if role == "user":
        return Said(Role.USER, words, USER, when) if words else Skipped.EMPTY
    words = shown(words, metadata)
    return Said(Role.ASSISTANT, words, writer, when) if words else Skipped.EMPTY


def _words(kind: str, content: dict[str, Any], metadata: dict[str, Any]) -> str:
    """Return what a message says: its parts that are text, and the names of what was attached to it."""
    pieces = [_part(part) for part in sequence(content.get("parts"))]
    if not any(pieces) and text(content.get("text")).strip():
        pieces = [text(content.get("text"))]
    words = "\n".join(piece for piece in pieces if piece.strip()).strip()
    if kind == "code" and words:
        words = f"```\n{words}\n```"
    names = [text(mapping(item).get("name")) for item in sequence(metadata.get("attachments"))]
    attached = ", ".join(name for name in names if name)
    return "\n\n".join(piece for piece in (words, f"Attached: {attached}" if attached else "") if piece)


def _part(part: object) -> str:
    # An image is a pointer into the export; a spoken message comes with its transcription.
    return text(part) or text(mapping(part).get("text"))
