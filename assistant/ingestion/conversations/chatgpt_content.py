"""Reads what ChatGPT made beside its answers: canvases, research reports, code; and shows its marks as their words."""

from __future__ import annotations

import json
import re
from typing import Any, Final

from assistant.ingestion.conversations.values import mapping, sequence, text

# Marks around citations and names, from the private use area, that the web page draws as links: what kind of thing it
# is, and then its parts.
_MARK: Final = re.compile("\ue200([a-z_]{1,40})\ue202?([^\ue200\ue201]{0,4000})\ue201")
_REST: Final = re.compile("\ue200[^\ue200\ue201]{0,4000}\ue201|[\ue200-\ue20f]")
_OLDER: Final = re.compile("【[^【】]{1,80}†[^【】]{0,200}】")
_CANVAS: Final = "canmore."
_PYTHON: Final = frozenset(("python", "python_user_visible", "container.exec"))


def shown(words: str, metadata: dict[str, Any]) -> str:
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


def made(recipient: str, words: str) -> str:
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


def report(message: dict[str, Any]) -> tuple[str, dict[str, Any]] | None:
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
