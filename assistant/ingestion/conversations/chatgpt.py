"""Reads the exports of ChatGPT: each conversation a tree of nodes, with canvases, research reports and citations."""

from __future__ import annotations

import json
import re
from collections import Counter
from datetime import datetime
from typing import Any, Final

from assistant.ingestion.conversations.base import ImportedConversation, Node, Said, Skipped, Thread, torn
from assistant.ingestion.conversations.exports import JsonFormat
from assistant.ingestion.conversations.values import digest, key, mapping, moment, one_line, sequence, text
from memory_store.models import USER, Author, AuthorKind, Role

_TEXT = ("text", "multimodal_text")
_SKIPPED_CONTENT = {
    "thoughts": Skipped.THINKING,
    "reasoning_recap": Skipped.THINKING,
    "user_editable_context": Skipped.PROFILE,
    "model_editable_context": Skipped.PROFILE,
}
# Marks around citations and names, from the private use area, that the web page draws as links: what kind of thing it
# is, and then its parts.
_MARK: Final = re.compile("\ue200([a-z_]{1,40})\ue202?([^\ue200\ue201]{0,4000})\ue201")
_REST: Final = re.compile("\ue200[^\ue200\ue201]{0,4000}\ue201|[\ue200-\ue20f]")
_OLDER: Final = re.compile("【[^【】]{1,80}†[^【】]{0,200}】")
_CANVAS: Final = "canmore."
_PYTHON: Final = frozenset(("python", "python_user_visible", "container.exec"))


def _conversation(value: Any, otherwise: datetime) -> ImportedConversation:
    outer = mapping(value)
    nodes_by_key = outer.get("mapping")
    if not isinstance(nodes_by_key, dict):
        raise torn("it has no messages")
    started = moment(outer.get("create_time")) or moment(outer.get("update_time")) or otherwise
    thread = Thread()
    model = one_line(outer.get("default_model_slug"), "ChatGPT")
    thread.nodes += [_node(name, mapping(item), model, thread.skipped) for name, item in nodes_by_key.items()]
    messages = thread.messages(started, otherwise)
    identity = key(outer.get("conversation_id")) or key(outer.get("id")) or digest(*(node.key for node in thread.nodes))
    return thread.conversation(
        f"chatgpt:{identity}",
        outer.get("title"),
        messages,
        created_at=started,
        updated_at=moment(outer.get("update_time")),
        current=key(outer.get("current_node")),
    )


CHATGPT: Final = JsonFormat("chatgpt", "ChatGPT", _conversation)
"""The export of ChatGPT's data controls, as a zip, a folder or one of its files."""


def _node(name: str, node: dict[str, Any], model: str, skipped: Counter[Skipped]) -> Node:
    message = node.get("message")
    said: Said | None = None
    if isinstance(message, dict):
        found = _read_message(message, model)
        if isinstance(found, Skipped):
            skipped[found] += 1
        else:
            said = found
    return Node(name, key(node.get("parent")), said)


def _read_message(message: dict[str, Any], model: str) -> Said | Skipped:
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
    if role == "tool" and (found := find_report(message)) and found[0]:
        return Said(Role.ASSISTANT, replace_marks(*found), writer, when)
    if role not in ("user", "assistant"):
        return Skipped.TOOL if role == "tool" else Skipped.SYSTEM
    if text(message.get("channel")) == "analysis" and text(message.get("recipient")) in ("", "all"):
        return Skipped.THINKING
    words = _words(kind, content, metadata)
    recipient = text(message.get("recipient"))
    if recipient not in ("", "all"):
        # What is addressed to a tool is a call of it, not an answer; what it makes is kept.
        kept = read_tool_call(recipient, text(content.get("text")) or words)
        return Said(Role.ASSISTANT, kept, writer, when) if kept else Skipped.TOOL
    if kind not in (*_TEXT, "code"):
        return Skipped.TOOL
    if role == "user":
        return Said(Role.USER, words, USER, when) if words else Skipped.EMPTY
    words = replace_marks(words, metadata)
    return Said(Role.ASSISTANT, words, writer, when) if words else Skipped.EMPTY


def _words(kind: str, content: dict[str, Any], metadata: dict[str, Any]) -> str:
    """Return what a message says: its parts that are text, and the names of what was attached to it."""
    # An image is a pointer into the export; a spoken message comes with its transcription.
    pieces = [text(part) or text(mapping(part).get("text")) for part in sequence(content.get("parts"))]
    if not any(pieces) and text(content.get("text")).strip():
        pieces = [text(content.get("text"))]
    words = "\n".join(piece for piece in pieces if piece.strip()).strip()
    if kind == "code" and words:
        words = f"```\n{words}\n```"
    names = [text(mapping(item).get("name")) for item in sequence(metadata.get("attachments"))]
    attached = ", ".join(name for name in names if name)
    return "\n\n".join(piece for piece in (words, f"Attached: {attached}" if attached else "") if piece)


def replace_marks(words: str, metadata: dict[str, Any]) -> str:
    """Return an answer with each mark replaced by what the page shows for it, cited addresses among that."""
    for entry in map(mapping, sequence(metadata.get("content_references"))):
        mark = text(entry.get("matched_text"))
        if mark.strip() and (mark[0] in "\ue200【" or "\ue200" in mark):
            words = words.replace(mark, _reference(entry))
    for entry in map(mapping, sequence(metadata.get("citations"))):
        cited = mapping(entry.get("metadata"))
        mark = text(mapping(cited.get("extra")).get("evidence_text")) or text(entry.get("citation_format_type"))
        if mark.startswith("【"):
            words = words.replace(mark, _link(cited))
    words = _MARK.sub(lambda match: _mark(match[1], match[2]), words)
    return _OLDER.sub("", _REST.sub("", words)).strip()


def _reference(entry: dict[str, Any]) -> str:
    if alt := text(entry.get("alt")).strip():
        return alt
    items = [link for item in map(mapping, sequence(entry.get("items"))) if (link := _link(item))]
    if items:
        return f"({', '.join(items)})"
    return _link(entry) or text(entry.get("name"))


def _link(entry: dict[str, Any]) -> str:
    title = " ".join((text(entry.get("title")) or text(entry.get("name"))).split())
    address = text(entry.get("url"))
    return f"[{title}]({address})" if title and address else address or title


def _mark(kind: str, body: str) -> str:
    parts = body.split("\ue202")
    if kind == "url" and len(parts) > 1:
        return f"{parts[0]} ({parts[1]})"
    if kind in ("entity", "genui") or body.startswith("["):
        try:
            values = json.loads(body)
        except ValueError:
            return ""
        return next((item for item in sequence(values)[1:] if isinstance(item, str)), "")
    return ""


def read_tool_call(recipient: str, words: str) -> str:
    """Return what a call of a tool holds that is the person's to keep: a canvas, or code; empty if nothing is."""
    if recipient.startswith(_CANVAS):
        return _canvas(words)
    return f"```\n{words}\n```" if recipient in _PYTHON and words.strip() else ""


def _canvas(words: str) -> str:
    try:
        call = mapping(json.loads(words, strict=False))
    except ValueError:
        return words  # Cut off while it was written.
    title = text(call.get("name"))
    pieces = [text(call.get("content"))]
    pieces += [text(mapping(item).get("replacement")) for item in sequence(call.get("updates"))]
    pieces += [text(mapping(item).get("comment")) for item in sequence(call.get("comments"))]
    body = "\n\n".join(piece for piece in pieces if piece.strip())
    if body and text(call.get("type")).startswith("code"):
        body = f"```{text(call.get('type')).partition('/')[2]}\n{body}\n```"
    return f"{title}\n\n{body}" if title and body else body


def find_report(message: dict[str, Any]) -> tuple[str, dict[str, Any]] | None:
    """Return the report of a research that a tool's message holds, with its metadata, or None."""
    metadata = mapping(message.get("metadata"))
    if metadata.get("is_async_task_result_message"):
        return _parts(message), metadata
    state = mapping(metadata.get("chatgpt_sdk")).get("widget_state")
    if isinstance(state, str) and "report_message" in state:
        try:
            inner = mapping(mapping(json.loads(state)).get("report_message"))
        except (ValueError, RecursionError):
            return None
        return _parts(inner), mapping(inner.get("metadata"))
    return None


def _parts(message: dict[str, Any]) -> str:
    parts = sequence(mapping(message.get("content")).get("parts"))
    return "\n".join(piece for piece in map(text, parts) if piece.strip())
